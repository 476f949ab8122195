/* Covers the table of lib/aside/get_or_load.h: every transition is taken, on the path that is said.
 *
 * A test makes the situation, calls once, and compares the states that the call went through with
 * those it should. Other threads and processes are played by hooks: in the store before an
 * operation, in the loader, in the sleep. The last test fails if a transition of the table was
 * never taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/aside/get_or_load.h"
#include "recsys/log.h"
#include "tests/support/aside_fixture.h"
#include "tests/support/trace_lines.h"

static void (*while_sleeping)(void);
static struct {
    enum scripted_operation operation;
    void (*act)(void); /* once */
} before;

static void sleep_ms(uint32_t ms, void *user_data)
{
    (void)user_data;
    fixture.n_sleeps++;
    fixture.script.now_ms += ms;
    if (while_sleeping != NULL)
        while_sleeping();
}

static void watch(enum scripted_operation operation, recsys_bytes key, void *user_data)
{
    void (*act)(void) = before.act;

    (void)key;
    (void)user_data;
    if (act == NULL || operation != before.operation)
        return;
    before.act = NULL;
    act();
}

static void on(enum scripted_operation operation, void (*act)(void))
{
    before.operation = operation;
    before.act = act;
}

/* -- the path of the last call -- */

static size_t first_line;

static void begin_path(void)
{
    first_line = trace_count();
}

/* "LOOK JUDGE ...", of the lines since begin_path(). */
static const char *path(void)
{
    static char text[1024];
    static const char mark[] = "user:profile:1: ";
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = first_line; i < trace_count(); i++) {
        const char *state = strstr(trace_line(i), mark);
        assert_non_null(state);
        state += sizeof mark - 1;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", n == 0 ? "" : " ",
                              (int)strcspn(state, ":"), state);
        assert_true(n < sizeof text);
    }
    return text;
}

static void assert_path(const char *want)
{
    assert_string_equal(path(), want);
}

static void load_by(const char *want)
{
    begin_path();
    fixture_load();
    assert_path(want);
}

/* -- what others do -- */

