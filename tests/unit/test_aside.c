/* Covers lib/aside: the outcomes of look-ups and loads, alone and beside other callers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/aside/aside.h"
#include "tests/support/aside_fixture.h"
#include "tests/support/check.h"

/* -- hits and misses -- */

static void a_value_is_loaded_once_and_found_until_it_ends(void **state)
{
    (void)state;
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    assert_string_equal(fixture_load(), "one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
    fixture_set_truth("two"); /* and nobody says so */
    assert_string_equal(fixture_load(), "one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    assert_string_equal(fixture_get(), "one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    assert_int_equal(fixture.n_loads, 1);
    fixture_pass(1000 + 500);
    assert_string_equal(fixture_load(), "two");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
}

static void an_empty_value_is_a_value(void **state)
{
    (void)state;
    recsys_value value;
    assert_int_equal(
        recsys_aside_set(fixture.aside, FIXTURE_KEY, (recsys_bytes){"", 0}, 0, 0, NULL), RECSYS_OK);
    assert_int_equal(recsys_aside_get(fixture.aside, FIXTURE_KEY, &value, NULL, NULL), RECSYS_OK);
    assert_non_null(value.data);
    assert_int_equal(value.size, 0);
    recsys_value_release(&value);
}

static void what_does_not_exist_is_remembered_for_a_while(void **state)
{
    (void)state;
    fixture_set_truth("");
    fixture_load();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    fixture_load();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_NEGATIVE);
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_NEGATIVE);
    assert_int_equal(fixture.n_loads, 1);
    fixture_set_truth("born");
    fixture_pass(200);
    assert_string_equal(fixture_load(), "born");
}

static void a_negative_entry_beyond_its_time_is_loaded_over(void **state)
{
    (void)state;
    recsys_aside *other = fixture_other();

    fixture_set_truth("");
    fixture_load();
    /* As if the store's clock were behind: the entry is there, and too old. */
    recsys_bytes key = FIXTURE_KEY;
    recsys_value value;
    uint64_t incarnation;
    assert_int_equal(recsys_store_get(fixture.store, &key, 1, &value, &incarnation, NULL),
                     RECSYS_OK);
    assert_int_equal(recsys_store_set(fixture.store, key, (recsys_bytes){value.data, value.size},
                                      100000, RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
    recsys_value_release(&value);
    fixture_pass(200);
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    fixture_set_truth("born");
    assert_string_equal(fixture_load_through(other), "born");
    recsys_aside_destroy(other);
}

static void negative_entries_can_be_switched_off(void **state)
{
    recsys_aside_options options;

    (void)state;
    fixture_options(&options);
    options.flags |= RECSYS_ASIDE_NO_NEGATIVE;
    fixture_create_again(&options);
    fixture_set_truth("");
    fixture_load();
    fixture_load();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    assert_int_equal(fixture.n_loads, 2);
    assert_int_equal(fixture_kind(), 0); /* no lease is left behind */
}

static void a_loader_says_how_long_its_value_may_live_and_whether_at_all(void **state)
{
    (void)state;
    fixture.load_ttl_ms = 10;
    fixture_load();
    fixture_pass(9);
    fixture_get();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    fixture_pass(1);
    fixture_get();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
    fixture_invalidate(fixture.aside);
    fixture.load_flags = RECSYS_ASIDE_UNCACHED;
    assert_string_equal(fixture_load(), "one");
    assert_int_equal(fixture_kind(), 0);
}

static void a_value_too_large_is_handed_out_and_not_stored(void **state)
{
    recsys_aside_options options;

    (void)state;
    fixture_options(&options);
    options.max_value_bytes = 2;
    fixture_create_again(&options);
    assert_string_equal(fixture_load(), "one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
    assert_int_equal(fixture_kind(), 0);
    assert_int_equal(fixture_stats().too_large, 1);
    assert_int_equal(fixture_stats().fills, 0);
}

/* -- failing loaders -- */

static void a_failure_of_the_loader_is_handed_on_and_not_kept(void **state)
{
    (void)state;
    fixture.load_status = RECSYS_E_BACKEND;
    fixture_load();
    fixture_assert_outcome(RECSYS_E_BACKEND, RECSYS_ASIDE_MISS);
    assert_int_equal(fixture_kind(), 0); /* the next one need not wait for a lease */
    fixture.load_status = RECSYS_OK;
    assert_string_equal(fixture_load(), "one");
    assert_int_equal(fixture.n_sleeps, 0);
    assert_int_equal(fixture_stats().load_failures, 1);
}

static recsys_status forget_to_set(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    (void)load;
    (void)user_data;
    (void)err;
    return RECSYS_OK;
}

static recsys_status set_twice(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    (void)user_data;
    assert_int_equal(recsys_aside_load_set(load, (recsys_bytes){"a", 1}, 0, 0, 0, err), RECSYS_OK);
    assert_int_equal(recsys_aside_load_set(load, (recsys_bytes){"b", 1}, 0, 0, 0, err),
                     RECSYS_E_STATE);
    assert_int_equal(recsys_aside_load_set(load, (recsys_bytes){"b", 1}, 0, 0, 8, err),
                     RECSYS_E_UNSUPPORTED);
    return RECSYS_E_TIMEOUT; /* and changes its mind */
}

static void a_loader_that_breaks_its_contract_is_told(void **state)
{
    recsys_value value;
    uint32_t outcome;

    (void)state;
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, forget_to_set, NULL, 0,
                                              &value, &outcome, &fixture.err),
                     RECSYS_E_INVALID);
    assert_non_null(strstr(fixture.err.message, "a bug of the loader"));
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, set_twice, NULL, 0,
                                              &value, &outcome, &fixture.err),
                     RECSYS_E_TIMEOUT);
    assert_null(value.data);
    assert_int_equal(fixture_kind(), 0);
}

