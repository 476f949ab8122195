/* daemon/recommend/batching.c - requests that come at the same time, scored together.
 *
 * The batcher of the library does the work (batcher.h); this file decides for which models it is
 * used, lets requests whose clients are gone leave the queue, and counts.
 *
 * As many scans run at once as there are cores for their threads. A small model is scored sooner
 * than a thread is woken up, so with batching=auto its requests go to their workers' recommenders.
 */
#include "daemon/recommend/batching.h"

#include <recsys/scorer.h>

#include "daemon/process/logger.h"
#include "daemon/recommend/predict_body.h"
#include "lib/base/clock.h"
#include "lib/base/cores.h"

/* Products in one scan from which on batching pays: it gained nothing at 6.4 million, whose codes
 * stay in the processor's cache, and six times the requests at 16 million (bench_batching.py). */
#define AUTO_LEAST_PRODUCTS (UINT64_C(1) << 23)

bool rd_batching_start(struct rd_recommend *recommend, const struct rd_batching_settings *settings)
{
    recsys_batcher_options options = RECSYS_BATCHER_OPTIONS_INIT;
    uint32_t n_scans = rs_cores() / settings->n_threads;
    recsys_error err = {0};

    recommend->batching = settings->when;
    if (settings->when == RD_BATCHING_OFF)
        return true;
    options.n_scans = n_scans > 0 ? n_scans : 1;
    options.n_threads = settings->n_threads;
    options.max_batch = settings->max_batch;
    options.max_waiting = settings->max_waiting;
    options.max_k = RD_TOP_K_MAX;
    if (recsys_batcher_create(&options, &recommend->batcher, &err) == RECSYS_OK)
        return true;
    rd_log(RECSYS_LOG_ERROR, "cannot start batching: %s", err.message);
    return false;
}

void rd_batching_stop(struct rd_recommend *recommend)
{
    recsys_batcher_destroy(recommend->batcher);
    recommend->batcher = NULL;
}

bool rd_batching_is_used(const struct rd_recommend *recommend, const recsys_model_info *info)
{
    if (recommend->batching == RD_BATCHING_AUTO)
        return info->n_items * info->dimensions >= AUTO_LEAST_PRODUCTS;
    return recommend->batching == RD_BATCHING_ON;
}

struct ask {
    struct rd_request *request;
    recsys_reply_callback reply;
    void *user_data;
};

static recsys_status take_reply(const recsys_reply *reply, const recsys_batch *batch,
                                void *user_data, recsys_error *err)
{
    const struct ask *ask = user_data;
    const struct rd_recommend *recommend = ask->request->part;
    const struct rd_metrics *metrics = recommend->metrics;

    if (batch->place == 0) {
        recsys_metric_record(metrics->scoring, (double)batch->scan_ns * 1e-9);
        recsys_metric_record(metrics->batching_requests, (double)batch->n_requests);
    }
    recsys_metric_record(metrics->batching_wait, (double)batch->wait_ns * 1e-9);
    return ask->reply(reply, batch, ask->user_data, err);
}

/* On another worker's thread; this request's worker waits. */
static int32_t is_gone(void *user_data)
{
    const struct ask *ask = user_data;

    return rd_connection_is_gone(ask->request->connection);
}

/* Those that could not be answered in time, or that nobody waits for. */
static void count_shed(const struct rd_metrics *metrics, recsys_status status)
{
    recsys_metric *shed = status == RECSYS_E_EXHAUSTED ? metrics->batching_full
                          : status == RECSYS_E_TIMEOUT ? metrics->batching_late
                          : status == RECSYS_E_STOPPED ? metrics->batching_gone
                                                       : NULL;

    if (shed != NULL)
        recsys_metric_add(shed, 1);
}

/* The rest of request_timeout_ms; at least 1. */
static uint32_t left_ms(const struct rd_request *request)
{
    const struct rd_recommend *recommend = request->part;
    uint64_t spent = (rs_clock_ns() - request->start_ns) / 1000000u;

    return spent < recommend->timeout_ms ? (uint32_t)(recommend->timeout_ms - spent) : 1u;
}

recsys_status rd_batching_ask(struct rd_request *request, const recsys_model *model,
                              const recsys_request *asked, recsys_reply_callback reply,
                              void *user_data, recsys_error *err)
{
    const struct rd_recommend *recommend = request->part;
    struct ask ask = {request, reply, user_data};
    recsys_batcher_call call = RECSYS_BATCHER_CALL_INIT;
    recsys_status status;

    call.timeout_ms = left_ms(request);
    call.reply = take_reply;
    call.cancelled = is_gone;
    call.user_data = &ask;
    status = recsys_batcher_recommend(recommend->batcher, model, asked, &call, err);
    count_shed(recommend->metrics, status);
    return status;
}
