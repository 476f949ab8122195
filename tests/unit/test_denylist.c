/* Covers lib/domain/denylist*.c over the in-process store and a database that does as it is told.
 *
 * Two denylists with a link each are two processes with one Redis. Interleavings
 * are made, not hoped for: the database calls the test in the middle of a reading.
 * This is one file because every test needs that world.
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
#include "recsys/denylist.h"
#include "tests/support/auth_fakes.h"
#include "tests/support/processes.h"

#define PROOF ((recsys_bytes){"blacklist~revision", 18})
#define FAR_S ((uint64_t)4102444800u) /* 2100 */

static recsys_error err;
static uint64_t fake_now_ms;

/* One database, one store, two processes. */
struct world {
    struct auth_database database;
    recsys_source *source;
    recsys_store *memory;
    struct auth_link link_a, link_b;
    recsys_store *store_a, *store_b;
    recsys_denylist *a, *b;
};

static struct world w;

static recsys_bytes bytes(const char *text)
{
    return (recsys_bytes){text, strlen(text)};
}

static recsys_denylist *create(recsys_store *store, recsys_source *source,
                               const recsys_denylist_options *options)
{
    recsys_denylist *denylist = NULL;

    if (recsys_denylist_create(store, source, options, &denylist, &err) != RECSYS_OK)
        fail_msg("%s", err.message);
    return denylist;
}

static uint64_t stopped(void *unused)
{
    (void)unused;
    return 1000000;
}

/* In most tests no time passes in the store, so that nothing in it expires however slow we are. */
static int setup_with(uint64_t (*now_ms)(void *unused))
{
    recsys_denylist_options patient;
    recsys_cache_options options;

    recsys_cache_options_init(&options);
    options.now_ms = now_ms;
    memset(&w, 0, sizeof w);
    auth_database_init(&w.database);
    w.source = auth_database_open(&w.database);
    if (recsys_store_create_memory("memory", &options, &w.memory, &err) != RECSYS_OK)
        return -1;
    w.store_a = auth_link_open(&w.link_a, w.memory);
    w.store_b = auth_link_open(&w.link_b, w.memory);
    recsys_denylist_options_init(&patient);
    patient.timeout_ms = 60000; /* the fake answers at once; who waits must not give up */
    w.a = create(w.store_a, w.source, &patient);
    w.b = create(w.store_b, w.source, &patient);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_with(stopped);
}

static int setup_timed(void **state)
{
    (void)state;
    return setup_with(NULL);
}

static int teardown(void **state)
{
    (void)state;
    recsys_denylist_destroy(w.a);
    recsys_denylist_destroy(w.b);
    recsys_store_destroy(w.store_a);
    recsys_store_destroy(w.store_b);
    recsys_store_destroy(w.memory);
    recsys_source_destroy(w.source);
    auth_database_destroy(&w.database);
    return 0;
}

static uint32_t check(recsys_denylist *denylist, const char *jti)
{
    uint32_t verdict;

    if (recsys_denylist_check(denylist, bytes(jti), &verdict, &err) != RECSYS_OK)
        fail_msg("%s", err.message);
    return verdict;
}

static void revoke(recsys_denylist *denylist, const char *jti)
{
    if (recsys_denylist_revoke(denylist, bytes(jti), "u-1", "logout", FAR_S, &err) != RECSYS_OK)
        fail_msg("%s", err.message);
}

#define CLEAR RECSYS_TOKEN_CLEAR
#define REVOKED RECSYS_TOKEN_REVOKED
#define UNKNOWN RECSYS_TOKEN_UNKNOWN

static void flush(void)
{
    static const char *const keys[] = {"blacklist~revision", "blacklist:t1", "blacklist:t2"};

    for (size_t i = 0; i < 3; i++) {
        recsys_bytes key = bytes(keys[i]);
        uint64_t n;
        assert_int_equal(recsys_store_remove(w.memory, &key, 1, &n, &err), RECSYS_OK);
    }
}

/* What is in the store at `key`; "" if nothing. */
static const char *stored(recsys_bytes key)
{
    static char text[1024];
    recsys_value value = {0};
    uint64_t life;

    assert_int_equal(recsys_store_get(w.memory, &key, 1, &value, &life, &err), RECSYS_OK);
    snprintf(text, sizeof text, "%.*s", (int)value.size,
             value.size > 0 ? (const char *)value.data : "");
    recsys_value_release(&value);
    return text;
}

