/* quality.c - how well a model finds the ratings that were held out.
 *
 * One movie is held out per user, so recall@10 is the share of users who find
 * it among their ten best, and nDCG@10 counts it less the lower it stands. The
 * ranking has all movies except those the user has rated; ties go to the smaller
 * id. That is the order in which librecsys answers, so evaluating the written
 * bundle through recsysctl gives the same numbers (tests/bench/quality); they are
 * computed here for the bundle's manifest.
 */
#include "quality.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* How many movies stand before `target` for this user. */
static size_t rank_of(const float *scores, size_t n, uint32_t target, const struct sparse *by_user,
                      size_t user)
{
    uint64_t seen = by_user->offsets[user], end = by_user->offsets[user + 1u];
    size_t rank = 0u;

    for (uint32_t i = 0; i < n; i++) {
        if (seen < end && by_user->columns[seen] == i)
            seen++;
        else if (scores[i] > scores[target] || (scores[i] == scores[target] && i < target))
            rank++;
    }
    return rank;
}

void quality_measure(struct quality *out, const struct als_model *model, size_t factors,
                     const struct sparse *by_user, const struct movielens *data)
{
    size_t n = data->n_movies, user = 0u;
    float *scores = report_allocate(n, sizeof *scores);

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < data->n_held_out; i++) {
        size_t rank;

        while (data->user_ids[user] != data->held_out[i].user_id)
            user++;
        if (model->item_bias != NULL)
            memcpy(scores, model->item_bias, n * sizeof *scores);
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)n, (int)factors, 1.0f, model->item_factors,
                    (int)factors, model->user_factors + user * factors, 1,
                    model->item_bias != NULL ? 1.0f : 0.0f, scores, 1);
        rank = rank_of(scores, n, data->held_out[i].movie, by_user, user);
        if (rank < QUALITY_K) {
            out->recall += 1.0;
            out->ndcg += 1.0 / log2((double)rank + 2.0);
        }
        if (model->user_bias != NULL) {
            double error = (double)(scores[data->held_out[i].movie] + model->user_bias[user] -
                                    data->held_out[i].value);

            out->rmse += error * error;
        }
        if (i % 1000u == 999u)
            report_progress("evaluating: %zu of %zu users", i + 1u, data->n_held_out);
    }
    report_progress_end();
    out->n_users = data->n_held_out;
    if (out->n_users > 0u) {
        out->recall /= (double)out->n_users;
        out->ndcg /= (double)out->n_users;
        out->rmse = sqrt(out->rmse / (double)out->n_users);
    }
    free(scores);
}
