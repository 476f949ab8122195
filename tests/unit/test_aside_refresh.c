/* Covers lib/aside/refresh.c: values are loaded again before and after their time, and kept if that
 * fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/aside/aside.h"
#include "tests/support/aside_fixture.h"
#include "tests/support/check.h"

static void a_stale_value_is_handed_out_when_loading_fails(void **state)
{
    (void)state;
    fixture_load();
    fixture_pass(1001);
    fixture_get();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
    fixture.load_status = RECSYS_E_BACKEND;
    assert_string_equal(fixture_load(), "one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
    assert_int_equal(fixture.n_loads, 2);
    fixture_load(); /* the side lease is left: nobody tries again at once */
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
    assert_int_equal(fixture.n_loads, 2);
    fixture_pass(100);
    fixture.load_status = RECSYS_OK;
    fixture_set_truth("two");
    assert_string_equal(fixture_load(), "two");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
    assert_string_equal(fixture_get(), "two");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
}

static void keep_stale_values_long(void)
{
    recsys_aside_options options;

    fixture_options(&options);
    options.stale_ms = 600000;
    fixture_create_again(&options);
}

static void of_many_readers_few_wait_for_a_loader_that_hangs(void **state)
{
    (void)state;
    keep_stale_values_long();
    fixture_load();
    fixture_pass(1001);
    fixture.load_status = RECSYS_E_TIMEOUT;
    fixture.load_ms = 2000; /* much longer than the lease of 100 ms */
    for (int i = 0; i < 100; i++) {
        assert_string_equal(fixture_load(), "one");
        fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
        fixture_pass(100);
    }
    assert_int_equal(fixture.n_loads, 2); /* the first one, and one in ten seconds */
    fixture_pass(10000);
    fixture_load();
    assert_int_equal(fixture.n_loads, 3);
    recsys_aside *other = fixture_other();
    fixture_load_through(other); /* the pause is for all processes */
    assert_int_equal(fixture.n_loads, 3);
    recsys_aside_destroy(other);
}

static void the_pause_ends_after_half_a_minute(void **state)
{
    (void)state;
    keep_stale_values_long();
    fixture_load();
    fixture_pass(1001);
    fixture.load_status = RECSYS_E_TIMEOUT;
    fixture.load_ms = 60000;
    fixture_load();
    fixture.load_ms = 0;
    fixture.load_status = RECSYS_OK;
    fixture_set_truth("two");
    fixture_pass(29999);
    assert_string_equal(fixture_load(), "one");
    fixture_pass(1);
    assert_string_equal(fixture_load(), "two");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
}

static void load_after_the_lease(void)
{
    unsigned n_loads = fixture.n_loads;

    fixture.while_loading = NULL;
    fixture_pass(200);
    assert_string_equal(fixture_load(), "one");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
    assert_int_equal(fixture.n_loads, n_loads);
}

static void nobody_waits_while_a_loader_of_this_process_hangs(void **state)
{
    (void)state;
    keep_stale_values_long();
    fixture_load();
    fixture_pass(1001);
    fixture.while_loading = load_after_the_lease;
    fixture_load();
    assert_int_equal(fixture.n_loads, 2);
    assert_int_equal(fixture.n_sleeps, 0);
    fixture_pass(1001); /* what it led has ended */
    fixture_set_truth("two");
    assert_string_equal(fixture_load(), "two");
}

static void staleness_can_be_switched_off(void **state)
{
    recsys_aside_options options;

    (void)state;
    fixture_options(&options);
    options.flags |= RECSYS_ASIDE_NO_STALE;
    fixture_create_again(&options);
    fixture_load();
    fixture_pass(1001);
    fixture.load_status = RECSYS_E_BACKEND;
    fixture_load();
    fixture_assert_outcome(RECSYS_E_BACKEND, RECSYS_ASIDE_MISS);
}

static void load_as_another_would(void)
{
    recsys_aside *other = fixture_other();
    unsigned n_loads = fixture.n_loads;

    fixture.while_loading = NULL;
    assert_string_equal(fixture_load_through(other), "one"); /* does not wait */
    assert_int_equal(fixture.n_loads, n_loads);
    recsys_aside_destroy(other);
}

