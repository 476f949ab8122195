/* Threads and processes read, write and invalidate the same keys through caches. For TSan.
 *
 * Two caches over one in-process store stand for two processes: they share
 * nothing but the store. The truth is a number a key that only grows. A writer
 * notes, after its invalidation has returned, what everybody must see from then
 * on; a reader notes before it asks what it must see at least. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/lock.h"
#include "recsys/aside.h"
#include "tests/support/check.h"

#define N_KEYS 3u
#define N_THREADS 4u

static recsys_store *store;
static recsys_aside *caches[2];
static _Atomic uint64_t truth[N_KEYS], must_see[N_KEYS];
static atomic_ulong n_loads, n_reads;
static unsigned n_steps;

static void rest(long microseconds)
{
    const struct timespec pause = {0, microseconds * 1000};

    nanosleep(&pause, NULL);
}

static uint64_t draw(uint64_t *random, uint64_t n)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (*random >> 33) % n;
}

static recsys_bytes key_of(uint64_t key)
{
    static const char names[N_KEYS] = {'a', 'b', 'c'};

    return (recsys_bytes){&names[key], 1};
}

struct loading {
    uint64_t key, random;
};

static recsys_status load(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    struct loading *loading = user_data;
    uint64_t value = atomic_load(&truth[loading->key]);

    atomic_fetch_add(&n_loads, 1);
    if (draw(&loading->random, 4) == 0)
        rest((long)draw(&loading->random, 300)); /* with an old value in the hand */
    if (draw(&loading->random, 50) == 0)
        return RECSYS_E_BACKEND;
    return recsys_aside_load_set(load, (recsys_bytes){&value, sizeof value}, value + 1, 0, 0, err);
}

static void raise_to(_Atomic uint64_t *floor, uint64_t value)
{
    uint64_t now = atomic_load(floor);

    while (now < value && !atomic_compare_exchange_weak(floor, &now, value))
        ;
}

static void read_one(recsys_aside *cache, uint64_t key, uint64_t *random)
{
    struct loading loading = {key, *random};
    uint64_t floor = atomic_load(&must_see[key]), seen;
    recsys_value value;
    uint32_t outcome;
    recsys_status status =
        recsys_aside_get_or_load(cache, key_of(key), load, &loading, 0, &value, &outcome, NULL);

    atomic_fetch_add(&n_reads, 1);
    if (status != RECSYS_OK) {
        CHECK_EQ(status, RECSYS_E_BACKEND);
        CHECK(value.data == NULL);
        return;
    }
    CHECK_EQ(value.size, sizeof seen);
    memcpy(&seen, value.data, sizeof seen);
    recsys_value_release(&value);
    if (seen < floor) {
        fprintf(stderr, "key %u: %u was read, %u had been invalidated\n", (unsigned)key,
                (unsigned)seen, (unsigned)floor);
        abort();
    }
}

struct writing {
    uint64_t key, value;
    int gives_value;
};

static recsys_status commit(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    struct writing *what = user_data;

    what->value = atomic_fetch_add(&truth[what->key], 1) + 1;
    if (!what->gives_value)
        return RECSYS_OK;
    return recsys_aside_changes_set(changes, 0, (recsys_bytes){&what->value, sizeof what->value},
                                    what->value + 1, err);
}

static void change_one(recsys_aside *cache, uint64_t key, uint64_t *random)
{
    const recsys_bytes name = key_of(key), form[2] = {key_of(key), {"", 0}};
    struct writing what = {key, 0, 0};

    switch (draw(random, 5)) {
    case 0:
        what.value = atomic_fetch_add(&truth[key], 1) + 1;
        CHECK_EQ(recsys_aside_invalidate_matching(cache, form, 2, NULL, NULL), RECSYS_OK);
        break;
    case 1:
        what.value = atomic_fetch_add(&truth[key], 1) + 1;
        CHECK_EQ(recsys_aside_invalidate_all(cache, NULL), RECSYS_OK);
        break;
    default:
        what.gives_value = draw(random, 2) == 0;
        CHECK_EQ(recsys_aside_write(cache, &name, 1, commit, &what, NULL), RECSYS_OK);
        break;
    }
    raise_to(&must_see[key], what.value);
}

static void *mix(void *number)
{
    uint64_t random = 20260910 + *(uint64_t *)number;
    recsys_aside *cache = caches[*(uint64_t *)number % 2];

    for (unsigned i = 0; i < n_steps; i++) {
        uint64_t key = draw(&random, N_KEYS);
        if (draw(&random, 100) < 80)
            read_one(cache, key, &random);
        else
            change_one(cache, key, &random);
    }
    return NULL;
}

