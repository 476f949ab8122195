/* Covers the circuit breaker of lib/store: when it opens, what it then refuses, who probes, and
 * what must have been told before it closes. The driver is a fake and the clock stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/base/lock.h"
#include "lib/store/store.h"
#include "tests/support/fake_driver.h"

static recsys_error err;

static recsys_status get(void)
{
    recsys_bytes key = KEY;
    recsys_value value;
    recsys_status status = recsys_store_get(store, &key, 1, &value, NULL, &err);

    assert_true((value.data != NULL) == (status == RECSYS_OK));
    recsys_value_release(&value);
    return status;
}

static recsys_status remove_key(void)
{
    recsys_bytes key = KEY;

    return recsys_store_remove(store, &key, 1, NULL, &err);
}

static recsys_status get_answered(recsys_status with)
{
    fake.answer = with;
    recsys_status status = get();
    fake.answer = RECSYS_OK;
    return status;
}

static void fail_times(int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(get_answered(RECSYS_E_TIMEOUT), RECSYS_E_TIMEOUT);
}

static recsys_store_stats stats(void)
{
    recsys_store_stats found = {.struct_size = (uint32_t)sizeof found};

    assert_int_equal(recsys_store_get_stats(store, &found, &err), RECSYS_OK);
    return found;
}

static int is_open(void)
{
    return stats().breaker == RECSYS_BREAKER_OPEN;
}

static recsys_status probe(void)
{
    return recsys_store_probe(store, &err);
}

/* The statuses that another thread gets from the store. */
static recsys_status from_outside[3];

static void *ask_get_and_remove_and_probe(void *unused)
{
    recsys_bytes key = KEY;
    recsys_value value;

    (void)unused;
    from_outside[0] = recsys_store_get(store, &key, 1, &value, NULL, NULL);
    recsys_value_release(&value);
    from_outside[1] = recsys_store_remove(store, &key, 1, NULL, NULL);
    from_outside[2] = recsys_store_probe(store, NULL);
    return NULL;
}

static void ask_from_outside(void)
{
    pthread_t thread;

    assert_int_equal(rs_thread_start(&thread, ask_get_and_remove_and_probe, NULL), 0);
    rs_thread_join(thread);
}

static int32_t stop_at_once(recsys_bytes key, void *user_data)
{
    assert_memory_equal(key.data, "k", key.size);
    *(int *)user_data += 1;
    return 9;
}

/* -- the breaker: opening -- */

static void failures_in_a_row_open_it_and_no_call_gets_through(void **state)
{
    static const recsys_status failing[] = {RECSYS_E_TIMEOUT, RECSYS_E_IO, RECSYS_E_BACKEND};
    uint64_t cursor = 0;
    recsys_rate_decision decision;
    recsys_value value;
    int n_seen = 0;
    recsys_bytes key = KEY;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_false(is_open());
        assert_int_equal(get_answered(failing[i]), failing[i]);
        assert_string_equal(err.message, "the fake fails");
    }
    assert_true(is_open());
    assert_int_equal(get(), RECSYS_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "store s"));
    assert_non_null(strstr(err.message, "in about 100 ms"));
    assert_int_equal(recsys_store_set(store, KEY, VALUE, 0, 0, &err), RECSYS_E_UNAVAILABLE);
    assert_int_equal(remove_key(), RECSYS_E_UNAVAILABLE);
    assert_int_equal(recsys_store_get_or_set(store, KEY, VALUE, 0, &value, NULL, &err),
                     RECSYS_E_UNAVAILABLE);
    assert_int_equal(recsys_store_replace(store, KEY, VALUE, VALUE, 0, &err), RECSYS_E_UNAVAILABLE);
    assert_int_equal(recsys_store_scan(store, &key, 1, &cursor, stop_at_once, &n_seen, &err),
                     RECSYS_E_UNAVAILABLE);
    assert_int_equal(recsys_store_rate_limit(store, KEY, 1, 1, 1, &decision, &err),
                     RECSYS_E_UNAVAILABLE);
    assert_int_equal(fake.n_calls, 3);
    assert_int_equal(stats().calls, 3);
    assert_int_equal(stats().failures, 3);
    assert_int_equal(stats().refused, 7);
    assert_int_equal(stats().opened, 1);
}

static void a_used_up_pool_says_nothing_about_the_server(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(get_answered(RECSYS_E_EXHAUSTED), RECSYS_E_EXHAUSTED);
    assert_false(is_open());
    for (int i = 0; i < 3; i++) { /* between failures they end no row */
        fail_times(1);
        assert_int_equal(get_answered(RECSYS_E_EXHAUSTED),
                         i < 2 ? RECSYS_E_EXHAUSTED : RECSYS_E_UNAVAILABLE);
    }
    assert_true(is_open());
}

