/* daemon/observe/metrics.c - makes the daemon's metrics, and counts requests.
 *
 * The label `route` is the template of the path, never the path that a client sent, so that the
 * number of series is limited. The thread of models/model_keeper.c copies the deployments' figures;
 * metrics_page.c copies the others when /metrics is read.
 *
 * Counting is lock-free on the worker threads.
 */
#include "daemon/observe/metrics.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/process/logger.h"
#include "lib/base/buffer.h"

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "OPTIONS", "other"};
static const int statuses[] = {200, 204, 400, 401, 403, 404, 405, 408, 409, 411,
                               413, 415, 422, 429, 431, 500, 501, 502, 503, 505};

_Static_assert(sizeof methods / sizeof methods[0] == RD_METRIC_METHODS, "one place a method");
_Static_assert(sizeof statuses / sizeof statuses[0] < RD_METRIC_STATUSES, "and one for others");

bool rd_metric_add(recsys_stats *stats, enum rd_metric_kind kind, const char *name,
                   const char *help, const char *labels, recsys_metric **out)
{
    recsys_error err = {0};
    recsys_status status = kind == RD_COUNTER
                               ? recsys_stats_add_counter(stats, name, help, labels, out, &err)
                               : recsys_stats_add_gauge(stats, name, help, labels, out, &err);

    if (status != RECSYS_OK)
        rd_log(RECSYS_LOG_ERROR, "metric %s: %s", name, err.message);
    return status == RECSYS_OK;
}

static bool counter(struct rd_metrics *m, const char *name, const char *help, recsys_metric **out)
{
    return rd_metric_add(m->stats, RD_COUNTER, name, help, NULL, out);
}

static bool gauge(struct rd_metrics *m, const char *name, const char *help, recsys_metric **out)
{
    return rd_metric_add(m->stats, RD_GAUGE, name, help, NULL, out);
}

static const char *route_label(const struct rd_metrics *m, size_t route)
{
    return route < m->n_routes ? m->routes[route].path : "none";
}

static bool add_histograms(struct rd_metrics *m)
{
    recsys_error err = {0};
    char labels[96];
    bool ok = recsys_stats_add_histogram(m->stats, "recsysd_scoring_seconds",
                                         "Time to score one request or batch.", NULL, NULL, 0,
                                         &m->scoring, &err) == RECSYS_OK;

    static const double sizes[] = {1, 2, 4, 8, 16, 32, 64, 128};
    ok = ok &&
         recsys_stats_add_histogram(
             m->stats, "recsysd_batching_requests", "Requests scored together in one scan.", NULL,
             sizes, sizeof sizes / sizeof *sizes, &m->batching_requests, &err) == RECSYS_OK &&
         recsys_stats_add_histogram(m->stats, "recsysd_batching_wait_seconds",
                                    "Time that a request waited until its scan began.", NULL, NULL,
                                    0, &m->batching_wait, &err) == RECSYS_OK;
    for (size_t i = 0; ok && i <= m->n_routes; i++) {
        (void)snprintf(labels, sizeof labels, "route=\"%s\"", route_label(m, i));
        ok = recsys_stats_add_histogram(m->stats, "recsysd_http_request_seconds",
                                        "Time from the headers to the end of the reply.", labels,
                                        NULL, 0, &m->seconds[i], &err) == RECSYS_OK;
    }
    if (!ok)
        rd_log(RECSYS_LOG_ERROR, "metrics: %s", err.message);
    return ok;
}

static bool add_start_time(struct rd_metrics *m)
{
    recsys_metric *start;

    if (!gauge(m, "process_start_time_seconds", "Unix time at which the process started.", &start))
        return false;
    recsys_metric_set(start, (double)time(NULL));
    return true;
}

static bool add_shed(struct rd_metrics *m)
{
    static const char help[] = "Requests that left the queue for a scan without an answer.";
    static const char name[] = "recsysd_batching_shed_total";

    return rd_metric_add(m->stats, RD_COUNTER, name, help, "reason=\"full\"", &m->batching_full) &&
           rd_metric_add(m->stats, RD_COUNTER, name, help, "reason=\"late\"", &m->batching_late) &&
           rd_metric_add(m->stats, RD_COUNTER, name, help, "reason=\"gone\"", &m->batching_gone);
}

/* Series of models have the label `model` where there are several. */
static void name_model(const struct rd_named_models *named, size_t place, char *labels, size_t size)
{
    labels[0] = '\0';
    if (named->n > 1)
        (void)snprintf(labels, size, "model=\"%s\"", named->all[place].name);
}

