/* Covers lib/store but for the breaker and the in-process store: making a store over a driver, what
 * reaches the driver of a call, and what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recsys/store.h"
#include "tests/support/fake_driver.h"

#define NONE ((recsys_bytes){NULL, 0})

static recsys_error err;

static recsys_store_stats stats(void)
{
    recsys_store_stats found = {.struct_size = (uint32_t)sizeof found};

    assert_int_equal(recsys_store_get_stats(store, &found, &err), RECSYS_OK);
    return found;
}

/* -- making a store -- */

static void a_driver_must_be_complete_and_is_destroyed_if_it_is_not(void **state)
{
    recsys_store *made = (recsys_store *)&err;
    recsys_store_driver lacking;

    (void)state;
    fake_reset();
#define LACKS(function)                                                                            \
    lacking = fake_driver;                                                                         \
    lacking.function = NULL;                                                                       \
    assert_int_equal(recsys_store_create("s", &lacking, &fake, NULL, &made, &err),                 \
                     RECSYS_E_INVALID);                                                            \
    assert_null(made);                                                                             \
    assert_int_equal(fake.n_destroyed, 1);                                                         \
    fake.n_destroyed = 0
    LACKS(get);
    LACKS(set);
    LACKS(remove);
    LACKS(get_or_set);
    LACKS(replace);
    LACKS(scan);
    LACKS(ping);
    lacking = fake_driver;
    lacking.destroy = NULL;
    assert_int_equal(recsys_store_create("s", &lacking, &fake, NULL, &made, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_store_create("s", NULL, &fake, NULL, &made, &err), RECSYS_E_INVALID);
    assert_int_equal(fake.n_destroyed, 0);
}

static void a_newer_driver_is_taken_if_it_wants_nothing_new(void **state)
{
    struct {
        recsys_store_driver known;
        void (*unknown)(void *self);
    } newer = {fake_driver, NULL};
    recsys_store *made = NULL;

    (void)state;
    fake_reset();
    newer.known.struct_size = (uint32_t)sizeof newer;
    assert_int_equal(
        recsys_store_create("s", (recsys_store_driver *)&newer, &fake, NULL, &made, &err),
        RECSYS_OK);
    recsys_store_unref(made);
    assert_int_equal(fake.n_destroyed, 1);
    newer.unknown = fake_driver.destroy;
    assert_int_equal(
        recsys_store_create("s", (recsys_store_driver *)&newer, &fake, NULL, &made, &err),
        RECSYS_E_UNSUPPORTED);
    assert_null(made);
    assert_int_equal(fake.n_destroyed, 2);
}

/* The fake is destroyed once by a call that fails. */
static void fails_and_destroys(const char *name, const recsys_store_driver *driver,
                               const recsys_store_options *options, int with_out,
                               recsys_status want)
{
    recsys_store *made = (recsys_store *)&err;

    fake_reset();
    assert_int_equal(
        recsys_store_create(name, driver, &fake, options, with_out ? &made : NULL, &err), want);
    assert_int_equal(err.status, want);
    assert_int_equal(fake.n_destroyed, 1);
    if (with_out)
        assert_null(made);
}

static void self_is_the_stores_whatever_a_failure_is_for(void **state)
{
    static const uint32_t wrong_sizes[] = {0, 3, 8, offsetof(recsys_store_driver, ping), 1u << 20};
    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;
    recsys_store_driver driver = fake_driver;

    (void)state;
    for (size_t i = 0; i < sizeof wrong_sizes / sizeof *wrong_sizes; i++) {
        driver.struct_size = wrong_sizes[i];
        fails_and_destroys("s", &driver, NULL, 1, RECSYS_E_INVALID);
        fails_and_destroys(NULL, &driver, NULL, 0, RECSYS_E_INVALID);
    }
    options.struct_size = 8;
    fails_and_destroys("s", &fake_driver, &options, 1, RECSYS_E_INVALID);
    fails_and_destroys(NULL, &fake_driver, NULL, 1, RECSYS_E_INVALID);
    fails_and_destroys("", &fake_driver, NULL, 1, RECSYS_E_INVALID);
    fails_and_destroys("s", &fake_driver, NULL, 0, RECSYS_E_INVALID);
    options = (recsys_store_options)RECSYS_STORE_OPTIONS_INIT;
    options.flags = 0x80;
    fails_and_destroys("s", &fake_driver, &options, 1, RECSYS_E_UNSUPPORTED);
}

static void the_last_reference_ends_a_store(void **state)
{
    recsys_store *made = fake_store_create(0);

    (void)state;
    assert_ptr_equal(recsys_store_ref(made), made);
    recsys_store_unref(made);
    assert_int_equal(fake.n_destroyed, 0);
    assert_string_equal(recsys_store_get_name(made), "s");
    recsys_store_unref(made);
    assert_int_equal(fake.n_destroyed, 1);
    assert_null(recsys_store_ref(NULL));
    recsys_store_unref(NULL);
}

static void a_store_knows_its_name_and_gives_self_to_its_own_driver(void **state)
{
    (void)state;
    assert_string_equal(recsys_store_get_name(store), "s");
    assert_ptr_equal(recsys_store_get_self(store, fake_driver.destroy), &fake);
    assert_null(recsys_store_get_self(store, fake_release));
    assert_null(recsys_store_get_self(NULL, fake_driver.destroy));
}

static void a_value_is_given_back_once(void **state)
{
    recsys_value value = {"found", 5, &fake, fake_release};

    (void)state;
    fake.n_held = 1;
    recsys_value_release(&value);
    assert_null(value.data);
    assert_int_equal(value.size, 0);
    recsys_value_release(&value);
    recsys_value_release(NULL);
    assert_int_equal(fake.n_held, 0);
}

/* -- what reaches the driver -- */

static int32_t stop_at_once(recsys_bytes key, void *user_data)
{
    assert_memory_equal(key.data, "k", key.size);
    *(int *)user_data += 1;
    return 9;
}

static void every_call_reaches_the_driver_as_it_was_made(void **state)
{
    recsys_bytes keys[2] = {KEY, VALUE};
    recsys_value values[2];
    uint64_t incarnation = 0, n_removed = 0, cursor = 0;
    recsys_rate_decision decision;
    int n_seen = 0;

    (void)state;
    assert_int_equal(recsys_store_get(store, keys, 2, values, &incarnation, &err), RECSYS_OK);
    assert_string_equal(fake.function, "get");
    assert_int_equal(fake.n, 2);
    assert_ptr_equal(fake.key.data, keys[0].data);
    assert_int_equal(incarnation, 77);
    assert_non_null(values[0].data);
    assert_null(values[1].data);
    recsys_value_release(&values[0]);

    assert_int_equal(recsys_store_set(store, KEY, VALUE, 12, RECSYS_STORE_IF_ABSENT, &err),
                     RECSYS_OK);
    assert_string_equal(fake.function, "set");
    assert_int_equal(fake.ttl_ms, 12);
    assert_int_equal(fake.when, RECSYS_STORE_IF_ABSENT);
    assert_int_equal(fake.value.size, 5);

    assert_int_equal(recsys_store_remove(store, keys, 2, &n_removed, &err), RECSYS_OK);
    assert_string_equal(fake.function, "remove");
    assert_int_equal(n_removed, 1);

    assert_int_equal(recsys_store_get_or_set(store, KEY, VALUE, 13, values, &incarnation, &err),
                     RECSYS_OK);
    assert_string_equal(fake.function, "get_or_set");
    assert_int_equal(fake.ttl_ms, 13);
    assert_memory_equal(values[0].data, "found", 5);
    recsys_value_release(&values[0]);

    assert_int_equal(recsys_store_replace(store, KEY, VALUE, KEY, 14, &err), RECSYS_OK);
    assert_string_equal(fake.function, "replace");
    assert_int_equal(fake.prefix.size, 5);
    assert_int_equal(fake.value.size, 3);
    assert_int_equal(fake.ttl_ms, 14);

    assert_int_equal(recsys_store_scan(store, keys, 2, &cursor, stop_at_once, &n_seen, &err),
                     RECSYS_E_STOPPED);
    assert_string_equal(fake.function, "scan");
    assert_int_equal(cursor, 9);
    assert_int_equal(n_seen, 1);

    assert_int_equal(recsys_store_rate_limit(store, KEY, 1000, 10, 2, &decision, &err), RECSYS_OK);
    assert_string_equal(fake.function, "rate_limit");
    assert_int_equal(decision.allowed, 1);
    assert_int_equal(stats().calls, 7);
}

static void an_empty_value_has_an_address_and_no_value_has_none(void **state)
{
    (void)state;
    assert_int_equal(recsys_store_set(store, KEY, NONE, 0, 0, &err), RECSYS_OK);
    assert_non_null(fake.value.data);
    assert_int_equal(recsys_store_replace(store, KEY, NONE, NONE, 0, &err), RECSYS_OK);
    assert_non_null(fake.prefix.data);
    assert_null(fake.value.data);
}

/* The time to live that the driver is told of a value stored with `ttl_ms`. */
static uint64_t told(recsys_store *made, uint64_t ttl_ms)
{
    recsys_value present;
    uint64_t seen;

    assert_int_equal(recsys_store_set(made, KEY, VALUE, ttl_ms, 0, &err), RECSYS_OK);
    seen = fake.ttl_ms;
    assert_int_equal(recsys_store_get_or_set(made, KEY, VALUE, ttl_ms, &present, NULL, &err),
                     RECSYS_OK);
    recsys_value_release(&present);
    assert_int_equal(fake.ttl_ms, seen);
    assert_int_equal(recsys_store_replace(made, KEY, VALUE, VALUE, ttl_ms, &err), RECSYS_OK);
    assert_int_equal(fake.ttl_ms, seen);
    return seen;
}

static void a_time_to_live_of_0_is_the_stores_and_never_is_never(void **state)
{
    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;
    recsys_store *made = NULL;

    (void)state;
    assert_int_equal(told(store, 0), 300000);
    assert_int_equal(told(store, 1), 1);
    assert_true(told(store, RECSYS_NEVER) == RECSYS_NEVER);
    recsys_store_unref(store);
    store = NULL;
    options.ttl_ms = 70;
    assert_int_equal(recsys_store_create("s", &fake_driver, &fake, &options, &made, &err),
                     RECSYS_OK);
    assert_int_equal(told(made, 0), 70);
    assert_true(told(made, RECSYS_NEVER) == RECSYS_NEVER);
    recsys_store_unref(made);
    options.ttl_ms = RECSYS_NEVER_32;
    assert_int_equal(recsys_store_create("s", &fake_driver, &fake, &options, &made, &err),
                     RECSYS_OK);
    assert_true(told(made, 0) == RECSYS_NEVER);
    assert_int_equal(told(made, 5), 5);
    recsys_store_unref(made);
    fake.n_destroyed = 1; /* of three */
}

static void wrong_arguments_do_not_reach_the_driver(void **state)
{
    const recsys_bytes keys[2] = {KEY, {"", 0}}, lost = {NULL, 5};
    recsys_value value, values[2];
    uint64_t cursor = 0;
    recsys_rate_decision decision;
    int n_seen = 0;

    (void)state;
#define REFUSED(call) assert_int_equal((call), RECSYS_E_INVALID)
    REFUSED(recsys_store_get(NULL, keys, 1, &value, NULL, &err));
    REFUSED(recsys_store_get(store, NULL, 1, &value, NULL, &err));
    REFUSED(recsys_store_get(store, keys, 0, &value, NULL, &err));
    REFUSED(recsys_store_get(store, keys, 1, NULL, NULL, &err));
    REFUSED(recsys_store_get(store, keys, 2, values, NULL, &err)); /* the second is empty */
    REFUSED(recsys_store_set(NULL, KEY, VALUE, 0, 0, &err));
    REFUSED(recsys_store_set(store, NONE, VALUE, 0, 0, &err));
    REFUSED(recsys_store_set(store, KEY, lost, 0, 0, &err));
    REFUSED(recsys_store_set(store, KEY, VALUE, 0, 2, &err));
    REFUSED(recsys_store_remove(NULL, keys, 1, NULL, &err));
    REFUSED(recsys_store_remove(store, keys, 2, NULL, &err));
    REFUSED(recsys_store_get_or_set(NULL, KEY, VALUE, 0, &value, NULL, &err));
    REFUSED(recsys_store_get_or_set(store, KEY, VALUE, 0, NULL, NULL, &err));
    REFUSED(recsys_store_get_or_set(store, KEY, lost, 0, &value, NULL, &err));
    REFUSED(recsys_store_replace(NULL, KEY, VALUE, VALUE, 0, &err));
    REFUSED(recsys_store_replace(store, KEY, lost, VALUE, 0, &err));
    REFUSED(recsys_store_replace(store, KEY, VALUE, lost, 0, &err));
    REFUSED(recsys_store_scan(NULL, keys, 1, &cursor, stop_at_once, &n_seen, &err));
    REFUSED(recsys_store_scan(store, keys, 0, &cursor, stop_at_once, &n_seen, &err));
    REFUSED(recsys_store_scan(store, &lost, 1, &cursor, stop_at_once, &n_seen, &err));
    REFUSED(recsys_store_scan(store, keys, 1, NULL, stop_at_once, &n_seen, &err));
    REFUSED(recsys_store_scan(store, keys, 1, &cursor, NULL, NULL, &err));
    REFUSED(recsys_store_rate_limit(NULL, KEY, 1, 1, 1, &decision, &err));
    REFUSED(recsys_store_rate_limit(store, KEY, 0, 1, 1, &decision, &err));
    REFUSED(recsys_store_rate_limit(store, KEY, 1, 0, 1, &decision, &err));
    REFUSED(recsys_store_rate_limit(store, KEY, 1, 1, 1, NULL, &err));
    REFUSED(recsys_store_probe(NULL, &err));
    REFUSED(recsys_store_get_stats(store, NULL, &err));
    assert_int_equal(fake.n_calls, 0);
    assert_int_equal(stats().calls, 0);
}

static void a_driver_without_a_limiter_says_so(void **state)
{
    recsys_store_driver without = fake_driver;
    recsys_store *made = NULL;
    recsys_rate_decision decision;

    (void)state;
    fake_reset();
    without.rate_limit = NULL;
    assert_int_equal(recsys_store_create("s", &without, &fake, NULL, &made, &err), RECSYS_OK);
    assert_int_equal(recsys_store_rate_limit(made, KEY, 1000, 1, 1, &decision, &err),
                     RECSYS_E_UNSUPPORTED);
    recsys_store_unref(made);
}

static void a_failure_leaves_nothing_in_the_outputs(void **state)
{
    recsys_bytes key = KEY;
    recsys_value value;
    recsys_rate_decision decision;
    uint64_t incarnation = 5, n_removed = 5;

    (void)state;
    fake.answer = RECSYS_E_LIMIT;
    assert_int_equal(recsys_store_get(store, &key, 1, &value, &incarnation, &err), RECSYS_E_LIMIT);
    assert_null(value.data);
    assert_int_equal(incarnation, 0);
    assert_int_equal(recsys_store_get_or_set(store, KEY, VALUE, 0, &value, &incarnation, &err),
                     RECSYS_E_LIMIT);
    assert_null(value.data);
    assert_int_equal(incarnation, 0);
    assert_int_equal(fake.n_held, 0);
    assert_int_equal(recsys_store_remove(store, &key, 1, &n_removed, &err), RECSYS_E_LIMIT);
    assert_int_equal(n_removed, 0);
    assert_int_equal(recsys_store_rate_limit(store, KEY, 1, 1, 1, &decision, &err), RECSYS_E_LIMIT);
    assert_int_equal(decision.allowed, 0);
}

/* In a child: 0 if all is as it should be. */
static int use_in_a_child(recsys_store *in_process)
{
    recsys_store_stats found = RECSYS_STORE_STATS_INIT;
    recsys_bytes key = KEY;
    recsys_value value;
    int n_wrong = 0;

    n_wrong += recsys_store_get(store, &key, 1, &value, NULL, &err) != RECSYS_E_STATE;
    n_wrong += strstr(err.message, "fork") == NULL;
    n_wrong += recsys_store_set(store, KEY, VALUE, 0, 0, NULL) != RECSYS_E_STATE;
    n_wrong += recsys_store_remove(store, &key, 1, NULL, NULL) != RECSYS_E_STATE;
    n_wrong += recsys_store_probe(store, NULL) != RECSYS_E_STATE;
    n_wrong += recsys_store_get_stats(store, &found, NULL) != RECSYS_E_STATE;
    n_wrong += fake.n_calls != 0;
    recsys_store_unref(store);
    n_wrong += fake.n_destroyed != 1;
    n_wrong += recsys_store_set(in_process, KEY, VALUE, 0, 0, NULL) != RECSYS_OK;
    n_wrong += recsys_store_get(in_process, &key, 1, &value, NULL, NULL) != RECSYS_OK;
    recsys_value_release(&value);
    return n_wrong;
}

static void a_forked_child_may_use_the_in_process_store_alone(void **state)
{
    recsys_store *in_process;
    int status;

    (void)state;
    assert_int_equal(recsys_store_create_memory("m", NULL, &in_process, &err), RECSYS_OK);
    pid_t child = fork();
    if (child == 0)
        _exit(use_in_a_child(in_process));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    recsys_store_unref(in_process);
    /* The parent goes on. */
    assert_int_equal(recsys_store_set(store, KEY, VALUE, 0, 0, &err), RECSYS_OK);
}

/* -- what a driver may not return -- */

static void what_is_no_status_does_not_travel_on(void **state)
{
    recsys_bytes key = KEY;
    recsys_value value;
    uint64_t n_removed = 7;

    (void)state;
    for (int i = 0; i < 2; i++) {
        fake.answer = i == 0 ? 17 : -4711;
        memset(&err, 0, sizeof err);
        assert_int_equal(recsys_store_get(store, &key, 1, &value, NULL, &err), RECSYS_E_CALLBACK);
        assert_int_equal(err.status, RECSYS_E_CALLBACK);
        assert_non_null(strstr(err.message, i == 0 ? "17" : "-4711"));
        assert_null(value.data);
        assert_int_equal(fake.n_held, 0);
        assert_int_equal(recsys_store_remove(store, &key, 1, &n_removed, NULL), RECSYS_E_CALLBACK);
        assert_int_equal(n_removed, 0);
        fake.ping_answer = fake.answer;
    }
    assert_int_equal(stats().breaker,
                     RECSYS_BREAKER_CLOSED); /* nobody says the store is not well */
}

static void a_driver_that_says_nothing_is_spoken_for(void **state)
{
    (void)state;
    fake.is_silent = 1;
    fake.answer = RECSYS_E_IO;
    memset(&err, 0, sizeof err);
    assert_int_equal(recsys_store_set(store, KEY, VALUE, 0, 0, &err), RECSYS_E_IO);
    assert_int_equal(err.status, RECSYS_E_IO);
    assert_non_null(strstr(err.message, "driver"));
    assert_int_equal(recsys_store_set(store, KEY, VALUE, 0, 0, NULL), RECSYS_E_IO);
    assert_false(fake.had_no_record);
}

static void success_leaves_the_error_record_alone(void **state)
{
    recsys_error before;

    (void)state;
    memset(&err, 0x5a, sizeof err);
    before = err;
    fake.is_chatty = 1; /* it writes a message and succeeds */
    assert_int_equal(recsys_store_set(store, KEY, VALUE, 0, 0, &err), RECSYS_OK);
    assert_int_equal(recsys_store_probe(store, &err), RECSYS_OK);
    assert_memory_equal(&err, &before, sizeof err);
}

static void an_incarnation_of_0_is_the_drivers_bug(void **state)
{
    recsys_bytes key = KEY;
    recsys_value value;

    (void)state;
    fake.has_no_incarnation = 1;
    assert_int_equal(recsys_store_get(store, &key, 1, &value, NULL, &err), RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "bug of the driver"));
    assert_null(value.data);
    assert_int_equal(recsys_store_get_or_set(store, KEY, VALUE, 0, &value, NULL, &err),
                     RECSYS_E_INVALID);
    assert_null(value.data);
    assert_int_equal(fake.n_held, 0);
}

