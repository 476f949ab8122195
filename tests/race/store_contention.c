/* Threads use one store at once: the in-process store, and a breaker that keeps opening and
 * closing over a driver that fails now and then. For TSan and ASan.
 *
 * Atomic operations of the store are counted: of all who set an absent key one
 * succeeds, of all who replace a value one does, a limit lets through what it
 * should. For the breaker there is one writer who changes the truth, removes
 * the key and, if it cannot, remembers that and trips; nobody may read the old
 * truth once it has finished. */
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/lock.h"
#include "lib/store/store.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

#define N_THREADS 4
#define N_KEYS 48u

static recsys_store *store;
static uint32_t n_steps;

static void run(void *(*body)(void *), size_t n_threads)
{
    static uint64_t numbers[N_THREADS];
    pthread_t threads[N_THREADS];

    for (size_t i = 0; i < n_threads; i++) {
        numbers[i] = i + 1;
        CHECK_EQ(rs_thread_start(&threads[i], body, &numbers[i]), 0);
    }
    for (size_t i = 0; i < n_threads; i++)
        rs_thread_join(threads[i]);
}

static void create_memory(uint64_t max_bytes)
{
    recsys_cache_options options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_error err;

    options.n_shards = 2;
    options.max_bytes = max_bytes;
    CHECK_OK(recsys_store_create_memory("m", &options, &store, &err), &err);
}

/* -- any mixture: values prove themselves -- */

struct proof {
    uint64_t key, word, filler[20], same_word;
};

static void prove(const recsys_value *value, uint64_t key)
{
    struct proof proof;

    CHECK_EQ(value->size, sizeof proof);
    memcpy(&proof, value->data, sizeof proof);
    CHECK_EQ(proof.key, key);
    CHECK(proof.word == proof.same_word);
}

static int32_t see(recsys_bytes key, void *user_data)
{
    uint64_t number;

    CHECK_EQ(key.size, sizeof number);
    memcpy(&number, key.data, sizeof number);
    CHECK(number < N_KEYS);
    (*(uint64_t *)user_data)++;
    return 0;
}

static void *mix(void *seed)
{
    uint64_t random = *(uint64_t *)seed * 77, n_seen = 0, cursor = 0;
    const recsys_bytes all[] = {{"", 0}, {"", 0}};

    for (uint32_t step = 0; step < n_steps; step++) {
        uint64_t key = bundle_random(&random, N_KEYS), what = bundle_random(&random, 100);
        struct proof proof = {.key = key, .word = step, .same_word = step};
        recsys_bytes name = {&key, sizeof key}, value = {&proof, sizeof proof};
        recsys_value found = {NULL, 0, NULL, NULL};
        recsys_status status = RECSYS_OK;
        uint64_t ttl_ms = bundle_random(&random, 3), incarnation;

        if (what < 45)
            status = recsys_store_get(store, &name, 1, &found, &incarnation, NULL);
        else if (what < 60)
            status = recsys_store_set(store, name, value, ttl_ms, (uint32_t)what & 1u, NULL);
        else if (what < 70)
            status =
                recsys_store_get_or_set(store, name, value, ttl_ms, &found, &incarnation, NULL);
        else if (what < 80)
            status = recsys_store_replace(store, name, name, value, ttl_ms, NULL);
        else if (what < 85)
            status = recsys_store_replace(store, name, name, (recsys_bytes){NULL, 0}, 0, NULL);
        else if (what < 93)
            status = recsys_store_remove(store, &name, 1, NULL, NULL);
        else
            status = recsys_store_scan(store, all, 2, &cursor, see, &n_seen, NULL);
        CHECK(status == RECSYS_OK || status == RECSYS_E_EXISTS || status == RECSYS_E_NOT_FOUND ||
              status == RECSYS_E_LIMIT);
        if (found.data != NULL)
            prove(&found, key);
        recsys_value_release(&found);
    }
    CHECK(n_seen > 0);
    return NULL;
}

static void any_mixture_of_calls_keeps_values_whole(void)
{
    create_memory(16 * 1024);
    run(mix, N_THREADS);
    recsys_store_unref(store);
}

/* -- decided in one step -- */

static atomic_uint_fast64_t n_won, n_allowed;

/* Every thread counts up a number in the store, by replacing exactly what it has read. Numbers
 * are never used again: there is a way back from no mistake. */
static void *count_up(void *unused)
{
    recsys_bytes key = {"counter", 7};

    (void)unused;
    for (uint32_t i = 0; i < n_steps; i++) {
        recsys_value value;
        uint64_t number = 0, next;
        CHECK_EQ(recsys_store_get_or_set(store, key, (recsys_bytes){&number, sizeof number}, 0,
                                         &value, NULL, NULL),
                 RECSYS_OK);
        if (value.data == NULL) {
            atomic_fetch_add(&n_won, 1000000000u); /* happens once */
            continue;
        }
        memcpy(&number, value.data, sizeof number);
        recsys_value_release(&value);
        next = number + 1;
        recsys_status status =
            recsys_store_replace(store, key, (recsys_bytes){&number, sizeof number},
                                 (recsys_bytes){&next, sizeof next}, 0, NULL);
        CHECK(status == RECSYS_OK || status == RECSYS_E_NOT_FOUND);
        atomic_fetch_add(&n_won, status == RECSYS_OK);
    }
    return NULL;
}