static bool add_swap(struct rd_metrics *m, struct rd_model_metrics *model, const char *labels)
{
    return rd_metric_add(m->stats, RD_COUNTER, "recsysd_model_watch_rollbacks_total",
                         "New models that were rolled back because of their answers.", labels,
                         &model->rollbacks) &&
           rd_metric_add(m->stats, RD_GAUGE, "recsysd_model_step",
                         "Work on a model: 0 none, 1 find, 2 fetch, 3 load, 4 warm, 5 check, "
                         "6 swap.",
                         labels, &model->step) &&
           rd_metric_add(m->stats, RD_GAUGE, "recsysd_model_memory_bytes",
                         "Of the active, the previous and the candidate model, mapped or not.",
                         labels, &model->memory) &&
           rd_metric_add(m->stats, RD_GAUGE, "recsysd_model_watching",
                         "1 while the answers of a new model are watched.", labels,
                         &model->watching) &&
           rd_metric_add(m->stats, RD_GAUGE, "recsysd_model_failed_polls",
                         "Checks of the registry in a row that failed.", labels,
                         &model->failed_polls);
}

static bool add_model(struct rd_metrics *m, const struct rd_named_models *named, size_t place)
{
    struct rd_model_metrics *model = &m->models[place];
    char text[RD_MODEL_NAME_MAX + 16];
    const char *labels = text;

    name_model(named, place, text, sizeof text);
    if (text[0] == '\0')
        labels = NULL;
    return rd_metric_add(m->stats, RD_GAUGE, "recsysd_model_code_bytes",
                         "Integer codes that scans of the served model read; 0: they read floats.",
                         labels, &model->code_bytes) &&
           rd_metric_add(m->stats, RD_GAUGE, "recsysd_model_short_code_bytes",
                         "4-bit codes that scans for one query read before the others; 0: none.",
                         labels, &model->short_code_bytes) &&
           rd_metric_add(m->stats, RD_COUNTER, "recsysd_model_swaps_total",
                         "Swaps: times another model became the one that is served.", labels,
                         &model->swaps) &&
           rd_metric_add(m->stats, RD_COUNTER, "recsysd_model_load_failures_total",
                         "Operator steps that failed.", labels, &model->load_failures) &&
           rd_metric_add(m->stats, RD_GAUGE, "recsysd_models_retired",
                         "Retired models: replaced, and still used by a request.", labels,
                         &model->retired) &&
           rd_metric_add(m->stats, RD_GAUGE, "recsysd_model_share_ratio",
                         "Share of the users that get this model.", labels, &model->share) &&
           rd_metric_add(m->stats, RD_GAUGE, "recsysd_model_shadow_ratio",
                         "Share of the requests that this model is asked as a shadow.", labels,
                         &model->shadow) &&
           rd_metric_add(m->stats, RD_COUNTER, "recsysd_model_answers_total",
                         "Users that were answered from this model, from the cache or not.", labels,
                         &model->answers) &&
           rd_metric_add(m->stats, RD_COUNTER, "recsysd_model_fallbacks_total",
                         "Users of this model's share that the default model answered, because "
                         "this one had no version, or other ids.",
                         labels, &model->fallbacks) &&
           add_swap(m, model, labels);
}

/* Of a model that may be a shadow: where there are several, so they have labels. */
static bool add_shadow(struct rd_metrics *m, struct rd_model_metrics *model, const char *labels)
{
    static const double overlaps[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1};
    static const double correlations[] = {-1, -0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8, 1};
    static const char *const reasons[] = {"full", "large", "failed"};
    char dropped[RD_MODEL_NAME_MAX + 48];
    bool ok = true;

    for (size_t i = 0; i < RD_SHADOW_DROPS && ok; i++) {
        (void)snprintf(dropped, sizeof dropped, "%s,reason=\"%s\"", labels, reasons[i]);
        ok = rd_metric_add(m->stats, RD_COUNTER, "recsysd_shadow_dropped_total",
                           "Requests that a shadow was not asked, because its queue was full, the "
                           "request too large, or it had no answer.",
                           dropped, &model->shadow_dropped[i]);
    }
    return ok &&
           recsys_stats_add_histogram(m->stats, "recsysd_shadow_overlap",
                                      "Share of a client's items that a shadow has, too.", labels,
                                      overlaps, sizeof overlaps / sizeof *overlaps,
                                      &model->shadow_overlap, NULL) == RECSYS_OK &&
           recsys_stats_add_histogram(m->stats, "recsysd_shadow_rank_correlation",
                                      "Kendall's tau of the items that both have.", labels,
                                      correlations, sizeof correlations / sizeof *correlations,
                                      &model->shadow_correlation, NULL) == RECSYS_OK &&
           recsys_stats_add_histogram(m->stats, "recsysd_shadow_cpu_seconds",
                                      "Processor time of a shadow's answer.", labels, NULL, 0,
                                      &model->shadow_seconds, NULL) == RECSYS_OK;
}

