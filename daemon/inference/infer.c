/* daemon/inference/infer.c - infer: users in, their items and scores out.
 *
 * The users are scored like those of batch-predict, by the recommender that batches share, and may
 * be as many. Tensors have no gaps: where a user has fewer than K items, the rest of the row is -1,
 * or
 * "" for texts, and `count` says how many are real. Users may be there several times.
 */
#include "daemon/inference/infer.h"

#include <stdlib.h>

#include "daemon/auth/caller.h"
#include "daemon/http/failure.h"
#include "daemon/http/json_put.h"
#include "daemon/http/reply.h"
#include "daemon/inference/infer_body.h"
#include "daemon/inference/inference_model.h"
#include "daemon/recommend/answer_write.h"
#include "daemon/recommend/recorded.h"
#include "daemon/recommend/scratch.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

/* Row-major, [n, k]. */
struct result {
    size_t n, k;
    recsys_request requests[RD_USERS_MAX];
    uint32_t counts[RD_USERS_MAX];
    recsys_id items[RD_USERS_MAX * RD_TOP_K_MAX];
    float scores[RD_USERS_MAX * RD_TOP_K_MAX];
};

static void write_items(struct rs_buffer *out, const struct result *result, uint32_t id_kind)
{
    for (size_t i = 0; i < result->n * result->k; i++) {
        if (i > 0)
            rs_buffer_add(out, ",", 1);
        if (i % result->k < result->counts[i / result->k])
            rd_answer_write_id(out, result->items[i]);
        else
            rs_buffer_add_text(out, id_kind == RECSYS_ID_KIND_TEXT ? "\"\"" : "-1");
    }
}

static void write_scores(struct rs_buffer *out, const struct result *result)
{
    for (size_t i = 0; i < result->n * result->k; i++) {
        if (i > 0)
            rs_buffer_add(out, ",", 1);
        rd_json_put_float(out, i % result->k < result->counts[i / result->k] ? result->scores[i]
                                                                             : -1.0f);
    }
}

static void write_counts(struct rs_buffer *out, const struct result *result)
{
    for (size_t i = 0; i < result->n; i++) {
        if (i > 0)
            rs_buffer_add(out, ",", 1);
        rs_json_put_unsigned(out, result->counts[i]);
    }
}

static void write_output(struct rs_buffer *out, enum rd_infer_output output,
                         const struct result *result, uint32_t id_kind)
{
    const char *const datatypes[] = {rd_inference_datatype(id_kind), "FP32", "INT32"};

    rs_buffer_format(out, "{\"name\":\"%s\",\"datatype\":\"%s\",\"shape\":[%zu",
                     rd_infer_output_names[output], datatypes[output], result->n);
    if (output != RD_INFER_COUNT)
        rs_buffer_format(out, ",%zu", result->k);
    rs_buffer_add_text(out, "],\"data\":[");
    if (output == RD_INFER_ITEM)
        write_items(out, result, id_kind);
    else if (output == RD_INFER_SCORE)
        write_scores(out, result);
    else
        write_counts(out, result);
    rs_buffer_add_text(out, "]}");
}

static void write_result(struct rd_request *request, const struct rd_chosen *chosen,
                         const struct rd_infer_body *body, const struct result *result)
{
    struct rs_buffer *out = request->out;

    request->status = 200;
    rs_buffer_add_text(out, "{\"model_name\":");
    rs_json_put_string(out, chosen->named->name);
    rs_buffer_add_text(out, ",\"model_version\":");
    rs_json_put_string(out, chosen->info.version);
    rs_buffer_add_text(out, ",\"id\":");
    rs_json_put_string(out, body->id != NULL ? body->id : request->id);
    rs_buffer_add_text(out, ",\"outputs\":[");
    for (size_t i = 0; i < body->n_outputs; i++) {
        if (i > 0)
            rs_buffer_add(out, ",", 1);
        write_output(out, (enum rd_infer_output)body->order[i], result, chosen->info.item_id_kind);
    }
    rs_buffer_add_text(out, "]}");
}

/* One request for each user, without the items that the user has met since the training. */
static bool make_requests(struct rd_request *request, struct rd_scratch *scratch,
                          struct result *result, uint32_t item_id_kind)
{
    const struct rd_recommend *recommend = request->part;

    for (size_t i = 0; i < result->n; i++) {
        result->requests[i] = scratch->predict.request;
        result->requests[i].user = scratch->predict.users[i];
    }
    return rd_recent_exclude(&recommend->recent, result->requests, result->n, item_id_kind,
                             rd_recent_until(request), &scratch->recent) ||
           rd_reply_unavailable(request, "out of memory");
}

/* Tell the deployment, which watches new models. */
static void record(const struct rd_chosen *chosen, const struct result *result,
                   recsys_status status)
{
    uint64_t n_empty = 0;

    if (status != RECSYS_OK) {
        rd_record_answer(chosen->named->deployment, chosen->model, result->requests, status, 0);
        return;
    }
    for (size_t i = 0; i < result->n; i++)
        n_empty += result->counts[i] == 0;
    (void)recsys_deployment_record(chosen->named->deployment, chosen->model, result->requests,
                                   result->n, 0, n_empty, NULL);
}

static bool score(struct rd_request *request, const struct rd_chosen *chosen, struct result *result)
{
    struct rd_recommend *recommend = request->part;
    recsys_error err = {0};
    recsys_status status;
    uint64_t start;

    if (!rd_batch_begin(request))
        return false;
    start = rs_clock_ns();
    status = recsys_recommend_into(recommend->batch_recommender, chosen->model, result->requests,
                                   result->n, result->k, result->items, NULL, result->scores,
                                   result->counts, NULL, NULL, &err);
    recsys_metric_record(recommend->metrics->scoring, (double)(rs_clock_ns() - start) * 1e-9);
    rd_batch_end(recommend);
    record(chosen, result, status);
    if (status != RECSYS_OK)
        return rd_reply_failure(request, status, &err);
    recsys_metric_add(recommend->metrics->models[chosen->place].answers, result->n);
    return true;
}

static void infer(struct rd_request *request, struct rd_scratch *scratch,
                  const struct rd_chosen *chosen, const struct rd_infer_body *body)
{
    struct result *result = malloc(sizeof *result);

    if (result == NULL) {
        (void)rd_reply_unavailable(request, "out of memory");
        return;
    }
    result->n = scratch->predict.n_users;
    result->k = scratch->predict.request.k;
    if (make_requests(request, scratch, result, chosen->info.item_id_kind) &&
        score(request, chosen, result))
        write_result(request, chosen, body, result);
    free(result);
}

void rd_post_infer(struct rd_request *request)
{
    struct rd_scratch *scratch = rd_scratch_get(request);
    struct rd_infer_body body;
    struct rd_chosen chosen;

    if (scratch == NULL || !rd_inference_model(request, &chosen))
        return;
    if (rd_infer_body_read(request, &chosen.info, &scratch->predict, &body) &&
        rd_caller_may_ids(request, scratch->predict.users, scratch->predict.n_users))
        infer(request, scratch, &chosen, &body);
    recsys_model_unref(chosen.model);
}
