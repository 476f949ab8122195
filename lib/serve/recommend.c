/* lib/serve/recommend.c - the recommender's calls that rank.
 *
 * Each request is checked (asks.c) and turned into a question: a vector (preferences.c) and
 * conditions. Requests with favourite genres are answered first (steered.c). Other questions go
 * through the scorer in chunks. A request without a vector is answered by popularity. Then
 * positions become replies (reply.c), or numbers in the caller's arrays. An error in one of several
 * requests stays in its own reply. The busy mark is the scorer's.
 */
#include "lib/serve/recommender.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"

/* The place for answers: replies, or the caller's arrays. */
struct destination {
    recsys_reply *replies;
    size_t stride;
    recsys_id *items;
    uint32_t *rows;
    float *scores;
    uint32_t *counts;
    recsys_status *statuses;
    uint32_t *strategies;
};

static void pad(const struct destination *to, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        if (to->items != NULL)
            to->items[i] = (recsys_id)RECSYS_ID_NUMBER(RECSYS_PADDING_ID);
        if (to->rows != NULL)
            to->rows[i] = RECSYS_PADDING_ROW;
        if (to->scores != NULL)
            to->scores[i] = -INFINITY;
    }
}

static void put_into_arrays(const struct recsys_model *model, const struct rs_ask *ask, size_t i,
                            const struct rs_best *entries, uint32_t n, const struct destination *to)
{
    size_t at = i * to->stride;

    for (uint32_t j = 0; j < n; j++) {
        if (to->items != NULL)
            to->items[at + j] = rs_ids_get(&model->item_ids, entries[j].position);
        if (to->rows != NULL)
            to->rows[at + j] = entries[j].position;
        if (to->scores != NULL)
            to->scores[at + j] = rs_ask_score(model, ask, entries[j].score);
    }
    pad(to, at + n, at + to->stride);
    to->counts[i] = n;
    if (to->statuses != NULL)
        to->statuses[i] = ask->status;
    if (to->strategies != NULL)
        to->strategies[i] = ask->strategy;
}

static void put(recsys_recommender *r, const struct recsys_model *model, size_t i,
                const struct rs_best *entries, uint32_t n, const void *destination)
{
    const struct destination *to = destination;

    if (entries != r->chosen && entries != NULL && rs_ask_is_varied(&r->asks[i]))
        rs_varied_keep(r, &r->asks[i], entries, n);
    else if (to->replies != NULL)
        rs_reply_write(r, model, i, entries, n, to->replies);
    else
        put_into_arrays(model, &r->asks[i], i, entries, n, to);
}

/* Not answered yet, and by a vector alone. */
static int is_question(const struct rs_ask *ask)
{
    return ask->status == RECSYS_OK && ask->n_wanted == 0 && !rs_ask_by_popularity(ask);
}

static void make_vectors(recsys_recommender *r, const struct recsys_model *model, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (r->asks[i].status == RECSYS_OK)
            rs_ask_vector(r, model, &r->asks[i], r->vectors + i * model->dimensions);
}

static size_t make_questions(recsys_recommender *r, size_t n)
{
    size_t n_questions = 0;

    for (size_t i = 0; i < n; i++) {
        const struct rs_ask *ask = &r->asks[i];
        if (!is_question(ask))
            continue;
        struct rs_question *question = &r->questions[n_questions++];
        question->vector = ask->vector;
        question->offset = ask->offset;
        question->k = ask->request.k;
        question->eligible = ask->eligible;
    }
    return n_questions;
}

static recsys_status answer_questions(recsys_recommender *r, const struct recsys_model *model,
                                      size_t n_questions, const struct destination *to,
                                      recsys_error *err)
{
    size_t n, request = 0;
    recsys_status status;

    for (size_t first = 0; first < n_questions; first += n) {
        size_t n_answers = r->questions[first].k;
        for (n = 1; first + n < n_questions && n < RS_CHUNK_QUERIES; n++) {
            n_answers += r->questions[first + n].k;
            if (n_answers > RS_CHUNK_ANSWERS)
                break;
        }
        status = rs_scorer_run(r->scorer, model, r->questions + first, n, r->answers, err);
        if (status != RECSYS_OK)
            return status;
        for (size_t q = 0; q < n; q++, request++) {
            while (!is_question(&r->asks[request]))
                request++;
            put(r, model, request, r->answers[q].entries, r->answers[q].n, to);
        }
    }
    return RECSYS_OK;
}

