/* daemon/observe/metrics_page.c - the route for Prometheus.
 *
 * Figures that others count (the cache, the servers, the kernel) are copied into the metrics when
 * the page is read.
 */
#include "daemon/observe/metrics_page.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/backends/stores.h"
#include "daemon/http/reply.h"
#include "daemon/http/server.h"
#include "daemon/observe/access_log.h"
#include "daemon/observe/metrics.h"
#include "daemon/observe/observed.h"
#include "daemon/observe/store_metrics.h"
#include "daemon/process/logger.h"

static void copy_cache_stats(struct rd_metrics *m, const struct rd_stores *stores)
{
    recsys_store_stats store = {0};

    store.struct_size = (uint32_t)sizeof store;
    if (stores->answers == NULL ||
        recsys_store_get_stats(rd_stores_answers(stores), &store, NULL) != RECSYS_OK)
        return;
    recsys_metric_set(m->cache_evictions, (double)store.evictions);
    recsys_metric_set(m->cache_entries, (double)store.entries);
    recsys_metric_set(m->cache_bytes, (double)store.bytes);
}

static void copy_memory(struct rd_metrics *m)
{
    FILE *file = fopen("/proc/self/statm", "re"); /* Linux only; elsewhere the figure stays 0 */
    unsigned long size, resident;

    if (file == NULL)
        return;
    if (fscanf(file, "%lu %lu", &size, &resident) == 2)
        recsys_metric_set(m->memory, (double)resident * (double)sysconf(_SC_PAGESIZE));
    (void)fclose(file);
}

static int32_t write_text(const char *text, size_t size, void *user_data)
{
    struct rs_buffer *out = user_data;

    rs_buffer_add(out, text, size);
    return out->status != RECSYS_OK;
}

void rd_get_metrics(struct rd_request *request)
{
    const struct rd_observed *observed = request->part;
    struct rd_metrics *m = observed->metrics;
    recsys_error err = {0};

    copy_cache_stats(m, observed->stores);
    rd_store_metrics_copy(observed->store_metrics, observed->stores, observed->watch,
                          observed->outbox);
    copy_memory(m);
    recsys_metric_set(m->in_flight, (double)atomic_load(&request->http->active));
    recsys_metric_set(m->connections, (double)atomic_load(&request->http->n_open));
    recsys_metric_set(m->connections_waiting, (double)rd_server_count_waiting());
    recsys_metric_set(m->access_dropped, (double)rd_access_dropped());
    recsys_metric_set(m->log_dropped, (double)rd_log_writer_lost(rd_log_stderr()));
    request->status = 200;
    request->content_type = "text/plain; version=0.0.4; charset=utf-8";
    if (recsys_stats_format(m->stats, write_text, request->out, &err) != RECSYS_OK)
        (void)rd_reply_error(request, 500, err.message);
}
