/* daemon/recommend/batch.c - batch-predict: up to a thousand users in one call.
 *
 * All users of one model are scored by one recsys_recommend(), which scans the items once for many
 * users.
 * Workers share one recommender for it, made with its threads when the daemon starts, and use it in
 * turn, for two reasons: it keeps the memory of its largest batch, and batches one after another
 * with batch_threads are as fast as batches in parallel. A worker that waits longer than
 * request_timeout_ms answers with 503.
 */
#include <stdlib.h>

#include "daemon/auth/caller.h"
#include "daemon/http/failure.h"
#include "daemon/http/reply.h"
#include "daemon/process/logger.h"
#include "daemon/process/threads.h"
#include "daemon/recommend/answer_write.h"
#include "daemon/recommend/choose.h"
#include "daemon/recommend/recommend.h"
#include "daemon/recommend/recorded.h"
#include "daemon/recommend/scratch.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

#define KEPT_BYTES 262144u /* of the rows' memory between two requests */

/* Where a row's text is, in the buffer of rows. */
struct row {
    size_t begin, end;
};

/* Users of one model stand side by side: order[i] is the user's place in the client's list. */
struct batch {
    size_t n, n_failed;
    recsys_request requests[RD_USERS_MAX];
    recsys_reply replies[RD_USERS_MAX];
    uint32_t order[RD_USERS_MAX];
    uint32_t places[RD_USERS_MAX]; /* of the users' models, in the client's order */
    struct row rows[RD_USERS_MAX]; /* in the client's order */
    struct rd_chosen models[RD_MODELS_MAX];
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

bool rd_batch_begin(struct rd_request *request)
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

void rd_batch_end(struct rd_recommend *recommend)
{
    rs_lock_take(&recommend->batch_lock);
    recommend->batch_runs = false;
    rs_signal_one(&recommend->batch_end);
    rs_lock_give(&recommend->batch_lock);
}

/* A row says which model it comes from if that is not the reply's. */
static void write_row(struct rs_buffer *out, const struct rd_answer_source *source,
                      const recsys_request *request, const recsys_reply *reply,
                      const struct rd_chosen *other)
{
    rs_buffer_add_text(out, "{\"user_id\":");
    rd_answer_write_id(out, request->user);
    rs_buffer_add(out, ",", 1);
    rd_answer_write(out, source, reply);
    if (other != NULL)
        rd_chosen_write(out, other);
    if (reply->status == RECSYS_OK) {
        rs_buffer_add_text(out, ",\"success\":true,\"error_message\":null}");
    } else {
        rs_buffer_add_text(out, ",\"success\":false,\"error_message\":");
        rs_json_put_string(out, reply->message != NULL ? reply->message
                                                       : recsys_status_text(reply->status));
        rs_buffer_add(out, "}", 1);
    }
}

/* The rows in the client's order. */
static void write_rows(struct rs_buffer *out, const struct rs_buffer *rows,
                       const struct batch *batch)
{
    rs_buffer_add_text(out, "{\"predictions\":[");
    for (size_t i = 0; i < batch->n; i++) {
        if (i > 0)
            rs_buffer_add(out, ",", 1);
        rs_buffer_add(out, rows->bytes + batch->rows[i].begin,
                      batch->rows[i].end - batch->rows[i].begin);
    }
    rs_buffer_add(out, "]", 1);
}

static void write_totals(struct rd_request *request, const struct rd_chosen *main_model,
                         const struct batch *batch)
{
    struct rs_buffer *out = request->out;
    uint64_t elapsed = rs_clock_ns() - request->start_ns;
    size_t n = batch->n;

    rs_buffer_add_text(out, ",\"total_users\":");
    rs_json_put_unsigned(out, n);
    rs_buffer_add_text(out, ",\"successful_predictions\":");
    rs_json_put_unsigned(out, n - batch->n_failed);
    rs_buffer_add_text(out, ",\"failed_predictions\":");
    rs_json_put_unsigned(out, batch->n_failed);
    rs_buffer_add_text(out, ",\"total_time_ms\":");
    rs_json_put_unsigned(out, (elapsed + 500000u) / 1000000u);
    rs_buffer_add_text(out, ",\"average_time_per_user_ms\":");
    rs_json_put_unsigned(out, (elapsed / n + 500000u) / 1000000u);
    rd_chosen_write(out, main_model);
    rs_buffer_add_text(out, ",\"batch_id\":");
    rs_json_put_string(out, request->id);
    rs_buffer_add_text(out, ",\"timestamp\":");
    rs_json_put_string(out, request->time);
    rs_buffer_add(out, "}", 1);
}

/* Score the users of one model, which begin at `first`, and write their rows before the recommender
 * is given back: its answers are valid until its next call. False: answered. */
static bool answer_model(struct rd_request *request, struct rd_scratch *scratch,
                         struct batch *batch, size_t first, size_t n, const struct rd_chosen *model,
                         const struct rd_chosen *main_model)
{
    struct rd_recommend *recommend = request->part;
    const struct rd_answer_source source = {model->named->name, model->model, &model->info,
                                            &scratch->predict};
    struct rs_buffer *rows = &scratch->value;
    recsys_error err = {0};
    recsys_status status;
    uint64_t start;

    if (!rd_batch_begin(request))
        return false;
    batch->replies[first].struct_size = (uint32_t)sizeof batch->replies[0];
    start = rs_clock_ns();
    status = recsys_recommend(recommend->batch_recommender, model->model, batch->requests + first,
                              n, batch->replies + first, &err);
    recsys_metric_record(recommend->metrics->scoring, (double)(rs_clock_ns() - start) * 1e-9);
    rd_record_batch(model->named->deployment, model->model, batch->requests + first,
                    batch->replies + first, n, status);
    for (size_t i = first; i < first + n && status == RECSYS_OK; i++) {
        struct row *row = &batch->rows[batch->order[i]];

        row->begin = rows->size;
        write_row(rows, &source, &batch->requests[i], &batch->replies[i],
                  model->place == main_model->place ? NULL : model);
        row->end = rows->size;
        batch->n_failed += batch->replies[i].status != RECSYS_OK;
        status = rows->status;
    }
    rd_batch_end(recommend);
    recsys_metric_add(recommend->metrics->models[model->place].answers, n);
    return status == RECSYS_OK || rd_reply_failure(request, status, &err);
}

static bool answer_models(struct rd_request *request, struct rd_scratch *scratch,
                          struct batch *batch, const struct rd_chosen *main_model)
{
    rs_buffer_reset(&scratch->value, KEPT_BYTES);
    for (size_t first = 0, next; first < batch->n; first = next) {
        uint32_t place = batch->places[batch->order[first]];

        for (next = first; next < batch->n && batch->places[batch->order[next]] == place;)
            next++;
        if (!answer_model(request, scratch, batch, first, next - first, &batch->models[place],
                          main_model))
            return false;
    }
    return true;
}

/* The places of the users' models, which are acquired. `shared`: users may get other models. */
static void find_models(const struct rd_request *request, const struct rd_predict_body *predict,
                        struct batch *batch, const struct rd_chosen *main_model, bool shared)
{
    const struct rd_recommend *recommend = request->part;
    uint32_t own[RD_MODELS_MAX], main_place = (uint32_t)main_model->place;
    bool known[RD_MODELS_MAX] = {false};
    struct rd_plan plan;