static void run(void *(*body)(void *), unsigned n_threads)
{
    static uint64_t numbers[64];
    static pthread_t threads[64];

    for (unsigned i = 0; i < n_threads; i++) {
        numbers[i] = i;
        CHECK_EQ(rs_thread_start(&threads[i], body, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < n_threads; i++)
        rs_thread_join(threads[i]);
}

static void create(uint32_t ttl_ms, uint32_t lease_ms)
{
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_error err;

    options.ttl_ms = ttl_ms;
    options.lease_ms = lease_ms;
    options.wait_ms = 60000;
    options.stale_ms = 600000;
    CHECK_OK(recsys_store_create_memory("race", NULL, &store, &err), &err);
    for (int i = 0; i < 2; i++)
        CHECK_OK(recsys_aside_create(store, &options, &caches[i], &err), &err);
    atomic_store(&n_loads, 0);
}

static recsys_aside_stats destroy(void)
{
    recsys_aside_stats sum = {.struct_size = (uint32_t)sizeof sum}, stats = sum;

    for (int i = 0; i < 2; i++) {
        CHECK_EQ(recsys_aside_get_stats(caches[i], &stats, NULL), RECSYS_OK);
        sum.shared += stats.shared;
        sum.waited += stats.waited;
        sum.fills += stats.fills;
        sum.fills_refused += stats.fills_refused;
        sum.hits += stats.hits;
        CHECK_EQ(stats.damaged + stats.identity_mismatches + stats.unknown, 0);
        recsys_aside_destroy(caches[i]);
    }
    recsys_store_unref(store);
    return sum;
}

static void nothing_invalidated_is_read(void)
{
    create(20, 2000);
    run(mix, N_THREADS);
    recsys_aside_stats stats = destroy();
    printf("%lu reads, %lu hits, %lu loads, %lu shared, %lu waited, %lu fills, %lu refused\n",
           atomic_load(&n_reads), (unsigned long)stats.hits, atomic_load(&n_loads),
           (unsigned long)stats.shared, (unsigned long)stats.waited, (unsigned long)stats.fills,
           (unsigned long)stats.fills_refused);
    CHECK(stats.hits > 0 && stats.fills > 0);
}

/* -- stampede -- */

#define N_CROWD 64u

static atomic_uint n_arrived;
static unsigned n_rounds;

/* Ends when all have arrived, so that nobody can come late and find the value. */
static recsys_status load_for_all(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    unsigned round = *(unsigned *)user_data;

    atomic_fetch_add(&n_loads, 1);
    while (atomic_load(&n_arrived) < (round + 1) * N_CROWD)
        rest(100);
    rest(1000);
    return recsys_aside_load_set(load, (recsys_bytes){&round, sizeof round}, 0, 0, 0, err);
}

static void *arrive_together(void *number)
{
    recsys_aside *cache = caches[*(uint64_t *)number % 2];

    for (unsigned round = 0; round < n_rounds; round++) {
        recsys_value value;
        unsigned seen;
        recsys_error err;
        while (atomic_load(&n_arrived) < round * N_CROWD)
            rest(100);
        char name[16];
        recsys_bytes key = {name, (size_t)snprintf(name, sizeof name, "round %u", round)};
        atomic_fetch_add(&n_arrived, 1);
        CHECK_OK(recsys_aside_get_or_load(cache, key, load_for_all, &round, 0, &value, NULL, &err),
                 &err);
        memcpy(&seen, value.data, sizeof seen);
        recsys_value_release(&value);
        CHECK_EQ(seen, round);
    }
    return NULL;
}

static void however_many_come_one_loads(void)
{
    create(0, 60000);
    atomic_store(&n_arrived, 0);
    run(arrive_together, N_CROWD);
    recsys_aside_stats stats = destroy();
    printf("%u rounds of %u threads in two processes: %lu loads, %lu shared, %lu waited\n",
           n_rounds, N_CROWD, atomic_load(&n_loads), (unsigned long)stats.shared,
           (unsigned long)stats.waited);
    CHECK_EQ(atomic_load(&n_loads), n_rounds);
}

/* One load an expiry: a value in use is loaded again and again, by one at a time. */
static atomic_uint n_at_once;

static recsys_status load_by_one(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    (void)user_data;
    CHECK_EQ(atomic_fetch_add(&n_at_once, 1), 0);
    atomic_fetch_add(&n_loads, 1);
    rest(1000);
    atomic_fetch_sub(&n_at_once, 1);
    return recsys_aside_load_set(load, (recsys_bytes){"v", 1}, 0, 0, 0, err);
}

static void *keep_asking(void *number)
{
    recsys_aside *cache = caches[*(uint64_t *)number % 2];

    for (unsigned i = 0; i < n_steps; i++) {
        recsys_value value;
        recsys_error err;
        CHECK_OK(recsys_aside_get_or_load(cache, (recsys_bytes){"k", 1}, load_by_one, NULL, 0,
                                          &value, NULL, &err),
                 &err);
        recsys_value_release(&value);
        if (i % 64 == 0)
            rest(100);
    }
    return NULL;
}

static void an_expiry_is_one_load_at_a_time(void)
{
    create(5, 60000);
    run(keep_asking, N_THREADS);
    recsys_aside_stats stats = destroy();
    printf("%u asked: %lu loads, %lu hits\n", N_THREADS * n_steps, atomic_load(&n_loads),
           (unsigned long)stats.hits);
}

int main(void)
{
    const char *length = getenv("RECSYS_LONG");
    int is_long = length != NULL && strcmp(length, "1") == 0;

    n_steps = is_long ? 200000 : 8000;
    n_rounds = is_long ? 500 : 20;
    printf("seed 20260910\n");
    nothing_invalidated_is_read();
    however_many_come_one_loads();
    an_expiry_is_one_load_at_a_time();
    return 0;
}