static void a_cause_that_fails_several_calls_counts_once(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        fail_times(1);
        fake.is_echo = 1;
        fail_times(10);
        fake.is_echo = 0;
    }
    assert_false(is_open());
    assert_int_equal(stats().failures, 22);
    assert_int_equal(stats().calls, 22);
    fail_times(1);
    assert_true(is_open());
}

static void an_echo_of_what_is_no_failure_is_none(void **state)
{
    static const recsys_status others[] = {RECSYS_E_EXHAUSTED, RECSYS_E_NOMEM};

    (void)state;
    fake.is_echo = 1;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(get_answered(others[i]), others[i]);
    fake.is_echo = 0;
    assert_int_equal(stats().failures, 0);
    assert_int_equal(stats().calls, 2);
}

static void any_answer_of_the_server_ends_a_row_of_failures(void **state)
{
    static const recsys_status answers[] = {RECSYS_OK,        RECSYS_E_NOT_FOUND, RECSYS_E_EXISTS,
                                            RECSYS_E_INVALID, RECSYS_E_LIMIT,     RECSYS_E_NOMEM,
                                            RECSYS_E_FORMAT};

    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        fail_times(2);
        assert_int_equal(get_answered(answers[i]), answers[i]);
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(get_answered(RECSYS_E_NOT_FOUND), RECSYS_E_NOT_FOUND);
    assert_false(is_open());
    fail_times(3);
    assert_true(is_open());
}

static void the_defaults_are_as_documented(void **state)
{
    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;

    (void)state;
    fake_reset();
    options.flags = RECSYS_STORE_PROBED;
    options.now_ms = fake_now;
    assert_int_equal(recsys_store_create("s", &fake_driver, &fake, &options, &store, &err),
                     RECSYS_OK);
    fail_times(4);
    assert_false(is_open());
    fail_times(1);
    assert_true(is_open());
    fake.ping_answer = RECSYS_E_IO;
    for (uint64_t pause = 250; pause < 4000; pause *= 2) {
        uint64_t expected = pause < 1000 ? pause : 1000;
        fake.clock_ms += expected - 1;
        assert_int_equal(probe(), RECSYS_E_UNAVAILABLE);
        fake.clock_ms += 1;
        assert_int_equal(probe(), RECSYS_E_IO);
    }
}

/* -- the breaker: closing -- */

static void a_probe_after_the_pause_closes_it(void **state)
{
    (void)state;
    assert_int_equal(probe(), RECSYS_OK); /* nothing to do */
    assert_int_equal(fake.n_pings, 0);
    fail_times(3);
    fake.clock_ms += 99;
    assert_int_equal(probe(), RECSYS_E_UNAVAILABLE);
    assert_int_equal(fake.n_pings, 0);
    fake.clock_ms += 1;
    assert_int_equal(get(),
                     RECSYS_E_UNAVAILABLE); /* a request does not probe, somebody else does */
    assert_int_equal(fake.n_pings, 0);
    assert_int_equal(probe(), RECSYS_OK);
    assert_int_equal(fake.n_pings, 1);
    assert_int_equal(get(), RECSYS_OK);
    assert_false(is_open());
    fail_times(2); /* counted from the beginning */
    assert_false(is_open());
}

static void each_failed_probe_doubles_the_pause_up_to_the_limit(void **state)
{
    static const uint64_t pauses[] = {100, 200, 350, 350};

    (void)state;
    fail_times(3);
    fake.ping_answer = RECSYS_E_TIMEOUT;
    for (size_t i = 0; i < 4; i++) {
        fake.clock_ms += pauses[i] - 1;
        assert_int_equal(probe(), RECSYS_E_UNAVAILABLE);
        fake.clock_ms += 1;
        assert_int_equal(probe(), RECSYS_E_TIMEOUT);
        assert_string_equal(err.message, "no pong");
        assert_int_equal(fake.n_pings, (int)i + 1);
    }
    fake.ping_answer = RECSYS_OK;
    fake.clock_ms += 350;
    assert_int_equal(probe(), RECSYS_OK);
    fail_times(3); /* the first pause again */
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_OK);
}