static unsigned long n_reads(void)
{
    return atomic_load(&w.database.n_reads);
}

/* -- what it is for -- */

static void a_revoked_token_is_refused_by_every_process(void **state)
{
    (void)state;
    assert_int_equal(check(w.a, "t1"), CLEAR);
    assert_int_equal(check(w.b, "t1"), CLEAR);
    revoke(w.a, "t1");
    assert_int_equal(check(w.a, "t1"), REVOKED);
    assert_int_equal(check(w.b, "t1"), REVOKED);
    assert_int_equal(check(w.a, "t2"), CLEAR);
    assert_int_equal(check(w.b, "t2"), CLEAR);
}

static void a_check_with_a_proof_asks_the_database_nothing(void **state)
{
    (void)state;
    assert_int_equal(recsys_denylist_sync(w.a, &err), RECSYS_OK);
    unsigned long before = n_reads();
    for (int i = 0; i < 100; i++)
        assert_int_equal(check(w.a, "t1"), CLEAR);
    assert_int_equal(n_reads(), before);
}

static void that_nothing_is_in_the_store_proves_nothing(void **state)
{
    (void)state;
    revoke(w.a, "t1");
    assert_int_equal(check(w.b, "t2"), CLEAR);
    flush();
    atomic_store(&w.database.fail, RECSYS_E_IO);
    assert_int_equal(check(w.b, "t1"), REVOKED); /* from its own list */
    assert_int_equal(check(w.b, "t2"), RECSYS_TOKEN_UNCONFIRMED);
    assert_non_null(strstr(err.message, "the fake database was told to fail"));
    recsys_denylist_stats stats = {.struct_size = (uint32_t)sizeof stats};
    assert_int_equal(recsys_denylist_get_stats(w.b, &stats, &err), RECSYS_OK);
    assert_true(stats.confirmed_ms > 0);
    recsys_denylist *fresh = create(w.store_b, w.source, NULL); /* has never had a complete list */
    assert_int_equal(check(fresh, "t2"), UNKNOWN);
    recsys_denylist_destroy(fresh);
    atomic_store(&w.database.fail, RECSYS_OK);
    assert_int_equal(check(w.b, "t1"), REVOKED);
    assert_int_equal(check(w.b, "t2"), CLEAR);

    recsys_denylist *born = create(w.store_b, w.source, NULL); /* knows nothing yet */
    flush();
    assert_int_equal(check(born, "t1"), REVOKED);
    recsys_denylist_destroy(born);
    born = create(w.store_b, w.source, NULL);
    assert_int_equal(check(born, "t2"), CLEAR); /* the proof is of more than it knows */
    assert_int_equal(check(born, "t1"), REVOKED);
    recsys_denylist_destroy(born);
}

static void neither_store_nor_database_is_unknown_and_never_clear(void **state)
{
    (void)state;
    revoke(w.a, "t1");
    assert_int_equal(check(w.b, "t2"), CLEAR);
    atomic_store(&w.link_b.fail, RECSYS_E_TIMEOUT);
    assert_int_equal(check(w.b, "t2"), CLEAR); /* the database says so */
    atomic_store(&w.database.fail, RECSYS_E_TIMEOUT);
    assert_int_equal(check(w.b, "t1"), REVOKED);
    assert_int_equal(check(w.b, "t2"), UNKNOWN);
    atomic_store(&w.link_b.fail, RECSYS_OK);

    recsys_denylist_stats stats = {.struct_size = (uint32_t)sizeof stats};
    assert_int_equal(recsys_denylist_get_stats(w.b, &stats, &err), RECSYS_OK);
    assert_int_equal(stats.checks, 4);
    assert_int_equal(stats.revoked, 1);
    assert_int_equal(stats.unknown, 1);
    assert_int_equal(stats.tokens, 1);
    assert_int_equal(stats.syncs, 3);
    assert_int_equal(stats.sync_failures, 1);
}

