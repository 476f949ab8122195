/* Covers lib/aside/refresh.c: values are loaded anew before and after their time, and kept if that
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
#include "tests/support/aside_world.h"
#include "tests/support/check.h"

static struct aside_world world;

static int set_up(void **state)
{
    (void)state;
    world_create(&world, 0, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_destroy(&world);
    return 0;
}

static void start_again(const recsys_aside_options *options)
{
    world_destroy(&world);
    world_create(&world, 0, options);
}

static void assert_outcome(recsys_status status, uint32_t outcome)
{
    assert_int_equal(world.status, status);
    assert_int_equal(world.outcome, outcome);
}

static void a_stale_value_is_handed_out_when_loading_fails(void **state)
{
    (void)state;
    world_load(&world);
    world_pass(&world, 1001);
    world_get(&world);
    assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
    world.load_status = RECSYS_E_BACKEND;
    assert_string_equal(world_load(&world), "one");
    assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
    assert_int_equal(world.n_loads, 2);
    world_load(&world); /* the side lease is left: nobody tries again at once */
    assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
    assert_int_equal(world.n_loads, 2);
    world_pass(&world, 100);
    world.load_status = RECSYS_OK;
    world_set_truth(&world, "two");
    assert_string_equal(world_load(&world), "two");
    assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
    assert_string_equal(world_get(&world), "two");
    assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
}

static void staleness_can_be_switched_off(void **state)
{
    recsys_aside_options options;

    (void)state;
    world_options(&world, &options);
    options.flags |= RECSYS_ASIDE_NO_STALE;
    start_again(&options);
    world_load(&world);
    world_pass(&world, 1001);
    world.load_status = RECSYS_E_BACKEND;
    world_load(&world);
    assert_outcome(RECSYS_E_BACKEND, RECSYS_ASIDE_MISS);
}

static void load_as_another_would(struct aside_world *w)
{
    recsys_aside *other = world_other(w);
    unsigned n_loads = w->n_loads;

    w->while_loading = NULL;
    assert_string_equal(world_load_through(w, other), "one"); /* does not wait */
    assert_int_equal(w->n_loads, n_loads);
    recsys_aside_destroy(other);
}

static void while_one_refreshes_the_others_have_the_old_value(void **state)
{
    (void)state;
    world_load(&world);
    world_pass(&world, 1001);
    world.while_loading = load_as_another_would;
    assert_string_equal(world_load(&world), "one");
    assert_int_equal(world.n_loads, 2);
    assert_int_equal(world.n_sleeps, 0);
    assert_int_equal(world_stats(&world).early, 0); /* late, rather */
}

static void invalidate_while_loading(struct aside_world *w)
{
    recsys_aside *other = world_other(w);

    w->while_loading = NULL;
    world_set_truth(w, "two");
    world_invalidate(w, other);
    recsys_aside_destroy(other);
}

static void a_refresh_never_undoes_an_invalidation(void **state)
{
    (void)state;
    world_load(&world);
    world_pass(&world, 1001);
    world.while_loading = invalidate_while_loading;
    assert_string_equal(world_load(&world), "one"); /* as it was when this caller asked */
    assert_int_equal(world_stats(&world).fills_refused, 1);
    assert_int_equal(world_kind(&world), 0);
    assert_string_equal(world_load(&world), "two");
}

static void what_has_ceased_to_exist_becomes_a_negative_entry(void **state)
{
    (void)state;
    world_load(&world);
    world_pass(&world, 1001);
    world_set_truth(&world, "");
    world_load(&world);
    assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
    world_get(&world);
    assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_NEGATIVE);
}

static void values_that_are_slow_to_load_are_loaded_early(void **state)
{
    (void)state;
    world.load_ms = 50;
    world_load(&world);
    world.unit = 1.0; /* ln(1) = 0: never before its time */
    world_pass(&world, 999);
    world_load(&world);
    assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    world.unit = 0.5; /* 50 ms * ln 2 = 34.7 ms are more than the 1 ms that is left */
    world_load(&world);
    assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
    assert_int_equal(world_stats(&world).early, 1);
    world_pass(&world, 1000 - 36);
    world_load(&world);
    assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
    world_pass(&world, 2);
    world_load(&world);
    assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
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
            n_early += rs_aside_is_early(world.aside, &envelope, 1000) != 0;
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
    world_options(&world, &options);
    options.flags = 0;
    options.jitter_percent = 20;
    start_again(&options);
    for (int i = 0; i < 10000; i++) {
        uint64_t ttl = rs_aside_jitter(world.aside, 10000);
        min = ttl < min ? ttl : min;
        max = ttl > max ? ttl : max;
    }
    CHECK_BETWEEN(min, 8000, 8050);
    CHECK_BETWEEN(max, 9950, 10000);
    assert_int_equal(rs_aside_jitter(world.aside, 1), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_stale_value_is_handed_out_when_loading_fails),
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
