/* Covers lib/denylist/denylist_proof.c: what of the store's word must not be believed.
 *
 * Interleavings are made, not hoped for: the database calls the test in the
 * middle of a reading.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/lock.h"
#include "tests/support/check.h"
#include "tests/support/denylist_fixture.h"
#include "tests/support/processes.h"

/* -- proofs: what must not be believed -- */

static void revoke_t1(void *unused)
{
    (void)unused;
    revoke(denylist_fixture.a, "t1");
}

static void a_reading_that_a_revocation_overtakes_writes_no_proof(void **state)
{
    (void)state;
    /* Nothing in the store: b claims the key, reads, and a revokes before b is back. */
    denylist_fixture.database.after_read = revoke_t1;
    assert_int_equal(check(denylist_fixture.b, "t1"), CLEAR); /* it began before */
    assert_string_equal(stored(PROOF), "");
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
}

static void nor_does_one_that_renews_a_proof(void **state)
{
    (void)state;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    assert_memory_equal(stored(PROOF), "V ", 2);
    denylist_fixture.database.after_read = revoke_t1;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    assert_string_equal(stored(PROOF), "");
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
}

static void revoke_and_prove(void *unused)
{
    revoke_t1(unused);
    assert_int_equal(recsys_denylist_sync(denylist_fixture.a, &err), RECSYS_OK);
}

static void nor_when_there_is_a_newer_proof_by_then(void **state)
{
    (void)state;
    atomic_store(&denylist_fixture.link_a.drop_sets, 1);
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    denylist_fixture.database.after_read = revoke_and_prove;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
}

static void *check_t1(void *verdict)
{
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;

    /* 0 after a failure. */
    (void)!recsys_denylist_check(denylist_fixture.b, bytes("t1"), &found, NULL);
    *(uint32_t *)verdict = found.verdict;
    return NULL;
}

static struct {
    pthread_t thread;
    uint32_t verdict;
} late;

static void revoke_and_check(void *unused)
{
    unsigned long before = atomic_load(&denylist_fixture.link_b.n_calls);

    revoke_t1(unused);
    assert_int_equal(rs_thread_start(&late.thread, check_t1, &late.verdict), 0);
    while (atomic_load(&denylist_fixture.link_b.n_calls) == before)
        rest_ms(1);
    rest_ms(20); /* it asks the database next; were it later, it would find the reading ended */
}

static void a_check_does_not_share_a_reading_that_began_before_it(void **state)
{
    (void)state;
    atomic_store(&denylist_fixture.link_a.drop_sets, 1);
    denylist_fixture.database.after_read = revoke_and_check;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    rs_thread_join(late.thread);
    assert_int_equal(late.verdict, REVOKED);
}

static void claim(void *unused)
{
    (void)unused;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.a, &err), RECSYS_OK);
}

static void two_readings_at_once_leave_one_proof(void **state)
{
    char proof[1024];

    (void)state;
    denylist_fixture.database.after_read = claim;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    snprintf(proof, sizeof proof, "%s", stored(PROOF));
    assert_memory_equal(proof, "V ", 2);
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    assert_string_not_equal(proof, stored(PROOF)); /* each has a name of its own */
}

/* A server brings such a proof back from its file when it restarts. */
static void a_proof_from_before_a_restart_is_not_believed(void **state)
{
    char proof[1024];

    (void)state;
    assert_int_equal(check(denylist_fixture.b, "t1"), CLEAR);
    snprintf(proof, sizeof proof, "%s", stored(PROOF));
    revoke(denylist_fixture.a, "t1");
    atomic_store(&denylist_fixture.link_a.incarnation, 1);
    atomic_store(&denylist_fixture.link_b.incarnation, 1);
    flush();
    assert_int_equal(recsys_store_set(denylist_fixture.memory, PROOF, bytes(proof), 0,
                                      RECSYS_STORE_ALWAYS, &err),
                     RECSYS_OK);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
    assert_string_not_equal(proof, stored(PROOF)); /* it was exchanged for one that counts */
    unsigned long before = n_reads();
    assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR);
    assert_int_equal(n_reads(), before);
}

