/* quality.h - how well a model finds the ratings that were held out. */
#ifndef TRAIN_ALS_QUALITY_H
#define TRAIN_ALS_QUALITY_H

#include <stddef.h>
#include <stdint.h>

#include "als.h"
#include "movielens.h"
#include "sparse.h"

#define QUALITY_K 10u

struct quality {
    size_t n_users; /* that had a rating held out; 0 = nothing was measured */
    double recall;  /* share of them whose movie is among their best QUALITY_K */
    double ndcg;    /* the same, worth 1 / log2(1 + place) */
    double rmse;    /* of predicted stars; 0 in implicit mode, which predicts none */
};

/* Movies a user has rated in `by_user` are left out of the ranking, as they
 * are when recommendations are served. */
void quality_measure(struct quality *out, const struct als_model *model, size_t factors,
                     const struct sparse *by_user, const struct movielens *data);

#endif