static void others_lease(void)
{
    static uint64_t n;
    unsigned char lease[RS_ENVELOPE_PREFIX];

    rs_lease_write(lease, ++n, 77);
    assert_int_equal(recsys_store_set(fixture.script.inner, FIXTURE_KEY,
                                      (recsys_bytes){lease, sizeof lease}, RECSYS_NEVER,
                                      RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
}

static void others_value(void)
{
    recsys_aside *other = fixture_other();

    assert_int_equal(recsys_aside_set(other, FIXTURE_KEY, (recsys_bytes){"theirs", 6}, 1, 0, NULL),
                     RECSYS_OK);
    recsys_aside_destroy(other);
}

static void others_removal(void)
{
    recsys_bytes key = FIXTURE_KEY;
    uint64_t n = 0;

    assert_int_equal(recsys_store_remove(fixture.script.inner, &key, 1, &n, NULL), RECSYS_OK);
}

static void others_garbage(void)
{
    static uint64_t n;

    n++;
    assert_int_equal(recsys_store_set(fixture.script.inner, FIXTURE_KEY,
                                      (recsys_bytes){&n, sizeof n}, RECSYS_NEVER,
                                      RECSYS_STORE_ALWAYS, NULL),
                     RECSYS_OK);
}

static void restart(void)
{
    fixture.script.incarnation++;
}

static void lose_the_store(void)
{
    scripted_store_fail(&fixture.script, 1000, RECSYS_E_IO, 0);
}

/* From now on this one operation fails. */
static void lose(enum scripted_operation operation)
{
    fixture.script.only = (int)operation;
    lose_the_store();
}

static uint64_t epoch(void)
{
    struct rs_look look;

    rs_aside_look(fixture.aside, (recsys_bytes){NULL, 0}, 1, RS_OPERATION_LOAD, &look, NULL);
    return look.epoch;
}

/* Another thread of this process leads a flight. */
static struct rs_flight *others_flight(uint64_t in_epoch)
{
    struct rs_flight *flight, *before_it;
    int may_share;

    assert_int_equal(rs_flights_join(&fixture.aside->flights, FIXTURE_KEY, in_epoch, &flight,
                                     &before_it, &may_share),
                     RS_JOINED_LEAD);
    return flight;
}

static struct rs_flight *their_flight;

static void others_answer(void)
{
    struct rs_answer answer = {.status = RECSYS_E_BACKEND};

    snprintf(answer.error.message, sizeof answer.error.message, "the leader's loader failed");
    answer.error.status = RECSYS_E_BACKEND;
    if (their_flight != NULL)
        rs_flights_finish(&fixture.aside->flights, their_flight, &answer);
    their_flight = NULL;
}

/* Another thread follows the flight that this call leads. */
static struct {
    struct rs_flight *flight;
    int may_share;
} follower;

static void follow(void)
{
    struct rs_flight *before_it;

    assert_int_equal(rs_flights_join(&fixture.aside->flights, FIXTURE_KEY, epoch(),
                                     &follower.flight, &before_it, &follower.may_share),
                     RS_JOINED_FOLLOW);
}

/* Was the answer for the follower, too? */
static int was_shared(void)
{
    struct rs_answer answer;
    enum rs_followed followed = rs_flights_follow(&fixture.aside->flights, follower.flight,
                                                  follower.may_share, RECSYS_NEVER, &answer);

    if (followed == RS_FOLLOWED_ANSWER)
        rs_image_unref(answer.image);
    return followed == RS_FOLLOWED_ANSWER;
}

/* -- a value is there -- */

static void a_fresh_value_is_served(void **state)
{
    (void)state;
    load_by("LOOK JUDGE JOIN TAKE LOAD FILL ANSWER");
    load_by("LOOK JUDGE USE SERVE");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_HIT);
}

static void a_value_known_not_to_exist_needs_no_load(void **state)
{
    (void)state;
    fixture_set_truth("");
    load_by("LOOK JUDGE JOIN TAKE LOAD FILL ANSWER");
    load_by("LOOK JUDGE");
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_NEGATIVE);
}

static void a_stale_value_is_replaced_by_one_and_served_to_others(void **state)
{
    (void)state;
    fixture_load();
    fixture_pass(1001);
    fixture.load_status = RECSYS_E_BACKEND;
    load_by("LOOK JUDGE USE CLAIM RELOAD SERVE");
    fixture.load_status = RECSYS_OK;
    load_by("LOOK JUDGE USE CLAIM SERVE"); /* the side lease is left */
    fixture_pass(100);
    fixture_set_truth("two");
    load_by("LOOK JUDGE USE CLAIM RELOAD REPLACE");
    assert_string_equal(fixture.value, "two");
    fixture_pass(1001);
    lose(SCRIPTED_SET);
    load_by("LOOK JUDGE USE CLAIM SERVE");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_STALE);
}

static void a_refresh_can_find_that_there_is_no_value_any_more(void **state)
{
    (void)state;
    fixture_load();
    fixture_pass(1001);
    fixture_set_truth("");
    load_by("LOOK JUDGE USE CLAIM RELOAD REPLACE");
    fixture_assert_outcome(RECSYS_E_NOT_FOUND, RECSYS_ASIDE_MISS);
}

static void a_refresh_gives_the_side_lease_back_or_counts_that_it_could_not(void **state)
{
    (void)state;
    fixture_load();
    fixture_pass(1001);
    fixture.while_loading = lose_the_store; /* the fill fails, too */
    load_by("LOOK JUDGE USE CLAIM RELOAD REPLACE");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
}

static void a_side_lease_that_has_expired_meanwhile_is_not_missed(void **state)
{
    (void)state;
    fixture_load();
    fixture_pass(1001);
    fixture.load_ms = 101; /* longer than the lease */
    load_by("LOOK JUDGE USE CLAIM RELOAD REPLACE");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_MISS);
}

