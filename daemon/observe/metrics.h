/* daemon/observe/metrics.h - what Prometheus is told. */
#ifndef RECSYSD_METRICS_H
#define RECSYSD_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/recsys.h>

struct rd_app;

#define RD_METRIC_ROUTES 40u /* the route table and one for requests that match none */
#define RD_METRIC_METHODS 6u /* GET HEAD POST PUT OPTIONS and any other */
#define RD_METRIC_STATUSES 21u

/* A series is made when it is first counted, so that /metrics shows what happened and no more. */
struct rd_metrics {
    recsys_stats *stats;
    _Atomic(recsys_metric *) requests[RD_METRIC_ROUTES][RD_METRIC_METHODS][RD_METRIC_STATUSES];
    recsys_metric *seconds[RD_METRIC_ROUTES];
    recsys_metric *scoring, *in_flight, *batches, *batch_users, *batch_failures;
    recsys_metric *cache_hits, *cache_misses, *cache_evictions, *cache_entries, *cache_bytes;
    recsys_metric *swaps, *load_failures, *retired, *log_dropped, *memory;
    recsys_metric *model_info; /* of the model served now; only the keeper thread touches it */
    char model_labels[1100];

    /* What batches leave behind for the keeper thread, off the request path. */
    _Atomic uint64_t pending_batches, pending_users, pending_failures;
};

bool rd_metrics_start(struct rd_metrics *metrics);
void rd_metrics_stop(struct rd_metrics *metrics);

/* `route` is a place in the route table, or its length for a request that matched none. */
void rd_metrics_count(struct rd_metrics *metrics, size_t route, const char *method, int status,
                      double seconds);
void rd_metrics_batch(struct rd_metrics *metrics, uint64_t n_users, uint64_t n_failures);
/* The keeper thread, now and then: moves pending figures and the model's name into the metrics. */
void rd_metrics_keep(struct rd_app *app);

struct rd_request;
void rd_get_metrics(struct rd_request *request);

#endif
