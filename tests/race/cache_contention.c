/* Threads get, set, remove, clear and load the same keys. For TSan and ASan.
 *
 * Values prove themselves: each begins with its key, goes on with a number of
 * words that are all alike, so a torn, freed or foreign value is noticed. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

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

struct request {
    uint64_t key;
    uint64_t *random;
};

static recsys_status load_words(recsys_cache_load *load, void *user_data, recsys_error *err)
{
    struct request *request = user_data;
    uint64_t words[MAX_WORDS];

    if (bundle_random(request->random, 20) == 0)
        return RECSYS_E_BACKEND;
    size_t size = fill(words, request->key, request->random);
    return recsys_cache_load_set(load, words, size, 1 + (uint32_t)(size % 3), err);
}

static void get_or_load(uint64_t key, uint64_t *random)
{
    struct request request = {key, random};
    recsys_cache_entry *entry;
    uint32_t outcome;
    recsys_status status =
        recsys_cache_get_or_load(cache, &key, sizeof key, load_words, &request,
                                 (uint32_t)bundle_random(random, 3), &entry, &outcome, NULL);

    if (status == RECSYS_OK) {
        CHECK(outcome >= RECSYS_CACHE_HIT && outcome <= RECSYS_CACHE_SHARED);
        prove(entry, key);
        recsys_cache_release(entry);
    } else {
        CHECK(entry == NULL && (status == RECSYS_E_BACKEND || status == RECSYS_E_TIMEOUT));
    }
}

static void *mix(void *number)
{
    uint64_t random = 20260103 + *(uint64_t *)number;
    uint64_t words[MAX_WORDS];
    recsys_cache_entry *held = NULL;
    uint64_t held_key = 0;

    for (unsigned i = 0; i < n_steps; i++) {
        uint64_t key = bundle_random(&random, N_KEYS), what = bundle_random(&random, 1000);
        recsys_cache_entry *entry;
        if (what < 400) {
            if (recsys_cache_get(cache, &key, sizeof key, &entry, NULL) == RECSYS_OK) {
                prove(entry, key);
                if (held != NULL)
                    prove(held, held_key);
                recsys_cache_release(held);
                held = entry;
                held_key = key;
            }
        } else if (what < 600) {
            size_t size = fill(words, key, &random);
            recsys_status status =
                recsys_cache_set(cache, &key, sizeof key, words, size, (uint32_t)what % 3, NULL);
            CHECK(status == RECSYS_OK || status == RECSYS_E_LIMIT);
        } else if (what < 700) {
            recsys_status status = recsys_cache_remove(cache, &key, sizeof key, NULL);
            CHECK(status == RECSYS_OK || status == RECSYS_E_NOT_FOUND);
        } else if (what < 998) {
            get_or_load(key, &random);
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
    printf("hits %" PRIu64 ", misses %" PRIu64 ", shared %" PRIu64 ", evictions %" PRIu64
           ", expirations %" PRIu64 "\n",
           stats.hits, stats.misses, stats.shared, stats.evictions, stats.expirations);
    CHECK(stats.hits > 0 && stats.evictions > 0);
    recsys_cache_destroy(cache);
}

/* -- single flight -- */

static atomic_uint n_loads, n_asking;
static uint32_t n_rounds;

static void rest(long microseconds)
{
    const struct timespec pause = {0, microseconds * 1000};

    nanosleep(&pause, NULL);
}

/* Ends when everybody has asked, so that nobody can come late and find a hit. */
static recsys_status load_slowly(recsys_cache_load *load, void *user_data, recsys_error *err)
{
    uint64_t key = *(uint64_t *)user_data;

    atomic_fetch_add(&n_loads, 1);
    while (atomic_load(&n_asking) < (key + 1) * N_THREADS)
        rest(50);
    rest(500);
    if (key % 4 == 3) {
        err->status = RECSYS_E_BACKEND;
        snprintf(err->message, sizeof err->message, "round %" PRIu64, key);
        return RECSYS_E_BACKEND;
    }
    return recsys_cache_load_set(load, &key, sizeof key, 0, err);
}

static void *ask_in_rounds(void *unused)
{
    (void)unused;
    for (uint64_t key = 0; key < n_rounds; key++) {
        recsys_cache_entry *entry;
        recsys_error err;
        uint32_t outcome;
        char want[32];
        while (atomic_load(&n_asking) < key * N_THREADS) /* all have finished asking before */
            rest(20);
        atomic_fetch_add(&n_asking, 1);
        recsys_status status = recsys_cache_get_or_load(cache, &key, sizeof key, load_slowly, &key,
                                                        0, &entry, &outcome, &err);
        if (key % 4 == 3) {
            /* One who was held up until all was over has loaded, and failed, again. */
            snprintf(want, sizeof want, "round %" PRIu64, key);
            CHECK(status == RECSYS_E_BACKEND && strcmp(err.message, want) == 0);
            continue;
        }
        CHECK_OK(status, &err);
        CHECK_EQ(*(const uint64_t *)recsys_cache_entry_get(entry, NULL), key);
        recsys_cache_release(entry);
    }
    return NULL;
}

