/* Threads of three processes revoke and check at once: a check that begins after revoke() has
 * returned never says CLEAR, whatever becomes of the store meanwhile, and nothing else is refused.
 *
 * First the store loses keys all the time, as if they were evicted. Then it has
 * no entries at all, so that proofs alone can tell, and those are renewed by
 * nobody. Last one process cannot reach the store, while the others do: its
 * revoke() must wait until no proof is from before.
 */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/lock.h"
#include "recsys/denylist.h"
#include "tests/support/auth_fakes.h"
#include "tests/support/check.h"
#include "tests/support/processes.h"

#define N_PROCESSES 3u
#define EXPIRES_S ((uint64_t)4102444800u)

static struct auth_database database;
static struct auth_link links[N_PROCESSES];
static recsys_store *memory, *stores[N_PROCESSES];
static recsys_source *source;
static recsys_denylist *denylists[N_PROCESSES];
static atomic_uint n_revoked; /* tokens 0..n-1, and revoke() has returned */
static atomic_int stop;
static atomic_ulong n_checks, n_clear;
static unsigned n_tokens, renewal_ms;

static recsys_bytes token(char room[32], const char *kind, unsigned number)
{
    snprintf(room, 32, "%s-%u", kind, number);
    return (recsys_bytes){room, strlen(room)};
}

static uint64_t next(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

static void *check(void *denylist)
{
    uint64_t random = (uintptr_t)denylist;
    char room[32];
    recsys_denylist_verdict found = RECSYS_DENYLIST_VERDICT_INIT;
    recsys_error err;

    while (!atomic_load(&stop)) {
        unsigned n = atomic_load(&n_revoked);
        uint64_t choice = next(&random);
        if (n > 0 && choice % 4 != 0) { /* mostly the last one */
            unsigned number = choice % 4 == 1 ? (unsigned)next(&random) % n : n - 1;
            CHECK_OK(recsys_denylist_check(denylist, token(room, "bad", number), &found, &err),
                     &err);
            CHECK_EQ(found.verdict, RECSYS_TOKEN_REVOKED);
        } else {
            CHECK_OK(recsys_denylist_check(denylist, token(room, "good", n), &found, &err), &err);
            CHECK_EQ(found.verdict, RECSYS_TOKEN_CLEAR);
            atomic_fetch_add(&n_clear, 1);
        }
        atomic_fetch_add(&n_checks, 1);
    }
    return NULL;
}

static void *renew(void *denylist)
{
    recsys_error err;

    while (!atomic_load(&stop)) {
        CHECK_OK(recsys_denylist_sync(denylist, &err), &err);
        rest_ms(renewal_ms);
    }
    return NULL;
}

static void *evict(void *unused)
{
    const recsys_bytes proof = {"blacklist~revision", 18};
    uint64_t random = 5, n;
    char room[48];
    recsys_error err;

    (void)unused;
    while (!atomic_load(&stop)) {
        unsigned n_known = atomic_load(&n_revoked);
        snprintf(room, sizeof room, "blacklist:bad-%u", (unsigned)next(&random) % (n_known + 1));
        const recsys_bytes keys[] = {{room, strlen(room)}, proof};
        CHECK_OK(recsys_store_remove(memory, keys, 1 + next(&random) % 2, &n, &err), &err);
    }
    return NULL;
}

static void *revoke(void *denylist)
{
    char room[32];
    recsys_error err;

    for (unsigned i = atomic_load(&n_revoked), n = i + n_tokens; i < n; i++) {
        CHECK_OK(recsys_denylist_revoke(denylist, token(room, "bad", i), "u-1", "logout", EXPIRES_S,
                                        &err),
                 &err);
        atomic_store(&n_revoked, i + 1);
    }
    for (unsigned long n = atomic_load(&n_checks); atomic_load(&n_checks) < n + 1000;)
        rest_ms(1); /* the last one is checked, too */
    atomic_store(&stop, 1);
    return NULL;
}

/* The first process revokes; all check; the others renew. */
static void run(int is_evicting, int is_renewing)
{
    pthread_t threads[2 + 2 * N_PROCESSES];
    unsigned n = 0;
    recsys_error err;

    atomic_store(&stop, 0);
    CHECK_OK(recsys_denylist_sync(denylists[1], &err), &err); /* there is a proof to believe */
    for (unsigned i = 0; i < N_PROCESSES; i++)
        CHECK_EQ(rs_thread_start(&threads[n++], check, denylists[i]), 0);
    for (unsigned i = 1; is_renewing && i < N_PROCESSES; i++)
        CHECK_EQ(rs_thread_start(&threads[n++], renew, denylists[i]), 0);
    if (is_evicting)
        CHECK_EQ(rs_thread_start(&threads[n++], evict, NULL), 0);
    CHECK_EQ(rs_thread_start(&threads[n++], revoke, denylists[0]), 0);
    while (n > 0)
        rs_thread_join(threads[--n]);
}

int main(void)
{
    int is_long = getenv("RECSYS_LONG") != NULL;
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;
    recsys_error err;

    auth_database_init(&database);
    source = auth_database_open(&database);
    CHECK_OK(recsys_store_create_memory("memory", NULL, &memory, &err), &err);
    options.timeout_ms = 60000; /* no check of this test may be too slow */
    for (unsigned i = 0; i < N_PROCESSES; i++) {
        stores[i] = auth_link_open(&links[i], memory);
        CHECK_OK(recsys_denylist_create(stores[i], source, &options, &denylists[i], &err), &err);
    }

    n_tokens = is_long ? 20000 : 1000;
    run(1, 1);
    atomic_store(&links[0].drop_sets, 1);
    run(0, 1);
    run(0, 0);
    atomic_store(&links[0].fail, RECSYS_E_TIMEOUT);
    renewal_ms = 200;
    n_tokens = is_long ? 20 : 2;
    run(0, 1);
    printf("%u tokens revoked, %lu checks, %lu of them clear, %lu questions to the database\n",
           atomic_load(&n_revoked), atomic_load(&n_checks), atomic_load(&n_clear),
           atomic_load(&database.n_reads));

    for (unsigned i = 0; i < N_PROCESSES; i++) {
        recsys_denylist_destroy(denylists[i]);
        recsys_store_unref(stores[i]);
    }
    recsys_store_unref(memory);
    recsys_source_unref(source);
    auth_database_destroy(&database);
    return 0;
}