/* -- nothing is there -- */

static void a_value_that_another_process_loads_is_waited_for(void **state)
{
    (void)state;
    others_lease();
    while_sleeping = others_value;
    load_by("LOOK JUDGE JOIN WAIT WATCH STEP_DOWN JUDGE USE SERVE");
    assert_string_equal(fixture.value, "theirs");
}

static void a_lease_that_is_gone_can_be_had(void **state)
{
    (void)state;
    others_lease();
    while_sleeping = others_removal;
    load_by("LOOK JUDGE JOIN WAIT WATCH TAKE LOAD FILL ANSWER");
    assert_string_equal(fixture.value, "one");
}

static void waiting_ends_with_the_callers_time(void **state)
{
    recsys_value value;
    recsys_error err;

    (void)state;
    others_lease();
    begin_path();
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, fixture_loader, NULL, 12,
                                              &value, NULL, &err),
                     RECSYS_OK);
    recsys_value_release(&value);
    /* Pauses of 2.5 to 5 and 5 to 10 ms, and the rest of the 12 ms. */
    assert_true(fixture.n_sleeps >= 2);
    assert_non_null(strstr(path(), "WAIT WATCH WAIT STEP_DOWN JUDGE LOAD ANSWER"));
    assert_int_equal(fixture_kind(), 'L'); /* nothing was stored over it */
}

static void a_call_without_a_time_out_waits_on(void **state)
{
    recsys_value value;

    (void)state;
    others_lease();
    while_sleeping = others_value;
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, fixture_loader, NULL,
                                              RECSYS_NEVER_32, &value, NULL, NULL),
                     RECSYS_OK);
    recsys_value_release(&value);
}

static void a_race_for_an_absent_key_can_be_lost(void **state)
{
    (void)state;
    on(SCRIPTED_GET_OR_SET, others_value);
    load_by("LOOK JUDGE JOIN TAKE WATCH STEP_DOWN JUDGE USE SERVE");
    assert_string_equal(fixture.value, "theirs");
}

static void a_lease_in_another_incarnation_than_the_epochs_is_given_back(void **state)
{
    (void)state;
    on(SCRIPTED_GET_OR_SET, restart);
    /* WATCH finds another epoch; the next round is in that one. */
    load_by("LOOK JUDGE JOIN TAKE WATCH STEP_DOWN JUDGE JOIN TAKE LOAD FILL ANSWER");
}

static void what_is_worth_nothing_is_replaced_unless_somebody_is_faster(void **state)
{
    (void)state;
    others_garbage();
    on(SCRIPTED_REPLACE, others_garbage);
    load_by("LOOK JUDGE JOIN TAKE WATCH TAKE LOAD FILL ANSWER");
    assert_int_equal(fixture_kind(), 'V');
    restart(); /* the value is dead */
    load_by("LOOK JUDGE JOIN TAKE LOAD FILL ANSWER");
}

static void always_garbage(void)
{
    others_garbage();
    on(SCRIPTED_REPLACE, always_garbage);
}

static void who_loses_every_race_loads_and_stores_nothing(void **state)
{
    (void)state;
    others_garbage();
    always_garbage();
    size_t n_lost = trace_with("TAKE: LOST -> WATCH");
    size_t n_tired = trace_with("JUDGE: TIRED -> LOAD");
    fixture_load();
    assert_string_equal(fixture.value, "one");
    /* Four rounds of eight races, then alone. */
    assert_int_equal(trace_with("TAKE: LOST -> WATCH") - n_lost, 32);
    assert_int_equal(trace_with("JUDGE: TIRED -> LOAD") - n_tired, 1);
    assert_int_not_equal(fixture_kind(), 'V');
}