static bool add_shadow_of(struct rd_metrics *m, const struct rd_named_models *named, size_t place)
{
    char labels[RD_MODEL_NAME_MAX + 16];

    name_model(named, place, labels, sizeof labels);
    return named->n < 2 || add_shadow(m, &m->models[place], labels);
}

static bool add_models(struct rd_metrics *m, const struct rd_named_models *named)
{
    for (size_t place = 0; place < named->n; place++)
        if (!add_model(m, named, place) || !add_shadow_of(m, named, place))
            return false;
    return true;
}

bool rd_metrics_start(struct rd_metrics *m, const struct rd_route *routes, size_t n_routes,
                      const struct rd_named_models *named)
{
    recsys_error err = {0};

    m->routes = routes;
    m->n_routes = n_routes;
    if (recsys_stats_create(&m->stats, &err) != RECSYS_OK) {
        rd_log(RECSYS_LOG_ERROR, "metrics: %s", err.message);
        return false;
    }
    return add_histograms(m) && add_start_time(m) && add_shed(m) &&
           counter(m, "recsysd_cache_hits_total", "Answers found in the cache.", &m->cache_hits) &&
           counter(m, "recsysd_cache_misses_total", "Answers computed.", &m->cache_misses) &&
           counter(m, "recsysd_cache_evictions_total",
                   "Answers evicted from the cache in this process.", &m->cache_evictions) &&
           gauge(m, "recsysd_cache_entries",
                 "Answers in the cache of this process, and one entry of the cache's own.",
                 &m->cache_entries) &&
           gauge(m, "recsysd_cache_bytes", "Memory that these entries use.", &m->cache_bytes) &&
           counter(m, "recsysd_batches_total", "Batches answered.", &m->batches) &&
           counter(m, "recsysd_batch_users_total", "Users in these batches.", &m->batch_users) &&
           counter(m, "recsysd_batch_failures_total",
                   "Users of batches that could not be answered.", &m->batch_failures) &&
           add_models(m, named) &&
           gauge(m, "recsysd_http_requests_in_flight", "Requests being answered.", &m->in_flight) &&
           gauge(m, "recsysd_http_connections", "Open connections.", &m->connections) &&
           gauge(m, "recsysd_http_connections_waiting",
                 "Connections that no worker has time for, or that are not accepted yet.",
                 &m->connections_waiting) &&
           counter(m, "recsysd_access_log_dropped_total",
                   "Lines of the access log that its buffers or its file did not take.",
                   &m->access_dropped) &&
           counter(m, "recsysd_log_dropped_total",
                   "Lines for stderr that its buffers or stderr did not take.", &m->log_dropped) &&
           gauge(m, "process_resident_memory_bytes", "Resident memory.", &m->memory);
}

void rd_metrics_stop(struct rd_metrics *m)
{
    recsys_stats_unref(m->stats);
    m->stats = NULL;
}

static size_t place_of_method(const char *method)
{
    for (size_t i = 0; i + 1 < RD_METRIC_METHODS; i++)
        if (strcmp(methods[i], method) == 0)
            return i;
    return RD_METRIC_METHODS - 1;
}

static size_t place_of_status(int status)
{
    size_t i = 0;

    while (i < sizeof statuses / sizeof statuses[0] && statuses[i] != status)
        i++;
    return i;
}

void rd_metrics_count(struct rd_metrics *m, const struct rd_route *row, const char *method,
                      int status, double seconds)
{
    size_t route = row != NULL ? (size_t)(row - m->routes) : m->n_routes;
    size_t by_method = place_of_method(method);
    _Atomic(recsys_metric *) *place = &m->requests[route][by_method][place_of_status(status)];
    recsys_metric *metric = atomic_load_explicit(place, memory_order_acquire);
    char labels[160];

    if (metric == NULL) { /* two threads that are both here get the same metric */
        (void)snprintf(labels, sizeof labels, "route=\"%s\",method=\"%s\",status=\"%d\"",
                       route_label(m, route), methods[by_method], status);
        if (recsys_stats_add_counter(m->stats, "recsysd_http_requests_total", "Requests answered.",
                                     labels, &metric, NULL) != RECSYS_OK)
            return;
        atomic_store_explicit(place, metric, memory_order_release);
    }
    recsys_metric_add(metric, 1);
    recsys_metric_record(m->seconds[route], seconds);
}

