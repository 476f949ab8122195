/* daemon/recommend/batch.c - batch-predict: up to a thousand users in one call.
 *
 * All users are scored by one recsys_recommend(), which scans the items once for many users.
 * Workers share one recommender for it, made with its threads when the daemon starts, and use it in
 * turn, for two reasons: it keeps the memory of its largest batch, and batches one after another
 * with batch_threads are as fast as batches in parallel. A worker that waits longer than
 * request_timeout_ms answers with 503.
 */
#include <stdlib.h>

#include "daemon/auth/caller.h"
#include "daemon/http/failure.h"
#include "daemon/http/reply.h"
#include "daemon/models/model_use.h"
#include "daemon/process/logger.h"
#include "daemon/process/threads.h"
#include "daemon/recommend/answer_write.h"
#include "daemon/recommend/recommend.h"
#include "daemon/recommend/scratch.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

struct batch {
    size_t n;
    recsys_request requests[RD_USERS_MAX];
    recsys_reply replies[RD_USERS_MAX];
};

bool rd_batch_start(struct rd_recommend *recommend, uint32_t n_threads)
{
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    recsys_error err = {0};
    char limits[1024];

    if (rs_lock_init(&recommend->batch_lock) != 0 || rs_signal_init(&recommend->batch_end) != 0)
        return false;
    options.n_threads = n_threads;
    options.max_k = RD_TOP_K_MAX;
    if (recsys_recommender_create(&options, &recommend->batch_recommender, &err) == RECSYS_OK)
        return true;
    rd_thread_limits(limits, sizeof limits);
    rd_log(RECSYS_LOG_ERROR, "cannot start batch-predict with %u threads: %s; limits: %s",
           n_threads, err.message, limits);
    return false;
}

void rd_batch_stop(struct rd_recommend *recommend)
{
    recsys_recommender_destroy(recommend->batch_recommender);
    recommend->batch_recommender = NULL;
}

/* False: other batches took longer than request_timeout_ms; answered with 503. */
static bool take_recommender(struct rd_request *request)
{
    struct rd_recommend *recommend = request->part;
    uint64_t until = rs_clock_ns() + recommend->timeout_ms * 1000000u;
    bool is_ours;

    rs_lock_take(&recommend->batch_lock);
    while (recommend->batch_runs && rs_clock_ns() < until)
        (void)rs_signal_wait_until(&recommend->batch_end, &recommend->batch_lock, until);
    is_ours = !recommend->batch_runs;
    recommend->batch_runs = true;
    rs_lock_give(&recommend->batch_lock);
    return is_ours || rd_reply_unavailable(request, "Too many batches at once");
}

static void give_recommender(struct rd_recommend *recommend)
{
    rs_lock_take(&recommend->batch_lock);
    recommend->batch_runs = false;
    rs_signal_one(&recommend->batch_end);
    rs_lock_give(&recommend->batch_lock);
}

static void write_row(struct rs_buffer *out, const struct rd_answer_source *source,
                      const recsys_request *request, const recsys_reply *reply)
{
    rs_buffer_add_text(out, "{\"user_id\":");
    rd_answer_write_id(out, request->user);
    rs_buffer_add(out, ",", 1);
    rd_answer_write(out, source, reply);
    if (reply->status == RECSYS_OK) {
        rs_buffer_add_text(out, ",\"success\":true,\"error_message\":null}");
    } else {
        rs_buffer_add_text(out, ",\"success\":false,\"error_message\":");
        rs_json_put_string(out, reply->message != NULL ? reply->message
                                                       : recsys_status_text(reply->status));
        rs_buffer_add(out, "}", 1);
    }
}

static size_t write_rows(struct rs_buffer *out, const struct rd_answer_source *source,
                         const struct batch *batch)
{
    size_t n_failed = 0;

    rs_buffer_add_text(out, "{\"predictions\":[");
    for (size_t i = 0; i < batch->n && out->status == RECSYS_OK; i++) {
        if (i > 0)
            rs_buffer_add(out, ",", 1);
        write_row(out, source, &batch->requests[i], &batch->replies[i]);
        n_failed += batch->replies[i].status != RECSYS_OK;
    }
    rs_buffer_add(out, "]", 1);
    return n_failed;
}