static void reserved_fields_are_for_later(void **state)
{
    recsys_store_driver driver = fake_driver;

    (void)state;
    driver.reserved = 1;
    fails_and_destroys("s", &driver, NULL, 1, RECSYS_E_UNSUPPORTED);
}

#define T(test) cmocka_unit_test_setup_teardown(test, fake_set_up_probed, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_driver_must_be_complete_and_is_destroyed_if_it_is_not),
        cmocka_unit_test(a_newer_driver_is_taken_if_it_wants_nothing_new),
        cmocka_unit_test(self_is_the_stores_whatever_a_failure_is_for),
        cmocka_unit_test(the_last_reference_ends_a_store),
        T(a_store_knows_its_name_and_gives_self_to_its_own_driver),
        T(a_value_is_given_back_once),
        T(every_call_reaches_the_driver_as_it_was_made),
        T(an_empty_value_has_an_address_and_no_value_has_none),
        T(a_time_to_live_of_0_is_the_stores_and_never_is_never),
        T(wrong_arguments_do_not_reach_the_driver),
        cmocka_unit_test(a_driver_without_a_limiter_says_so),
        T(a_failure_leaves_nothing_in_the_outputs),
        T(a_forked_child_may_use_the_in_process_store_alone),
        T(what_is_no_status_does_not_travel_on),
        T(a_driver_that_says_nothing_is_spoken_for),
        T(success_leaves_the_error_record_alone),
        T(an_incarnation_of_0_is_the_drivers_bug),
        cmocka_unit_test(reserved_fields_are_for_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
