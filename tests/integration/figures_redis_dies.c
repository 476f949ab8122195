/* Redis is killed, restarted and frozen under load, and no reader gets a wrong value.
 *
 * Threads read rows of a database through the cache and change them. First the
 * server is killed again and again and started again with all that its append-only
 * file brings back: no call may fail, and none may give a version older than one
 * whose invalidation had returned before it began. Then the server is frozen,
 * which is worse than gone: at most as many calls as the pool has connections pay
 * a time-out, none may reach Redis once the breaker is open, and the breaker must
 * be closed 2 s after the thaw. RECSYS_LONG=1: 100 kills, 50 freezes. */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "recsys/aside.h"
#include "recsys/redis.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"
#include "tests/support/processes.h"
#include "tests/support/servers.h"

#define N_THREADS 24u /* more than the pool has connections */
#define POOL_SIZE 16u
#define FAILURES 5u /* that open the breaker */
#define N_ROWS 2000u
#define N_HOT 4u /* every other call is for one of these */
#define TIMEOUT_MS 200u
#define SEED 20260114u
#define PATIENCE_MS 300000u

static struct {
    _Atomic uint64_t version;   /* committed */
    _Atomic uint64_t announced; /* the newest whose invalidation has returned */
} rows[N_ROWS];

static struct redis_server server;
static recsys_store *store;
static recsys_aside *aside;
static atomic_int is_over;
static atomic_uint n_failed, n_stale;
static _Atomic uint64_t n_calls;

static recsys_status load_row(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    uint64_t version = atomic_load(&rows[*(unsigned *)user_data].version);

    if (version % 4 == 0)
        rest_ms(1); /* with what may be old by now, while others ask for it, too */
    return recsys_aside_load_set(load, (recsys_bytes){&version, sizeof version}, version, 0, 0,
                                 err);
}

static void expect_success(recsys_status status, const recsys_error *err)
{
    if (status != RECSYS_OK && atomic_fetch_add(&n_failed, 1) == 0)
        fprintf(stderr, "a call has failed: %s: %s\n", recsys_status_name(status), err->message);
}

static recsys_bytes name_row(char text[32], unsigned row)
{
    return (recsys_bytes){text, (size_t)snprintf(text, 32, "row:%u", row)};
}

static void read_row(unsigned row)
{
    uint64_t announced = atomic_load(&rows[row].announced), version = 0;
    recsys_value value;
    recsys_error err;
    char text[32];

    recsys_status status =
        recsys_aside_get_or_load(aside, name_row(text, row), load_row, &row, 0, &value, NULL, &err);
    expect_success(status, &err);
    if (status != RECSYS_OK)
        return;
    memcpy(&version, value.data, sizeof version);
    recsys_value_release(&value);
    if (version < announced)
        atomic_fetch_add(&n_stale, 1);
}

static void change_row(unsigned row)
{
    uint64_t version = atomic_fetch_add(&rows[row].version, 1) + 1;
    uint64_t announced = atomic_load(&rows[row].announced);
    recsys_error err;
    char text[32];
    recsys_bytes key = name_row(text, row);

    expect_success(recsys_aside_invalidate(aside, &key, 1, &err), &err);
    while (announced < version &&
           !atomic_compare_exchange_weak(&rows[row].announced, &announced, version))
        ;
}

static void work(unsigned number)
{
    uint64_t random = SEED + number;

    while (!atomic_load(&is_over)) {
        unsigned among = bundle_random(&random, 2) == 0 ? N_HOT : N_ROWS;
        unsigned row = (unsigned)bundle_random(&random, among);
        if (bundle_random(&random, 8) == 0)
            change_row(row);
        else
            read_row(row);
        atomic_fetch_add(&n_calls, 1);
        if (bundle_random(&random, 4) == 0)
            rest_ms(1); /* leaves the processors to the server, too */
    }
}

/* As a host does it that wants no request to wait for a probe. */
static void probe_all_the_time(void)
{
    while (!atomic_load(&is_over)) {
        if (recsys_store_probe(store, NULL) != RECSYS_OK)
            rest_ms(20);
        rest_ms(20);
    }
}

static recsys_store_stats count_store(void)
{
    recsys_store_stats stats = {.struct_size = (uint32_t)sizeof stats};

    CHECK_EQ(recsys_store_get_stats(store, &stats, NULL), RECSYS_OK);
    return stats;
}

static uint64_t wait_for_breaker(uint32_t state)
{
    uint64_t begin = now_us() / 1000;

    while (count_store().breaker != state) {
        CHECK(now_us() / 1000 - begin < PATIENCE_MS);
        rest_ms(1);
    }
    return now_us() / 1000 - begin;
}

/* Calls of the store that had begun before the breaker opened end, one way or the other. */
static void wait_for_late_calls(void)
{
    for (uint64_t calls = count_store().calls, since = now_us() / 1000;
         now_us() / 1000 - since < 5 * TIMEOUT_MS; rest_ms(1))
        if (count_store().calls != calls) {
            calls = count_store().calls;
            since = now_us() / 1000;
        }
}

