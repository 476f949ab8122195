/* lib/bundle/codes.h - item vectors as small integers, which a scan reads before the floats.
 *
 * Every block of items has one step s: x = s * c + e, where c are integers from
 * -127 to 127 and e is the residual. A scan reads the integers, a quarter of the bytes,
 * and knows how much a score by codes can differ from the true one (lib/score/bound.h):
 * the block's largest |e| is kept beside the step. Codes only find candidates.
 *
 * Layout: 16 items make a group, four dimensions a cell. A cell is 64 bytes, dimensions
 * 4j .. 4j + 3 of the first item, then of the second ...; a group is its cells in
 * order of j. Integer dot products of four go down such a cell without any sum across
 * a register (VPDPBUSD, VPMADDUBSW, SDOT). Codes are kept as c + 128, because those
 * instructions multiply unsigned by signed; a dimension that only fills up a cell has
 * code 0, and so has an item that only fills up a group.
 */
#ifndef RS_BUNDLE_CODES_H
#define RS_BUNDLE_CODES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bundle/layout.h"

#define RS_CODES_GROUP 16u     /* items */
#define RS_CODES_CELL 64u      /* bytes */
#define RS_CODES_ZERO 128u     /* how code 0 is kept */
#define RS_CODES_LARGEST 127.0 /* of a code's absolute value */

/* How far the codes of a block's items are from its vectors. */
struct rs_code_bounds {
    double step;         /* s; 0: this block has no codes */
    double max_residual; /* largest Euclidean norm of x - step * code; rounded up */
};

/* Bytes of a group. */
static inline size_t rs_codes_group_bytes(uint32_t dimensions)
{
    return (size_t)((dimensions + 3) / 4) * RS_CODES_CELL;
}

/* Bytes of the codes of n items: two groups make a tile (lib/score/code_kernel.h), so the last
 * group is never alone. */
static inline size_t rs_codes_bytes(size_t n, uint32_t dimensions)
{
    return (n + 2 * RS_CODES_GROUP - 1) / (2 * RS_CODES_GROUP) * 2 *
           rs_codes_group_bytes(dimensions);
}

/* Codes of `n` rows of finite numbers in scan order, `stride` floats apart. `out` has room for
 * rs_codes_bytes(), `bounds` for as many as there are blocks. */
void rs_codes_make(const float *rows, size_t n, uint32_t dimensions, uint32_t stride,
                   const struct rs_block *blocks, uint8_t *out, struct rs_code_bounds *bounds);

/* As a file keeps a block's step: the float by which numbers are multiplied and then rounded; 0 for
 * a block without codes. Codes that come from a file are measured by it, not believed. */
float rs_codes_scale(double step);
int rs_codes_is_scale(float scale);

/* The bounds of codes from anywhere, from the rows themselves: codes that are wrong give a
 * wide bound, and at worst their block has none, but never a wrong answer. `scales` has one for
 * each block. */
void rs_codes_measure(const float *rows, size_t n, uint32_t dimensions, uint32_t stride,
                      const struct rs_block *blocks, const float *scales, const uint8_t *codes,
                      struct rs_code_bounds *bounds);

#endif
