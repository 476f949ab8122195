/* Covers lib/registry/poll_schedule.c with a clock of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/registry/poll_schedule.h"

static struct rs_poll_schedule schedule;

static int set_up(void **state)
{
    (void)state;
    schedule = (struct rs_poll_schedule){.interval_ms = 10000, .max_ms = 60000, .jitter = 0.0};
    rs_poll_schedule_begin(&schedule, 1000);
    return 0;
}

static uint64_t wait_after(int failed, int is_serving)
{
    rs_poll_schedule_note(&schedule, failed, is_serving, 5000);
    return rs_poll_schedule_wait(&schedule, 5000);
}

static void replicas_that_start_together_spread_over_the_first_interval(void **state)
{
    unsigned n_in_half = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct rs_poll_schedule replicas[2];
        replicas[i % 2] = schedule;
        schedule.random += 977;
        rs_poll_schedule_begin(&replicas[i % 2], 1000 + (uint64_t)i);
        uint64_t wait_ms = rs_poll_schedule_wait(&replicas[i % 2], 1000 + (uint64_t)i);
        assert_true(wait_ms <= 10000);
        n_in_half += wait_ms < 5000;
    }
    (void)n_in_half; /* chance: decides nothing */
}

static void polls_are_an_interval_apart(void **state)
{
    (void)state;
    assert_int_equal(wait_after(0, 1), 10000);
    assert_int_equal(rs_poll_schedule_wait(&schedule, 14000), 1000);
    assert_int_equal(rs_poll_schedule_wait(&schedule, 99000), 0);
}

static void failures_make_pauses_longer_up_to_a_limit(void **state)
{
    (void)state;
    assert_int_equal(wait_after(1, 1), 20000);
    assert_int_equal(wait_after(1, 1), 40000);
    assert_int_equal(wait_after(1, 1), 60000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(wait_after(1, 1), 60000);
    assert_int_equal(wait_after(0, 1), 10000);
    assert_int_equal(schedule.n_failed, 0);
}

static void a_limit_below_the_interval_is_kept(void **state)
{
    (void)state;
    schedule.max_ms = 3000;
    assert_int_equal(wait_after(1, 1), 3000);
    assert_int_equal(wait_after(0, 1), 10000);
}

static void without_a_model_pauses_are_short(void **state)
{
    (void)state;
    assert_int_equal(wait_after(0, 0), 2000);
    assert_int_equal(wait_after(1, 0), 2000);
    assert_int_equal(wait_after(1, 0), 2000);
    schedule.interval_ms = 500;
    assert_int_equal(wait_after(0, 0), 500);
}

static void jitter_stays_within_its_share(void **state)
{
    uint64_t least = UINT64_MAX, most = 0;

    (void)state;
    schedule.jitter = 0.25;
    for (int i = 0; i < 2000; i++) {
        uint64_t wait_ms = wait_after(0, 1);
        assert_in_range(wait_ms, 7500, 12500);
        least = wait_ms < least ? wait_ms : least;
        most = wait_ms > most ? wait_ms : most;
    }
    assert_true(least < most);
}

#define T(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(replicas_that_start_together_spread_over_the_first_interval),
        T(polls_are_an_interval_apart),
        T(failures_make_pauses_longer_up_to_a_limit),
        T(a_limit_below_the_interval_is_kept),
        T(without_a_model_pauses_are_short),
        T(jitter_stays_within_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