/* -- the fence -- */

static void a_value_read_before_an_invalidation_is_not_stored_after_it(void **state)
{
    (void)state;
    fixture.while_loading = fixture_change_elsewhere;
    assert_string_equal(fixture_load(), "one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
    assert_int_equal(fixture_kind(), 0);
    assert_int_equal(fixture_stats().fills_refused, 1);
    assert_string_equal(fixture_load(), "two");
}

static void remove_without_the_library(void)
{
    recsys_bytes key = FIXTURE_KEY;

    fixture.while_loading = NULL;
    fixture_set_truth("two");
    assert_int_equal(recsys_store_remove(fixture.script.inner, &key, 1, NULL, NULL), RECSYS_OK);
}

static void removing_the_key_by_any_program_fences_a_load_off(void **state)
{
    (void)state;
    fixture.while_loading = remove_without_the_library;
    fixture_load();
    assert_int_equal(fixture_kind(), 0);
    assert_string_equal(fixture_load(), "two");
}

static void restart_the_store(void)
{
    fixture.while_loading = NULL;
    fixture_set_truth("two");
    fixture.script
        .incarnation++; /* and it has lost the last thing it was told: that invalidation */
}

static void a_load_across_a_restart_of_the_store_is_dead(void **state)
{
    (void)state;
    fixture.while_loading = restart_the_store;
    fixture_load();
    assert_int_equal(fixture_kind(), 'V'); /* the lease had come back, too */
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    assert_string_equal(fixture_load(), "two");
}

static void what_lived_before_a_restart_is_dead(void **state)
{
    (void)state;
    fixture_load();
    fixture.script.incarnation = 77;
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    fixture_set_truth("two");
    assert_string_equal(fixture_load(), "two");
    assert_int_equal(fixture.n_sleeps, 0);
}

static void restart_between_look_and_lease(enum scripted_operation operation, recsys_bytes key,
                                           void *user_data)
{
    (void)user_data;
    (void)key;
    if (operation == SCRIPTED_GET_OR_SET) {
        fixture.script.incarnation++;
        fixture.script.watch = NULL;
    }
}

static void an_epoch_of_an_earlier_life_is_read_again(void **state)
{
    (void)state;
    fixture.script.watch = restart_between_look_and_lease;
    fixture.script.user_data = &fixture;
    assert_string_equal(fixture_load(), "one");
    assert_int_equal(fixture.n_loads, 1);
    fixture_get();
    fixture_assert_outcome(RECSYS_OK,
                           RECSYS_ASIDE_HIT); /* it carries the new incarnation's epoch */
}

static void without_the_epoch_nothing_is_alive(void **state)
{
    const recsys_bytes epoch = {RS_EPOCH_KEY, sizeof RS_EPOCH_KEY - 1};

    (void)state;
    fixture_load();
    assert_int_equal(recsys_store_remove(fixture.store, &epoch, 1, NULL, NULL), RECSYS_OK);
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    fixture_set_truth("two");
    assert_string_equal(fixture_load(), "two");
    assert_int_equal(recsys_store_set(fixture.store, epoch, (recsys_bytes){"short", 5}, 0,
                                      RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
    fixture_set_truth("three");
    assert_string_equal(fixture_load(), "three");
    fixture_get();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
}

static void put(const void *value, size_t size)
{
    assert_int_equal(recsys_store_set(fixture.script.inner, FIXTURE_KEY,
                                      (recsys_bytes){value, size}, 100, RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
}

static void a_value_without_an_epoch_is_dead_even_if_there_is_none(void **state)
{
    const struct rs_identity identity = rs_aside_identity(fixture.aside, FIXTURE_KEY);
    const struct rs_envelope envelope = {.entry = 1, .fresh_until_ms = UINT64_MAX};
    unsigned char bytes[128];

    (void)state;
    rs_envelope_write(bytes, &identity, &envelope);
    put(bytes, rs_envelope_size(&identity, 0));
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
}

/* -- other processes -- */

static void put_lease(void)
{
    unsigned char lease[RS_ENVELOPE_PREFIX];

    rs_lease_write(lease, 1, 2);
    put(lease, sizeof lease);
}

static void a_lease_whose_holder_died_is_taken_when_it_expires(void **state)
{
    (void)state;
    fixture_load(); /* so that there is an epoch */
    fixture_invalidate(fixture.aside);
    put_lease();
    uint64_t before = fixture.script.now_ms;
    assert_string_equal(fixture_load(), "one");
    CHECK_BETWEEN(fixture.script.now_ms - before, 100, 100 + 50);
    CHECK_BETWEEN(fixture.n_sleeps, 3, 20);
    assert_int_equal(fixture_kind(), 'V');
    assert_int_equal(fixture_stats().waited, 1);
}

static void finish_somebodys_load(enum scripted_operation operation, recsys_bytes key,
                                  void *user_data)
{
    (void)user_data;
    (void)operation;
    (void)key;
    if (fixture.n_sleeps == 3) {
        recsys_aside *other = fixture_other();
        fixture.script.watch = NULL;
        assert_int_equal(
            recsys_aside_set(other, FIXTURE_KEY, (recsys_bytes){"theirs", 6}, 0, 0, NULL),
            RECSYS_OK);
        recsys_aside_destroy(other);
    }
}

static void somebody_elses_load_is_waited_for(void **state)
{
    (void)state;
    fixture_load();
    put_lease();
    fixture.script.watch = finish_somebodys_load;
    fixture.script.user_data = &fixture;
    assert_string_equal(fixture_load(), "theirs");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    assert_int_equal(fixture.n_loads, 1);
}

static void who_has_waited_long_enough_loads_and_stores_nothing(void **state)
{
    recsys_value value;

    (void)state;
    fixture_load();
    put_lease();
    uint64_t before = fixture.script.now_ms;
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, fixture_loader, NULL, 30,
                                              &value, &fixture.outcome, NULL),
                     RECSYS_OK);
    recsys_value_release(&value);
    assert_int_equal(fixture.outcome, RECSYS_ASIDE_MISS);
    assert_int_equal(fixture.script.now_ms - before, 30);
    assert_int_equal(fixture.n_loads, 2);
    assert_int_equal(fixture_kind(), 'L');
}

static void a_loader_that_takes_longer_than_its_lease_stores_nothing(void **state)
{
    (void)state;
    fixture.load_ms = 101;
    assert_string_equal(fixture_load(), "one");
    assert_int_equal(fixture_kind(), 0);
    assert_int_equal(fixture_stats().fills_refused, 1);
}

/* -- what is not ours -- */

static void damaged_and_foreign_values_are_errors_and_are_loaded_over(void **state)
{
    const char *const foreign[] = {"", "V", "{\"id\": 1}", "L\1\0", "V\1\0\0 and what not"};

    (void)state;
    fixture_load();
    for (size_t i = 0; i < 5; i++) {
        put(foreign[i], strlen(foreign[i]));
        fixture_get();
        fixture_assert_outcome(RECSYS_E_FORMAT, RECSYS_ASIDE_UNKNOWN);
        assert_string_equal(fixture_load(), "one");
        fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
        assert_string_equal(fixture_get(), "one");
        fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    }
    assert_int_equal(fixture_stats().damaged, 10);
}

static void another_keys_value_is_never_handed_out(void **state)
{
    const recsys_bytes other = {"user:profile:2", 14};
    recsys_value value;
    uint64_t incarnation;

    (void)state;
    assert_int_equal(
        recsys_aside_set(fixture.aside, other, (recsys_bytes){"theirs", 6}, 0, 0, NULL), RECSYS_OK);
    assert_int_equal(recsys_store_get(fixture.store, &other, 1, &value, &incarnation, NULL),
                     RECSYS_OK);
    put(value.data, value.size);
    recsys_value_release(&value);
    fixture_get();
    fixture_assert_outcome(RECSYS_E_FORMAT, RECSYS_ASIDE_UNKNOWN);
    assert_int_equal(fixture_stats().identity_mismatches, 1);
    assert_string_equal(fixture_load(), "one");
    assert_string_equal(fixture_get(), "one");
}

static void another_dbs_value_is_never_handed_out(void **state)
{
    recsys_aside_options options;
    recsys_aside *other;

    (void)state;
    fixture_options(&options);
    options.label = "tes"; /* "tes" + "t..." must not be "test" + "..." either */
    assert_int_equal(recsys_aside_create(fixture.script.inner, &options, &other, NULL), RECSYS_OK);
    fixture_load_through(other);
    fixture_get();
    fixture_assert_outcome(RECSYS_E_FORMAT, RECSYS_ASIDE_UNKNOWN);
    recsys_aside_destroy(other);
}

/* -- JSON -- */

static void a_cache_of_json_refuses_what_is_not(void **state)
{
    recsys_aside_options options;

    (void)state;
    fixture_load(); /* by a cache that does not mind */
    fixture_options(&options);
    options.flags |= RECSYS_ASIDE_JSON;
    recsys_aside_destroy(fixture.aside);
    assert_int_equal(recsys_aside_create(fixture.store, &options, &fixture.aside, NULL), RECSYS_OK);
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS); /* who knows what that is */
    fixture_load();
    fixture_assert_outcome(RECSYS_E_FORMAT, RECSYS_ASIDE_MISS);
    fixture_set_truth("{\"id\":1}");
    assert_string_equal(fixture_load(), "{\"id\":1}");
    assert_string_equal(fixture_get(), "{\"id\":1}");
    assert_int_equal(
        recsys_aside_set(fixture.aside, FIXTURE_KEY, (recsys_bytes){"{", 1}, 0, 0, NULL),
        RECSYS_E_FORMAT);
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS); /* nor is the old value true */
}

/* -- set -- */

static void set_while_loading(void)
{
    fixture.while_loading = NULL;
    fixture_set_truth("two");
    assert_int_equal(
        recsys_aside_set(fixture.aside, FIXTURE_KEY, (recsys_bytes){"two", 3}, 0, 0, NULL),
        RECSYS_OK);
}

static void a_value_that_is_set_survives_a_load_that_runs(void **state)
{
    (void)state;
    fixture.while_loading = set_while_loading;
    fixture_load();
    assert_string_equal(fixture_get(), "two");
}

static void a_value_that_cannot_be_set_takes_the_old_one_with_it(void **state)
{
    recsys_aside_options options;

    (void)state;
    fixture_options(&options);
    options.max_value_bytes = 3;
    fixture_create_again(&options);
    fixture_load();
    assert_int_equal(
        recsys_aside_set(fixture.aside, FIXTURE_KEY, (recsys_bytes){"four", 4}, 0, 0, NULL),
        RECSYS_E_LIMIT);
    assert_int_equal(fixture_kind(), 0);
}

/* -- the store away -- */

static void while_the_store_is_away_values_are_loaded(void **state)
{
    (void)state;
    fixture_load();
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_TIMEOUT, 0);
    fixture_get();
    fixture_assert_outcome(RECSYS_E_TIMEOUT, RECSYS_ASIDE_UNKNOWN);
    fixture_set_truth("two");
    assert_string_equal(fixture_load(), "two");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_UNKNOWN);
    fixture_set_truth("");
    fixture_load();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_UNKNOWN);
}