static void a_store_that_fails_under_the_lease_is_away(void **state)
{
    static const char away[] = "LOOK JUDGE JOIN TAKE STEP_DOWN JUDGE JOIN GATHER ENTER LOAD ANSWER";

    (void)state;
    lose(SCRIPTED_GET_OR_SET);
    load_by(away);
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_UNKNOWN);
    scripted_store_heal(&fixture.script);
    others_garbage();
    lose(SCRIPTED_REPLACE);
    load_by(away);
}

static void a_store_that_is_lost_while_waiting_is_away(void **state)
{
    (void)state;
    others_lease();
    while_sleeping = lose_the_store;
    load_by("LOOK JUDGE JOIN WAIT WATCH STEP_DOWN JUDGE JOIN GATHER ENTER LOAD ANSWER");
}

/* -- flights -- */

static void a_caller_follows_the_flight_of_another_thread(void **state)
{
    (void)state;
    their_flight = others_flight(epoch());
    while_sleeping = others_answer;
    load_by("LOOK JUDGE JOIN FOLLOW");
    fixture_assert_outcome(RECSYS_E_BACKEND, RECSYS_ASIDE_MISS);
    assert_string_equal(fixture.err.message, "the leader's loader failed");
}

static void a_callers_error_record_may_be_missing(void **state)
{
    recsys_value value;

    (void)state;
    fixture.load_status = RECSYS_E_BACKEND;
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, fixture_loader, NULL, 0,
                                              &value, NULL, NULL),
                     RECSYS_E_BACKEND);
}

static void a_follower_whose_time_is_up_looks_again_and_loads_alone(void **state)
{
    (void)state;
    their_flight = others_flight(epoch());
    load_by("LOOK JUDGE JOIN FOLLOW LOOK JUDGE LOAD ANSWER"); /* 200 ms */
    others_answer();
}

static void the_same_while_the_store_is_away_takes_a_place(void **state)
{
    (void)state;
    their_flight = others_flight(epoch());
    while_sleeping = lose_the_store;
    load_by("LOOK JUDGE JOIN FOLLOW LOOK JUDGE ENTER LOAD ANSWER");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_UNKNOWN);
    others_answer();
}

static void those_who_follow_get_the_answer_if_the_lease_proves_it(void **state)
{
    (void)state;
    fixture.while_loading = follow;
    load_by("LOOK JUDGE JOIN TAKE LOAD FILL CONFIRM ANSWER");
    assert_true(was_shared());
}

static void nor_is_it_theirs_if_the_store_restarts_meanwhile(void **state)
{
    (void)state;
    fixture.while_loading = follow;
    on(SCRIPTED_REPLACE, restart);
    load_by("LOOK JUDGE JOIN TAKE LOAD FILL CONFIRM ANSWER");
    assert_false(was_shared());
}

static void follow_and_remove(void)
{
    follow();
    others_removal();
}

static void nor_if_the_key_was_removed_meanwhile(void **state)
{
    (void)state;
    fixture.while_loading = follow_and_remove;
    load_by("LOOK JUDGE JOIN TAKE LOAD FILL ANSWER");
    assert_false(was_shared());
}

static void a_failure_is_for_all_who_follow(void **state)
{
    (void)state;
    fixture.load_status = RECSYS_E_BACKEND;
    fixture.while_loading = follow_and_remove;
    load_by("LOOK JUDGE JOIN TAKE LOAD FILL ANSWER");
    assert_true(was_shared());
}

static void that_there_is_none_is_no_failure(void **state)
{
    (void)state;
    fixture_set_truth("");
    fixture.while_loading = follow_and_remove;
    load_by("LOOK JUDGE JOIN TAKE LOAD FILL ANSWER");
    assert_false(was_shared());
}

/* -- the store is away -- */

static void away_a_call_loads_in_a_place_of_its_own(void **state)
{
    (void)state;
    lose_the_store();
    load_by("LOOK JUDGE JOIN GATHER ENTER LOAD ANSWER");
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_UNKNOWN);
}

