/* lib/bundle/code_sample.h - which integer codes make scans of a model faster. */
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

/* Estimated with some of the model's users (its items, where it has no users) against some of its
 * blocks. Shares, 0 to 1. */
struct rs_code_verdict {
    double left;       /* of items that a scan would still score exactly after it has seen codes */
    double short_left; /* the same of short codes */
    double looked_at;  /* of blocks that a scan has to look at, by their norms */
    int codes_pay;
    int short_codes_pay;
};

/* Codes are made for the sampled blocks alone. */
recsys_status rs_code_sample(const struct rs_code_vectors *vectors, struct rs_code_verdict *verdict,
                             recsys_error *err);

#endif