static recsys_status answer_by_popularity(recsys_recommender *r, const struct recsys_model *model,
                                          size_t n, const struct destination *to, recsys_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct rs_ask *ask = &r->asks[i];
        if (ask->status != RECSYS_OK || ask->n_wanted > 0 || !rs_ask_by_popularity(ask))
            continue;
        recsys_status status =
            rs_grow(&r->popular, &r->max_popular, ask->request.k, sizeof *r->popular, err);
        if (status != RECSYS_OK)
            return status;
        put(r, model, i, r->popular, rs_popular(model, &ask->eligible, ask->request.k, r->popular),
            to);
    }
    return RECSYS_OK;
}

static recsys_status answer_varied(recsys_recommender *r, const struct recsys_model *model,
                                   size_t n, const struct destination *to, recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    uint32_t n_chosen;

    for (size_t i = 0; status == RECSYS_OK && i < n; i++) {
        struct rs_ask *ask = &r->asks[i];
        if (ask->status != RECSYS_OK || !rs_ask_is_varied(ask))
            continue;
        status = rs_varied_choose(r, model, ask, &n_chosen, err);
        if (status == RECSYS_OK)
            put(r, model, i, r->chosen, n_chosen, to);
    }
    return status;
}

/* Fail with the error of the first request that cannot be answered. */
static recsys_status check_all(const recsys_recommender *r, size_t n, const char *function,
                               recsys_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (r->asks[i].status != RECSYS_OK)
            return n == 1 ? rs_error(err, r->asks[i].status, "%s: %s", function, r->asks[i].problem)
                          : rs_error(err, r->asks[i].status, "%s: request %zu: %s", function, i,
                                     r->asks[i].problem);
    return RECSYS_OK;
}

static recsys_status check_stride(const recsys_recommender *r, size_t n,
                                  const struct destination *to, const char *function,
                                  recsys_error *err)
{
    for (size_t i = 0; to->replies == NULL && i < n; i++)
        if (r->asks[i].status == RECSYS_OK && r->asks[i].places > to->stride)
            return rs_error(err, RECSYS_E_INVALID,
                            "%s: request %zu asks for %u items, stride has room for %zu", function,
                            i, r->asks[i].places, to->stride);
    return RECSYS_OK;
}

static recsys_status answer(recsys_recommender *r, const struct recsys_model *model,
                            const recsys_request *requests, size_t n, const struct destination *to,
                            const char *function, recsys_error *err)
{
    uint32_t needs = to->replies != NULL ? RS_ASK_ITEMS | RS_ASK_REASONS : 0;
    int all = n == 1 || (to->replies == NULL && to->statuses == NULL);
    recsys_status status;

    if ((status = rs_asks_read(r, model, requests, n, needs, function, err)) != RECSYS_OK ||
        (all && (status = check_all(r, n, function, err)) != RECSYS_OK) ||
        (status = check_stride(r, n, to, function, err)) != RECSYS_OK)
        return status;
    make_vectors(r, model, n);
    if ((status = rs_steered_answer(r, model, n, put, to, err)) != RECSYS_OK)
        return status;
    size_t n_questions = make_questions(r, n);
    if ((status = answer_questions(r, model, n_questions, to, err)) != RECSYS_OK ||
        (status = answer_by_popularity(r, model, n, to, err)) != RECSYS_OK ||
        (status = answer_varied(r, model, n, to, err)) != RECSYS_OK)
        return status;
    for (size_t i = 0; i < n; i++)
        if (r->asks[i].status != RECSYS_OK)
            put(r, model, i, NULL, 0, to);
    return RECSYS_OK;
}