static recsys_aside_stats count(void)
{
    recsys_aside_stats stats = {.struct_size = (uint32_t)sizeof stats};

    CHECK_EQ(recsys_aside_get_stats(aside, &stats, NULL), RECSYS_OK);
    return stats;
}

/* Until the cache is read again, not only filled. */
static void wait_for_hits(uint64_t n)
{
    uint64_t begin = now_us() / 1000, hits = count().hits;

    while (count().hits < hits + n) {
        CHECK(now_us() / 1000 - begin < PATIENCE_MS);
        rest_ms(1);
    }
}

static void open_cache(void)
{
    recsys_redis_options redis = RECSYS_REDIS_OPTIONS_INIT;
    recsys_store_options options = RECSYS_STORE_OPTIONS_INIT;
    recsys_aside_options cache = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_error err;

    redis.port = server.port;
    redis.pool_size = POOL_SIZE;
    redis.command_timeout_ms = redis.connect_timeout_ms = TIMEOUT_MS;
    options.flags = RECSYS_STORE_PROBED;
    options.failures = FAILURES;
    CHECK_OK(recsys_redis_create("rows", &redis, &options, &store, &err), &err);
    CHECK_OK(recsys_aside_create(store, &cache, &aside, &err), &err);
}

static long long count_keys(void)
{
    char *answer = redis_server_ask(&server, "DBSIZE", NULL);
    long long n = strtoll(answer + 1, NULL, 10);

    free(answer);
    return n;
}

static void kill_and_restart(unsigned n)
{
    long long least = INT64_MAX;
    uint64_t changes = 0;

    for (unsigned i = 0; i < n; i++) {
        wait_for_hits(2000);
        redis_server_kill(&server);
        uint64_t before = count().invalidations;
        wait_for_breaker(RECSYS_BREAKER_OPEN);
        while (count().invalidations < before + 50) /* changes that do not reach Redis */
            rest_ms(1);
        changes += count().invalidations - before;
        redis_server_restart(&server);
        long long keys = count_keys();
        least = keys < least ? keys : least;
        wait_for_breaker(RECSYS_BREAKER_CLOSED);
    }
    wait_for_hits(2000);
    printf("killed and restarted %u times, at least %lld keys were back each time, %" PRIu64
           " invalidations while away; %" PRIu64 " calls: %u failed, %u old values\n",
           n, least, changes, atomic_load(&n_calls), atomic_load(&n_failed), atomic_load(&n_stale));
    CHECK(least > 1); /* there was something to come back */
}

static void freeze_and_thaw(unsigned n)
{
    uint64_t most = 0, later = 0, slowest_close = 0;

    for (unsigned i = 0; i < n; i++) {
        wait_for_hits(2000);
        uint64_t before = count_store().failures;
        redis_server_freeze(&server);
        wait_for_breaker(RECSYS_BREAKER_OPEN);
        wait_for_late_calls();
        uint64_t n_paid = count_store().failures - before;
        most = n_paid > most ? n_paid : most;
        before = count_store().calls;
        rest_ms(i % 5 * 100); /* however long it lasts */
        later += count_store().calls - before;
        redis_server_thaw(&server);
        uint64_t closed_after = wait_for_breaker(RECSYS_BREAKER_CLOSED);
        slowest_close = closed_after > slowest_close ? closed_after : slowest_close;
    }
    wait_for_hits(2000);
    printf("frozen %u times: at most %" PRIu64 " calls paid a time-out of %u ms (the pool has %u "
           "connections), %" PRIu64 " once the breaker was open; it was closed %" PRIu64
           " ms after the thaw at the latest; %" PRIu64 " calls: %u failed, %u old values\n",
           n, most, TIMEOUT_MS, POOL_SIZE, later, slowest_close, atomic_load(&n_calls),
           atomic_load(&n_failed), atomic_load(&n_stale));
    CHECK(most <= POOL_SIZE);
    CHECK_EQ(later, 0);
    CHECK(slowest_close <= 2000);
}

static void operate_probe_or_work(unsigned number)
{
    if (number == 0) {
        kill_and_restart(figure_length(10, 100));
        freeze_and_thaw(figure_length(5, 50));
        atomic_store(&is_over, 1);
    } else if (number == 1) {
        probe_all_the_time();
    } else {
        work(number);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("seed %u\n", SEED);
    redis_server_start(&server, "appendonly yes");
    open_cache();
    threads_run(operate_probe_or_work, N_THREADS + 2);
    CHECK_EQ(atomic_load(&n_failed), 0);
    CHECK_EQ(atomic_load(&n_stale), 0);
    recsys_aside_destroy(aside);
    recsys_store_unref(store);
    redis_server_end(&server);
    return 0;
}