static void away_places_are_limited(void **state)
{
    (void)state;
    lose_the_store();
    for (uint32_t i = 0; i < fixture.aside->flights.max_loads; i++)
        assert_true(rs_flights_enter(&fixture.aside->flights, RECSYS_NEVER));
    load_by("LOOK JUDGE JOIN GATHER ENTER");
    fixture_assert_outcome(RECSYS_E_EXHAUSTED, RECSYS_ASIDE_UNKNOWN);
    rs_flights_leave(&fixture.aside->flights);
    load_by("LOOK JUDGE JOIN GATHER ENTER LOAD ANSWER"); /* its place is given back */
    load_by("LOOK JUDGE JOIN GATHER ENTER LOAD ANSWER");
}

static void away_a_sealed_flight_is_waited_for_first(void **state)
{
    (void)state;
    lose_the_store();
    their_flight = others_flight(0);
    rs_flights_seal(&fixture.aside->flights, their_flight);
    while_sleeping = others_answer;
    load_by("LOOK JUDGE JOIN GATHER ENTER LOAD ANSWER");
    assert_int_equal(fixture.n_sleeps, 1);
    fixture_assert_outcome(RECSYS_OK, RECSYS_ASIDE_UNKNOWN);
}

static void away_a_flight_that_is_not_sealed_is_followed(void **state)
{
    (void)state;
    lose_the_store();
    their_flight = others_flight(0);
    while_sleeping = others_answer;
    load_by("LOOK JUDGE JOIN FOLLOW");
    fixture_assert_outcome(RECSYS_E_BACKEND, RECSYS_ASIDE_UNKNOWN);
}

/* -- loaders that ask -- */

static recsys_aside *by_the_systems_clock;
static recsys_status inner_status;

static void ask_for_the_same_key(void)
{
    recsys_value value;

    fixture.while_loading = NULL;
    inner_status = recsys_aside_get_or_load(by_the_systems_clock, FIXTURE_KEY, fixture_loader, NULL,
                                            0, &value, NULL, NULL);
    recsys_value_release(&value);
}

static void a_loader_that_asks_for_its_own_key_is_told_so(void **state)
{
    recsys_aside_options options;
    recsys_error err;

    (void)state;
    fixture_options(&options);
    options.now_ms = NULL;
    options.sleep_ms = NULL;
    options.ttl_ms = 1;
    options.stale_ms = RECSYS_NEVER_32;
    assert_int_equal(recsys_aside_create(fixture.store, &options, &by_the_systems_clock, &err),
                     RECSYS_OK);
    fixture.while_loading = ask_for_the_same_key;
    begin_path();
    fixture_load_through(by_the_systems_clock);
    assert_int_equal(inner_status, RECSYS_E_STATE);
    assert_path("LOOK JUDGE JOIN TAKE LOOK JUDGE LOAD FILL ANSWER");
    /* If there is a value, though stale, it is served. */
    struct timespec pause = {0, 50000000}; /* the clock goes in steps of some milliseconds */
    nanosleep(&pause, NULL);
    fixture.while_loading = ask_for_the_same_key;
    begin_path();
    fixture_load_through(by_the_systems_clock);
    assert_int_equal(inner_status, RECSYS_OK);
    assert_path("LOOK JUDGE USE CLAIM LOOK JUDGE USE SERVE RELOAD REPLACE");
    recsys_aside_destroy(by_the_systems_clock);
}

static void what_cannot_be_called_takes_no_step(void **state)
{
    recsys_value value;
    uint32_t outcome = 9;

    (void)state;
    begin_path();
    assert_int_equal(
        recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, NULL, NULL, 0, &value, &outcome, NULL),
        RECSYS_E_INVALID);
    assert_int_equal(outcome, 0);
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, FIXTURE_KEY, fixture_loader, NULL, 0,
                                              NULL, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_aside_get_or_load(fixture.aside, (recsys_bytes){"~x", 2},
                                              fixture_loader, NULL, 0, &value, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_path("");
}