static void without_a_prober_the_first_request_after_the_pause_probes(void **state)
{
    (void)state;
    fail_times(3);
    fake.clock_ms += 99;
    assert_int_equal(get(), RECSYS_E_UNAVAILABLE);
    assert_int_equal(fake.n_pings, 0);
    fake.clock_ms += 1;
    fake.ping_answer = RECSYS_E_IO;
    assert_int_equal(get(),
                     RECSYS_E_UNAVAILABLE); /* nothing was sent of it, whatever the ping says */
    assert_int_equal(fake.n_pings, 1);
    assert_int_equal(get(), RECSYS_E_UNAVAILABLE);
    assert_int_equal(fake.n_pings, 1);
    fake.ping_answer = RECSYS_OK;
    fake.clock_ms += 200;
    assert_int_equal(get(), RECSYS_OK);
    assert_int_equal(fake.n_pings, 2);
    assert_int_equal(fake.n_calls, 4);
    assert_false(is_open());
}

static void while_one_probes_the_others_fail_at_once(void **state)
{
    (void)state;
    fail_times(3);
    fake.clock_ms += 100;
    fake.during_ping = ask_from_outside;
    assert_int_equal(get(), RECSYS_OK);
    assert_int_equal(fake.n_pings, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(from_outside[i], RECSYS_E_UNAVAILABLE);
}

static void a_failure_from_before_opens_nothing_again(void **state)
{
    (void)state;
    fail_times(2);
    fake.during = ask_from_outside; /* whose failures open it meanwhile */
    fake.answer = RECSYS_E_IO;
    assert_int_equal(remove_key(), RECSYS_E_IO);
    fake.answer = RECSYS_OK;
    assert_true(is_open());
    assert_int_equal(stats().opened, 1);
}

static void trip(void)
{
    rs_store_trip(store);
}

static void a_success_from_before_leaves_it_open(void **state)
{
    (void)state;
    fake.during = trip;
    assert_int_equal(get(), RECSYS_OK);
    assert_true(is_open());
    assert_int_equal(get(), RECSYS_E_UNAVAILABLE);
}

static void fail_twice_trip_and_return(void)
{
    rs_store_trip(store);
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_OK);
    fail_times(2);
    fake.answer = RECSYS_E_TIMEOUT;
}

static void a_failure_from_before_does_not_count_in_the_new_life(void **state)
{
    (void)state;
    fake.during = fail_twice_trip_and_return;
    fake.answer = RECSYS_E_TIMEOUT;
    assert_int_equal(get(), RECSYS_E_TIMEOUT);
    assert_false(is_open()); /* two of its own, and one that began earlier */
    assert_int_equal(get_answered(RECSYS_E_TIMEOUT), RECSYS_E_TIMEOUT);
    assert_true(is_open());
}

/* -- coming back -- */

struct teller {
    int n_told;
    recsys_status answer;
    void (*during)(void);
};

static struct teller one, two;

/* The store can be asked as always, from here alone. */
static recsys_status tell(void *arg, recsys_error *why)
{
    struct teller *teller = arg;

    teller->n_told++;
    assert_true(is_open());
    assert_int_equal(get(), RECSYS_OK);
    assert_int_equal(recsys_store_set(store, KEY, VALUE, 0, 0, &err), RECSYS_OK);
    if (teller->during != NULL)
        teller->during();
    if (teller->answer != RECSYS_OK && why != NULL) {
        why->status = teller->answer;
        snprintf(why->message, sizeof why->message, "could not tell");
    }
    return teller->answer;
}

static void register_tellers(void)
{
    one = two = (struct teller){0, RECSYS_OK, NULL};
    assert_int_equal(rs_store_on_return(store, tell, &one, &err), RECSYS_OK);
    assert_int_equal(rs_store_on_return(store, tell, &two, &err), RECSYS_OK);
}

static void who_has_something_to_tell_does_before_anybody_reads(void **state)
{
    (void)state;
    register_tellers();
    fail_times(3);
    one.during = ask_from_outside;
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_OK);
    assert_int_equal(one.n_told, 1);
    assert_int_equal(two.n_told, 1);
    assert_false(is_open());
    assert_int_equal(from_outside[0], RECSYS_E_UNAVAILABLE); /* a reader waits until all is told */
    assert_int_equal(from_outside[1], RECSYS_OK); /* a removal need not become one more */
    assert_int_equal(from_outside[2], RECSYS_E_UNAVAILABLE);
}