void rd_metrics_batch(struct rd_metrics *m, uint64_t n_users, uint64_t n_failures)
{
    recsys_metric_add(m->batches, 1);
    recsys_metric_add(m->batch_users, n_users);
    recsys_metric_add(m->batch_failures, n_failures);
}

static void add_label(struct rs_buffer *text, const char *name, const char *value)
{
    rs_buffer_format(text, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            rs_buffer_add(text, "\\", 1);
        rs_buffer_add(text, *value == '\n' ? " " : value, 1);
    }
    rs_buffer_add(text, "\"", 1);
}

/* Whether scans of the model that is served read codes or floats. */
static void keep_code_bytes(const struct rd_model_metrics *m, recsys_deployment *deployment)
{
    recsys_model *model = recsys_deployment_acquire(deployment);
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;

    if (model != NULL && recsys_model_get_info(model, &info, NULL) == RECSYS_OK) {
        recsys_metric_set(m->code_bytes, (double)info.code_bytes);
        recsys_metric_set(m->short_code_bytes, (double)info.short_code_bytes);
    }
    recsys_model_unref(model);
}

static void keep_info(struct rd_model_metrics *m, recsys_stats *stats, const char *model,
                      const recsys_deployment_entry *active)
{
    char labels[sizeof m->labels];
    struct rs_buffer text = RS_BUFFER_FIXED(labels);

    if (active->fingerprint[0] == '\0')
        return;
    if (model[0] != '\0')
        rs_buffer_format(&text, "%s,", model);
    add_label(&text, "name", active->name);
    rs_buffer_add(&text, ",", 1);
    add_label(&text, "version", active->version);
    if (text.status != RECSYS_OK || strcmp(labels, m->labels) == 0)
        return;
    recsys_metric_set(m->info, 0);
    m->info = NULL;
    if (recsys_stats_add_gauge(stats, "recsysd_model_info",
                               "1 for the model that is served, 0 for those before it.", labels,
                               &m->info, NULL) == RECSYS_OK)
        recsys_metric_set(m->info, 1);
    memcpy(m->labels, labels, sizeof labels);
}

static void keep_model(struct rd_metrics *metrics, const struct rd_named_models *named,
                       size_t place)
{
    struct rd_model_metrics *m = &metrics->models[place];
    recsys_deployment *deployment = named->all[place].deployment;
    recsys_deployment_status status;
    char model[RD_MODEL_NAME_MAX + 16];

    memset(&status, 0, sizeof status);
    status.struct_size = (uint32_t)sizeof status;
    if (recsys_deployment_get_status(deployment, &status, NULL) != RECSYS_OK)
        return;
    name_model(named, place, model, sizeof model);
    keep_info(m, metrics->stats, model, &status.active);
    keep_code_bytes(m, deployment);
    recsys_metric_set(m->swaps, (double)status.n_swaps);
    recsys_metric_set(m->load_failures, (double)status.n_failures);
    recsys_metric_set(m->retired, (double)status.n_retired);
    recsys_metric_set(m->rollbacks, (double)status.n_withdrawn);
    recsys_metric_set(m->step, (double)status.step);
    recsys_metric_set(m->memory, (double)status.memory_bytes);
    recsys_metric_set(m->watching, (double)status.watching);
    recsys_metric_set(m->failed_polls, (double)status.n_failed_polls);
}

void rd_metrics_keep(struct rd_metrics *m, struct rd_traffic *traffic)
{
    struct rd_plan plan;

    rd_traffic_get(traffic, &plan);
    for (size_t place = 0; place < plan.n; place++) {
        const struct rd_model_metrics *model = &m->models[place];
        uint32_t share = place == plan.main_place ? rd_plan_rest(&plan) : plan.shares[place];

        keep_model(m, traffic->named, place);
        recsys_metric_set(model->share, (double)share / RD_WHOLE);
        recsys_metric_set(model->shadow, (double)plan.shadows[place] / RD_WHOLE);
    }
}
