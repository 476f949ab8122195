/* Covers lib/registry/watch.c and recent.c with a clock of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/registry/recent.h"
#include "lib/registry/watch.h"

static const char models[3]; /* addresses; the watch only compares them */
#define MODEL(i) ((const recsys_model *)(const void *)&models[i])

static struct rs_watch watch;
static char why[200];

static int set_up(void **state)
{
    (void)state;
    memset(&watch, 0, sizeof watch);
    watch.rules = (struct rs_watch_rules){1000, 10, 0.2, 0.2};
    rs_watch_begin(&watch, MODEL(0), 1, 0);
    return 0;
}

static int count(int model, uint64_t n_answers, uint64_t n_failed, uint64_t n_empty,
                 uint64_t now_ns)
{
    struct rs_tally found = {n_answers, n_failed, n_empty};

    return rs_watch_count(&watch, MODEL(model), &found, now_ns, why, sizeof why);
}

static void the_first_model_is_not_watched(void **state)
{
    (void)state;
    assert_false(rs_watch_is_on(&watch, 1));
    assert_int_equal(count(0, 100, 100, 0, 1), 0);
}

static void a_verdict_is_given_once(void **state)
{
    (void)state;
    rs_watch_begin(&watch, MODEL(1), 1, 5);
    assert_true(rs_watch_is_on(&watch, 5));
    assert_int_equal(count(1, 9, 9, 0, 6), 0);
    assert_int_equal(count(1, 1, 1, 0, 7), 1);
    assert_non_null(strstr(why, "100.0 % of its 10 answers failed, 0.0 %"));
    assert_int_equal(count(1, 1, 1, 0, 8), 0);
}

static void the_window_ends(void **state)
{
    (void)state;
    rs_watch_begin(&watch, MODEL(1), 1, 5);
    assert_true(rs_watch_is_on(&watch, 1004));
    assert_false(rs_watch_is_on(&watch, 1005));
    assert_int_equal(count(1, 100, 100, 0, 1005), 0);
    assert_int_equal(count(1, 100, 100, 0, 6), 0); /* for good */
}

static void too_few_answers_of_the_old_model_count_as_none(void **state)
{
    (void)state;
    (void)count(0, 9, 9, 0, 1);
    rs_watch_begin(&watch, MODEL(1), 1, 5);
    assert_int_equal(count(1, 100, 50, 0, 6), 1);
}

static void the_usual_share_is_allowed_for(void **state)
{
    (void)state;
    (void)count(0, 1000, 500, 100, 1);
    rs_watch_begin(&watch, MODEL(1), 1, 5);
    assert_int_equal(count(1, 100, 69, 29, 6), 0);
    assert_int_equal(count(1, 0, 0, 2, 6), 1);
}

static void many_answers_are_halved_and_keep_their_shares(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++)
        (void)count(0, 1000, 250, 500, 1);
    assert_true(watch.tally.n_answers < 2000000);
    assert_true(watch.tally.n_failed * 4 - watch.tally.n_answers + 100 < 200);
    assert_true(watch.tally.n_empty * 2 - watch.tally.n_answers + 100 < 200);
}

static void the_ring_keeps_the_last_requests(void **state)
{
    struct rs_recent recent, copy;
    recsys_request request = RECSYS_REQUEST_INIT;
    uint64_t sum = 0;

    (void)state;
    assert_int_equal(rs_recent_init(&recent, 4, NULL), RECSYS_OK);
    for (uint64_t i = 1; i <= 10; i++) {
        request.user.number = i;
        request.flags = RECSYS_REQUEST_REASONS | RECSYS_REQUEST_STRENGTH | RECSYS_REQUEST_ALLOW;
        rs_recent_add(&recent, &request);
    }
    assert_int_equal(rs_recent_copy(&recent, &copy, NULL), RECSYS_OK);
    for (size_t i = 0; i < copy.n; i++) {
        recsys_request kept = rs_recent_get(&copy, i);
        assert_null(kept.user.text);
        assert_int_equal(kept.flags, RECSYS_REQUEST_REASONS); /* no lists, no strength */
        sum += kept.user.number;
    }
    assert_int_equal(copy.n, 4);
    assert_int_equal(sum, 7 + 8 + 9 + 10);
    rs_recent_destroy(&copy);
    rs_recent_destroy(&recent);
}

static void the_longest_text_is_kept_and_a_longer_one_is_not(void **state)
{
    char text[300];
    struct rs_recent recent;
    recsys_request request = RECSYS_REQUEST_INIT;

    (void)state;
    memset(text, 'x', sizeof text);
    assert_int_equal(rs_recent_init(&recent, 2, NULL), RECSYS_OK);
    request.user = (recsys_id)RECSYS_ID_TEXT(text, RECSYS_ID_MAX_TEXT + 1u);
    rs_recent_add(&recent, &request);
    assert_int_equal(recent.n, 0);
    request.user.number = RECSYS_ID_MAX_TEXT;
    rs_recent_add(&recent, &request);
    recsys_request kept = rs_recent_get(&recent, 0);
    assert_int_equal(kept.user.number, RECSYS_ID_MAX_TEXT);
    assert_ptr_not_equal(kept.user.text, text);
    assert_memory_equal(kept.user.text, text, RECSYS_ID_MAX_TEXT);
    rs_recent_destroy(&recent);
    assert_int_equal(rs_recent_init(&recent, 0, NULL), RECSYS_OK);
    rs_recent_add(&recent, &request);
    assert_int_equal(recent.n, 0);
}

#define T(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_first_model_is_not_watched),
        T(a_verdict_is_given_once),
        T(the_window_ends),
        T(too_few_answers_of_the_old_model_count_as_none),
        T(the_usual_share_is_allowed_for),
        T(many_answers_are_halved_and_keep_their_shares),
        T(the_ring_keeps_the_last_requests),
        T(the_longest_text_is_kept_and_a_longer_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
