/* lib/serve/score_items.c - score items that the caller names for a request's user.
 *
 * With the same vector and the same canonical score: a re-ranker gets the same bits as the ranking.
 */
#include <math.h>

#include "lib/base/error.h"
#include "lib/score/canonical.h"
#include "lib/serve/recommender.h"

static void no_scores(float *scores, size_t n)
{
    for (size_t i = 0; scores != NULL && i < n; i++)
        scores[i] = NAN;
}

static recsys_status score(recsys_recommender *r, const struct recsys_model *model,
                           const recsys_request *request, const recsys_id *items, size_t n_items,
                           float *scores, float *raws, recsys_reply *reply, const char *function,
                           recsys_error *err)
{
    recsys_status status = rs_asks_read(r, model, request, 1, 0, function, err);
    struct rs_ask *ask = r->asks;
    uint32_t position, n_found = 0;

    if (status != RECSYS_OK)
        return status;
    if (ask->status != RECSYS_OK)
        return rs_error(err, ask->status, "%s: %s", function, ask->problem);
    for (size_t i = 0; i < n_items; i++) {
        const char *wrong = rs_ids_refuse(&model->item_ids, items[i]);
        if (wrong != NULL)
            return rs_error(err, RECSYS_E_INVALID, "%s: the id of item %zu %s", function, i, wrong);
    }
    rs_ask_vector(r, model, ask, r->vectors);
    if (ask->n_wanted > 0 && (status = rs_steered_set(r, model, 0, 1, err)) != RECSYS_OK)
        return status;
    for (size_t i = 0; i < n_items; i++) {
        if (!rs_ids_find(&model->item_ids, items[i], &position))
            continue;
        double gain = rs_ask_gain(model, ask, position);
        float raw = rs_ask_by_popularity(ask)
                        ? (float)((double)model->popularity[position] + gain)
                        : rs_canonical_score(model, position, ask->vector, ask->offset + gain);
        if (scores != NULL)
            scores[i] = rs_ask_score(model, ask, raw);
        if (raws != NULL)
            raws[i] = raw;
        n_found++;
    }
    if (reply != NULL)
        rs_reply_write(r, model, 0, NULL, n_found, reply);
    return RECSYS_OK;
}

recsys_status recsys_recommend_score_items(recsys_recommender *r, const recsys_model *model,
                                           const recsys_request *request, const recsys_id *items,
                                           size_t n_items, float *scores, float *raws,
                                           recsys_reply *reply, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    no_scores(scores, n_items);
    no_scores(raws, n_items);
    if (reply != NULL)
        status = rs_replies_begin(reply, 1, __func__, err);
    if (status != RECSYS_OK)
        return status;
    if (r == NULL || model == NULL || request == NULL ||
        (n_items > 0 && (items == NULL || (scores == NULL && raws == NULL))))
        return rs_error(err, RECSYS_E_INVALID, "recsys_recommend_score_items: an argument is NULL");
    if (n_items > UINT32_MAX)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_recommend_score_items: %zu items, at most %u in one call", n_items,
                        UINT32_MAX);
    if ((status = rs_scorer_enter(r->scorer, __func__, err)) != RECSYS_OK)
        return status;
    status = score(r, model, request, items, n_items, scores, raws, reply, __func__, err);
    rs_scorer_leave(r->scorer);
    return status;
}
