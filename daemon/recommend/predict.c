/* daemon/recommend/predict.c - predict, recommendations and similar.
 *
 * The model is acquired first; what kind of ids it has decides how the request
 * is read, and whatever is answered comes from it. It is released last.
 */
#include "daemon/http/reply.h"
#include "daemon/recommend/answer.h"
#include "daemon/routes.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

static uint64_t elapsed_ms(const struct rd_request *request)
{
    return (rs_clock_ns() - request->start_ns + 500000u) / 1000000u;
}

void rd_post_predict(struct rd_request *request)
{
    const struct rd_question *question = &request->worker->question;
    struct rs_buffer *out = request->out;
    recsys_model *model;
    recsys_model_info info;
    struct rd_answer answer;

    if (!rd_model_acquire(request, &model, &info))
        return;
    if (rd_question_parse(request, &info, false) &&
        rd_caller_may_id(request, question->request.user) &&
        rd_answer_get(request, model, &info, NULL, &answer)) {
        request->status = 200;
        rs_buffer_add_text(out, "{\"user_id\":");
        rd_id_write(out, question->request.user);
        rs_buffer_add(out, ",", 1);
        rs_buffer_add(out, answer.json, answer.size);
        rs_buffer_add_text(out, ",\"inference_time_ms\":");
        rs_json_put_unsigned(out, elapsed_ms(request));
        rs_buffer_add_text(out, ",\"model_version\":");
        rs_json_put_string(out, info.version);
        rs_buffer_add_text(out, ",\"request_id\":");
        rs_json_put_string(out, request->id);
        rs_buffer_add_text(out, ",\"timestamp\":");
        rs_json_put_string(out, request->time);
        rs_buffer_add(out, "}", 1);
        rd_answer_release(&answer);
    }
    rd_model_release(request, model);
}

/* {"<name>":…,"recommendations":[…],"strategy":…,"count":…} */
static void write_list(struct rd_request *request, const char *name, recsys_id id,
                       struct rd_answer *answer)
{
    struct rs_buffer *out = request->out;

    request->status = 200;
    rs_buffer_add(out, "{", 1);
    rs_json_put_string(out, name);
    rs_buffer_add(out, ":", 1);
    rd_id_write(out, id);
    rs_buffer_add(out, ",", 1);
    rs_buffer_add(out, answer->json, answer->size);
    rs_buffer_add_text(out, ",\"count\":");
    rs_json_put_unsigned(out, answer->count);
    rs_buffer_add(out, "}", 1);
    rd_answer_release(answer);
}

void rd_get_recommendations(struct rd_request *request)
{
    recsys_id *user = &request->worker->question.request.user;
    recsys_model *model;
    recsys_model_info info;
    struct rd_answer answer;

    if (!rd_model_acquire(request, &model, &info))
        return;
    if (rd_question_from_path(request, "user_id", info.user_id_kind, user) &&
        rd_caller_may_id(request, *user) && rd_answer_get(request, model, &info, NULL, &answer))
        write_list(request, "user_id", *user, &answer);
    rd_model_release(request, model);
}

void rd_get_similar(struct rd_request *request)
{
    recsys_id item;
    recsys_model *model;
    recsys_model_info info;
    struct rd_answer answer;

    if (!rd_model_acquire(request, &model, &info))
        return;
    if (rd_question_from_path(request, "item_id", info.item_id_kind, &item)) {
        request->worker->question.request.flags |= RECSYS_REQUEST_ANONYMOUS;
        if (rd_answer_get(request, model, &info, &item, &answer))
            write_list(request, "movie_id", item, &answer);
    }
    rd_model_release(request, model);
}
