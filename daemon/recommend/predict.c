/* daemon/recommend/predict.c - predict, session-recommend, recommendations and similar.
 *
 * A handler chooses and acquires the model first, because its kind of ids decides how the request
 * is read, and gives it back last, so that the whole reply comes from one model.
 */
#include "daemon/auth/caller.h"
#include "daemon/http/reply.h"
#include "daemon/recommend/answer.h"
#include "daemon/recommend/answer_write.h"
#include "daemon/recommend/choose.h"
#include "daemon/recommend/recommend.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

/* The objects that each of these handlers needs first. */
struct use {
    struct rd_scratch *scratch;
    struct rd_chosen chosen;
};

/* `user` as in rd_choose(). False: answered. */
static bool begin(struct rd_request *request, const json_t *user, struct use *use)
{
    use->scratch = rd_scratch_get(request);
    return use->scratch != NULL && rd_choose(request, user, &use->chosen);
}

static void count_answer(const struct rd_request *request, const struct use *use)
{
    const struct rd_recommend *recommend = request->part;

    recsys_metric_add(recommend->metrics->models[use->chosen.place].answers, 1);
}

static uint64_t elapsed_ms(const struct rd_request *request)
{
    return (rs_clock_ns() - request->start_ns + 500000u) / 1000000u;
}

/* Exclude what the user has met since the training. False: answered. */
static bool add_recent(struct rd_request *request, const struct use *use)
{
    const struct rd_recommend *recommend = request->part;

    return rd_recent_exclude(&recommend->recent, &use->scratch->predict.request, 1,
                             use->chosen.info.item_id_kind, rd_recent_until(request),
                             &use->scratch->recent) ||
           rd_reply_unavailable(request, "out of memory");
}

static void write_predict(struct rd_request *request, const struct use *use,
                          struct rd_answer *answer)
{
    struct rs_buffer *out = request->out;

    request->status = 200;
    count_answer(request, use);
    rs_buffer_add_text(out, "{\"user_id\":");
    if ((use->scratch->predict.request.flags & RECSYS_REQUEST_ANONYMOUS) != 0)
        rs_buffer_add_text(out, "null");
    else
        rd_answer_write_id(out, use->scratch->predict.request.user);
    rs_buffer_add(out, ",", 1);
    rs_buffer_add(out, answer->json, answer->size);
    rs_buffer_add_text(out, ",\"inference_time_ms\":");
    rs_json_put_unsigned(out, elapsed_ms(request));
    rd_chosen_write(out, &use->chosen);
    rs_buffer_add_text(out, ",\"request_id\":");
    rs_json_put_string(out, request->id);
    rs_buffer_add_text(out, ",\"timestamp\":");
    rs_json_put_string(out, request->time);
    rs_buffer_add(out, "}", 1);
    rd_answer_release(answer);
}

static bool may_user(struct rd_request *request, const recsys_request *predict)
{
    return (predict->flags & RECSYS_REQUEST_ANONYMOUS) != 0 ||
           rd_caller_may_id(request, predict->user);
}

static void answer(struct rd_request *request, enum rd_body_kind kind)
{
    struct use use;
    struct rd_answer found;

    if (!rd_predict_body_parse(request) ||
        !begin(request, json_object_get(request->json, "user_id"), &use))
        return;
    if (rd_predict_body_read(request, &use.scratch->predict, &use.chosen.info, kind) &&
        may_user(request, &use.scratch->predict.request) && add_recent(request, &use) &&
        rd_answer_get(request, use.scratch, &use.chosen, NULL, &found))
        write_predict(request, &use, &found);
    recsys_model_unref(use.chosen.model);
}

void rd_post_predict(struct rd_request *request)
{
    answer(request, RD_BODY_PREDICT);
}

void rd_post_session(struct rd_request *request)
{
    answer(request, RD_BODY_SESSION);
}

/* The rest of {<the id's member>,"recommendations":[…],"strategy":…,"count":…,<the model>} */
static void write_list(struct rd_request *request, const struct use *use, struct rd_answer *answer)
{
    struct rs_buffer *out = request->out;

    request->status = 200;
    rs_buffer_add(out, ",", 1);
    rs_buffer_add(out, answer->json, answer->size);
    rs_buffer_add_text(out, ",\"count\":");
    rs_json_put_unsigned(out, answer->count);
    rd_chosen_write(out, &use->chosen);
    rs_buffer_add(out, "}", 1);
    rd_answer_release(answer);
}

void rd_get_recommendations(struct rd_request *request)
{
    json_t *asked = json_string(request->param);
    struct use use;
    struct rd_answer answer;
    recsys_id user;
    bool begun = begin(request, asked, &use);

    json_decref(asked);
    if (!begun)
        return;
    if (rd_predict_body_from_path(request, &use.scratch->predict, "user_id",
                                  use.chosen.info.user_id_kind, &user)) {
        use.scratch->predict.request.user = user;
        if (rd_caller_may_id(request, user) && add_recent(request, &use) &&
            rd_answer_get(request, use.scratch, &use.chosen, NULL, &answer)) {
            rs_buffer_add_text(request->out, "{\"user_id\":");
            rd_answer_write_id(request->out, user);
            count_answer(request, &use);
            write_list(request, &use, &answer);
        }
    }
    recsys_model_unref(use.chosen.model);
}

void rd_get_similar(struct rd_request *request)
{
    struct use use;
    struct rd_answer answer;
    recsys_id item;

    if (!begin(request, NULL, &use))
        return;
    if (rd_predict_body_from_path(request, &use.scratch->predict, "item_id",
                                  use.chosen.info.item_id_kind, &item)) {
        use.scratch->predict.request.flags |= RECSYS_REQUEST_ANONYMOUS;
        if (rd_answer_get(request, use.scratch, &use.chosen, &item, &answer)) {
            rs_buffer_add(request->out, "{", 1);
            rd_answer_write_item_id(request->out, &use.chosen.info, item);
            write_list(request, &use, &answer);
        }
    }
    recsys_model_unref(use.chosen.model);
}
