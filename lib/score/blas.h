/* lib/score/blas.h - the two BLAS calls of a scan. */
#ifndef RS_SCORE_BLAS_H
#define RS_SCORE_BLAS_H

#include <stddef.h>
#include <stdint.h>

/* out[i] = row i of items . query */
void rs_blas_one(const float *items, uint32_t n_items, uint32_t stride, uint32_t dimensions,
                 const float *query, float *out);

/* out[q * out_stride + i] = row i of items . row q of queries; both have rows
 * `stride` apart. */
void rs_blas_tile(const float *items, uint32_t n_items, uint32_t stride, uint32_t dimensions,
                  const float *queries, uint32_t n_queries, float *out, uint32_t out_stride);

#endif