static void write_totals(struct rd_request *request, const struct rd_answer_source *source,
                         size_t n, size_t n_failed)
{
    struct rs_buffer *out = request->out;
    uint64_t elapsed = rs_clock_ns() - request->start_ns;

    rs_buffer_add_text(out, ",\"total_users\":");
    rs_json_put_unsigned(out, n);
    rs_buffer_add_text(out, ",\"successful_predictions\":");
    rs_json_put_unsigned(out, n - n_failed);
    rs_buffer_add_text(out, ",\"failed_predictions\":");
    rs_json_put_unsigned(out, n_failed);
    rs_buffer_add_text(out, ",\"total_time_ms\":");
    rs_json_put_unsigned(out, (elapsed + 500000u) / 1000000u);
    rs_buffer_add_text(out, ",\"average_time_per_user_ms\":");
    rs_json_put_unsigned(out, (elapsed / n + 500000u) / 1000000u);
    rs_buffer_add_text(out, ",\"model_version\":");
    rs_json_put_string(out, source->info->version);
    rs_buffer_add_text(out, ",\"model\":");
    rs_json_put_string(out, source->name);
    rs_buffer_add_text(out, ",\"batch_id\":");
    rs_json_put_string(out, request->id);
    rs_buffer_add_text(out, ",\"timestamp\":");
    rs_json_put_string(out, request->time);
    rs_buffer_add(out, "}", 1);
}

/* Score, and write the reply before the recommender is given back: its answers are valid until
 * its next call. */
static void answer(struct rd_request *request, const struct rd_answer_source *source,
                   struct batch *batch)
{
    struct rd_recommend *recommend = request->part;
    recsys_error err = {0};
    recsys_status status;
    uint64_t start;
    size_t n_failed;

    if (!take_recommender(request))
        return;
    start = rs_clock_ns();
    status = recsys_recommend(recommend->batch_recommender, source->model, batch->requests,
                              batch->n, batch->replies, &err);
    recsys_metric_record(recommend->metrics->scoring, (double)(rs_clock_ns() - start) * 1e-9);
    if (status == RECSYS_OK)
        n_failed = write_rows(request->out, source, batch);
    give_recommender(recommend);
    if (status != RECSYS_OK) {
        (void)rd_reply_failure(request, status, &err);
        return;
    }
    request->status = 200;
    write_totals(request, source, batch->n, n_failed);
    rd_metrics_batch(recommend->metrics, batch->n, n_failed);
}

static bool may_all(struct rd_request *request, const struct rd_predict_body *predict)
{
    for (size_t i = 0; i < predict->n_users; i++)
        if (!rd_caller_may_id(request, predict->users[i]))
            return false;
    return true;
}

/* Exclude what each user has met since the training. False: answered. */
static bool add_recent(struct rd_request *request, struct rd_recent_list *list, struct batch *batch,
                       uint32_t item_id_kind)
{
    const struct rd_recommend *recommend = request->part;
    const recsys_id *ids;

    if (recommend->recent.find == NULL)
        return true;
    rd_recent_begin(list, item_id_kind);
    for (size_t i = 0; i < batch->n; i++)
        batch->requests[i].n_exclude =
            rd_recent_collect(&recommend->recent, &batch->requests[i], list);
    ids = rd_recent_finish(list);
    if (ids == NULL)
        return rd_reply_unavailable(request, "out of memory");
    for (size_t i = 0; i < batch->n; ids += batch->requests[i++].n_exclude)
        batch->requests[i].exclude = ids;
    return true;
}

static void answer_all(struct rd_request *request, struct rd_scratch *scratch,
                       const struct rd_answer_source *source)
{
    const struct rd_predict_body *predict = &scratch->predict;
    struct batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL) {
        (void)rd_reply_unavailable(request, "out of memory");
        return;
    }
    batch->n = predict->n_users;
    batch->replies[0].struct_size = (uint32_t)sizeof batch->replies[0];
    for (size_t i = 0; i < batch->n; i++) {
        batch->requests[i] = predict->request;
        batch->requests[i].user = predict->users[i];
    }
    if (add_recent(request, &scratch->recent, batch, source->info->item_id_kind))
        answer(request, source, batch);
    free(batch);
}

void rd_post_batch(struct rd_request *request)
{
    const struct rd_recommend *recommend = request->part;
    struct rd_scratch *scratch = rd_scratch_get(request);
    const struct rd_named_model *named;
    recsys_model *model;
    recsys_model_info info;
    size_t place = 0;

    if (scratch == NULL || !rd_predict_body_parse(request) ||
        !rd_model_named(request, recommend->named, &place))
        return;
    named = &recommend->named->all[place];
    if (!rd_model_acquire(request, named, &model, &info))
        return;
    if (rd_predict_body_read(request, &scratch->predict, &info, RD_BODY_BATCH) &&
        may_all(request, &scratch->predict))
        answer_all(request, scratch,
                   &(const struct rd_answer_source){named->name, model, &info, &scratch->predict});
    recsys_model_unref(model);
}