static void of_all_who_replace_a_value_one_does(void)
{
    recsys_bytes key = {"counter", 7};
    recsys_value value;
    uint64_t number;

    create_memory(1 << 20);
    atomic_store(&n_won, 0);
    run(count_up, N_THREADS);
    CHECK_EQ(recsys_store_get(store, &key, 1, &value, NULL, NULL), RECSYS_OK);
    memcpy(&number, value.data, sizeof number);
    recsys_value_release(&value);
    CHECK_EQ(atomic_load(&n_won), 1000000000u + number);
    printf("counted to %" PRIu64 " in %u attempts\n", number, n_steps * N_THREADS);
    recsys_store_unref(store);
}

static void *take_one_each(void *unused)
{
    (void)unused;
    for (uint32_t i = 0; i < n_steps; i++) {
        recsys_rate_decision out;
        CHECK_EQ(recsys_store_rate_limit(store, (recsys_bytes){"k", 1}, 3600000000u, n_steps, 1,
                                         &out, NULL),
                 RECSYS_OK);
        atomic_fetch_add(&n_allowed, out.allowed);
    }
    return NULL;
}

static void a_limit_lets_through_exactly_its_burst(void)
{
    create_memory(1 << 20);
    atomic_store(&n_allowed, 0);
    run(take_one_each, N_THREADS);
    CHECK_EQ(atomic_load(&n_allowed), n_steps); /* one more in an hour */
    recsys_store_unref(store);
}

/* -- the breaker -- */

/* A server with one value, which fails now and then, and a truth that it is a copy of. */
static _Atomic uint64_t truth, copy, n_calls;
static atomic_int stop, is_lost;

/* One call in four, two in a row often enough to open the breaker. */
static recsys_status maybe(void)
{
    uint64_t n = atomic_fetch_add(&n_calls, 1);

    return rs_hash_number(n, 20260904) % 4 == 0 ? RECSYS_E_TIMEOUT : RECSYS_OK;
}

static void release_nothing(void *hold)
{
    (void)hold;
}

static recsys_status flaky_get(void *self, const recsys_bytes *keys, size_t n, recsys_value *values,
                               uint64_t *incarnation, recsys_error *err)
{
    (void)self, (void)keys, (void)n, (void)err;
    *incarnation = 1;
    recsys_status status = maybe();
    if (status == RECSYS_OK)
        values[0] = (recsys_value){"", (size_t)atomic_load(&copy), NULL, release_nothing};
    return status;
}

/* The server forgets the old copy: the next reader would find the truth. */
static recsys_status flaky_remove(void *self, const recsys_bytes *keys, size_t n,
                                  uint64_t *n_removed, recsys_error *err)
{
    (void)self, (void)keys, (void)n, (void)err;
    *n_removed = 1;
    recsys_status status = maybe();
    uint64_t now = atomic_load(&truth), before = atomic_load(&copy);
    while (status == RECSYS_OK && before < now &&
           !atomic_compare_exchange_weak(&copy, &before, now))
        ;
    return status;
}

static recsys_status flaky_ping(void *self, recsys_error *err)
{
    (void)self, (void)err;
    return maybe();
}

static recsys_status no_set(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                            uint32_t when, recsys_error *err)
{
    (void)self, (void)key, (void)value, (void)ttl_ms, (void)when, (void)err;
    return RECSYS_E_EXISTS;
}

static recsys_status no_get_or_set(void *self, recsys_bytes key, recsys_bytes value,
                                   uint64_t ttl_ms, recsys_value *present, uint64_t *incarnation,
                                   recsys_error *err)
{
    (void)self, (void)key, (void)value, (void)ttl_ms, (void)present, (void)incarnation, (void)err;
    return RECSYS_E_LIMIT;
}

static recsys_status no_replace(void *self, recsys_bytes key, recsys_bytes prefix,
                                recsys_bytes value, uint64_t ttl_ms, recsys_error *err)
{
    (void)self, (void)key, (void)prefix, (void)value, (void)ttl_ms, (void)err;
    return RECSYS_E_NOT_FOUND;
}

static recsys_status no_scan(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                             recsys_key_callback callback, void *user_data, recsys_error *err)
{
    (void)self, (void)parts, (void)n, (void)cursor, (void)callback, (void)user_data, (void)err;
    return RECSYS_OK;
}

static void no_destroy(void *self)
{
    (void)self;
}

static const recsys_bytes one_key = {"k", 1};

/* The journal has room for one, which is enough for one key. After the telling some time passes,
 * in which more can be lost. */