static void without_a_store_every_check_asks_the_database(void **state)
{
    recsys_denylist *alone = create(NULL, w.source, NULL);

    (void)state;
    assert_int_equal(check(alone, "t1"), CLEAR);
    revoke(w.a, "t1");
    assert_int_equal(check(alone, "t1"), REVOKED);
    unsigned long before = n_reads();
    assert_int_equal(check(alone, "t2"), CLEAR);
    assert_int_equal(check(alone, "t2"), CLEAR);
    assert_int_equal(n_reads(), before + 2);
    revoke(alone, "t2");
    assert_int_equal(check(w.b, "t2"), REVOKED);
    atomic_store(&w.database.fail, RECSYS_E_IO);
    assert_int_equal(check(alone, "t3"), UNKNOWN);
    recsys_denylist_destroy(alone);
}

/* -- proofs: what must not be believed -- */

static void revoke_t1(void *unused)
{
    (void)unused;
    revoke(w.a, "t1");
}

static void a_reading_that_a_revocation_overtakes_writes_no_proof(void **state)
{
    (void)state;
    /* Nothing in the store: b claims the key, reads, and a revokes before b is back. */
    w.database.after_read = revoke_t1;
    assert_int_equal(check(w.b, "t1"), CLEAR); /* it began before */
    assert_string_equal(stored(PROOF), "");
    assert_int_equal(check(w.b, "t1"), REVOKED);
}

static void nor_does_one_that_renews_a_proof(void **state)
{
    (void)state;
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    assert_memory_equal(stored(PROOF), "V ", 2);
    w.database.after_read = revoke_t1;
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    assert_string_equal(stored(PROOF), "");
    assert_int_equal(check(w.b, "t1"), REVOKED);
}

static void revoke_and_prove(void *unused)
{
    revoke_t1(unused);
    assert_int_equal(recsys_denylist_sync(w.a, &err), RECSYS_OK);
}

static void nor_when_there_is_a_newer_proof_by_then(void **state)
{
    (void)state;
    atomic_store(&w.link_a.drop_sets, 1);
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    w.database.after_read = revoke_and_prove;
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    assert_int_equal(check(w.b, "t1"), REVOKED);
}

static void *check_t1(void *verdict)
{
    if (recsys_denylist_check(w.b, bytes("t1"), verdict, NULL) != RECSYS_OK)
        *(uint32_t *)verdict = 0;
    return NULL;
}

static struct {
    pthread_t thread;
    uint32_t verdict;
} late;

static void revoke_and_check(void *unused)
{
    unsigned long before = atomic_load(&w.link_b.n_calls);

    revoke_t1(unused);
    assert_int_equal(rs_thread_start(&late.thread, check_t1, &late.verdict), 0);
    while (atomic_load(&w.link_b.n_calls) == before)
        rest_ms(1);
    rest_ms(20); /* it asks the database next; were it later, it would find the reading ended */
}

static void a_check_does_not_share_a_reading_that_began_before_it(void **state)
{
    (void)state;
    atomic_store(&w.link_a.drop_sets, 1);
    w.database.after_read = revoke_and_check;
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    rs_thread_join(late.thread);
    assert_int_equal(late.verdict, REVOKED);
}

static void claim(void *unused)
{
    (void)unused;
    assert_int_equal(recsys_denylist_sync(w.a, &err), RECSYS_OK);
}

static void two_readings_at_once_leave_one_proof(void **state)
{
    char proof[1024];

    (void)state;
    w.database.after_read = claim;
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    snprintf(proof, sizeof proof, "%s", stored(PROOF));
    assert_memory_equal(proof, "V ", 2);
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    assert_string_not_equal(proof, stored(PROOF)); /* each has a name of its own */
}

/* What a server brings back from its file when it restarts. */
static void a_proof_from_before_a_restart_is_not_believed(void **state)
{
    char proof[1024];

    (void)state;
    assert_int_equal(check(w.b, "t1"), CLEAR);
    snprintf(proof, sizeof proof, "%s", stored(PROOF));
    revoke(w.a, "t1");
    atomic_store(&w.link_a.life, 1);
    atomic_store(&w.link_b.life, 1);
    flush();
    assert_int_equal(recsys_store_set(w.memory, PROOF, bytes(proof), 0, RECSYS_STORE_ALWAYS, &err),
                     RECSYS_OK);
    assert_int_equal(check(w.b, "t1"), REVOKED);
    assert_string_not_equal(proof, stored(PROOF)); /* it was exchanged for one that counts */
    unsigned long before = n_reads();
    assert_int_equal(check(w.b, "t2"), CLEAR);
    assert_int_equal(n_reads(), before);
}

