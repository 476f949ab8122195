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

#include "daemon/observe/metrics.h"

/* The metrics of one server, of which the second part of the name and the labels differ. */
struct series {
    recsys_stats *stats;
    const char *server;
    const char *labels; /* NULL: none */
};

static bool add(const struct series *series, enum rd_metric_kind kind, const char *name,
                const char *help, recsys_metric **out)
{
    char whole[96];

    (void)snprintf(whole, sizeof whole, "recsysd_%s_%s", series->server, name);
    return rd_metric_add(series->stats, kind, whole, help, series->labels, out);
}

/* Connections in one state, which is a label behind the others. */
static bool add_connections(const struct series *series, const char *state, recsys_metric **out)
{
    struct series of_state = *series;
    char labels[64];

    (void)snprintf(labels, sizeof labels, "%s%sstate=\"%s\"",
                   series->labels != NULL ? series->labels : "", series->labels != NULL ? "," : "",
                   state);
    of_state.labels = labels;
    return add(&of_state, RD_GAUGE, "connections", "Connections; open includes idle.", out);
}

static bool add_server(const struct series *series, struct rd_server_metrics *m)
{
    return add(series, RD_GAUGE, "up", "1 if the server answered the last check.", &m->up) &&
           add_connections(series, "open", &m->open) && add_connections(series, "idle", &m->idle) &&
           add(series, RD_COUNTER, "pool_waits_total", "Waits for a free connection.", &m->waits) &&
           add(series, RD_COUNTER, "pool_timeouts_total", "Waits for a connection that timed out.",
               &m->timeouts) &&
           add(series, RD_COUNTER, "connections_broken_total", "Connections closed after an error.",
               &m->broken);
}

static bool add_redis(struct rd_server_metrics *m, recsys_stats *stats, unsigned db)
{
    char labels[32];
    struct series series = {stats, "redis", labels};

    (void)snprintf(labels, sizeof labels, "db=\"%u\"", db);
    return add_server(&series, m) &&
           add(&series, RD_GAUGE, "degraded",
               "1 while the server can be read and refuses what else a cache needs.", &m->degraded) &&
           add(&series, RD_GAUGE, "breaker_open", "1 while the circuit breaker is open.",
               &m->breaker_open) &&
           add(&series, RD_COUNTER, "calls_total",
               "Commands, including those that the circuit breaker refused.", &m->calls) &&
           add(&series, RD_COUNTER, "failures_total", "Commands that failed.", &m->failures) &&
           add(&series, RD_COUNTER, "shared_writes_total",
               "Writes in which the commands of several threads could go.", &m->shared_writes) &&
           add(&series, RD_COUNTER, "shared_commands_total", "Commands in them.",
               &m->shared_commands);
}

static bool add_postgres(struct rd_server_metrics *m, recsys_stats *stats)
{
    struct series series = {stats, "postgres", NULL};

    return add_server(&series, m) &&
           add(&series, RD_COUNTER, "queries_total", "Statements.", &m->calls) &&
           add(&series, RD_COUNTER, "query_failures_total", "Statements that failed.",
               &m->failures);
}

static bool add_outbox(struct rd_store_metrics *metrics, recsys_stats *stats)
{
    const struct series series = {stats, "outbox", NULL};

    return add(&series, RD_COUNTER, "delivered_total",
               "Invalidations delivered for a process that could not.",
               &metrics->outbox_delivered) &&
           add(&series, RD_GAUGE, "waiting", "Invalidations that nobody can deliver yet.",
               &metrics->outbox_waiting);
}

bool rd_store_metrics_start(struct rd_store_metrics *metrics, const struct rd_stores *stores,
                            recsys_stats *stats)
{
    for (unsigned db = 0; db < RD_DBS; db++)
        if (stores->redis[db] != NULL && !add_redis(&metrics->redis[db], stats, db))
            return false;
    return stores->database == NULL ||
           (add_postgres(&metrics->postgres, stats) && add_outbox(metrics, stats));
}

static void copy_redis(const struct rd_server_metrics *m, recsys_store *store, uint32_t state)
{
    recsys_store_stats calls = {0};
    recsys_redis_stats pool = {0};

    calls.struct_size = (uint32_t)sizeof calls;
    pool.struct_size = (uint32_t)sizeof pool;
    recsys_metric_set(m->up, state == RD_STATE_UP || state == RD_STATE_DEGRADED);
    recsys_metric_set(m->degraded, state == RD_STATE_DEGRADED);
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
        recsys_metric_set(m->shared_writes, (double)pool.shared_writes);
        recsys_metric_set(m->shared_commands, (double)pool.shared_commands);
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
                           struct rd_backend_watch *watch, struct rd_outbox_watch *outbox)
{
    for (unsigned db = 0; db < RD_DBS; db++)
        if (stores->redis[db] != NULL)
            copy_redis(&metrics->redis[db], stores->redis[db], atomic_load(&watch->redis[db]));
    if (stores->database != NULL)
        copy_postgres(&metrics->postgres, stores->database, atomic_load(&watch->database));
    if (metrics->outbox_waiting != NULL) {
        recsys_metric_set(metrics->outbox_delivered, (double)atomic_load(&outbox->delivered));
        recsys_metric_set(metrics->outbox_waiting, (double)atomic_load(&outbox->waiting));
    }
}