recsys_status recsys_recommend(recsys_recommender *r, const recsys_model *model,
                               const recsys_request *requests, size_t n_requests,
                               recsys_reply *replies, recsys_error *err)
{
    const struct destination to = {.replies = replies};
    recsys_status status = rs_replies_begin(replies, n_requests, __func__, err);

    if (status != RECSYS_OK)
        return status;
    if (r == NULL || model == NULL || (n_requests > 0 && requests == NULL))
        return rs_error(err, RECSYS_E_INVALID, "recsys_recommend: an argument is NULL");
    if ((status = rs_scorer_enter(r->scorer, __func__, err)) != RECSYS_OK)
        return status;
    if (n_requests > 0)
        status = answer(r, model, requests, n_requests, &to, __func__, err);
    rs_scorer_leave(r->scorer);
    if (status != RECSYS_OK)
        rs_replies_clear(replies, n_requests);
    return status;
}

static void clear_arrays(const struct destination *to, size_t n)
{
    if (n == 0)
        return;
    if (to->counts != NULL)
        memset(to->counts, 0, n * sizeof *to->counts);
    if (to->statuses != NULL)
        memset(to->statuses, 0, n * sizeof *to->statuses);
    if (to->strategies != NULL)
        memset(to->strategies, 0, n * sizeof *to->strategies);
    pad(to, 0, n * to->stride);
}

recsys_status recsys_recommend_into(recsys_recommender *r, const recsys_model *model,
                                    const recsys_request *requests, size_t n_requests,
                                    size_t stride, recsys_id *items, uint32_t *rows, float *scores,
                                    uint32_t *counts, recsys_status *statuses, uint32_t *strategies,
                                    recsys_error *err)
{
    const struct destination to = {NULL, stride, items, rows, scores, counts, statuses, strategies};
    recsys_status status;
    size_t n_places;

    if (!rs_multiply(n_requests, stride, &n_places))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_recommend_into: the arrays would be larger than memory");
    if (r == NULL || model == NULL || (n_requests > 0 && (requests == NULL || counts == NULL)))
        status = rs_error(err, RECSYS_E_INVALID, "recsys_recommend_into: an argument is NULL");
    else
        status = rs_scorer_enter(r->scorer, __func__, err);
    if (status == RECSYS_OK) {
        if (n_requests > 0)
            status = answer(r, model, requests, n_requests, &to, __func__, err);
        rs_scorer_leave(r->scorer);
    }
    if (status != RECSYS_OK)
        clear_arrays(&to, n_requests);
    return status;
}

recsys_status recsys_recommend_similar(recsys_recommender *r, const recsys_model *model,
                                       recsys_id item, const recsys_request *request,
                                       recsys_reply *reply, recsys_error *err)
{
    static const recsys_request plain = {.struct_size = (uint32_t)sizeof plain,
                                         .flags = RECSYS_REQUEST_ANONYMOUS};
    recsys_status status = rs_replies_begin(reply, 1, __func__, err);
    struct rs_topk found;
    uint32_t position;

    if (status != RECSYS_OK)
        return status;
    if (r == NULL || model == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_recommend_similar: an argument is NULL");
    if ((status = rs_ids_lookup(&model->item_ids, item, "item", &position, err)) != RECSYS_OK ||
        (status = rs_scorer_enter(r->scorer, __func__, err)) != RECSYS_OK)
        return status;
    if ((status = rs_asks_read(r, model, request == NULL ? &plain : request, 1,
                               RS_ASK_ITEMS | RS_ASK_REASONS | RS_ASK_SIMILAR, __func__, err)) ==
            RECSYS_OK &&
        (status = check_all(r, 1, __func__, err)) == RECSYS_OK) {
        r->asks->strategy = RECSYS_STRATEGY_SIMILAR;
        r->asks->about = position;
        status = rs_scorer_run_similar(r->scorer, model, position, r->asks->request.k,
                                       &r->asks->eligible, &found, err);
    }
    if (status == RECSYS_OK && rs_ask_is_varied(r->asks)) {
        rs_varied_keep(r, r->asks, found.entries, found.n);
        status = rs_varied_choose(r, model, r->asks, &found.n, err);
        found.entries = r->chosen;
    }
    if (status == RECSYS_OK)
        rs_reply_write(r, model, 0, found.entries, found.n, reply);
    else
        rs_replies_clear(reply, 1);
    rs_scorer_leave(r->scorer);
    return status;
}