static void restart(void *proof)
{
    revoke(w.a, "t1");
    atomic_store(&w.link_a.life, 1);
    atomic_store(&w.link_b.life, 1);
    flush();
    assert_int_equal(recsys_store_set(w.memory, PROOF, bytes(proof), 0, RECSYS_STORE_ALWAYS, &err),
                     RECSYS_OK);
}

static void nor_is_one_that_was_exchanged_across_a_restart(void **state)
{
    static char proof[1024];

    (void)state;
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    snprintf(proof, sizeof proof, "%s", stored(PROOF));
    w.database.after_read = restart; /* b has seen `proof`, reads; a revokes; `proof` comes back */
    w.database.after_read_arg = proof;
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    assert_string_not_equal(proof, stored(PROOF)); /* b's exchange succeeded ... */
    assert_int_equal(check(w.b, "t1"), REVOKED);   /* ... and is void */
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
        "a long text of somebody's that is longer than any proof",
        "V 0000000000000001 0000000000000001 00000000000000000000000000000000 0000000000000000001",
        "V 0000000000000001 0000000000000001 00000000000000000000000000000000 1 and more"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(
            recsys_store_set(w.memory, PROOF, bytes(texts[i]), 0, RECSYS_STORE_ALWAYS, &err),
            RECSYS_OK);
        auth_database_add(&w.database, "t1", (int64_t)FAR_S);
        assert_int_equal(check(w.b, "t1"), REVOKED);
        assert_int_equal(check(w.b, "t2"), CLEAR);
        assert_int_equal(check(w.b, "t2"), CLEAR);
        assert_true(strlen(stored(PROOF)) > 40 && stored(PROOF)[0] == 'V');
    }
}

/* a cannot reach the store, b can: b would find the old proof. */
static void revoke_does_not_return_while_an_old_proof_may_be_found(void **state)
{
    (void)state;
    assert_int_equal(check(w.b, "t1"), CLEAR);
    atomic_store(&w.link_a.fail, RECSYS_E_STATE);
    uint64_t began = rs_clock_ns();
    revoke(w.a, "t1");
    assert_in_range((rs_clock_ns() - began) / 1000000u, 2000, 60000);
    assert_int_equal(check(w.b, "t1"), REVOKED);
}

static void revoke_unheard(void *unused)
{
    (void)unused;
    atomic_store(&w.link_a.fail, RECSYS_E_TIMEOUT);
    revoke(w.a, "t1");
}

static void nor_while_a_reading_from_before_may_still_write_one(void **state)
{
    (void)state;
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    w.database.after_read = revoke_unheard;
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
    assert_int_equal(check(w.b, "t1"), REVOKED);
}

static void a_store_that_was_away_for_a_moment_costs_no_more_than_that(void **state)
{
    (void)state;
    assert_int_equal(check(w.b, "t1"), CLEAR);
    atomic_store(&w.link_a.fail_next, 2);
    atomic_store(&w.link_a.fail, RECSYS_E_IO);
    uint64_t calls = atomic_load(&w.link_a.n_calls);
    revoke(w.a, "t1");
    assert_int_equal(atomic_load(&w.link_a.n_calls) - calls, 4); /* three removals, the entry */
    assert_int_equal(check(w.b, "t1"), REVOKED);
    assert_non_null(strstr(stored(bytes("blacklist:t1")), "\"reason\":\"logout\""));
}

/* The number that b knows is reached again, and means something else. */
static void a_history_that_was_lost_is_not_taken_for_the_present_one(void **state)
{
    (void)state;
    atomic_store(&w.link_a.drop_sets, 1); /* so that the store does not know the tokens */
    revoke(w.a, "t1");
    revoke(w.a, "t2");
    assert_int_equal(check(w.b, "t3"), CLEAR);
    w.database.n_tokens = 1; /* a replica that knew the first alone is promoted */
    w.database.revision = 1;
    w.database.timeline++;
    revoke(w.a, "t3");
    assert_int_equal(recsys_denylist_sync(w.a, &err), RECSYS_OK); /* a proof of revision 2 */
    assert_int_equal(check(w.b, "t3"), REVOKED);
    assert_int_equal(check(w.b, "t1"), REVOKED);
    assert_int_equal(check(w.b, "t2"), REVOKED); /* what was known is not forgotten */
    assert_int_equal(check(w.b, "t4"), CLEAR);
}