static recsys_status load_another(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    recsys_value value = {NULL, 0, NULL, NULL};
    uint32_t outcome;

    (void)user_data;
    (void)err;
    fixture.status =
        recsys_aside_get_or_load(fixture.aside, (recsys_bytes){"another", 7}, fixture_loader,
                                 &fixture, 0, &value, &outcome, &fixture.err);
    recsys_value_release(&value);
    return recsys_aside_load_set(load, (recsys_bytes){"x", 1}, 0, 0, 0, NULL);
}

static void while_the_store_is_away_only_so_many_load_at_once(void **state)
{
    recsys_aside_options options;
    recsys_value value;

    (void)state;
    fixture_options(&options);
    options.max_loads = 1;
    fixture_create_again(&options);
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_TIMEOUT, 0);
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, load_another, NULL, 0,
                                              &value, NULL, NULL),
                     RECSYS_OK);
    recsys_value_release(&value);
    assert_int_equal(fixture.status, RECSYS_E_EXHAUSTED);
    assert_non_null(strstr(fixture.err.message, "max_loads"));
    assert_int_equal(fixture.n_loads, 0);
    assert_string_equal(fixture_load(), "one"); /* there is room again */
}

/* -- arguments and figures -- */

static void arguments_are_checked(void **state)
{
    const recsys_bytes bad[] = {{NULL, 3}, {"x", 0}, {"~epoch", 6}, {"a~r", 3}};
    char long_key[RECSYS_KEY_MAX + 1];
    recsys_value value;

    (void)state;
    memset(long_key, 'k', sizeof long_key);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(recsys_aside_get(fixture.aside, bad[i], &value, NULL, NULL),
                         RECSYS_E_INVALID);
        assert_int_equal(recsys_aside_get_or_load(fixture.aside, bad[i], fixture_loader, NULL, 0,
                                                  &value, NULL, NULL),
                         RECSYS_E_INVALID);
        assert_int_equal(
            recsys_aside_set(fixture.aside, bad[i], (recsys_bytes){"v", 1}, 0, 0, NULL),
            RECSYS_E_INVALID);
        assert_int_equal(recsys_aside_invalidate(fixture.aside, &bad[i], 1, NULL),
                         RECSYS_E_INVALID);
    }
    recsys_bytes key = {long_key, RECSYS_KEY_MAX};
    assert_int_equal(recsys_aside_set(fixture.aside, key, (recsys_bytes){"v", 1}, 0, 0, NULL),
                     RECSYS_OK);
    assert_int_equal(
        recsys_aside_get_or_load(fixture.aside, key, fixture_loader, NULL, 0, &value, NULL, NULL),
        RECSYS_OK);
    recsys_value_release(&value);
    key.size++;
    assert_int_equal(recsys_aside_get(fixture.aside, key, &value, NULL, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_get(NULL, FIXTURE_KEY, &value, NULL, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_get(fixture.aside, FIXTURE_KEY, NULL, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(
        recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, NULL, NULL, 0, &value, NULL, NULL),
        RECSYS_E_INVALID);
    assert_int_equal(
        recsys_aside_set(fixture.aside, FIXTURE_KEY, (recsys_bytes){NULL, 1}, 0, 0, NULL),
        RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_get_stats(NULL, NULL, NULL), RECSYS_E_INVALID);
}

static void options_are_checked(void **state)
{
    recsys_aside_options options;
    recsys_aside *aside = (recsys_aside *)&fixture;

    (void)state;
    assert_int_equal(recsys_aside_create(NULL, NULL, &aside, NULL), RECSYS_E_INVALID);
    assert_null(aside);
    for (int i = 0; i < 10; i++) {
        options = (recsys_aside_options)RECSYS_ASIDE_OPTIONS_INIT;
        switch (i) {
        case 0:
            options.flags = 1u << 7;
            break;
        case 1:
            options.jitter_percent = 51;
            break;
        case 2:
            options.beta = (double)NAN;
            break;
        case 3:
            options.label = "with space";
            break;
        case 4:
            options.label = "";
            break;
        case 5:
            options.max_value_bytes = (uint64_t)1 << 33;
            break;
        case 6:
            options.struct_size = 4;
            break;
        case 7:
            options.beta = -1.0;
            break;
        case 8:
            options.lease_ms = RECSYS_NEVER_32;
            break;
        default:
            fixture_options(&options);
            options.now_ms = NULL;
            break;
        }
        assert_int_equal(recsys_aside_create(fixture.store, &options, &aside, NULL),
                         i == 0 ? RECSYS_E_UNSUPPORTED : RECSYS_E_INVALID);
        assert_null(aside);
    }
    assert_int_equal(recsys_aside_create(fixture.store, NULL, &aside, NULL), RECSYS_OK);
    assert_int_equal(aside->stale_ms, 300000);
    assert_int_equal(aside->negative_ttl_ms, 30000);
    assert_int_equal(aside->wait_ms, 4000);
    assert_string_equal(aside->label, "scripted");
    recsys_aside_destroy(aside);
    recsys_aside_destroy(NULL);
}

static int32_t gather(const char *text, size_t size, void *user_data)
{
    char *page = user_data;

    strncat(page, text, size);
    return 0;
}

static void metrics_say_what_happened(void **state)
{
    static char page[1 << 17];
    const char *const lines[] = {
        "redis_cache_hits_total{db=\"test\",operation=\"get\"} 1\n",
        "redis_cache_hits_total{db=\"test\",operation=\"load\"} 2\n", /* one is stale */
        "redis_cache_misses_total{db=\"test\",operation=\"load\"} 1\n",
        "redis_cache_stale_total{db=\"test\"} 1\n",
        "redis_cache_errors_total{db=\"test\",operation=\"get\",reason=\"timeout\"} 1\n",
        "redis_cache_latency_seconds_count{db=\"test\",operation=\"delete\"} 1\n",
        "redis_cache_breaker_open{db=\"test\"} 0\n",
        "redis_cache_fills_refused_total{db=\"test\"} 0\n",
    };
    recsys_aside_options options;
    recsys_stats *stats;
    recsys_aside *twin;

    (void)state;
    assert_int_equal(recsys_stats_create(&stats, NULL), RECSYS_OK);
    fixture_options(&options);
    options.stats = stats;
    fixture_create_again(&options);
    assert_int_equal(recsys_aside_create(fixture.store, &options, &twin, NULL), RECSYS_OK);
    fixture_load();
    fixture_load();
    fixture_get();
    fixture_pass(1001);
    fixture.load_status = RECSYS_E_BACKEND;
    fixture_load_through(twin); /* the same series */
    scripted_store_fail(&fixture.script, 1, RECSYS_E_TIMEOUT, 0);
    fixture_get();
    fixture_invalidate(fixture.aside);
    page[0] = '\0';
    assert_int_equal(recsys_stats_format(stats, gather, page, NULL), RECSYS_OK);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (strstr(page, lines[i]) == NULL)
            fail_msg("%sis not in\n%s", lines[i], page);
    recsys_stats_unref(stats); /* the caches go on counting */
    fixture_load_through(twin);
    recsys_aside_destroy(twin);
    fixture_get();
    fixture_destroy();
    fixture_create(0, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_value_is_loaded_once_and_found_until_it_ends),
        TEST(an_empty_value_is_a_value),
        TEST(what_does_not_exist_is_remembered_for_a_while),
        TEST(a_negative_entry_beyond_its_time_is_loaded_over),
        TEST(negative_entries_can_be_switched_off),
        TEST(a_loader_says_how_long_its_value_may_live_and_whether_at_all),
        TEST(a_value_too_large_is_handed_out_and_not_stored),
        TEST(a_failure_of_the_loader_is_handed_on_and_not_kept),
        TEST(a_loader_that_breaks_its_contract_is_told),
        TEST(a_value_read_before_an_invalidation_is_not_stored_after_it),
        TEST(removing_the_key_by_any_program_fences_a_load_off),
        TEST(a_load_across_a_restart_of_the_store_is_dead),
        TEST(what_lived_before_a_restart_is_dead),
        TEST(an_epoch_of_an_earlier_life_is_read_again),
        TEST(without_the_epoch_nothing_is_alive),
        TEST(a_value_without_an_epoch_is_dead_even_if_there_is_none),
        TEST(a_lease_whose_holder_died_is_taken_when_it_expires),
        TEST(somebody_elses_load_is_waited_for),
        TEST(who_has_waited_long_enough_loads_and_stores_nothing),
        TEST(a_loader_that_takes_longer_than_its_lease_stores_nothing),
        TEST(damaged_and_foreign_values_are_errors_and_are_loaded_over),
        TEST(another_keys_value_is_never_handed_out),
        TEST(another_dbs_value_is_never_handed_out),
        TEST(a_cache_of_json_refuses_what_is_not),
        TEST(a_value_that_is_set_survives_a_load_that_runs),
        TEST(a_value_that_cannot_be_set_takes_the_old_one_with_it),
        TEST(while_the_store_is_away_values_are_loaded),
        TEST(while_the_store_is_away_only_so_many_load_at_once),
        TEST(arguments_are_checked),
        TEST(options_are_checked),
        TEST(metrics_say_what_happened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