static void while_one_refreshes_the_others_have_the_old_value(void **state)
{
    (void)state;
    fixture_load();
    fixture_pass(1001);
    fixture.while_loading = load_as_another_would;
    assert_string_equal(fixture_load(), "one");
    assert_int_equal(fixture.n_loads, 2);
    assert_int_equal(fixture.n_sleeps, 0);
    assert_int_equal(fixture_stats().early, 0); /* late, rather */
}

static void a_refresh_never_undoes_an_invalidation(void **state)
{
    (void)state;
    fixture_load();
    fixture_pass(1001);
    fixture.while_loading = fixture_change_elsewhere;
    assert_string_equal(fixture_load(), "one"); /* as it was when this caller asked */
    assert_int_equal(fixture_stats().fills_refused, 1);
    assert_int_equal(fixture_kind(), 0);
    assert_string_equal(fixture_load(), "two");
}

static void what_has_ceased_to_exist_becomes_a_negative_entry(void **state)
{
    (void)state;
    fixture_load();
    fixture_pass(1001);
    fixture_set_truth("");
    fixture_load();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    fixture_get();
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_NEGATIVE);
}

static void values_that_are_slow_to_load_are_loaded_early(void **state)
{
    (void)state;
    fixture.load_ms = 50;
    fixture_load();
    fixture.unit = 1.0; /* ln(1) = 0: never before its time */
    fixture_pass(999);
    fixture_load();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    fixture.unit = 0.5; /* 50 ms * ln 2 = 34.7 ms are more than the 1 ms that is left */
    fixture_load();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
    assert_int_equal(fixture_stats().early, 1);
    fixture_pass(1000 - 36);
    fixture_load();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    fixture_pass(2);
    fixture_load();
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
}

/* P(a reader refreshes with `left` ms to go) = exp(-left / (delta * beta)). */
static void the_chance_of_an_early_refresh_is_that_of_xfetch(void **state)
{
    const double lefts[] = {10, 50, 100, 200};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct rs_envelope envelope = {.delta_ms = 50, .fresh_until_ms = 1000 + (uint64_t)lefts[i]};
        unsigned n_early = 0;
        for (unsigned n = 0; n < 40000; n++)
            n_early += rs_aside_is_early(fixture.aside, &envelope, 1000) != 0;
        double want = exp(-lefts[i] / 50.0), got = n_early / 40000.0;
        print_message("%3.0f ms left: %.4f early, %.4f expected\n", lefts[i], got, want);
        assert_true(fabs(got - want) < 0.01);
    }
}

static void times_to_live_are_spread(void **state)
{
    recsys_aside_options options;
    uint64_t min = UINT64_MAX, max = 0;

    (void)state;
    fixture_options(&options);
    options.flags = 0;
    options.jitter_percent = 20;
    fixture_create_again(&options);
    for (int i = 0; i < 10000; i++) {
        uint64_t ttl = rs_aside_jitter(fixture.aside, 10000);
        min = ttl < min ? ttl : min;
        max = ttl > max ? ttl : max;
    }
    CHECK_BETWEEN(min, 8000, 8050);
    CHECK_BETWEEN(max, 9950, 10000);
    assert_int_equal(rs_aside_jitter(fixture.aside, 1), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_stale_value_is_handed_out_when_loading_fails),
        TEST(of_many_readers_few_wait_for_a_loader_that_hangs),
        TEST(the_pause_ends_after_half_a_minute),
        TEST(nobody_waits_while_a_loader_of_this_process_hangs),
        TEST(staleness_can_be_switched_off),
        TEST(while_one_refreshes_the_others_have_the_old_value),
        TEST(a_refresh_never_undoes_an_invalidation),
        TEST(what_has_ceased_to_exist_becomes_a_negative_entry),
        TEST(values_that_are_slow_to_load_are_loaded_early),
        TEST(the_chance_of_an_early_refresh_is_that_of_xfetch),
        TEST(times_to_live_are_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
