/* daemon/observe/metrics.h - the daemon's metrics. */
#ifndef RECSYSD_METRICS_H
#define RECSYSD_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/stats.h>

#include "daemon/http/route.h"
#include "daemon/traffic/traffic.h"

#define RD_METRIC_ROUTES 80u /* the route table and one for requests that match none */
#define RD_METRIC_METHODS 6u /* GET HEAD POST PUT OPTIONS and any other */
#define RD_METRIC_STATUSES 21u

enum rd_metric_kind { RD_COUNTER, RD_GAUGE };

/* One series; `labels` may be NULL. False: logged. */
bool rd_metric_add(recsys_stats *stats, enum rd_metric_kind kind, const char *name,
                   const char *help, const char *labels, recsys_metric **out);

/* Why a request was not compared. */
enum rd_shadow_drop { RD_SHADOW_FULL, RD_SHADOW_LARGE, RD_SHADOW_FAILED, RD_SHADOW_DROPS };

/* Of one named model. */
struct rd_model_metrics {
    recsys_metric *swaps, *load_failures, *retired, *code_bytes, *short_code_bytes;
    recsys_metric *share, *shadow, *answers, *fallbacks;
    recsys_metric *rollbacks, *step, *memory, *watching, *failed_polls;
    recsys_metric *shadow_dropped[RD_SHADOW_DROPS];
    recsys_metric *shadow_overlap, *shadow_correlation, *shadow_seconds; /* histograms */
    recsys_metric *info; /* of the version served now; only the keeper thread touches it */
    char labels[1200];   /* info's */
};

/* A series of requests is made when it is first counted, so that /metrics has no series that are
 * 0. */
struct rd_metrics {
    recsys_stats *stats;
    const struct rd_route *routes; /* the table */
    size_t n_routes;
    _Atomic(recsys_metric *) requests[RD_METRIC_ROUTES][RD_METRIC_METHODS][RD_METRIC_STATUSES];
    recsys_metric *seconds[RD_METRIC_ROUTES];
    recsys_metric *scoring, *in_flight, *connections, *connections_waiting, *batches, *batch_users,
        *batch_failures;
    recsys_metric *batching_requests, *batching_wait; /* histograms */
    recsys_metric *batching_full, *batching_late, *batching_gone;
    recsys_metric *cache_hits, *cache_misses, *cache_evictions, *cache_entries, *cache_bytes;
    recsys_metric *access_dropped, *log_dropped, *memory;
    struct rd_model_metrics models[RD_MODELS_MAX]; /* in the places of rd_named_models */
};

/* `routes` has less than RD_METRIC_ROUTES rows and is BORROWED. False: logged. */
bool rd_metrics_start(struct rd_metrics *metrics, const struct rd_route *routes, size_t n_routes,
                      const struct rd_named_models *named);
void rd_metrics_stop(struct rd_metrics *metrics);

/* `row` is one of the table's, or NULL for a request that matched none. */
void rd_metrics_count(struct rd_metrics *metrics, const struct rd_route *row, const char *method,
                      int status, double seconds);
void rd_metrics_batch(struct rd_metrics *metrics, uint64_t n_users, uint64_t n_failures);
/* The keeper thread, now and then: copies the deployments' figures and the models' names. */
void rd_metrics_keep(struct rd_metrics *metrics, struct rd_traffic *traffic);

#endif
