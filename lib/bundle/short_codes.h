/* lib/bundle/short_codes.h - item vectors as integers of 4 bits, for scans of one query.
 *
 * One query over many items is bound by the bytes that it reads. Short codes are half of those in
 * codes.h: a scan reads them first, and the others only of blocks where they leave many items.
 * Fewer bits need a step and a residual for each item: x = s * (16 * h - 120) + e, where h is 0 to
 * 15. With the largest |e| of a block three times as many items would be left.
 *
 * Layout: groups of 16 items as in codes.h, but a pair of cells shares 64 bytes: the lower four
 * bits of a byte are the first cell's, dimensions 8p .. 8p + 3, the upper four the second one's.
 */
#ifndef RS_BUNDLE_SHORT_CODES_H
#define RS_BUNDLE_SHORT_CODES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bundle/codes.h"

struct rs_short_codes {
    const uint8_t *codes; /* rs_short_codes_bytes(); NULL: the model has none */
    /* One an item, whole groups: */
    const float *steps;
    const float *residuals; /* Euclidean norms, rounded up; INFINITY: the codes say nothing */
};

/* Pairs of cells, the last one filled up. */
static inline uint32_t rs_short_codes_pairs(uint32_t dimensions)
{
    return (dimensions + 7) / 8;
}

static inline size_t rs_short_codes_group_bytes(uint32_t dimensions)
{
    return (size_t)rs_short_codes_pairs(dimensions) * RS_CODES_CELL;
}

static inline size_t rs_short_codes_groups(size_t n)
{
    return (n + RS_CODES_GROUP - 1) / RS_CODES_GROUP;
}

static inline size_t rs_short_codes_bytes(size_t n, uint32_t dimensions)
{
    return rs_short_codes_groups(n) * rs_short_codes_group_bytes(dimensions);
}

/* Short codes of `n` rows of finite numbers in scan order, `stride` floats apart. `codes` has room
 * for rs_short_codes_bytes(), `steps` for whole groups. */
void rs_short_codes_make(const float *rows, size_t n, uint32_t dimensions, uint32_t stride,
                         uint8_t *codes, float *steps);

int rs_short_codes_is_step(float step);

/* The residuals of codes from anywhere, from the rows themselves: codes that are wrong leave more
 * items, but never give a wrong answer (as rs_codes_measure()). */
void rs_short_codes_measure(const float *rows, size_t n, uint32_t dimensions, uint32_t stride,
                            const struct rs_block *blocks, const uint8_t *codes, const float *steps,
                            float *residuals);

#endif