static void an_older_state_of_the_database_is_read_from_the_start(void **state)
{
    (void)state;
    atomic_store(&w.link_a.drop_sets, 1);
    for (int i = 0; i < 5; i++)
        revoke(w.a, "t1");
    assert_int_equal(check(w.b, "t2"), CLEAR);
    w.database.revision = 1; /* somebody set it back */
    w.database.tokens[0].revision = 1;
    revoke(w.a, "t2");
    assert_int_equal(recsys_denylist_sync(w.a, &err), RECSYS_OK); /* a proof of revision 2 */
    assert_int_equal(check(w.b, "t2"), REVOKED);
    assert_int_equal(check(w.b, "t1"), REVOKED);
}

static void a_replica_is_not_believed(void **state)
{
    (void)state;
    w.database.is_replica = 1;
    assert_int_equal(check(w.a, "t1"), UNKNOWN);
    assert_non_null(strstr(err.message, "connect to the primary"));
    assert_int_equal(recsys_denylist_sync(w.a, &err), RECSYS_E_BACKEND);
}

static void read_meanwhile(void)
{
    revoke(w.a, "t1");
    assert_int_equal(recsys_denylist_sync(w.b, &err), RECSYS_OK);
}

/* b has looked into its set; then t1 is revoked and read; then b reads a proof of that. */
static void a_proof_counts_for_the_set_as_it_is_after_it_was_read(void **state)
{
    (void)state;
    atomic_store(&w.link_a.drop_sets, 1);
    assert_int_equal(check(w.b, "t2"), CLEAR);
    w.link_b.before_get = read_meanwhile;
    assert_int_equal(check(w.b, "t1"), REVOKED);
}

/* -- much, full, expired -- */

static void a_long_list_is_read_in_batches_and_checks_need_not_wait_for_it(void **state)
{
    char jti[32];

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(jti, sizeof jti, "old-%u", i);
        auth_database_add(&w.database, jti, (int64_t)FAR_S);
    }
    assert_int_equal(check(w.a, "old-9999"), REVOKED); /* in the third batch */
    assert_int_equal(n_reads(), 1);
    assert_int_equal(atomic_load(&w.database.n_asks), 1);
    assert_int_equal(check(w.b, "new"), CLEAR);
    assert_int_equal(recsys_denylist_sync(w.a, &err), RECSYS_OK);
    assert_int_equal(n_reads(), 4);
    recsys_denylist_stats stats = {.struct_size = (uint32_t)sizeof stats};
    assert_int_equal(recsys_denylist_get_stats(w.a, &stats, &err), RECSYS_OK);
    assert_int_equal(stats.tokens, 10000);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(jti, sizeof jti, "old-%u", i);
        assert_int_equal(check(w.a, jti), REVOKED);
    }
    assert_int_equal(n_reads(), 4);
}

