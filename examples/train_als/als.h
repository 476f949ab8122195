/* als.h - factorise ratings by alternating least squares. */
#ifndef TRAIN_ALS_ALS_H
#define TRAIN_ALS_ALS_H

#include <stddef.h>
#include <stdint.h>

#include "sparse.h"

/*
 * IMPLICIT  Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback
 *           Datasets", ICDM 2008. Every rating is a movie the user has chosen,
 *           believed with confidence c = alpha * rating; every other pair is a
 *           movie not chosen, with confidence 1. Minimises
 *             sum over all pairs c (p - x.y)^2 + regularization (|X|^2 + |Y|^2)
 *           which is what AlternatingLeastSquares of the package `implicit` does.
 * RATINGS   Zhou, Wilkinson, Schreiber, Pan, "Large-scale Parallel Collaborative
 *           Filtering for the Netflix Prize", AAIM 2008, with biases. Minimises
 *             sum over ratings (r - mean - b_u - b_i - x.y)^2
 *               + regularization (n_u (|x|^2 + b_u^2) + n_i (|y|^2 + b_i^2))
 */
enum als_mode { ALS_IMPLICIT, ALS_RATINGS };

struct als_options {
    enum als_mode mode;
    uint32_t factors;
    uint32_t iterations;
    uint32_t n_threads;
    uint64_t seed;
    float regularization;
    float alpha; /* implicit only */
};

struct als_model {
    float *user_factors; /* [n_users, factors] */
    float *item_factors; /* [n_items, factors] */
    float *user_bias;    /* ratings only, else NULL */
    float *item_bias;    /* the mean of all ratings is in it */
    double loss;         /* implicit: the sum above / sum of c; ratings: RMSE */
};

/* The same seed gives the same model, whatever the number of threads. */
void als_train(struct als_model *model, const struct sparse *by_user, const struct sparse *by_item,
               const struct als_options *options);

/* 1 if the BLAS that was loaded is OpenBLAS built for one thread: two threads that call it at the
 * same time get wrong numbers. als_train() must then use one thread. */
int als_blas_is_serial(void);

void als_free(struct als_model *model);

#endif