static recsys_status tell_what_was_lost(void *arg, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    (void)arg;
    if (atomic_exchange(&is_lost, 0)) {
        status = recsys_store_remove(store, &one_key, 1, NULL, err);
        if (status != RECSYS_OK)
            atomic_store(&is_lost, 1);
    }
    for (int i = 0; i < 3; i++)
        sched_yield();
    return status;
}

static void change_the_truth(uint64_t number)
{
    atomic_store(&truth, number);
    if (recsys_store_remove(store, &one_key, 1, NULL, NULL) != RECSYS_OK) {
        atomic_store(&is_lost, 1);
        rs_store_trip(store);
    }
}

static atomic_uint_fast64_t n_read, n_refused;

/* Nothing older than what was true, and told, when the reader began. */
static void read_something(uint64_t settled)
{
    recsys_value value;
    recsys_status status = recsys_store_get(store, &one_key, 1, &value, NULL, NULL);

    CHECK(status == RECSYS_OK || status == RECSYS_E_TIMEOUT || status == RECSYS_E_UNAVAILABLE);
    if (status == RECSYS_OK)
        CHECK(value.size >= settled);
    recsys_value_release(&value);
    atomic_fetch_add(status == RECSYS_OK ? &n_read : &n_refused, 1);
    if (status != RECSYS_OK)
        sched_yield(); /* to the thread that probes */
}

/* It has opened and closed often enough for this to be a test. */
static int is_enough(void)
{
    recsys_store_stats stats = {.struct_size = (uint32_t)sizeof stats};

    CHECK_EQ(recsys_store_get_stats(store, &stats, NULL), RECSYS_OK);
    return stats.opened >= n_steps / 100 && atomic_load(&n_read) >= n_steps;
}

static atomic_uint_fast64_t is_settled;

static void *use_the_breaker(void *number)
{
    uint64_t thread = *(uint64_t *)number;

    if (thread == 1) {
        for (uint64_t i = 1; i <= n_steps || !is_enough(); i++) {
            change_the_truth(i);
            atomic_store(&is_settled, i);
            read_something(i);
        }
        atomic_store(&stop, 1);
    } else if (thread == 2) {
        while (!atomic_load(&stop))
            if (recsys_store_probe(store, NULL) != RECSYS_OK)
                sched_yield();
    } else {
        while (!atomic_load(&stop))
            read_something(atomic_load(&is_settled));
    }
    return NULL;
}

static uint64_t a_tick_a_question(void *unused)
{
    static atomic_uint_fast64_t clock_ms;

    (void)unused;
    return atomic_fetch_add(&clock_ms, 1);
}

static void nobody_reads_what_the_store_could_not_be_told_to_remove(uint32_t flags)
{
    static const recsys_store_driver flaky = {
        .struct_size = (uint32_t)sizeof flaky,
        .get = flaky_get,
        .set = no_set,
        .remove = flaky_remove,
        .get_or_set = no_get_or_set,
        .replace = no_replace,
        .scan = no_scan,
        .ping = flaky_ping,
        .destroy = no_destroy,
    };
    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;
    recsys_store_stats stats = {.struct_size = (uint32_t)sizeof stats};
    recsys_error err;

    atomic_store(&truth, 0);
    atomic_store(&copy, 0);
    atomic_store(&stop, 0);
    atomic_store(&is_lost, 0);
    atomic_store(&is_settled, 0);
    atomic_store(&n_read, 0);
    atomic_store(&n_refused, 0);
    options.flags = flags;
    options.failures = 2;
    options.rest_ms = 2;
    options.max_rest_ms = 8;
    options.now_ms = a_tick_a_question;
    CHECK_OK(recsys_store_create("s", &flaky, NULL, &options, &store, &err), &err);
    CHECK_OK(rs_store_on_return(store, tell_what_was_lost, &is_lost, &err), &err);
    run(use_the_breaker, N_THREADS);
    CHECK_OK(recsys_store_get_stats(store, &stats, &err), &err);
    printf("opened %" PRIu64 " times, %" PRIu64 " reads, %" PRIu64 " refused or failed\n",
           stats.opened, (uint64_t)atomic_load(&n_read), (uint64_t)atomic_load(&n_refused));
    CHECK(atomic_load(&n_refused) > 0);
    rs_store_cancel_return(store, &is_lost);
    recsys_store_unref(store);
}

int main(void)
{
    int is_long = getenv("RECSYS_LONG") != NULL;

    n_steps = is_long ? 1000000 : 20000;
    printf("%u steps\n", n_steps);
    any_mixture_of_calls_keeps_values_whole();
    of_all_who_replace_a_value_one_does();
    a_limit_lets_through_exactly_its_burst();
    nobody_reads_what_the_store_could_not_be_told_to_remove(RECSYS_STORE_PROBED);
    nobody_reads_what_the_store_could_not_be_told_to_remove(0);
    return 0;
}
