/* Covers lib/denylist/denylist*.c over the in-process store and a database that does as it is told.
 *
 * Its purpose and the promises of its calls. Proofs that must not be believed, whatever
 * happens in between, are in test_denylist_proof.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/lock.h"
#include "tests/support/check.h"
#include "tests/support/denylist_fixture.h"

/* -- what it is for -- */

/* A call that succeeds leaves the record as it was. */
static const recsys_error untouched = {RECSYS_E_BUSY, 3, "as it was"};

static void a_revoked_token_is_refused_by_every_process(void **state)
{
    (void)state;
    assert_int_equal(check(denylist_fixture.a, "t1"), CLEAR);
    assert_int_equal(check(denylist_fixture.b, "t1"), CLEAR);
    revoke(denylist_fixture.a, "t1");
    assert_int_equal(check(denylist_fixture.a, "t1"), REVOKED);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
    assert_int_equal(check(denylist_fixture.a, "t2"), CLEAR);
    assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR);
}

static void a_check_with_a_proof_asks_the_database_nothing(void **state)
{
    (void)state;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.a, &err), RECSYS_OK);
    unsigned long before = n_reads();
    for (int i = 0; i < 100; i++)
        assert_int_equal(check(denylist_fixture.a, "t1"), CLEAR);
    assert_int_equal(n_reads(), before);
}

static void that_nothing_is_in_the_store_proves_nothing(void **state)
{
    (void)state;
    revoke(denylist_fixture.a, "t1");
    assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR);
    flush();
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_IO);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED); /* from its own list */
    assert_int_equal(check(denylist_fixture.b, "t2"), RECSYS_TOKEN_UNCONFIRMED);
    assert_non_null(strstr(err.message, "the fake database was told to fail"));
    recsys_denylist_stats stats = {.struct_size = (uint32_t)sizeof stats};
    assert_int_equal(recsys_denylist_get_stats(denylist_fixture.b, &stats, &err), RECSYS_OK);
    assert_true(stats.confirmed_ms > 0);
    recsys_denylist *fresh = create(denylist_fixture.store_b, denylist_fixture.source,
                                    NULL); /* has never had a complete list */
    assert_int_equal(check(fresh, "t2"), UNKNOWN);
    recsys_denylist_destroy(fresh);
    atomic_store(&denylist_fixture.database.fail, RECSYS_OK);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
    assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR);

    recsys_denylist *born =
        create(denylist_fixture.store_b, denylist_fixture.source, NULL); /* knows nothing yet */
    flush();
    assert_int_equal(check(born, "t1"), REVOKED);
    recsys_denylist_destroy(born);
    born = create(denylist_fixture.store_b, denylist_fixture.source, NULL);
    assert_int_equal(check(born, "t2"), CLEAR); /* the proof is of more than it knows */
    assert_int_equal(check(born, "t1"), REVOKED);
    recsys_denylist_destroy(born);
}

static void neither_store_nor_database_is_unknown_and_never_clear(void **state)
{
    (void)state;
    revoke(denylist_fixture.a, "t1");
    assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR);
    atomic_store(&denylist_fixture.link_b.fail, RECSYS_E_TIMEOUT);
    assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR); /* the database says so */
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_TIMEOUT);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
    assert_int_equal(check(denylist_fixture.b, "t2"), UNKNOWN);
    atomic_store(&denylist_fixture.link_b.fail, RECSYS_OK);

    recsys_denylist_stats stats = {.struct_size = (uint32_t)sizeof stats};
    assert_int_equal(recsys_denylist_get_stats(denylist_fixture.b, &stats, &err), RECSYS_OK);
    assert_int_equal(stats.checks, 4);
    assert_int_equal(stats.revoked, 1);
    assert_int_equal(stats.unknown, 1);
    assert_int_equal(stats.tokens, 1);
    assert_int_equal(stats.syncs, 3);
    assert_int_equal(stats.sync_failures, 1);
}

static void without_a_store_every_check_asks_the_database(void **state)
{
    recsys_denylist *alone = create(NULL, denylist_fixture.source, NULL);

    (void)state;
    assert_int_equal(check(alone, "t1"), CLEAR);
    revoke(denylist_fixture.a, "t1");
    assert_int_equal(check(alone, "t1"), REVOKED);
    unsigned long before = n_reads();
    assert_int_equal(check(alone, "t2"), CLEAR);
    assert_int_equal(check(alone, "t2"), CLEAR);
    assert_int_equal(n_reads(), before + 2);
    revoke(alone, "t2");
    assert_int_equal(check(denylist_fixture.b, "t2"), REVOKED);
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_IO);
    assert_int_equal(check(alone, "t3"), UNKNOWN);
    recsys_denylist_destroy(alone);
}

