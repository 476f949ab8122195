/* daemon/observe/store_metrics.c - breakers, pools and what the servers were last seen to be.
 *
 * What the caches count themselves (redis_cache_hits_total and so on) the
 * library puts into the same statistics; here is what belongs to a connection
 * rather than to a key. The figures are copied when they are asked for.
 */
#include "daemon/observe/store_metrics.h"

#include <stdio.h>
#include <string.h>

#include <recsys/postgres.h>
#include <recsys/redis.h>

#include "daemon/app.h"
#include "daemon/observe/logger.h"

#define GAUGE false
#define COUNTER true

/* One series; `labels` may be "". False: logged. */
static bool add(struct rd_app *app, bool is_counter, const char *name, const char *help,
                const char *labels, recsys_metric **out)
{
    recsys_error err = {0};
    recsys_status status =
        is_counter ? recsys_stats_add_counter(app->metrics.stats, name, help, labels, out, &err)
                   : recsys_stats_add_gauge(app->metrics.stats, name, help, labels, out, &err);

    if (status == RECSYS_OK)
        return true;
    rd_log(RECSYS_LOG_ERROR, "metric %s: %s", name, err.message);
    return false;
}

static bool add_redis(struct rd_app *app, unsigned db)
{
    struct rd_server_metrics *m = &app->store_metrics.redis[db];
    char labels[32], open[48], idle[48];

    (void)snprintf(labels, sizeof labels, "db=\"%u\"", db);
    (void)snprintf(open, sizeof open, "%s,state=\"open\"", labels);
    (void)snprintf(idle, sizeof idle, "%s,state=\"idle\"", labels);
    return add(app, GAUGE, "recsysd_redis_up", "Did it answer when it was asked last?", labels,
               &m->up) &&
           add(app, GAUGE, "recsysd_redis_breaker_open", "1 while the breaker is open.", labels,
               &m->breaker_open) &&
           add(app, GAUGE, "recsysd_redis_connections", "Connections; idle ones are part of open.",
               open, &m->open) &&
           add(app, GAUGE, "recsysd_redis_connections", "Connections; idle ones are part of open.",
               idle, &m->idle) &&
           add(app, COUNTER, "recsysd_redis_pool_waits_total", "Waits for a free connection.",
               labels, &m->waits) &&
           add(app, COUNTER, "recsysd_redis_pool_timeouts_total", "Such waits in vain.", labels,
               &m->timeouts) &&
           add(app, COUNTER, "recsysd_redis_connections_broken_total",
               "Connections closed because something was wrong.", labels, &m->broken) &&
           add(app, COUNTER, "recsysd_redis_calls_total", "Commands, or refused by the breaker.",
               labels, &m->calls) &&
           add(app, COUNTER, "recsysd_redis_failures_total", "Commands without a good answer.",
               labels, &m->failures);
}

static bool add_postgres(struct rd_app *app)
{
    struct rd_server_metrics *m = &app->store_metrics.postgres;

    return add(app, GAUGE, "recsysd_postgres_up", "Did it answer when it was asked last?", NULL,
               &m->up) &&
           add(app, GAUGE, "recsysd_postgres_connections",
               "Connections; idle ones are part of open.", "state=\"open\"", &m->open) &&
           add(app, GAUGE, "recsysd_postgres_connections",
               "Connections; idle ones are part of open.", "state=\"idle\"", &m->idle) &&
           add(app, COUNTER, "recsysd_postgres_pool_waits_total", "Waits for a free connection.",
               NULL, &m->waits) &&
           add(app, COUNTER, "recsysd_postgres_pool_timeouts_total", "Such waits in vain.", NULL,
               &m->timeouts) &&
           add(app, COUNTER, "recsysd_postgres_connections_broken_total",
               "Connections closed because something was wrong.", NULL, &m->broken) &&
           add(app, COUNTER, "recsysd_postgres_queries_total", "Statements.", NULL, &m->calls) &&
           add(app, COUNTER, "recsysd_postgres_query_failures_total", "Statements that failed.",
               NULL, &m->failures);
}

bool rd_store_metrics_start(struct rd_app *app)
{
    for (unsigned db = 0; db < RD_DBS; db++)
        if (app->stores.redis[db] != NULL && !add_redis(app, db))
            return false;
    return app->stores.database == NULL || add_postgres(app);
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

void rd_store_metrics_copy(struct rd_app *app)
{
    for (unsigned db = 0; db < RD_DBS; db++)
        if (app->stores.redis[db] != NULL)
            copy_redis(&app->store_metrics.redis[db], app->stores.redis[db],
                       atomic_load(&app->backend.redis[db]));
    if (app->stores.database != NULL)
        copy_postgres(&app->store_metrics.postgres, app->stores.database,
                      atomic_load(&app->backend.database));
}
