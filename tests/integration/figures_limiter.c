/* Four processes ask for the same key as fast as they can: what one Redis admits is the burst and
 * then the rate, exactly, by its clock; and nothing is left there that does not expire.
 *
 * The window is measured by the server's clock from both sides: from before the
 * first request until after the last one, and from after the first until before
 * the last. The first one takes the whole burst, so that no time is lost on a
 * full bucket; each process ends with a refusal, so nothing was left untaken.
 * RECSYS_LONG=1: 30 seconds. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "recsys/limiter.h"
#include "tests/support/check.h"
#include "tests/support/processes.h"
#include "tests/support/redis_store.h"
#include "tests/support/servers.h"

#define N_PROCESSES 4u
#define RATE 100u /* a second */
#define BURST 200u

static struct shared {
    pthread_barrier_t ready;
    _Atomic uint64_t asked, admitted, local;
    atomic_int stop;
} * shared;

static struct redis_server server;

static recsys_store *open_store(void)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;

    options.port = server.port;
    options.db = 8;
    options.connect_timeout_ms = options.command_timeout_ms = options.pool_timeout_ms = 10000;
    return redis_store_create(&options);
}

static recsys_limiter *open_limiter(recsys_store *store)
{
    recsys_limiter_options options = RECSYS_LIMITER_OPTIONS_INIT;
    recsys_limiter *limiter;
    recsys_error err;

    options.rate = RATE;
    options.period_ms = 1000;
    options.burst = BURST;
    CHECK_OK(recsys_limiter_create(store, &options, &limiter, &err), &err);
    return limiter;
}

static uint32_t take(recsys_limiter *limiter, const char *key, uint32_t cost)
{
    recsys_limit limit = RECSYS_LIMIT_INIT;
    recsys_error err;

    CHECK_OK(recsys_limiter_allow(limiter, (recsys_bytes){key, strlen(key)}, cost, &limit, &err),
             &err);
    atomic_fetch_add(&shared->asked, 1);
    atomic_fetch_add(&shared->local, limit.local && limit.allowed);
    return limit.allowed;
}

static void ask(unsigned number)
{
    recsys_store *store = open_store();
    recsys_limiter *limiter = open_limiter(store);
    char other[32];
    uint64_t n = 0;

    take(limiter, "another", 1); /* so that it is connected */
    line_wait(&shared->ready);
    line_wait(&shared->ready); /* the burst is gone */
    while (!atomic_load(&shared->stop))
        n += take(limiter, "key", 1);
    while (take(limiter, "key", 1))
        n++;
    atomic_fetch_add(&shared->admitted, n);
    for (unsigned i = 0; i < 100; i++) { /* keys of its own: one request each, and then nothing */
        snprintf(other, sizeof other, "%u-%u", number, i);
        take(limiter, other, 1);
    }
    recsys_limiter_destroy(limiter);
    recsys_store_unref(store);
}

static double server_seconds(void)
{
    char *answer = redis_server_ask(&server, "TIME", NULL);
    unsigned long long seconds, micros;

    CHECK_EQ(sscanf(answer, "*2 $%*u %llu $%*u %llu", &seconds, &micros), 2);
    free(answer);
    return (double)(seconds % 1000000) + (double)micros * 1e-6;
}

static int32_t check_ttl(recsys_bytes key, void *user_data)
{
    char text[256];
    long long ttl;

    snprintf(text, sizeof text, "%.*s", (int)key.size, (const char *)key.data);
    CHECK(strncmp(text, "limit:", 6) == 0);
    char *answer = redis_server_ask(&server, "EVAL",
                                    "redis.call('SELECT', 8) return redis.call('PTTL', ARGV[1])",
                                    "0", text, NULL);
    CHECK_EQ(sscanf(answer, ":%lld", &ttl), 1);
    free(answer);
    CHECK(ttl != -1 && ttl <= 1000 * BURST / RATE + 1000); /* -2: it is gone already */
    ++*(unsigned *)user_data;
    return 0;
}

int main(void)
{
    unsigned seconds = figure_length(3, 30), n_keys = 0;
    const recsys_bytes all[] = {{"", 0}, {"", 0}};
    pid_t children[N_PROCESSES];
    uint64_t cursor = 0;
    recsys_error err;

    setvbuf(stdout, NULL, _IOLBF, 0);
    redis_server_start(&server, NULL);
    shared = processes_share(sizeof *shared);
    line_init(&shared->ready, N_PROCESSES + 1);
    for (unsigned i = 0; i < N_PROCESSES; i++)
        children[i] = process_start(ask, i);
    recsys_store *store = open_store();
    recsys_limiter *limiter = open_limiter(store);
    take(limiter, "another", 1);
    line_wait(&shared->ready);

    double before_first = server_seconds();
    CHECK(take(limiter, "key", BURST));
    double after_first = server_seconds();
    line_wait(&shared->ready);
    rest_ms(seconds * 1000);
    double before_last = server_seconds();
    atomic_store(&shared->stop, 1);
    for (unsigned i = 0; i < N_PROCESSES; i++)
        process_expect_success(children[i]);
    double after_last = server_seconds();

    double admitted = (double)(atomic_load(&shared->admitted) + BURST);
    double least = BURST + RATE * (before_last - after_first);
    double most = BURST + RATE * (after_last - before_first);
    printf("%u processes, %u a second, burst %u, %.3f s: %.0f of %llu admitted, due %.1f to %.1f\n",
           N_PROCESSES, RATE, BURST, before_last - after_first, admitted,
           (unsigned long long)atomic_load(&shared->asked), least, most);
    CHECK_EQ(atomic_load(&shared->local), 0);
    CHECK(admitted >= least - 1 && admitted <= most + 1);

    do
        CHECK_OK(recsys_store_scan(store, all, 2, &cursor, check_ttl, &n_keys, &err), &err);
    while (cursor != 0);
    printf("%u keys are left, each with a time to live\n", n_keys);
    recsys_limiter_destroy(limiter);
    recsys_store_unref(store);
    redis_server_end(&server);
    return 0;
}