static void who_cannot_tell_keeps_it_open(void **state)
{
    (void)state;
    register_tellers();
    fail_times(3);
    one.answer = RECSYS_E_BACKEND;
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_E_BACKEND);
    assert_string_equal(err.message, "could not tell");
    assert_true(is_open());
    fake.clock_ms += 199; /* the pause is doubled */
    assert_int_equal(probe(), RECSYS_E_UNAVAILABLE);
    fake.clock_ms += 1;
    one.answer = RECSYS_OK;
    assert_int_equal(probe(), RECSYS_OK);
    assert_int_equal(get(), RECSYS_OK);
}

static void who_has_cancelled_is_not_asked(void **state)
{
    (void)state;
    register_tellers();
    assert_int_equal(rs_store_on_return(store, tell, &one, &err), RECSYS_OK);
    rs_store_cancel_return(store, &one);
    fail_times(3);
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_OK);
    assert_int_equal(one.n_told, 0);
    assert_int_equal(two.n_told, 1);
}

static void a_trip_opens_it_at_once(void **state)
{
    (void)state;
    register_tellers();
    rs_store_trip(store);
    assert_int_equal(get(), RECSYS_E_UNAVAILABLE);
    assert_non_null(strstr(err.message, "did not reach"));
    rs_store_trip(store);
    assert_int_equal(stats().opened, 1);
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_OK);
    assert_int_equal(one.n_told, 1);
}

static void trip_once(void)
{
    if (one.n_told == 1)
        rs_store_trip(store);
}

static void a_trip_during_the_telling_has_it_told_again(void **state)
{
    (void)state;
    register_tellers();
    fail_times(3);
    one.during = trip_once;
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_OK);
    assert_int_equal(one.n_told, 2);
    assert_int_equal(two.n_told, 2);
    assert_int_equal(fake.n_pings, 1);
    assert_false(is_open());
}

static void a_trip_during_the_ping_is_told_by_what_follows(void **state)
{
    (void)state;
    register_tellers();
    fail_times(3);
    fake.during_ping = trip;
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_OK);
    assert_int_equal(one.n_told, 1);
    assert_false(is_open());
}

static void trips_without_end_keep_it_open(void **state)
{
    (void)state;
    register_tellers();
    fail_times(3);
    one.during = trip;
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_E_UNAVAILABLE);
    assert_true(is_open());
    assert_true(one.n_told > 1);
    one.during = NULL;
    fake.clock_ms += 200;
    assert_int_equal(probe(), RECSYS_OK);
}

static void fail_a_removal_once(void)
{
    if (one.n_told != 1)
        return;
    fake.answer = RECSYS_E_TIMEOUT;
    ask_from_outside();
    fake.answer = RECSYS_OK;
}

static void a_removal_that_fails_during_the_telling_counts_as_a_trip(void **state)
{
    (void)state;
    register_tellers();
    fail_times(3);
    one.during = fail_a_removal_once;
    fake.clock_ms += 100;
    assert_int_equal(probe(), RECSYS_OK);
    assert_int_equal(from_outside[1], RECSYS_E_TIMEOUT);
    assert_int_equal(one.n_told, 2);
}

#define PROBED(test) cmocka_unit_test_setup_teardown(test, fake_set_up_probed, fake_tear_down)
#define UNPROBED(test) cmocka_unit_test_setup_teardown(test, fake_set_up_unprobed, fake_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROBED(failures_in_a_row_open_it_and_no_call_gets_through),
        PROBED(a_used_up_pool_says_nothing_about_the_server),
        PROBED(a_cause_that_fails_several_calls_counts_once),
        PROBED(an_echo_of_what_is_no_failure_is_none),
        PROBED(any_answer_of_the_server_ends_a_row_of_failures),
        cmocka_unit_test_teardown(the_defaults_are_as_documented, fake_tear_down),
        PROBED(a_probe_after_the_pause_closes_it),
        PROBED(each_failed_probe_doubles_the_pause_up_to_the_limit),
        UNPROBED(without_a_prober_the_first_request_after_the_pause_probes),
        UNPROBED(while_one_probes_the_others_fail_at_once),
        UNPROBED(a_failure_from_before_opens_nothing_again),
        PROBED(a_success_from_before_leaves_it_open),
        PROBED(a_failure_from_before_does_not_count_in_the_new_life),
        PROBED(who_has_something_to_tell_does_before_anybody_reads),
        PROBED(who_cannot_tell_keeps_it_open),
        PROBED(who_has_cancelled_is_not_asked),
        PROBED(a_trip_opens_it_at_once),
        PROBED(a_trip_during_the_telling_has_it_told_again),
        PROBED(a_trip_during_the_ping_is_told_by_what_follows),
        PROBED(trips_without_end_keep_it_open),
        PROBED(a_removal_that_fails_during_the_telling_counts_as_a_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
