/* daemon/recommend/predict.c - predict, recommendations and similar.
 *
 * The model is acquired first; what kind of ids it has decides how the request
 * is read, and whatever is answered comes from it. It is released last.
 */
#include "daemon/http/reply.h"
#include "daemon/recommend/answer.h"
#include "daemon/routes.h"

static uint64_t elapsed_ms(const struct rd_request *request)
{
    return (rd_now_ns() - request->start_ns + 500000u) / 1000000u;
}

void rd_post_predict(struct rd_request *request)
{
    const struct rd_question *question = &request->worker->question;
    struct rd_text *out = request->out;
    recsys_model *model;
    recsys_model_info info;
    struct rd_answer answer;

    if (!rd_model_acquire(request, &model, &info))
        return;
    if (rd_question_parse(request, &info, false) &&
        rd_caller_may_id(request, question->request.user) &&
        rd_answer_get(request, model, &info, NULL, &answer)) {
        request->status = 200;
        rd_text_puts(out, "{\"user_id\":");
        rd_id_write(out, question->request.user);
        rd_text_add(out, ",", 1);
        rd_text_add(out, answer.json, answer.size);
        rd_text_puts(out, ",\"inference_time_ms\":");
        rd_text_u64(out, elapsed_ms(request));
        rd_text_puts(out, ",\"model_version\":");
        rd_text_json_puts(out, info.version);
        rd_text_puts(out, ",\"request_id\":");
        rd_text_json_puts(out, request->id);
        rd_text_puts(out, ",\"timestamp\":");
        rd_text_json_puts(out, request->time);
        rd_text_add(out, "}", 1);
        rd_answer_release(&answer);
    }
    rd_model_release(request, model);
}

/* {"<name>":…,"recommendations":[…],"strategy":…,"count":…} */
static void write_list(struct rd_request *request, const char *name, recsys_id id,
                       struct rd_answer *answer)
{
    struct rd_text *out = request->out;

    request->status = 200;
    rd_text_add(out, "{", 1);
    rd_text_json_puts(out, name);
    rd_text_add(out, ":", 1);
    rd_id_write(out, id);
    rd_text_add(out, ",", 1);
    rd_text_add(out, answer->json, answer->size);
    rd_text_puts(out, ",\"count\":");
    rd_text_u64(out, answer->count);
    rd_text_add(out, "}", 1);
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
