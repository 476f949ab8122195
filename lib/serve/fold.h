/* lib/serve/fold.h - vectors of new users by ALS, and what each liked item has a part in. */
#ifndef RS_SERVE_FOLD_H
#define RS_SERVE_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/model/normal_equations.h"

#define RS_FOLD_ROWS 4u /* items converted and added at a time */

/* A liked item, once. */
struct rs_liked {
    uint32_t position;
    double confidence; /* above 0 */
};

/* The equations of one user: memory that a recommender keeps. */
struct rs_fold {
    const struct rs_normal *normal; /* the model's; NULL: rs_fold_reserve() has not been called */
    struct rs_liked *liked;
    uint32_t n_liked;
    double *matrix; /* [dimensions, dimensions] */
    double *rows;   /* [RS_FOLD_ROWS + 1, dimensions] */
    const double
        *factor; /* of this user's equations: in `matrix`, or the model's; NULL: unsolvable */
    size_t max_liked, max_matrix, max_rows;
};

/* Room for users with at most n_liked items of `model`, which must be known (rs_normal_is_known).
 * E_NOMEM. */
recsys_status rs_fold_reserve(struct rs_fold *fold, const struct recsys_model *model,
                              size_t n_liked, recsys_error *err);
void rs_fold_destroy(struct rs_fold *fold);

/* Make the equations of the user who likes fold->liked. 0: they cannot be solved. */
int rs_fold_factor(struct rs_fold *fold, const struct recsys_model *model);

/* The user's vector. 0: it is zero, or not finite. */
int rs_fold_solve(const struct rs_fold *fold, const struct recsys_model *model, float *vector);

/*
 * Take apart the score that the user's vector gives to the item at `position`: the sum over the
 * liked items of confidence * y' A^-1 y_liked. Calls `part` for each.
 */
void rs_fold_explain(const struct rs_fold *fold, const struct recsys_model *model,
                     uint32_t position, void (*part)(void *to, uint32_t liked, double score),
                     void *to);

#endif
