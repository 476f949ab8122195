/* lib/serve/fold.c - see fold.h.
 *
 * The equations are those of normal_equations.h. The model keeps what all users share; a user's
 * few items are added to a copy of it. Where each confidence is 1, nothing is to be added,
 * and the model's own Cholesky factor serves.
 *
 * All is computed in double, in a fixed order, and rounded to float once.
 */
#include "lib/serve/fold.h"

#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/cholesky.h"
#include "lib/serve/grow.h"

recsys_status rs_fold_reserve(struct rs_fold *fold, const struct recsys_model *model,
                              size_t n_liked, recsys_error *err)
{
    size_t d = model->dimensions;
    recsys_status status = rs_normal_get(model, &fold->normal, err);

    if (status != RECSYS_OK ||
        (status = rs_grow(&fold->liked, &fold->max_liked, n_liked, sizeof *fold->liked, err)) !=
            RECSYS_OK ||
        (status = rs_grow(&fold->matrix, &fold->max_matrix, d * d, sizeof *fold->matrix, err)) !=
            RECSYS_OK)
        return status;
    return rs_grow(&fold->rows, &fold->max_rows, (RS_FOLD_ROWS + 1u) * d, sizeof *fold->rows, err);
}

void rs_fold_destroy(struct rs_fold *fold)
{
    rs_free(fold->liked);
    rs_free(fold->matrix);
    rs_free(fold->rows);
}

static const float *item_of(const struct recsys_model *model, const struct rs_liked *liked)
{
    return model->items + (size_t)liked->position * model->stride;
}

/* Add (confidence - 1) y y' of RS_FOLD_ROWS items; rows beyond the last are zero. */
static void add_rows(double *restrict matrix, const double *restrict rows, const double *weights,
                     size_t d)
{
    for (size_t i = 0; i < d; i++) {
        double *row = matrix + i * d;
        const double f[RS_FOLD_ROWS] = {weights[0] * rows[i], weights[1] * rows[d + i],
                                        weights[2] * rows[2 * d + i], weights[3] * rows[3 * d + i]};
        for (size_t j = i; j < d; j++)
            row[j] = (((row[j] + f[0] * rows[j]) + f[1] * rows[d + j]) + f[2] * rows[2 * d + j]) +
                     f[3] * rows[3 * d + j];
    }
}

static void add_items(struct rs_fold *fold, const struct recsys_model *model)
{
    size_t d = model->dimensions;

    for (uint32_t first = 0; first < fold->n_liked; first += RS_FOLD_ROWS) {
        double weights[RS_FOLD_ROWS] = {0.0};
        memset(fold->rows, 0, RS_FOLD_ROWS * d * sizeof *fold->rows);
        for (uint32_t i = 0; i < RS_FOLD_ROWS && first + i < fold->n_liked; i++) {
            const float *item = item_of(model, &fold->liked[first + i]);
            weights[i] = fold->liked[first + i].confidence - 1.0;
            for (size_t j = 0; j < d; j++)
                fold->rows[i * d + j] = (double)item[j];
        }
        add_rows(fold->matrix, fold->rows, weights, d);
    }
}

static int is_plain(const struct rs_fold *fold)
{
    for (uint32_t i = 0; i < fold->n_liked; i++)
        if (fold->liked[i].confidence < 1.0 || fold->liked[i].confidence > 1.0)
            return 0;
    return 1;
}

int rs_fold_factor(struct rs_fold *fold, const struct recsys_model *model)
{
    size_t d = model->dimensions;

    fold->factor = fold->normal->factor;
    if (is_plain(fold))
        return fold->factor != NULL;
    memcpy(fold->matrix, fold->normal->shared, d * d * sizeof *fold->matrix);
    add_items(fold, model);
    fold->factor = rs_cholesky_factor(fold->matrix, d) ? fold->matrix : NULL;
    return fold->factor != NULL;
}

int rs_fold_solve(const struct rs_fold *fold, const struct recsys_model *model, float *vector)
{
    size_t d = model->dimensions;
    double *sum = fold->rows + RS_FOLD_ROWS * d;
    int is_zero = 1;

    memset(sum, 0, d * sizeof *sum);
    for (uint32_t i = 0; i < fold->n_liked; i++) {
        const float *item = item_of(model, &fold->liked[i]);
        for (size_t j = 0; j < d; j++)
            sum[j] += fold->liked[i].confidence * (double)item[j];
    }
    rs_cholesky_solve(fold->factor, d, sum);
    for (size_t j = 0; j < d; j++) {
        vector[j] = (float)sum[j];
        if (!isfinite(vector[j]))
            return 0;
        is_zero &= vector[j] == 0.0f;
    }
    return !is_zero;
}

static double dot(const double *a, const float *b, size_t n)
{
    double sum[4] = {0.0};
    size_t j = 0;

    for (; j + 4 <= n; j += 4)
        for (size_t l = 0; l < 4; l++)
            sum[l] += a[j + l] * (double)b[j + l];
    for (; j < n; j++)
        sum[0] += a[j] * (double)b[j];
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

void rs_fold_explain(const struct rs_fold *fold, const struct recsys_model *model,
                     uint32_t position, void (*part)(void *to, uint32_t liked, double score),
                     void *to)
{
    size_t d = model->dimensions;
    const float *item = model->items + (size_t)position * model->stride;
    double *weighted = fold->rows + RS_FOLD_ROWS * d;

    for (size_t j = 0; j < d; j++)
        weighted[j] = (double)item[j];
    rs_cholesky_solve(fold->factor, d, weighted);
    for (uint32_t i = 0; i < fold->n_liked; i++)
        part(to, fold->liked[i].position,
             fold->liked[i].confidence * dot(weighted, item_of(model, &fold->liked[i]), d));
}
