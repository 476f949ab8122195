/* lib/bundle/residual.h - the squares that codes leave out of a row, for codes.c and short_codes.c.
 *
 * Every load measures all numbers, so there is a version with AVX2. It gives the same bits, because
 * a row has eight sums in either.
 */
#ifndef RS_BUNDLE_RESIDUAL_H
#define RS_BUNDLE_RESIDUAL_H

#include <stddef.h>
#include <stdint.h>

#define RS_RESIDUAL_LANES 8u

/* The sum of squares of one row; `factor` is what the codes want: a scale or a step. */
typedef float (*rs_residual)(const float *row, uint32_t dimensions, float factor,
                             const uint8_t *codes);

static inline float rs_residual_sum(const float *lanes)
{
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
           ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/* `avx2` if this processor has it; NULL: this is not one that could. */
static inline rs_residual rs_residual_choose(rs_residual portable, rs_residual avx2)
{
#if defined(__x86_64__)
    if (avx2 != NULL && __builtin_cpu_supports("avx2"))
        return avx2;
#else
    (void)avx2;
#endif
    return portable;
}

#endif
