/* lib/model/layout.h - scan order, bounds of blocks, conversion to float.
 *
 * Used by the loader for what comes from elsewhere and by the builder, which
 * writes bundles in scan order so that loading them copies nothing.
 */
#ifndef RS_MODEL_LAYOUT_H
#define RS_MODEL_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/model/model.h"
#include "recsys/status.h"

/* A vector of this length, give or take, is taken to be normalised already. */
#define RS_UNIT_TOLERANCE 1e-6

/* Euclidean norms in double of n rows `stride` floats apart. E_FORMAT names
 * the first row and column that is not finite, as "<what>[row,column]". */
recsys_status rs_layout_norms(const float *rows, size_t n, size_t dimensions, size_t stride,
                              double *norms, const char *what, recsys_error *err);

/* order[p] = row of the item that comes p-th: by norm, largest first; equal
 * norms keep the order of their rows, so that sorting what is sorted changes
 * nothing. `order` has room for n. */
recsys_status rs_layout_order(const double *norms, size_t n, uint32_t *order, recsys_error *err);

/* Bounds of every block from norms and biases in scan order. */
void rs_layout_blocks(const double *norms, const float *bias, size_t n, struct rs_block *blocks);

/* n numbers of RECSYS_DTYPE_F32, F64, F16 or BF16 as floats. A number beyond
 * float's range becomes infinite and is found by rs_layout_norms. */
void rs_layout_to_float(const void *from, uint32_t dtype, size_t n, float *to);

#endif