static void restart(void *proof)
{
    revoke(denylist_fixture.a, "t1");
    atomic_store(&denylist_fixture.link_a.incarnation, 1);
    atomic_store(&denylist_fixture.link_b.incarnation, 1);
    flush();
    assert_int_equal(recsys_store_set(denylist_fixture.memory, PROOF, bytes(proof), 0,
                                      RECSYS_STORE_ALWAYS, &err),
                     RECSYS_OK);
}

static void nor_is_one_that_was_exchanged_across_a_restart(void **state)
{
    static char proof[1024];

    (void)state;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    snprintf(proof, sizeof proof, "%s", stored(PROOF));
    denylist_fixture.database.after_read =
        restart; /* b has seen `proof`, reads; a revokes; `proof` comes back */
    denylist_fixture.database.after_read_arg = proof;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    assert_string_not_equal(proof, stored(PROOF));              /* b's exchange succeeded ... */
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED); /* ... and is void */
}

static void what_strangers_write_there_is_not_believed_and_does_not_stay(void **state)
{
    static const char *const texts[] = {
        "0",
        "1",
        "V",
        "V 0",
        "",
        "L ",
        "thirty-four bytes that are a text.",
        "a text of somebody's that is as long as a proof but has another letter at its beginning, "
        "V",
        "a long text of somebody's that is much longer than any proof can be, so that it cannot be "
        "taken for one",
        "V 0000000000000001 0000000000000001 00000000000000000000000000000000 0000000000000000001",
        "V 0000000000000001 0000000000000001 00000000000000000000000000000000 1 and more"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(recsys_store_set(denylist_fixture.memory, PROOF, bytes(texts[i]), 0,
                                          RECSYS_STORE_ALWAYS, &err),
                         RECSYS_OK);
        auth_database_add(&denylist_fixture.database, "t1", (int64_t)FAR_S);
        assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
        assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR);
        assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR);
        assert_true(strlen(stored(PROOF)) > 40 && stored(PROOF)[0] == 'V');
    }
}

static void a_reading_whose_claim_the_store_refused_writes_no_proof(void **state)
{
    (void)state;
    atomic_store(&denylist_fixture.link_b.fail_next, 1);
    atomic_store(&denylist_fixture.link_b.fail, RECSYS_E_STATE);
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    assert_string_equal(stored(PROOF), "");
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    assert_memory_equal(stored(PROOF), "V ", 2);
}

/* a cannot reach the store, b can: b would find the old proof. */
static void revoke_does_not_return_while_an_old_proof_may_be_found(void **state)
{
    (void)state;
    assert_int_equal(check(denylist_fixture.b, "t1"), CLEAR);
    atomic_store(&denylist_fixture.link_a.fail, RECSYS_E_STATE);
    uint64_t began = rs_clock_ns();
    revoke(denylist_fixture.a, "t1");
    CHECK_BETWEEN((rs_clock_ns() - began) / 1000000u, 2000, 60000);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
}

static void revoke_unheard(void *unused)
{
    (void)unused;
    atomic_store(&denylist_fixture.link_a.fail, RECSYS_E_TIMEOUT);
    revoke(denylist_fixture.a, "t1");
}

static void nor_while_a_reading_from_before_may_still_write_one(void **state)
{
    (void)state;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    denylist_fixture.database.after_read = revoke_unheard;
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
}

static void a_store_that_was_away_for_a_moment_costs_no_more_than_that(void **state)
{
    (void)state;
    assert_int_equal(check(denylist_fixture.b, "t1"), CLEAR);
    atomic_store(&denylist_fixture.link_a.fail_next, 2);
    atomic_store(&denylist_fixture.link_a.fail, RECSYS_E_IO);
    uint64_t calls = atomic_load(&denylist_fixture.link_a.n_calls);
    revoke(denylist_fixture.a, "t1");
    assert_int_equal(atomic_load(&denylist_fixture.link_a.n_calls) - calls,
                     4); /* three removals, the entry */
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
    assert_non_null(strstr(stored(bytes("blacklist:t1")), "\"reason\":\"logout\""));
}