static void nothing_is_traced_when_it_is_off(void **state)
{
    (void)state;
    assert_int_equal(recsys_log_set_trace(NULL, NULL), RECSYS_OK);
    size_t n = trace_count();
    fixture_load();
    fixture_load();
    assert_int_equal(trace_count(), n);
    assert_int_equal(recsys_log_set_trace("aside", NULL), RECSYS_OK);
}

/* -- the table -- */

static void every_transition_of_the_table_was_taken(void **state)
{
    static const char *const all[] = {
#define LINE(state, event, next) ": " #state ": " #event " -> " #next,
        RS_LOAD_TRANSITIONS(LINE)
#undef LINE
    };
    size_t n_missing = 0;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (trace_with(all[i]) == 0) {
            print_error("never taken%s\n", all[i]);
            n_missing++;
        }
    assert_int_equal(n_missing, 0);
}

static int set_up(void **state)
{
    recsys_aside_options options;

    (void)state;
    while_sleeping = NULL;
    before.act = NULL;
    their_flight = NULL;
    fixture_create(0, NULL);
    fixture_options(&options);
    options.sleep_ms = sleep_ms;
    recsys_aside_destroy(fixture.aside);
    if (recsys_aside_create(fixture.store, &options, &fixture.aside, &fixture.err) != RECSYS_OK)
        return 1;
    fixture.script.watch = watch;
    return 0;
}

static int begin_trace(void **state)
{
    (void)state;
    trace_begin("aside");
    return 0;
}

static int end_trace(void **state)
{
    (void)state;
    trace_end();
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_fresh_value_is_served),
        TEST(a_value_known_not_to_exist_needs_no_load),
        TEST(a_stale_value_is_replaced_by_one_and_served_to_others),
        TEST(a_refresh_can_find_that_there_is_no_value_any_more),
        TEST(a_refresh_gives_the_side_lease_back_or_counts_that_it_could_not),
        TEST(a_side_lease_that_has_expired_meanwhile_is_not_missed),
        TEST(a_value_that_another_process_loads_is_waited_for),
        TEST(a_lease_that_is_gone_can_be_had),
        TEST(waiting_ends_with_the_callers_time),
        TEST(a_call_without_a_time_out_waits_on),
        TEST(a_race_for_an_absent_key_can_be_lost),
        TEST(a_lease_in_another_incarnation_than_the_epochs_is_given_back),
        TEST(what_is_worth_nothing_is_replaced_unless_somebody_is_faster),
        TEST(who_loses_every_race_loads_and_stores_nothing),
        TEST(a_store_that_fails_under_the_lease_is_away),
        TEST(a_store_that_is_lost_while_waiting_is_away),
        TEST(a_caller_follows_the_flight_of_another_thread),
        TEST(a_callers_error_record_may_be_missing),
        TEST(a_follower_whose_time_is_up_looks_again_and_loads_alone),
        TEST(the_same_while_the_store_is_away_takes_a_place),
        TEST(those_who_follow_get_the_answer_if_the_lease_proves_it),
        TEST(nor_is_it_theirs_if_the_store_restarts_meanwhile),
        TEST(nor_if_the_key_was_removed_meanwhile),
        TEST(a_failure_is_for_all_who_follow),
        TEST(that_there_is_none_is_no_failure),
        TEST(away_a_call_loads_in_a_place_of_its_own),
        TEST(away_places_are_limited),
        TEST(away_a_sealed_flight_is_waited_for_first),
        TEST(away_a_flight_that_is_not_sealed_is_followed),
        TEST(a_loader_that_asks_for_its_own_key_is_told_so),
        TEST(what_cannot_be_called_takes_no_step),
        TEST(nothing_is_traced_when_it_is_off),
        cmocka_unit_test(every_transition_of_the_table_was_taken),
    };

    return cmocka_run_group_tests(tests, begin_trace, end_trace);
}