/* -- callers of unequal patience -- */

static atomic_int is_over;

/* A sync has two seconds for the database, which are too few here unless the check reads for it. */
static void *sync_in_vain(void *user_data)
{
    recsys_denylist *denylist = user_data;

    while (!atomic_load(&is_over)) {
        recsys_status status = recsys_denylist_sync(denylist, NULL);
        CHECK(status == RECSYS_E_TIMEOUT || status == RECSYS_OK);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return NULL;
}

static void a_check_does_not_fail_with_a_reading_that_had_less_time(void **state)
{
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;
    pthread_t threads[6]; /* one reads; the others and the check compete for the next reading */
    int n_clear = 0;

    (void)state;
    options.timeout_ms = RECSYS_NEVER_32;
    recsys_denylist *alone = create(NULL, denylist_fixture.source, &options);
    atomic_store(&denylist_fixture.database.slow_ms, 60000);
    atomic_store(&is_over, 0);
    for (size_t i = 0; i < 6; i++)
        CHECK_EQ(rs_thread_start(&threads[i], sync_in_vain, alone), 0);
    for (int i = 0; i < 200; i++)
        n_clear += check(alone, "t1") == CLEAR;
    atomic_store(&is_over, 1);
    for (size_t i = 0; i < 6; i++)
        rs_thread_join(threads[i]);
    assert_int_equal(n_clear, 200);
    recsys_denylist_destroy(alone);
}

/* -- much, full, expired -- */

static void a_long_list_is_read_in_batches_and_checks_need_not_wait_for_it(void **state)
{
    char jti[32];

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(jti, sizeof jti, "old-%u", i);
        auth_database_add(&denylist_fixture.database, jti, (int64_t)FAR_S);
    }
    assert_int_equal(check(denylist_fixture.a, "old-9999"), REVOKED); /* in the third batch */
    assert_int_equal(n_reads(), 1);
    assert_int_equal(atomic_load(&denylist_fixture.database.n_asks), 1);
    assert_int_equal(check(denylist_fixture.b, "new"), CLEAR);
    assert_int_equal(recsys_denylist_sync(denylist_fixture.a, &err), RECSYS_OK);
    assert_int_equal(n_reads(), 4);
    recsys_denylist_stats stats = {.struct_size = (uint32_t)sizeof stats};
    assert_int_equal(recsys_denylist_get_stats(denylist_fixture.a, &stats, &err), RECSYS_OK);
    assert_int_equal(stats.tokens, 10000);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(jti, sizeof jti, "old-%u", i);
        assert_int_equal(check(denylist_fixture.a, jti), REVOKED);
    }
    assert_int_equal(n_reads(), 4);
}

static void more_tokens_than_it_has_room_for_are_asked_for_one_by_one(void **state)
{
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;
    char jti[32];

    (void)state;
    options.max_tokens = 10;
    recsys_denylist *small = create(denylist_fixture.store_a, denylist_fixture.source, &options);
    for (unsigned i = 0; i < 25; i++) {
        snprintf(jti, sizeof jti, "t-%u", i);
        auth_database_add(&denylist_fixture.database, jti, (int64_t)FAR_S);
    }
    assert_int_equal(recsys_denylist_sync(small, &err), RECSYS_E_LIMIT);
    assert_non_null(strstr(err.message, "max_tokens"));
    flush();
    for (unsigned i = 0; i < 50; i++) {
        snprintf(jti, sizeof jti, "t-%u", i);
        assert_int_equal(check(small, jti), i < 25 ? REVOKED : CLEAR);
    }
    recsys_denylist_destroy(small);
}

static uint64_t fake_now(void *unused)
{
    (void)unused;
    return fake_now_ms;
}

static uint64_t database_now(void)
{
    return fake_now_ms;
}