    rd_traffic_get(recommend->traffic, &plan);
    shared = shared && plan.main_place == main_model->place && !rd_plan_is_whole(&plan);
    batch->models[main_place] = *main_model;
    for (size_t i = 0; i < batch->n; i++) {
        size_t place = shared ? rd_plan_find(&plan, predict->users[i]) : main_place;

        if (!known[place]) {
            struct rd_chosen *model = &batch->models[place];

            known[place] = true;
            own[place] = (uint32_t)place;
            if (place != main_place && !rd_choose_share(recommend, place, main_model, model))
                own[place] = main_place;
        }
        batch->places[i] = own[place];
    }
}

/* One request for each user, those of one model side by side. */
static void make_requests(const struct rd_predict_body *predict, struct batch *batch)
{
    size_t n = 0;

    for (uint32_t place = 0; place < RD_MODELS_MAX && n < batch->n; place++)
        for (size_t i = 0; i < batch->n; i++)
            if (batch->places[i] == place) {
                batch->requests[n] = predict->request;
                batch->requests[n].user = predict->users[i];
                batch->order[n++] = (uint32_t)i;
            }
}

static void answer_all(struct rd_request *request, struct rd_scratch *scratch,
                       const struct rd_chosen *main_model, bool shared)
{
    const struct rd_recommend *recommend = request->part;
    struct batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL) {
        (void)rd_reply_unavailable(request, "out of memory");
        return;
    }
    batch->n = scratch->predict.n_users;
    find_models(request, &scratch->predict, batch, main_model, shared);
    make_requests(&scratch->predict, batch);
    if (!rd_recent_exclude(&recommend->recent, batch->requests, batch->n,
                           main_model->info.item_id_kind, rd_recent_until(request),
                           &scratch->recent)) {
        (void)rd_reply_unavailable(request, "out of memory");
    } else if (answer_models(request, scratch, batch, main_model)) {
        request->status = 200;
        write_rows(request->out, &scratch->value, batch);
        write_totals(request, main_model, batch);
        rd_metrics_batch(recommend->metrics, batch->n, batch->n_failed);
    }
    for (size_t place = 0; place < RD_MODELS_MAX; place++)
        if (place != main_model->place)
            recsys_model_unref(batch->models[place].model);
    free(batch);
}

void rd_post_batch(struct rd_request *request)
{
    struct rd_scratch *scratch = rd_scratch_get(request);
    struct rd_chosen main_model;

    if (scratch == NULL || !rd_predict_body_parse(request) ||
        !rd_choose(request, NULL, &main_model))
        return;
    if (rd_predict_body_read(request, &scratch->predict, &main_model.info, RD_BODY_BATCH) &&
        rd_caller_may_ids(request, scratch->predict.users, scratch->predict.n_users))
        answer_all(request, scratch, &main_model, !main_model.is_named);
    recsys_model_unref(main_model.model);
}
