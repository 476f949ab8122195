/* Covers lib/aside: what loaders and writers may do, and what becomes of what they should not.
 *
 * By the system's clock where it waits: a simulation cannot tell threads apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "recsys/aside.h"

static recsys_store *store;
static recsys_aside *aside;
static recsys_error err;
static uint64_t clock_ms;
static unsigned n_loads;

static recsys_bytes text(const char *text)
{
    return (recsys_bytes){text, strlen(text)};
}

static uint64_t now(void *user_data)
{
    (void)user_data;
    return clock_ms;
}

static int set_up(void **state)
{
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;

    (void)state;
    clock_ms = 1000000;
    n_loads = 0;
    options.ttl_ms = 1000;
    options.wait_ms = 100;
    options.now_ms = now;
    return recsys_store_create_memory("s", NULL, &store, &err) == RECSYS_OK &&
                   recsys_aside_create(store, &options, &aside, &err) == RECSYS_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_aside_destroy(aside);
    recsys_store_unref(store);
    return 0;
}

/* Load `key`, and check what comes of it; value NULL: nothing. */
static void loads(const char *key, recsys_aside_loader loader, const void *user_data,
                  recsys_status want, const char *value)
{
    recsys_value got;

    recsys_status status = recsys_aside_get_or_load(
        aside, text(key), loader, (void *)(uintptr_t)user_data, 0, &got, NULL, &err);
    assert_int_equal(status, want);
    assert_true((status == RECSYS_OK) == (got.data != NULL));
    if (status != RECSYS_OK) {
        assert_int_equal(err.status, status);
        assert_true(err.message[0] != '\0');
        return;
    }
    assert_int_equal(got.size, strlen(value));
    assert_memory_equal(got.data, value, got.size);
    recsys_value_release(&got);
}

static recsys_status load_text(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    n_loads++;
    return recsys_aside_load_set(load, text(user_data), 0, 0, 0, why);
}

/* -- what a loader may ask for -- */

static recsys_status load_itself(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    assert_true(n_loads++ == 0);
    loads("a", load_itself, NULL, RECSYS_E_STATE, NULL);
    return load_text(load, user_data, why);
}

static void a_loader_that_asks_for_its_own_key_is_told_so(void **state)
{
    (void)state;
    loads("a", load_itself, "one", RECSYS_OK, "one");
    loads("a", load_text, "never", RECSYS_OK, "one");
}

static recsys_status invalidate_and_load_itself(recsys_aside_load *load, void *user_data,
                                                recsys_error *why)
{
    recsys_bytes key = text("a");

    assert_int_equal(recsys_aside_invalidate(aside, &key, 1, why), RECSYS_OK);
    return load_itself(load, user_data, why);
}

static void also_if_it_has_invalidated_the_key(void **state)
{
    (void)state;
    loads("a", invalidate_and_load_itself, "one", RECSYS_OK, "one");
}

static recsys_status load_through_b(recsys_aside_load *load, void *user_data, recsys_error *why);

static recsys_status load_through_a(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    n_loads++;
    loads("b", load_through_b, "bee", RECSYS_OK, "bee");
    return load_text(load, user_data, why);
}

static recsys_status load_through_b(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    n_loads++;
    loads("a", load_through_a, "never", RECSYS_E_STATE, NULL);
    return load_text(load, user_data, why);
}

static void other_keys_may_be_loaded_meanwhile_but_not_in_a_circle(void **state)
{
    (void)state;
    loads("a", load_through_a, "one", RECSYS_OK, "one");
    loads("b", load_text, "never", RECSYS_OK, "bee");
    assert_int_equal(n_loads, 4);
}

static recsys_status load_over_the_old(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    assert_true(n_loads++ == 1);
    loads("a", load_over_the_old, NULL, RECSYS_OK, "old");
    clock_ms += 10000; /* beyond all leases */
    loads("a", load_over_the_old, NULL, RECSYS_OK, "old");
    return load_text(load, user_data, why);
}

static void a_loader_that_refreshes_is_handed_what_there_is(void **state)
{
    (void)state;
    loads("a", load_text, "old", RECSYS_OK, "old");
    clock_ms += 1100; /* stale */
    loads("a", load_over_the_old, "new", RECSYS_OK, "new");
}

static recsys_status change_nothing(recsys_aside_changes *changes, void *user_data,
                                    recsys_error *why)
{
    (void)user_data;
    return recsys_aside_changes_set(changes, 0, text("written"), 1, why);
}

static recsys_status use_everything(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    recsys_bytes key = text("a"), other = text("c");
    recsys_value value;

    assert_int_equal(recsys_aside_get(aside, key, &value, NULL, why), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_aside_write(aside, &other, 1, change_nothing, NULL, why), RECSYS_OK);
    assert_int_equal(recsys_aside_set(aside, other, text("see"), 0, 0, why), RECSYS_OK);
    assert_int_equal(recsys_aside_invalidate(aside, &other, 1, why), RECSYS_OK);
    assert_int_equal(recsys_store_set(store, text("plain"), text("v"), 0, 0, why), RECSYS_OK);
    return load_text(load, user_data, why);
}

static void a_loader_may_use_the_cache_and_its_store(void **state)
{
    (void)state;
    loads("a", use_everything, "one", RECSYS_OK, "one");
    loads("a", load_text, "never", RECSYS_OK, "one");
}