static void what_has_expired_is_forgotten_eleven_minutes_later(void **state)
{
    recsys_denylist_stats stats = {.struct_size = (uint32_t)sizeof stats};
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;

    (void)state;
    fake_now_ms = 1780000000000u;
    denylist_fixture.database.now_ms = database_now;
    options.now_ms = fake_now;
    recsys_denylist *a = create(denylist_fixture.memory, denylist_fixture.source, &options);
    recsys_denylist *b = create(denylist_fixture.memory, denylist_fixture.source, &options);
    assert_int_equal(recsys_denylist_revoke(a, bytes("t1"), NULL, NULL, 1780000010u, &err),
                     RECSYS_OK);
    assert_int_equal(check(b, "t1"), REVOKED);
    fake_now_ms += 10000 + 659999;
    flush();
    assert_int_equal(check(a, "t1"), REVOKED);
    assert_int_equal(check(b, "t1"), REVOKED);
    fake_now_ms += 1;
    assert_int_equal(check(a, "t1"), CLEAR);
    assert_int_equal(recsys_denylist_sync(a, &err), RECSYS_OK);
    for (int i = 0; i < 64; i++) /* a part of the table each time */
        assert_int_equal(recsys_denylist_sync(a, &err), RECSYS_OK);
    assert_int_equal(recsys_denylist_get_stats(a, &stats, &err), RECSYS_OK);
    assert_int_equal(stats.tokens, 0);

    /* Already expired: written, since the time may be wrong, and no harm. */
    assert_int_equal(recsys_denylist_revoke(a, bytes("t2"), NULL, NULL, 1, &err), RECSYS_OK);
    assert_int_equal(check(b, "t2"), CLEAR);
    recsys_denylist_destroy(a);
    recsys_denylist_destroy(b);
}

static void revoking_twice_keeps_the_reason_and_the_later_expiry(void **state)
{
    recsys_value json = {0};

    (void)state;
    assert_int_equal(
        recsys_denylist_revoke(denylist_fixture.a, bytes("t1"), "u-1", "logout", 4000000000u, &err),
        RECSYS_OK);
    assert_int_equal(
        recsys_denylist_revoke(denylist_fixture.b, bytes("t1"), "u-2", "stolen", 4000000060u, &err),
        RECSYS_OK);
    assert_int_equal(
        recsys_denylist_revoke(denylist_fixture.b, bytes("t1"), "u-2", "stolen", 4000000030u, &err),
        RECSYS_OK);
    assert_int_equal(recsys_denylist_get(denylist_fixture.a, bytes("t1"), &json, &err), RECSYS_OK);
    assert_string_equal(json.data,
                        "{\"jti\":\"t1\",\"user_id\":\"u-1\",\"reason\":\"logout\",\"blacklisted_"
                        "at\":\"2026-06-01T00:00:00Z\",\"expires_at\":\"2096-10-02T07:07:40Z\"}");
    recsys_value_release(&json);
}

/* -- the rest of the contract -- */

static void all_there_is_to_know_comes_from_the_database_or_else_from_the_store(void **state)
{
    recsys_value json = {0};

    (void)state;
    assert_int_equal(recsys_denylist_get(denylist_fixture.a, bytes("t1"), &json, &err),
                     RECSYS_E_NOT_FOUND);
    revoke(denylist_fixture.a, "t1");
    assert_string_equal(stored(bytes("blacklist:t1")),
                        "{\"user_id\":\"u-1\",\"reason\":\"logout\",\"blacklisted_at\":\"2026-06-"
                        "01T00:00:00Z\",\"expires_at\":\"2100-01-01T00:00:00Z\"}");
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_IO);
    err = untouched;
    assert_int_equal(recsys_denylist_get(denylist_fixture.b, bytes("t1"), &json, &err), RECSYS_OK);
    assert_memory_equal(&err, &untouched, sizeof err);
    assert_string_equal(json.data,
                        "{\"jti\":\"t1\",\"user_id\":\"u-1\",\"reason\":\"logout\",\"blacklisted_"
                        "at\":\"2026-06-01T00:00:00Z\",\"expires_at\":\"2100-01-01T00:00:00Z\"}");
    recsys_value_release(&json);
    flush();
    assert_int_equal(recsys_denylist_get(denylist_fixture.b, bytes("t1"), &json, &err),
                     RECSYS_E_IO);
    assert_null(json.data);
}

