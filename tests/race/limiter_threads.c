/* Threads take from the same keys at once: exactly the burst is admitted, whether the store or the
 * local limiter decides. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/lock.h"
#include "recsys/limiter.h"
#include "tests/support/auth_fakes.h"
#include "tests/support/check.h"

#define N_THREADS 4u
#define N_KEYS 8u
#define BURST 500u

static recsys_limiter *limiter;
static atomic_uint admitted[N_KEYS], by_store;
static struct auth_link to_store;
static unsigned n_rounds;
static int is_flapping;

static uint64_t stopped_us(void *unused)
{
    (void)unused;
    return 1000000000u;
}

static uint64_t stopped_ms(void *unused)
{
    (void)unused;
    return 1000000u;
}

static void *take(void *number)
{
    recsys_limit limit = RECSYS_LIMIT_INIT;
    recsys_error err;

    for (unsigned i = 0; i < n_rounds; i++) {
        char key = (char)('a' + i % N_KEYS);
        if (is_flapping && i % 64 == 0)
            atomic_store(&to_store.fail, i % 128 == 0 ? RECSYS_E_IO : RECSYS_OK);
        CHECK_OK(recsys_limiter_allow(limiter, (recsys_bytes){&key, 1}, 1, &limit, &err), &err);
        CHECK(limit.remaining <= BURST && limit.allowed == (limit.retry_ms == 0));
        atomic_fetch_add(&admitted[i % N_KEYS], limit.allowed);
        atomic_fetch_add(&by_store, limit.allowed && !limit.local);
    }
    return number;
}

static void run(recsys_store *store, unsigned least, unsigned most)
{
    recsys_limiter_options options = RECSYS_LIMITER_OPTIONS_INIT;
    pthread_t threads[N_THREADS];
    recsys_error err;

    options.rate = 1000;
    options.burst = BURST;
    options.now_us = stopped_us;
    CHECK_OK(recsys_limiter_create(store, &options, &limiter, &err), &err);
    memset(admitted, 0, sizeof admitted);
    for (unsigned i = 0; i < N_THREADS; i++)
        CHECK_EQ(rs_thread_start(&threads[i], take, NULL), 0);
    for (unsigned i = 0; i < N_THREADS; i++)
        rs_thread_join(threads[i]);
    for (unsigned i = 0; i < N_KEYS; i++)
        CHECK(atomic_load(&admitted[i]) >= least && atomic_load(&admitted[i]) <= most);
    recsys_limiter_destroy(limiter);
}

static recsys_store *create_store(void)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_store *store;
    recsys_error err;

    options.now_ms = stopped_ms;
    CHECK_OK(recsys_store_create_memory("memory", &options, &store, &err), &err);
    return store;
}

int main(void)
{
    recsys_store *memory = create_store(), *other = create_store();
    recsys_store *link = auth_link_open(&to_store, other);

    n_rounds = getenv("RECSYS_LONG") != NULL ? 1000000 : 20000;
    run(NULL, BURST, BURST);
    run(memory, BURST, BURST);
    is_flapping = 1;
    run(link, BURST, 2 * BURST); /* a burst of each of two limiters that share the store at times */
    recsys_store_unref(link);
    recsys_store_unref(other);
    recsys_store_unref(memory);
    return 0;
}
