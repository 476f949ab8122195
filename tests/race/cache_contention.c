/* Threads get, set, remove and clear the same keys. For TSan and ASan.
 *
 * Values prove themselves: each begins with its key, goes on with a number of
 * words that are all alike, so a torn, freed or foreign value is noticed. */
#include <stdint.h>
#include <string.h>

#include "lib/base/lock.h"
#include "recsys/cache.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

#define N_THREADS 4
#define N_KEYS 64u
#define MAX_WORDS 200u

static recsys_cache *cache;
static unsigned n_steps;

static recsys_cache *create(uint32_t n_shards, uint64_t max_bytes, uint32_t ttl_ms)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_cache *made;
    recsys_error err;

    options.n_shards = n_shards;
    options.max_bytes = max_bytes;
    options.ttl_ms = ttl_ms;
    CHECK_OK(recsys_cache_create(&options, &made, &err), &err);
    return made;
}

static void run(void *(*body)(void *), size_t n_threads)
{
    static uint64_t numbers[16];
    pthread_t threads[16];

    for (size_t i = 0; i < n_threads; i++) {
        numbers[i] = i + 1;
        CHECK_EQ(rs_thread_start(&threads[i], body, &numbers[i]), 0);
    }
    for (size_t i = 0; i < n_threads; i++)
        rs_thread_join(threads[i]);
}

static size_t fill(uint64_t *words, uint64_t key, uint64_t *random)
{
    size_t n = 2 + bundle_random(random, MAX_WORDS - 2);
    uint64_t word = bundle_random(random, UINT64_MAX);

    words[0] = key;
    for (size_t i = 1; i < n; i++)
        words[i] = word;
    return n * sizeof *words;
}

static void prove(const recsys_cache_entry *entry, uint64_t key)
{
    size_t size;
    const uint64_t *words = recsys_cache_entry_get(entry, &size);

    CHECK(size >= 2 * sizeof *words && size % sizeof *words == 0);
    CHECK_EQ(words[0], key);
    for (size_t i = 2; i < size / sizeof *words; i++)
        CHECK(words[i] == words[1]);
}

static void *mix(void *number)
{
    uint64_t random = 20260103 + *(uint64_t *)number;
    uint64_t words[MAX_WORDS];
    recsys_cache_entry *held = NULL;
    uint64_t held_key = 0;

    for (unsigned i = 0; i < n_steps; i++) {
        uint64_t key = bundle_random(&random, N_KEYS), what = bundle_random(&random, 1000);
        recsys_bytes bytes = {&key, sizeof key};
        recsys_cache_entry *entry;
        if (what < 500) {
            if (recsys_cache_get(cache, bytes, &entry, NULL) == RECSYS_OK) {
                prove(entry, key);
                if (held != NULL)
                    prove(held, held_key);
                recsys_cache_release(held);
                held = entry;
                held_key = key;
            }
        } else if (what < 900) {
            size_t size = fill(words, key, &random);
            recsys_status status =
                recsys_cache_set(cache, bytes, (recsys_bytes){words, size}, what % 3, NULL);
            CHECK(status == RECSYS_OK || status == RECSYS_E_LIMIT);
        } else if (what < 998) {
            recsys_status status = recsys_cache_remove(cache, bytes, NULL);
            CHECK(status == RECSYS_OK || status == RECSYS_E_NOT_FOUND);
        } else if (what == 998) {
            recsys_cache_clear(cache);
        } else {
            recsys_cache_stats stats = {.struct_size = (uint32_t)sizeof stats};
            CHECK_EQ(recsys_cache_get_stats(cache, &stats, NULL), RECSYS_OK);
            CHECK(stats.bytes <= stats.max_bytes);
        }
    }
    recsys_cache_release(held);
    return NULL;
}

static void any_mixture_of_calls_keeps_values_whole(void)
{
    cache = create(2, 24 * 1024, 5);
    run(mix, N_THREADS);
    recsys_cache_stats stats = {.struct_size = (uint32_t)sizeof stats};
    CHECK_EQ(recsys_cache_get_stats(cache, &stats, NULL), RECSYS_OK);
    printf("hits %" PRIu64 ", misses %" PRIu64 ", evictions %" PRIu64 ", expirations %" PRIu64 "\n",
           stats.hits, stats.misses, stats.evictions, stats.expirations);
    CHECK(stats.hits > 0 && stats.evictions > 0);
    recsys_cache_destroy(cache);
}

int main(void)
{
    int is_long = getenv("RECSYS_LONG") != NULL;

    n_steps = is_long ? 1000000 : 30000;
    printf("seed 20260103, %u steps\n", n_steps);
    any_mixture_of_calls_keeps_values_whole();
    return 0;
}