/* -- what callbacks may not return -- */

static recsys_status return_number(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    static const recsys_error empty;

    (void)load;
    assert_memory_equal(why, &empty, sizeof empty);
    return *(const int32_t *)user_data;
}

static recsys_status write_number(recsys_aside_changes *changes, void *user_data, recsys_error *why)
{
    return return_number((recsys_aside_load *)changes, user_data, why);
}

static void what_is_no_status_does_not_travel_on(void **state)
{
    static const int32_t numbers[] = {1, 17, INT32_MAX, -4711, INT32_MIN};
    recsys_bytes key = text("a");

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", (int)numbers[i]);
        loads("a", return_number, &numbers[i], RECSYS_E_CALLBACK, NULL);
        assert_non_null(strstr(err.message, number));
        memset(&err, 0, sizeof err);
        assert_int_equal(
            recsys_aside_write(aside, &key, 1, write_number, (void *)(uintptr_t)&numbers[i], &err),
            RECSYS_E_CALLBACK);
        assert_int_equal(err.status, RECSYS_E_CALLBACK);
        assert_non_null(strstr(err.message, number));
    }
}

static void what_a_callback_leaves_empty_is_filled_in(void **state)
{
    static const int32_t backend = RECSYS_E_BACKEND;
    recsys_bytes key = text("a");

    (void)state;
    loads("a", return_number, &backend, RECSYS_E_BACKEND, NULL);
    assert_non_null(strstr(err.message, "loader"));
    assert_int_equal(
        recsys_aside_write(aside, &key, 1, write_number, (void *)(uintptr_t)&backend, &err),
        RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "writer"));
    /* Also if nobody wants to know. */
    assert_int_equal(
        recsys_aside_write(aside, &key, 1, write_number, (void *)(uintptr_t)&backend, NULL),
        RECSYS_E_BACKEND);
}

static void success_without_a_value_is_the_loaders_bug(void **state)
{
    static const int32_t ok = RECSYS_OK;

    (void)state;
    loads("a", return_number, &ok, RECSYS_E_INVALID, NULL);
    assert_non_null(strstr(err.message, "bug of the loader"));
}

static recsys_status load_and_chat(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    recsys_error_set(why, RECSYS_E_IO, "not so");
    return recsys_aside_load_set(load, text(user_data), 0, 0, 0, NULL);
}

static void success_leaves_the_error_record_alone(void **state)
{
    recsys_error before;
    recsys_bytes key = text("a");
    recsys_value value;

    (void)state;
    memset(&err, 0x5a, sizeof err);
    before = err;
    assert_int_equal(
        recsys_aside_get_or_load(aside, key, load_and_chat, "one", 0, &value, NULL, &err),
        RECSYS_OK);
    recsys_value_release(&value);
    assert_int_equal(recsys_aside_set(aside, key, text("two"), 0, 0, &err), RECSYS_OK);
    assert_int_equal(recsys_aside_get(aside, key, &value, NULL, &err), RECSYS_OK);
    recsys_value_release(&value);
    assert_int_equal(recsys_aside_write(aside, &key, 1, change_nothing, NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_aside_invalidate(aside, &key, 1, &err), RECSYS_OK);
    assert_int_equal(recsys_aside_invalidate_all(aside, &err), RECSYS_OK);
    assert_memory_equal(&err, &before, sizeof err);
}

/* -- time -- */

static recsys_status load_for_ever(recsys_aside_load *load, void *user_data, recsys_error *why)
{
    return recsys_aside_load_set(load, text(user_data), 0, RECSYS_NEVER, 0, why);
}

static void never_is_never(void **state)
{
    (void)state;
    loads("a", load_for_ever, "one", RECSYS_OK, "one");
    assert_int_equal(recsys_aside_set(aside, text("b"), text("two"), 0, RECSYS_NEVER, &err),
                     RECSYS_OK);
    clock_ms += (uint64_t)1 << 50;
    loads("a", load_text, "never", RECSYS_OK, "one");
    loads("b", load_text, "never", RECSYS_OK, "two");
    assert_int_equal(n_loads, 0);
}

static void a_cache_may_keep_for_ever(void **state)
{
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;

    (void)state;
    recsys_aside_destroy(aside);
    options.ttl_ms = options.negative_ttl_ms = options.wait_ms = RECSYS_NEVER_32;
    options.now_ms = now;
    assert_int_equal(recsys_aside_create(store, &options, &aside, &err), RECSYS_OK);
    loads("a", load_text, "one", RECSYS_OK, "one");
    clock_ms += (uint64_t)1 << 50;
    loads("a", load_text, "never", RECSYS_OK, "one");
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_loader_that_asks_for_its_own_key_is_told_so),
        T(also_if_it_has_invalidated_the_key),
        T(other_keys_may_be_loaded_meanwhile_but_not_in_a_circle),
        T(a_loader_that_refreshes_is_handed_what_there_is),
        T(a_loader_may_use_the_cache_and_its_store),
        T(what_is_no_status_does_not_travel_on),
        T(what_a_callback_leaves_empty_is_filled_in),
        T(success_without_a_value_is_the_loaders_bug),
        T(success_leaves_the_error_record_alone),
        T(never_is_never),
        T(a_cache_may_keep_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
