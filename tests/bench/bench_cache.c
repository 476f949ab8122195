/* tests/bench/bench_cache.c - hits of the cache-aside layer, over Redis or in the process.
 *
 *   bench_cache --port P [--keys N] [--bytes N] [--threads N] [--seconds S]   over Redis
 *       --plain: values as they are under their keys, beside companions
 *       --share-from N: so many callers send in one write; 0 = never
 *   bench_cache --memory [--keys N] [--bytes N] [--seconds S]                 in the process
 *
 * Reads random keys by recsys_aside_get_or_load, which finds all of them since
 * they were loaded before the clock starts. Prints one line of JSON: calls a
 * second, processor time of this process a call, p50 and p99 of a call, how
 * many missed and, in the process, how many allocations there were.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <recsys/recsys.h>
#include <recsys/redis.h>

#include "tests/support/count_alloc.h"

#define MAX_THREADS 64

static struct {
    uint32_t port, keys, bytes, threads, share_from;
    double seconds;
    int memory, plain;
} args = {0, 10000, 200, 1, 0, 2.0, 0, 0};

static recsys_aside *cache;
static char *value;
static struct name {
    char text[28];
    uint32_t size;
} * names; /* of the keys */

struct worker {
    pthread_t thread;
    uint64_t end_ns;
    uint32_t *ns;
    size_t n, room, misses;
    uint64_t seed;
};

