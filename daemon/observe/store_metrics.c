/* daemon/observe/store_metrics.c - metrics of circuit breakers, pools and servers.
 *
 * The library counts hits and misses of keys itself (redis_cache_hits_total and so on), in the same
 * statistics. This file has the figures of connections. They are copied when /metrics is read.
 */
#include "daemon/observe/store_metrics.h"

#include <stdio.h>
#include <string.h>

#include <recsys/postgres.h>
#include <recsys/redis.h>

#include "daemon/process/logger.h"

#define GAUGE false
#define COUNTER true

/* One series; `labels` may be "". False: logged. */
static bool add(recsys_stats *stats, bool is_counter, const char *name, const char *help,
                const char *labels, recsys_metric **out)
{
    recsys_error err = {0};
    recsys_status status = is_counter
                               ? recsys_stats_add_counter(stats, name, help, labels, out, &err)
                               : recsys_stats_add_gauge(stats, name, help, labels, out, &err);

    if (status == RECSYS_OK)
        return true;
    rd_log(RECSYS_LOG_ERROR, "metric %s: %s", name, err.message);
    return false;
}

static bool add_redis(struct rd_server_metrics *m, recsys_stats *stats, unsigned db)
{
    char labels[32], open[48], idle[48];

    (void)snprintf(labels, sizeof labels, "db=\"%u\"", db);
    (void)snprintf(open, sizeof open, "%s,state=\"open\"", labels);
    (void)snprintf(idle, sizeof idle, "%s,state=\"idle\"", labels);
    return add(stats, GAUGE, "recsysd_redis_up", "1 if the server answered the last check.", labels,
               &m->up) &&
           add(stats, GAUGE, "recsysd_redis_breaker_open", "1 while the circuit breaker is open.",
               labels, &m->breaker_open) &&
           add(stats, GAUGE, "recsysd_redis_connections", "Connections; open includes idle.", open,
               &m->open) &&
           add(stats, GAUGE, "recsysd_redis_connections", "Connections; open includes idle.", idle,
               &m->idle) &&
           add(stats, COUNTER, "recsysd_redis_pool_waits_total", "Waits for a free connection.",
               labels, &m->waits) &&
           add(stats, COUNTER, "recsysd_redis_pool_timeouts_total",
               "Waits for a connection that timed out.", labels, &m->timeouts) &&
           add(stats, COUNTER, "recsysd_redis_connections_broken_total",
               "Connections closed after an error.", labels, &m->broken) &&
           add(stats, COUNTER, "recsysd_redis_calls_total",
               "Commands, including those that the circuit breaker refused.", labels, &m->calls) &&
           add(stats, COUNTER, "recsysd_redis_failures_total", "Commands that failed.", labels,
               &m->failures);
}

static bool add_postgres(struct rd_server_metrics *m, recsys_stats *stats)
{
    return add(stats, GAUGE, "recsysd_postgres_up", "1 if the server answered the last check.",
               NULL, &m->up) &&
           add(stats, GAUGE, "recsysd_postgres_connections", "Connections; open includes idle.",
               "state=\"open\"", &m->open) &&
           add(stats, GAUGE, "recsysd_postgres_connections", "Connections; open includes idle.",
               "state=\"idle\"", &m->idle) &&
           add(stats, COUNTER, "recsysd_postgres_pool_waits_total", "Waits for a free connection.",
               NULL, &m->waits) &&
           add(stats, COUNTER, "recsysd_postgres_pool_timeouts_total",
               "Waits for a connection that timed out.", NULL, &m->timeouts) &&
           add(stats, COUNTER, "recsysd_postgres_connections_broken_total",
               "Connections closed after an error.", NULL, &m->broken) &&
           add(stats, COUNTER, "recsysd_postgres_queries_total", "Statements.", NULL, &m->calls) &&
           add(stats, COUNTER, "recsysd_postgres_query_failures_total", "Statements that failed.",
               NULL, &m->failures);
}

bool rd_store_metrics_start(struct rd_store_metrics *metrics, const struct rd_stores *stores,
                            recsys_stats *stats)
{
    for (unsigned db = 0; db < RD_DBS; db++)
        if (stores->redis[db] != NULL && !add_redis(&metrics->redis[db], stats, db))
            return false;
    return stores->database == NULL || add_postgres(&metrics->postgres, stats);
}

static void copy_redis(const struct rd_server_metrics *m, recsys_store *store, uint32_t state)
{
    recsys_store_stats calls = {0};
    recsys_redis_stats pool = {0};

    calls.struct_size = (uint32_t)sizeof calls;
    pool.struct_size = (uint32_t)sizeof pool;
    recsys_metric_set(m->up, state == RD_STATE_UP);
    if (recsys_store_get_stats(store, &calls, NULL) == RECSYS_OK) {
        recsys_metric_set(m->breaker_open, calls.breaker == RECSYS_BREAKER_OPEN);
        recsys_metric_set(m->calls, (double)calls.calls);
        recsys_metric_set(m->failures, (double)calls.failures);
    }
    if (recsys_redis_get_stats(store, &pool, NULL) == RECSYS_OK) {
        recsys_metric_set(m->open, pool.open);
        recsys_metric_set(m->idle, pool.idle);
        recsys_metric_set(m->waits, (double)pool.waited);
        recsys_metric_set(m->timeouts, (double)pool.wait_timeouts);
        recsys_metric_set(m->broken, (double)pool.closed_broken);
    }
}

static void copy_postgres(const struct rd_server_metrics *m, recsys_source *database,
                          uint32_t state)
{
    recsys_postgres_stats pool = {0};

    pool.struct_size = (uint32_t)sizeof pool;
    recsys_metric_set(m->up, state == RD_STATE_UP);
    if (recsys_postgres_get_stats(database, &pool, NULL) != RECSYS_OK)
        return;
    recsys_metric_set(m->open, pool.open);
    recsys_metric_set(m->idle, pool.idle);
    recsys_metric_set(m->waits, (double)pool.waited);
    recsys_metric_set(m->timeouts, (double)pool.wait_timeouts);
    recsys_metric_set(m->broken, (double)pool.closed_broken);
    recsys_metric_set(m->calls, (double)pool.queries);
    recsys_metric_set(m->failures, (double)pool.failures);
}

void rd_store_metrics_copy(struct rd_store_metrics *metrics, const struct rd_stores *stores,
                           struct rd_backend_watch *watch)
{
    for (unsigned db = 0; db < RD_DBS; db++)
        if (stores->redis[db] != NULL)
            copy_redis(&metrics->redis[db], stores->redis[db], atomic_load(&watch->redis[db]));
    if (stores->database != NULL)
        copy_postgres(&metrics->postgres, stores->database, atomic_load(&watch->database));
}