static void without_a_database_the_store_s_word_counts(void **state)
{
    recsys_denylist *a = create(denylist_fixture.store_a, NULL, NULL),
                    *b = create(denylist_fixture.store_b, NULL, NULL);
    recsys_value json = {0};

    (void)state;
    assert_int_equal(check(b, "t1"), CLEAR);
    revoke(a, "t1");
    assert_int_equal(check(a, "t1"), REVOKED);
    assert_int_equal(check(b, "t1"), REVOKED);
    assert_int_equal(recsys_denylist_get(b, bytes("t1"), &json, &err), RECSYS_OK);
    assert_non_null(strstr(json.data, "\"expires_at\":\"2100-01-01T00:00:00Z\""));
    recsys_value_release(&json);
    atomic_store(&denylist_fixture.link_a.fail, RECSYS_E_IO);
    atomic_store(&denylist_fixture.link_b.fail, RECSYS_E_IO);
    assert_int_equal(check(a, "t1"), REVOKED); /* its own */
    assert_int_equal(check(b, "t1"), UNKNOWN);
    assert_int_equal(recsys_denylist_revoke(a, bytes("t2"), NULL, NULL, FAR_S, &err), RECSYS_E_IO);
    assert_int_equal(recsys_denylist_sync(a, &err), RECSYS_OK);
    recsys_denylist_destroy(a);
    recsys_denylist_destroy(b);
}

static void a_check_says_why_it_cannot_tell_and_leaves_the_error_record_alone(void **state)
{
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;
    const recsys_error nothing = {0, 0, ""};

    (void)state;
    err = untouched;
    assert_int_equal(recsys_denylist_check(denylist_fixture.a, bytes("t1"), &found, &err),
                     RECSYS_OK);
    assert_int_equal(found.verdict, CLEAR);
    assert_memory_equal(&found.problem, &nothing, sizeof nothing);
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_TIMEOUT);
    atomic_store(&denylist_fixture.link_a.fail, RECSYS_E_IO);
    assert_int_equal(recsys_denylist_check(denylist_fixture.a, bytes("t1"), &found, &err),
                     RECSYS_OK);
    assert_int_equal(found.verdict, UNKNOWN);
    assert_int_equal(found.problem.status, RECSYS_E_TIMEOUT);
    assert_non_null(strstr(found.problem.message, "cannot tell whether the token is revoked: "));
    assert_memory_equal(&err, &untouched, sizeof err);
    /* Nothing of its earlier answer is left behind. */
    atomic_store(&denylist_fixture.database.fail, RECSYS_OK);
    atomic_store(&denylist_fixture.link_a.fail, RECSYS_OK);
    assert_int_equal(recsys_denylist_check(denylist_fixture.a, bytes("t1"), &found, &err),
                     RECSYS_OK);
    assert_int_equal(found.verdict, CLEAR);
    assert_memory_equal(&found.problem, &nothing, sizeof nothing);
}

static void a_database_that_fails_does_not_revoke(void **state)
{
    (void)state;
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_TIMEOUT);
    assert_int_equal(
        recsys_denylist_revoke(denylist_fixture.a, bytes("t1"), NULL, NULL, FAR_S, &err),
        RECSYS_E_TIMEOUT);
    assert_int_equal(recsys_denylist_sync(denylist_fixture.a, &err), RECSYS_E_TIMEOUT);
    atomic_store(&denylist_fixture.database.fail, RECSYS_OK);
    assert_int_equal(check(denylist_fixture.a, "t1"), CLEAR);
}

static void a_revocation_that_lost_against_another_is_tried_again(void **state)
{
    (void)state;
    atomic_store(&denylist_fixture.database.fail_next, 2);
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_CONFLICT);
    err = untouched;
    revoke(denylist_fixture.a, "t1");
    assert_memory_equal(&err, &untouched, sizeof err);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_CONFLICT); /* but not without end */
    assert_int_equal(
        recsys_denylist_revoke(denylist_fixture.a, bytes("t2"), NULL, NULL, FAR_S, &err),
        RECSYS_E_CONFLICT);
}

static void a_sync_rids_the_database_of_what_has_expired_now_and_then(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(recsys_denylist_sync(denylist_fixture.a, &err), RECSYS_OK);
    assert_int_equal(atomic_load(&denylist_fixture.database.n_deletes), 1);
}

