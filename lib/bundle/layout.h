/* lib/bundle/layout.h - scan order, and the bounds of its blocks.
 *
 * The builder writes bundles in scan order, so that loading them copies nothing. The loader puts
 * the items of other files in scan order.
 */
#ifndef RS_BUNDLE_LAYOUT_H
#define RS_BUNDLE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/status.h"

/* Items in a block: 256 KB of vectors at 64 dimensions, so a block and its scores stay in a
 * core's second-level cache while a batch of queries passes over it. */
#define RS_BLOCK_ITEMS 1024u

/* Bounds for every item of a block. Maxima are rounded up. */
struct rs_block {
    double max_norm;  /* Euclidean, of this block */
    double max_bias;  /* of this block; 0 without biases */
    double rest_norm; /* the same over this and every later block */
    double rest_bias;
    double rest_abs_bias; /* largest |bias| over this and every later block */
};

/* A vector whose length differs from 1 by no more than this counts as normalised. */
#define RS_UNIT_TOLERANCE 1e-6

/* Euclidean norms in double of n rows `stride` floats apart. E_FORMAT names
 * the first row and column that is not finite, as "<what>[row,column]". */
recsys_status rs_layout_norms(const float *rows, size_t n, size_t dimensions, size_t stride,
                              double *norms, const char *what, recsys_error *err);

/* E_FORMAT for row `number`, in which a number is not finite. */
recsys_status rs_layout_refuse(const float *row, size_t number, const char *what,
                               recsys_error *err);

/* order[p] = row of the item that comes p-th: by norm, largest first; equal norms keep the order
 * of their rows, so that sorting again changes nothing. `order` has room for n. */
recsys_status rs_layout_order(const double *norms, size_t n, uint32_t *order, recsys_error *err);

/* Bounds of every block from norms and biases in scan order. */
void rs_layout_blocks(const double *norms, const float *bias, size_t n, struct rs_block *blocks);

#endif