/* The number that b knows is reached again, and means something else. */
static void a_history_that_was_lost_is_not_taken_for_the_present_one(void **state)
{
    (void)state;
    atomic_store(&denylist_fixture.link_a.drop_sets,
                 1); /* so that the store does not know the tokens */
    revoke(denylist_fixture.a, "t1");
    revoke(denylist_fixture.a, "t2");
    assert_int_equal(check(denylist_fixture.b, "t3"), CLEAR);
    denylist_fixture.database.n_tokens = 1; /* a replica that knew the first alone is promoted */
    denylist_fixture.database.revision = 1;
    denylist_fixture.database.timeline++;
    revoke(denylist_fixture.a, "t3");
    assert_int_equal(recsys_denylist_sync(denylist_fixture.a, &err),
                     RECSYS_OK); /* a proof of revision 2 */
    assert_int_equal(check(denylist_fixture.b, "t3"), REVOKED);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
    assert_int_equal(check(denylist_fixture.b, "t2"),
                     REVOKED); /* what was known is not forgotten */
    assert_int_equal(check(denylist_fixture.b, "t4"), CLEAR);
}

static void an_older_state_of_the_database_is_read_from_the_start(void **state)
{
    (void)state;
    atomic_store(&denylist_fixture.link_a.drop_sets, 1);
    for (int i = 0; i < 5; i++)
        revoke(denylist_fixture.a, "t1");
    assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR);
    denylist_fixture.database.revision = 1; /* somebody set it back */
    denylist_fixture.database.tokens[0].revision = 1;
    revoke(denylist_fixture.a, "t2");
    assert_int_equal(recsys_denylist_sync(denylist_fixture.a, &err),
                     RECSYS_OK); /* a proof of revision 2 */
    assert_int_equal(check(denylist_fixture.b, "t2"), REVOKED);
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
}

static void a_replica_is_not_believed(void **state)
{
    (void)state;
    denylist_fixture.database.is_replica = 1;
    assert_int_equal(check(denylist_fixture.a, "t1"), UNKNOWN);
    assert_non_null(strstr(err.message, "connect to the primary"));
    assert_int_equal(recsys_denylist_sync(denylist_fixture.a, &err), RECSYS_E_BACKEND);
}

static void read_meanwhile(void)
{
    revoke(denylist_fixture.a, "t1");
    assert_int_equal(recsys_denylist_sync(denylist_fixture.b, &err), RECSYS_OK);
}

/* b has looked into its set; then t1 is revoked and read; then b reads a proof of that. */
static void a_proof_counts_for_the_set_as_it_is_after_it_was_read(void **state)
{
    (void)state;
    atomic_store(&denylist_fixture.link_a.drop_sets, 1);
    assert_int_equal(check(denylist_fixture.b, "t2"), CLEAR);
    denylist_fixture.link_b.before_get = read_meanwhile;
    assert_int_equal(check(denylist_fixture.b, "t1"), REVOKED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TIMED(name) cmocka_unit_test_setup_teardown(name, setup_timed, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_reading_that_a_revocation_overtakes_writes_no_proof),
        TEST(nor_does_one_that_renews_a_proof),
        TEST(nor_when_there_is_a_newer_proof_by_then),
        TEST(a_check_does_not_share_a_reading_that_began_before_it),
        TEST(two_readings_at_once_leave_one_proof),
        TEST(a_proof_from_before_a_restart_is_not_believed),
        TEST(nor_is_one_that_was_exchanged_across_a_restart),
        TEST(what_strangers_write_there_is_not_believed_and_does_not_stay),
        TEST(a_reading_whose_claim_the_store_refused_writes_no_proof),
        TIMED(revoke_does_not_return_while_an_old_proof_may_be_found),
        TIMED(nor_while_a_reading_from_before_may_still_write_one),
        TEST(a_store_that_was_away_for_a_moment_costs_no_more_than_that),
        TEST(a_history_that_was_lost_is_not_taken_for_the_present_one),
        TEST(an_older_state_of_the_database_is_read_from_the_start),
        TEST(a_replica_is_not_believed),
        TEST(a_proof_counts_for_the_set_as_it_is_after_it_was_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
