/* daemon/observe/store_metrics.h - figures of Redis and PostgreSQL for Prometheus. */
#ifndef RECSYSD_STORE_METRICS_H
#define RECSYSD_STORE_METRICS_H

#include <stdbool.h>

#include <recsys/stats.h>

#include "daemon/backends/backend_watch.h"
#include "daemon/backends/outbox_watch.h"
#include "daemon/backends/redis_dbs.h"
#include "daemon/backends/stores.h"

/* Metrics of one server. */
struct rd_server_metrics {
    recsys_metric *up, *degraded, *breaker_open, *open, *idle, *waits, *timeouts, *broken, *calls,
        *failures, *shared_writes, *shared_commands;
};

struct rd_store_metrics {
    struct rd_server_metrics redis[RD_DBS], postgres; /* NULL where there is none */
    recsys_metric *outbox_delivered, *outbox_waiting;
};

/* After the stores. False: logged. */
bool rd_store_metrics_start(struct rd_store_metrics *metrics, const struct rd_stores *stores,
                            recsys_stats *stats);
/* Copies the present figures without asking a server. Any thread may call this. */
void rd_store_metrics_copy(struct rd_store_metrics *metrics, const struct rd_stores *stores,
                           struct rd_backend_watch *watch, struct rd_outbox_watch *outbox);

#endif
