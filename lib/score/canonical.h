/* lib/score/canonical.h - the one definition of a score. See canonical.c. */
#ifndef RS_SCORE_CANONICAL_H
#define RS_SCORE_CANONICAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/model/model.h"

/* Sum of a[j] * b[j] in double, in the canonical order. */
double rs_canonical_dot(const float *a, const float *b, size_t n);

/* The raw score of the item at `position`. */
static inline float rs_canonical_score(const struct recsys_model *model, uint32_t position,
                                       const float *query, double offset)
{
    double bias = model->item_bias == NULL ? 0.0 : (double)model->item_bias[position];
    const float *item = model->items + (size_t)position * model->stride;

    return (float)((offset + bias) + rs_canonical_dot(query, item, model->dimensions));
}

#endif
