/* lib/bundle/code_sample.h - whether integer codes tell a model's items apart. */
#ifndef RS_BUNDLE_CODE_SAMPLE_H
#define RS_BUNDLE_CODE_SAMPLE_H

#include <stdint.h>

#include "lib/bundle/layout.h"
#include "recsys/status.h"

/* A model's vectors, items in scan order. */
struct rs_code_vectors {
    const float *users;     /* [n_users, dimensions] */
    const float *items;     /* `stride` floats apart */
    const float *item_bias; /* NULL = none */
    const struct rs_block *blocks;
    uint32_t n_users, n_items, n_blocks, dimensions, stride;
};

/* The share of items, 0 to 1, that a scan would still have to score exactly after it has seen
 * their codes: estimated with some of the model's users (its items, where it has no users)
 * against some of its blocks. Codes are made for these blocks alone. */
recsys_status rs_code_sample(const struct rs_code_vectors *vectors, double *share,
                             recsys_error *err);

/* Codes are worth their memory if they leave no more than this share: an exact score costs about as
 * much as the floats of ten items that were not read. */
#define RS_CODES_PAY 0.05

#endif