static void die(const char *what, const recsys_error *err)
{
    (void)fprintf(stderr, "bench_cache: %s: %s\n", what, err != NULL ? err->message : "no memory");
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_seconds(void)
{
    struct rusage used;

    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static uint64_t next_random(uint64_t *state) /* xorshift64* (Vigna 2016) */
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static recsys_status load(recsys_aside_load *into, void *user_data, recsys_error *err)
{
    recsys_bytes bytes = {value, args.bytes};

    (void)user_data;
    return recsys_aside_load_set(into, bytes, 0, 0, 0, err);
}

/* 1 if it was a hit. */
static int get(const struct name *key)
{
    recsys_bytes name = {key->text, key->size};
    recsys_value found;
    uint32_t outcome;
    recsys_error err;

    if (recsys_aside_get_or_load(cache, name, load, NULL, 0, &found, &outcome, &err) != RECSYS_OK)
        die("get", &err);
    if (found.size != args.bytes)
        die("a value of another size", NULL);
    recsys_value_release(&found);
    return outcome == RECSYS_ASIDE_HIT;
}

static void *work(void *argument)
{
    struct worker *w = argument;
    for (uint64_t after = 0; after < w->end_ns;) {
        /* A service has just read its key from a request: the measured call does not fetch it. */
        struct name key = names[(uint32_t)(next_random(&w->seed) >> 33) % args.keys];
        uint64_t before = now_ns();
        int hit = get(&key);

        after = now_ns();
        w->misses += !hit;
        if (w->n < w->room)
            w->ns[w->n++] = (uint32_t)(after - before);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* The time of two readings of the clock, which every measured call contains. */
static uint32_t clock_cost(void)
{
    static uint32_t ns[10001];

    for (size_t i = 0; i < 10001; i++) {
        uint64_t before = now_ns();
        ns[i] = (uint32_t)(now_ns() - before);
    }
    qsort(ns, 10001, sizeof *ns, compare);
    return ns[5000];
}

static void make_cache(void)
{
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_store *store = NULL;
    recsys_error err;
    recsys_status status;

    options.ttl_ms = 3600000;
    if (args.plain)
        options.format = RECSYS_ASIDE_FORMAT_PLAIN;
    if (args.memory) {
        recsys_cache_options bound = RECSYS_CACHE_OPTIONS_INIT;

        bound.max_bytes = (uint64_t)args.keys * (args.bytes + 1024) * 2 + (1u << 20);
        status = recsys_store_create_memory("memory", &bound, &store, &err);
    } else {
        recsys_redis_options redis = RECSYS_REDIS_OPTIONS_INIT;

        redis.port = args.port;
        redis.command_timeout_ms = 1000; /* a busy machine shall not end the measurement */
        redis.prefix = "c:";
        redis.share_from = args.share_from;
        status = recsys_redis_create("redis", &redis, NULL, &store, &err);
    }
    if (status != RECSYS_OK || recsys_aside_create(store, &options, &cache, &err) != RECSYS_OK)
        die("cannot make the cache", &err);
}

static void measure(void)
{
    static struct worker workers[MAX_THREADS];
    uint32_t cost = clock_cost(), *all;
    size_t n = 0, misses = 0;
    double cpu, elapsed;
    unsigned long long allocated;

    for (uint32_t t = 0; t < args.threads; t++) {
        workers[t].room = (size_t)(args.seconds * 6e6) + 1000;
        workers[t].ns = malloc(workers[t].room * sizeof(uint32_t));
        if (workers[t].ns == NULL)
            die("times", NULL);
        memset(workers[t].ns, 0, workers[t].room * sizeof(uint32_t));
        workers[t].seed = 88172645463325252u + t;
    }
    cpu = cpu_seconds();
    allocated = atomic_load(&count_alloc.n_calls);
    uint64_t start = now_ns();
    for (uint32_t t = 0; t < args.threads; t++) {
        workers[t].end_ns = start + (uint64_t)(args.seconds * 1e9);
        if (pthread_create(&workers[t].thread, NULL, work, &workers[t]) != 0)
            die("thread", NULL);
    }
    for (uint32_t t = 0; t < args.threads; t++) {
        (void)pthread_join(workers[t].thread, NULL);
        n += workers[t].n;
        misses += workers[t].misses;
    }
    elapsed = (double)(now_ns() - start) * 1e-9;
    cpu = cpu_seconds() - cpu;
    allocated = atomic_load(&count_alloc.n_calls) - allocated;
    all = malloc((n + 1) * sizeof *all);
    if (all == NULL || n == 0)
        die("nothing was measured", NULL);
    size_t filled = 0;
    for (uint32_t t = 0; t < args.threads; t++) {
        memcpy(all + filled, workers[t].ns, workers[t].n * sizeof *all);
        filled += workers[t].n;
        free(workers[t].ns);
    }
    qsort(all, n, sizeof *all, compare);
    uint32_t p50 = all[n / 2], p99 = all[(size_t)((double)n * 0.99)];
    (void)printf("{\"per_s\":%.0f,\"cpu_us\":%.3f,\"misses\":%zu,\"p50_us\":%.3f,\"p99_us\":%.3f,"
                 "\"allocations\":%llu}\n",
                 (double)n / elapsed, cpu / (double)n * 1e6, misses,
                 (double)(p50 > cost ? p50 - cost : 0) * 1e-3,
                 (double)(p99 > cost ? p99 - cost : 0) * 1e-3, allocated);
    free(all);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *more = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--memory") == 0)
            args.memory = 1;
        else if (strcmp(argv[i], "--plain") == 0)
            args.plain = 1;
        else if (strcmp(argv[i], "--port") == 0)
            args.port = (uint32_t)atoi(more), i++;
        else if (strcmp(argv[i], "--keys") == 0)
            args.keys = (uint32_t)atoi(more), i++;
        else if (strcmp(argv[i], "--bytes") == 0)
            args.bytes = (uint32_t)atoi(more), i++;
        else if (strcmp(argv[i], "--threads") == 0)
            args.threads = (uint32_t)atoi(more), i++;
        else if (strcmp(argv[i], "--share-from") == 0)
            args.share_from = (uint32_t)atoi(more), i++;
        else if (strcmp(argv[i], "--seconds") == 0)
            args.seconds = atof(more), i++;
        else
            args.keys = 0;
    }
    if (args.keys == 0 || args.bytes == 0 || args.threads == 0 || args.threads > MAX_THREADS ||
        args.seconds <= 0 || args.memory == (args.port != 0)) {
        (void)fprintf(stderr, "usage: bench_cache --port P | --memory [--keys N] [--bytes N] "
                              "[--threads N] [--seconds S]\n");
        return 2;
    }
    if (count_alloc_install() != 0)
        die("allocator", NULL);
    value = malloc(args.bytes);
    if (value == NULL)
        die("value", NULL);
    for (uint32_t i = 0; i < args.bytes; i++)
        value[i] = (char)('a' + i % 26);
    names = calloc(args.keys, sizeof *names);
    if (names == NULL)
        die("keys", NULL);
    for (uint32_t i = 0; i < args.keys; i++)
        names[i].size =
            (uint32_t)snprintf(names[i].text, sizeof names[i].text, "user:profile:%u", i);
    make_cache();
    for (uint32_t i = 0; i < args.keys; i++)
        (void)get(&names[i]);
    measure();
    free(names);
    free(value);
    return 0;
}