static void everything_is_counted(void **state)
{
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;
    recsys_stats *stats;
    recsys_metric *metric;

    (void)state;
    assert_int_equal(recsys_stats_create(&stats, &err), RECSYS_OK);
    options.stats = stats;
    recsys_denylist *denylist = create(denylist_fixture.store_a, denylist_fixture.source, &options);
    revoke(denylist, "t1");
    assert_int_equal(check(denylist, "t1"), REVOKED);
    assert_int_equal(check(denylist, "t2"), CLEAR);
    atomic_store(&denylist_fixture.database.fail, RECSYS_E_IO);
    flush();
    assert_int_equal(check(denylist, "t2"), RECSYS_TOKEN_UNCONFIRMED);
    const struct {
        const char *name, *labels;
        double want;
    } counters[] = {{"denylist_checks_total", "verdict=\"clear\"", 1},
                    {"denylist_checks_total", "verdict=\"revoked\"", 1},
                    {"denylist_checks_total", "verdict=\"unknown\"", 0},
                    {"denylist_checks_total", "verdict=\"unconfirmed\"", 1},
                    {"denylist_unknown_total", NULL, 1},
                    {"denylist_revocations_total", NULL, 1},
                    {"denylist_syncs_total", NULL, 2},
                    {"denylist_sync_failures_total", NULL, 1}};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        assert_int_equal(recsys_stats_add_counter(stats, counters[i].name, "", counters[i].labels,
                                                  &metric, &err),
                         RECSYS_OK);
        if (recsys_metric_get(metric) != counters[i].want)
            fail_msg("%s is %g", counters[i].name, recsys_metric_get(metric));
    }
    recsys_stats_unref(stats); /* the denylist goes on counting */
    assert_int_equal(check(denylist, "t1"), REVOKED);
    recsys_denylist_destroy(denylist);
}

static void what_makes_no_sense_is_refused(void **state)
{
    recsys_denylist *denylist;
    char jti[300];
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;
    recsys_value json;
    const recsys_bytes bad[] = {{NULL, 4}, {"", 0}, {jti, 256}, {"a\xff", 2}, {"a\0b", 3}};

    (void)state;
    memset(jti, 'j', sizeof jti);
    assert_int_equal(recsys_denylist_create(NULL, NULL, NULL, &denylist, &err), RECSYS_E_INVALID);
    assert_null(denylist);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        found.verdict = CLEAR;
        assert_int_equal(recsys_denylist_check(denylist_fixture.a, bad[i], &found, &err),
                         RECSYS_E_INVALID);
        assert_int_equal(found.verdict, 0);
        assert_int_equal(
            recsys_denylist_revoke(denylist_fixture.a, bad[i], NULL, NULL, FAR_S, &err),
            RECSYS_E_INVALID);
        assert_int_equal(recsys_denylist_get(denylist_fixture.a, bad[i], &json, &err),
                         RECSYS_E_INVALID);
    }
    assert_int_equal(recsys_denylist_revoke(denylist_fixture.a, bytes("t"), NULL, NULL,
                                            FAR_S * 1000u, &err), /* ms */
                     RECSYS_E_INVALID);
    assert_int_equal(
        recsys_denylist_revoke(denylist_fixture.a, bytes("t"), "\xff", NULL, FAR_S, &err),
        RECSYS_E_INVALID);
    jti[255] = '\0';
    revoke(denylist_fixture.a, jti);
    assert_int_equal(check(denylist_fixture.b, jti), REVOKED);
    recsys_denylist_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_revoked_token_is_refused_by_every_process),
        TEST(a_check_with_a_proof_asks_the_database_nothing),
        TEST(that_nothing_is_in_the_store_proves_nothing),
        TEST(neither_store_nor_database_is_unknown_and_never_clear),
        TEST(without_a_store_every_check_asks_the_database),
        TEST(a_check_does_not_fail_with_a_reading_that_had_less_time),
        TEST(a_long_list_is_read_in_batches_and_checks_need_not_wait_for_it),
        TEST(more_tokens_than_it_has_room_for_are_asked_for_one_by_one),
        TEST(what_has_expired_is_forgotten_eleven_minutes_later),
        TEST(revoking_twice_keeps_the_reason_and_the_later_expiry),
        TEST(all_there_is_to_know_comes_from_the_database_or_else_from_the_store),
        TEST(without_a_database_the_store_s_word_counts),
        TEST(a_check_says_why_it_cannot_tell_and_leaves_the_error_record_alone),
        TEST(a_database_that_fails_does_not_revoke),
        TEST(a_revocation_that_lost_against_another_is_tried_again),
        TEST(a_sync_rids_the_database_of_what_has_expired_now_and_then),
        TEST(everything_is_counted),
        TEST(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