static void however_many_ask_one_loads(void)
{
    recsys_cache_stats stats = {.struct_size = (uint32_t)sizeof stats};

    cache = create(4, 1 << 20, 0);
    atomic_store(&n_loads, 0);
    atomic_store(&n_asking, 0);
    run(ask_in_rounds, N_THREADS);
    CHECK_EQ(recsys_cache_get_stats(cache, &stats, NULL), RECSYS_OK);
    printf("%u rounds: %u loads, %" PRIu64 " shared, %" PRIu64 " hits\n", n_rounds,
           atomic_load(&n_loads), stats.shared, stats.hits);
    CHECK_EQ(stats.loads, atomic_load(&n_loads));
    CHECK_EQ(stats.loads + stats.shared + stats.hits, n_rounds * N_THREADS);
    CHECK_EQ(stats.loads - stats.load_failures, n_rounds - n_rounds / 4); /* one each, exactly */
    CHECK(stats.shared > 0);
    recsys_cache_destroy(cache);
}

/* -- fences -- */

static _Atomic uint64_t database, stop;

static recsys_status read_database(recsys_cache_load *load, void *user_data, recsys_error *err)
{
    uint64_t value = atomic_load(&database);

    (void)user_data;
    rest(30); /* an old value in the hand for a while */
    return recsys_cache_load_set(load, &value, sizeof value, 0, err);
}

static uint64_t ask_for_value(void)
{
    recsys_cache_entry *entry;
    recsys_error err;

    CHECK_OK(recsys_cache_get_or_load(cache, "k", 1, read_database, NULL, 0, &entry, NULL, &err),
             &err);
    uint64_t value = *(const uint64_t *)recsys_cache_entry_get(entry, NULL);
    recsys_cache_release(entry);
    return value;
}

static void *keep_asking(void *unused)
{
    uint64_t before = 0;

    (void)unused;
    while (!atomic_load(&stop)) {
        uint64_t value = ask_for_value();
        CHECK(value >= before); /* time does not run backwards for a reader */
        before = value;
    }
    return NULL;
}

/* The only writer: after the invalidation nobody, himself included, may see
 * less. He does not ask each time, so that readers are found loading. */
static void *write_and_invalidate(void *unused)
{
    uint64_t random = 20260104;

    (void)unused;
    for (uint64_t i = 1; i <= n_rounds * 20u; i++) {
        atomic_store(&database, i);
        if (bundle_random(&random, 2) == 0)
            recsys_cache_clear(cache);
        else if (recsys_cache_remove(cache, "k", 1, NULL) == RECSYS_E_INVALID)
            CHECK(0);
        if (bundle_random(&random, 2) == 0)
            CHECK_EQ(ask_for_value(), i);
        else
            rest((long)bundle_random(&random, 60));
    }
    atomic_store(&stop, 1);
    return NULL;
}

static void *write_or_ask(void *number)
{
    return *(uint64_t *)number == 1 ? write_and_invalidate(NULL) : keep_asking(NULL);
}

static void nothing_read_before_an_invalidation_is_seen_after_it(void)
{
    cache = create(1, 1 << 16, 0);
    atomic_store(&database, 0);
    atomic_store(&stop, 0);
    run(write_or_ask, N_THREADS);
    recsys_cache_destroy(cache);
}

/* -- deadlines -- */

static atomic_int may_finish;

static recsys_status load_until_told(recsys_cache_load *load, void *user_data, recsys_error *err)
{
    (void)user_data;
    atomic_store(&n_asking, 1);
    while (!atomic_load(&may_finish))
        rest(100);
    return recsys_cache_load_set(load, "late", 5, 0, err);
}

static void *load_or_lose_patience(void *number)
{
    recsys_cache_entry *entry;
    uint32_t outcome;

    if (*(uint64_t *)number == 1) {
        CHECK_EQ(recsys_cache_get_or_load(cache, "k", 1, load_until_told, NULL, 1, &entry, &outcome,
                                          NULL),
                 RECSYS_OK); /* the own loader is not interrupted */
        CHECK_EQ(outcome, RECSYS_CACHE_MISS);
        recsys_cache_release(entry);
        return NULL;
    }
    while (!atomic_load(&n_asking))
        rest(100);
    CHECK_EQ(
        recsys_cache_get_or_load(cache, "k", 1, load_until_told, NULL, 20, &entry, &outcome, NULL),
        RECSYS_E_TIMEOUT);
    CHECK(entry == NULL);
    atomic_store(&may_finish, 1);
    return NULL;
}

static void a_waiter_goes_at_his_deadline(void)
{
    cache = create(1, 1 << 16, 0);
    atomic_store(&n_asking, 0);
    run(load_or_lose_patience, 2);
    recsys_cache_destroy(cache);
}

int main(void)
{
    int is_long = getenv("RECSYS_LONG") != NULL;

    n_steps = is_long ? 1000000 : 30000;
    n_rounds = is_long ? 2000 : 100;
    printf("seed 20260103, %u steps\n", n_steps);
    any_mixture_of_calls_keeps_values_whole();
    however_many_ask_one_loads();
    nothing_read_before_an_invalidation_is_seen_after_it();
    a_waiter_goes_at_his_deadline();
    return 0;
}