static void more_tokens_than_it_has_room_for_are_asked_for_one_by_one(void **state)
{
    recsys_denylist_options options;
    char jti[32];

    (void)state;
    recsys_denylist_options_init(&options);
    options.max_tokens = 10;
    recsys_denylist *small = create(w.store_a, w.source, &options);
    for (unsigned i = 0; i < 25; i++) {
        snprintf(jti, sizeof jti, "t-%u", i);
        auth_database_add(&w.database, jti, (int64_t)FAR_S);
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

static void what_has_expired_is_forgotten_a_minute_later(void **state)
{
    recsys_denylist_stats stats = {.struct_size = (uint32_t)sizeof stats};
    recsys_denylist_options options;

    (void)state;
    fake_now_ms = 1780000000000u;
    w.database.now_ms = database_now;
    recsys_denylist_options_init(&options);
    options.now_ms = fake_now;
    recsys_denylist *a = create(w.memory, w.source, &options);
    recsys_denylist *b = create(w.memory, w.source, &options);
    assert_int_equal(recsys_denylist_revoke(a, bytes("t1"), NULL, NULL, 1780000010u, &err),
                     RECSYS_OK);
    assert_int_equal(check(b, "t1"), REVOKED);
    fake_now_ms += 10000 + 59999;
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
    assert_int_equal(recsys_denylist_revoke(w.a, bytes("t1"), "u-1", "logout", 4000000000u, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_denylist_revoke(w.b, bytes("t1"), "u-2", "stolen", 4000000060u, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_denylist_revoke(w.b, bytes("t1"), "u-2", "stolen", 4000000030u, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_denylist_get(w.a, bytes("t1"), &json, &err), RECSYS_OK);
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
    assert_int_equal(recsys_denylist_get(w.a, bytes("t1"), &json, &err), RECSYS_E_NOT_FOUND);
    revoke(w.a, "t1");
    assert_string_equal(stored(bytes("blacklist:t1")),
                        "{\"user_id\":\"u-1\",\"reason\":\"logout\",\"blacklisted_at\":\"2026-06-"
                        "01T00:00:00Z\",\"expires_at\":\"2100-01-01T00:00:00Z\"}");
    atomic_store(&w.database.fail, RECSYS_E_IO);
    assert_int_equal(recsys_denylist_get(w.b, bytes("t1"), &json, &err), RECSYS_OK);
    assert_string_equal(json.data,
                        "{\"jti\":\"t1\",\"user_id\":\"u-1\",\"reason\":\"logout\",\"blacklisted_"
                        "at\":\"2026-06-01T00:00:00Z\",\"expires_at\":\"2100-01-01T00:00:00Z\"}");
    recsys_value_release(&json);
    flush();
    assert_int_equal(recsys_denylist_get(w.b, bytes("t1"), &json, &err), RECSYS_E_IO);
    assert_null(json.data);
}

static void without_a_database_the_store_s_word_counts(void **state)
{
    recsys_denylist *a = create(w.store_a, NULL, NULL), *b = create(w.store_b, NULL, NULL);
    recsys_value json = {0};

    (void)state;
    assert_int_equal(check(b, "t1"), CLEAR);
    revoke(a, "t1");
    assert_int_equal(check(a, "t1"), REVOKED);
    assert_int_equal(check(b, "t1"), REVOKED);
    assert_int_equal(recsys_denylist_get(b, bytes("t1"), &json, &err), RECSYS_OK);
    assert_non_null(strstr(json.data, "\"expires_at\":\"2100-01-01T00:00:00Z\""));
    recsys_value_release(&json);
    atomic_store(&w.link_a.fail, RECSYS_E_IO);
    atomic_store(&w.link_b.fail, RECSYS_E_IO);
    assert_int_equal(check(a, "t1"), REVOKED); /* its own */
    assert_int_equal(check(b, "t1"), UNKNOWN);
    assert_int_equal(recsys_denylist_revoke(a, bytes("t2"), NULL, NULL, FAR_S, &err), RECSYS_E_IO);
    assert_int_equal(recsys_denylist_sync(a, &err), RECSYS_OK);
    recsys_denylist_destroy(a);
    recsys_denylist_destroy(b);
}

static void a_database_that_fails_does_not_revoke(void **state)
{
    (void)state;
    atomic_store(&w.database.fail, RECSYS_E_TIMEOUT);
    assert_int_equal(recsys_denylist_revoke(w.a, bytes("t1"), NULL, NULL, FAR_S, &err),
                     RECSYS_E_TIMEOUT);
    assert_int_equal(recsys_denylist_sync(w.a, &err), RECSYS_E_TIMEOUT);
    atomic_store(&w.database.fail, RECSYS_OK);
    assert_int_equal(check(w.a, "t1"), CLEAR);
}

static void a_revocation_that_lost_against_another_is_tried_again(void **state)
{
    (void)state;
    atomic_store(&w.database.fail_next, 2);
    atomic_store(&w.database.fail, RECSYS_E_STATE);
    revoke(w.a, "t1");
    assert_int_equal(check(w.b, "t1"), REVOKED);
    atomic_store(&w.database.fail, RECSYS_E_STATE); /* but not for ever */
    assert_int_equal(recsys_denylist_revoke(w.a, bytes("t2"), NULL, NULL, FAR_S, &err),
                     RECSYS_E_STATE);
}

static void a_sync_rids_the_database_of_what_has_expired_now_and_then(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_int_equal(recsys_denylist_sync(w.a, &err), RECSYS_OK);
    assert_int_equal(atomic_load(&w.database.n_deletes), 1);
}

static void everything_is_counted(void **state)
{
    recsys_denylist_options options;
    recsys_stats *stats;
    recsys_metric *metric;

    (void)state;
    assert_int_equal(recsys_stats_create(&stats, &err), RECSYS_OK);
    recsys_denylist_options_init(&options);
    options.stats = stats;
    recsys_denylist *denylist = create(w.store_a, w.source, &options);
    revoke(denylist, "t1");
    assert_int_equal(check(denylist, "t1"), REVOKED);
    assert_int_equal(check(denylist, "t2"), CLEAR);
    atomic_store(&w.database.fail, RECSYS_E_IO);
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
    recsys_denylist_destroy(denylist);
    recsys_stats_destroy(stats);
}

static void what_makes_no_sense_is_refused(void **state)
{
    recsys_denylist *denylist;
    char jti[300];
    uint32_t verdict = CLEAR;
    recsys_value json;
    const recsys_bytes bad[] = {{NULL, 4}, {"", 0}, {jti, 256}, {"a\xff", 2}, {"a\0b", 3}};

    (void)state;
    memset(jti, 'j', sizeof jti);
    assert_int_equal(recsys_denylist_create(NULL, NULL, NULL, &denylist, &err), RECSYS_E_INVALID);
    assert_null(denylist);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        verdict = CLEAR;
        assert_int_equal(recsys_denylist_check(w.a, bad[i], &verdict, &err), RECSYS_E_INVALID);
        assert_int_equal(verdict, UNKNOWN);
        assert_int_equal(recsys_denylist_revoke(w.a, bad[i], NULL, NULL, FAR_S, &err),
                         RECSYS_E_INVALID);
        assert_int_equal(recsys_denylist_get(w.a, bad[i], &json, &err), RECSYS_E_INVALID);
    }
    assert_int_equal(
        recsys_denylist_revoke(w.a, bytes("t"), NULL, NULL, FAR_S * 1000u, &err), /* ms */
        RECSYS_E_INVALID);
    assert_int_equal(recsys_denylist_revoke(w.a, bytes("t"), "\xff", NULL, FAR_S, &err),
                     RECSYS_E_INVALID);
    jti[255] = '\0';
    revoke(w.a, jti);
    assert_int_equal(check(w.b, jti), REVOKED);
    recsys_denylist_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TIMED(name) cmocka_unit_test_setup_teardown(name, setup_timed, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_revoked_token_is_refused_by_every_process),
        TEST(a_check_with_a_proof_asks_the_database_nothing),
        TEST(that_nothing_is_in_the_store_proves_nothing),
        TEST(neither_store_nor_database_is_unknown_and_never_clear),
        TEST(without_a_store_every_check_asks_the_database),
        TEST(a_reading_that_a_revocation_overtakes_writes_no_proof),
        TEST(nor_does_one_that_renews_a_proof),
        TEST(nor_when_there_is_a_newer_proof_by_then),
        TEST(a_check_does_not_share_a_reading_that_began_before_it),
        TEST(two_readings_at_once_leave_one_proof),
        TEST(a_proof_from_before_a_restart_is_not_believed),
        TEST(nor_is_one_that_was_exchanged_across_a_restart),
        TEST(what_strangers_write_there_is_not_believed_and_does_not_stay),
        TIMED(revoke_does_not_return_while_an_old_proof_may_be_found),
        TIMED(nor_while_a_reading_from_before_may_still_write_one),
        TEST(a_store_that_was_away_for_a_moment_costs_no_more_than_that),
        TEST(a_history_that_was_lost_is_not_taken_for_the_present_one),
        TEST(an_older_state_of_the_database_is_read_from_the_start),
        TEST(a_replica_is_not_believed),
        TEST(a_proof_counts_for_the_set_as_it_is_after_it_was_read),
        TEST(a_long_list_is_read_in_batches_and_checks_need_not_wait_for_it),
        TEST(more_tokens_than_it_has_room_for_are_asked_for_one_by_one),
        TEST(what_has_expired_is_forgotten_a_minute_later),
        TEST(revoking_twice_keeps_the_reason_and_the_later_expiry),
        TEST(all_there_is_to_know_comes_from_the_database_or_else_from_the_store),
        TEST(without_a_database_the_store_s_word_counts),
        TEST(a_database_that_fails_does_not_revoke),
        TEST(a_revocation_that_lost_against_another_is_tried_again),
        TEST(a_sync_rids_the_database_of_what_has_expired_now_and_then),
        TEST(everything_is_counted),
        TEST(what_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
