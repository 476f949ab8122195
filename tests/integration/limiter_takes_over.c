/* Redis is killed in the middle, and comes back: no client gets a second burst.
 *
 * The control is a local limiter that has counted nothing before it has to decide. */
#include <stdint.h>
#include <string.h>

#include "recsys/limiter.h"
#include "tests/support/check.h"
#include "tests/support/processes.h"
#include "tests/support/redis_store.h"
#include "tests/support/servers.h"

#define BURST 100u
#define USED 80u

static struct redis_server server;

static recsys_store *open_store(void)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;

    options.port = server.port;
    options.db = 8;
    options.command_timeout_ms = 500; /* this machine may be busy */
    return redis_store_create(&options);
}

/* One in an hour: no more than the burst comes while the test runs. */
static recsys_limiter *open_limiter(recsys_store *store)
{
    recsys_limiter_options options = RECSYS_LIMITER_OPTIONS_INIT;
    recsys_limiter *limiter;
    recsys_error err;

    options.rate = 1;
    options.period_ms = 3600000;
    options.burst = BURST;
    CHECK_OK(recsys_limiter_create(store, &options, &limiter, &err), &err);
    return limiter;
}

static recsys_limit take(recsys_limiter *limiter)
{
    recsys_limit limit = RECSYS_LIMIT_INIT;
    recsys_error err;

    CHECK_OK(recsys_limiter_allow(limiter, (recsys_bytes){"key", 3}, 1, &limit, &err), &err);
    return limit;
}

static unsigned take_all(recsys_limiter *limiter, unsigned *n_local)
{
    recsys_limit limit = RECSYS_LIMIT_INIT;
    unsigned n = 0;

    while ((limit = take(limiter)).allowed) {
        n++;
        *n_local += limit.local;
    }
    *n_local += limit.local;
    return n;
}

static void wait_until_well(recsys_store *store)
{
    recsys_store_stats stats = {.struct_size = (uint32_t)sizeof stats};
    recsys_error err;

    while (recsys_store_probe(store, &err) != RECSYS_OK)
        rest_ms(5);
    CHECK_OK(recsys_store_get_stats(store, &stats, &err), &err);
    CHECK_EQ(stats.breaker, RECSYS_BREAKER_CLOSED);
}

int main(void)
{
    unsigned n_local = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    redis_server_start(&server, NULL);
    recsys_store *store = open_store(), *other_store = open_store();
    recsys_limiter *warm = open_limiter(store), *other = open_limiter(other_store);
    for (unsigned i = 0; i < USED - 1; i++) { /* most of it by another process */
        recsys_limit limit = take(other);
        CHECK(limit.allowed && !limit.local);
    }
    recsys_limit limit = take(warm);
    CHECK(limit.allowed && !limit.local);
    CHECK_EQ(limit.remaining, BURST - USED);

    redis_server_kill(&server);
    unsigned n_warm = take_all(warm, &n_local);
    CHECK_EQ(n_local, n_warm + 1); /* from the first one on */
    recsys_limiter *cold = open_limiter(store);
    unsigned n_cold = take_all(cold, &n_local);
    printf("%u of %u used, Redis killed: %u more admitted; by a limiter that was not warm: %u\n",
           USED, BURST, n_warm, n_cold);
    CHECK_EQ(n_warm, BURST - USED);
    CHECK_EQ(n_cold, BURST);

    redis_server_restart(&server);
    wait_until_well(store);
    wait_until_well(other_store);
    limit = take(warm);
    CHECK_EQ(limit.allowed, 0); /* Redis has forgotten, and we have not */
    CHECK_EQ(limit.local, 1);
    limit = take(other); /* which has counted fewer */
    CHECK_EQ(limit.allowed, 1);
    CHECK_EQ(limit.local, 0);

    redis_server_freeze(&server); /* and goes again */
    n_local = 0;
    CHECK_EQ(take_all(warm, &n_local), 0);
    CHECK_EQ(n_local, 1);
    redis_server_thaw(&server);
    wait_until_well(store);
    /* After a time-out the pool lends no connection for a moment. */
    for (int i = 0; take(other).local; i++) {
        CHECK(i < 2000);
        rest_ms(5);
    }
    printf("it decided while Redis was away, and Redis again when it was back\n");

    recsys_limiter_destroy(cold);
    recsys_limiter_destroy(warm);
    recsys_limiter_destroy(other);
    recsys_store_unref(store);
    recsys_store_unref(other_store);
    redis_server_end(&server);
    return 0;
}
