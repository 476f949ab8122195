/* lib/score/kernel_neon.c - tiles of 6 x 16 and 12 x 8 scores in 24 of arm64's 32 registers.
 *
 * A step of the wide tile loads four registers of the panel and repeats six numbers for 24 fused
 * multiply-adds. Every arm64 processor has these instructions. Written for any of them and run
 * under an emulator only, so nothing here is tuned: no distance of a prefetch, no order of loads.
 */
#include "lib/score/kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <stddef.h>

/* Whether a lane's score is not below its limit; NaN is not. */
static inline uint32_t any_not_below(const float32x4_t *scores, const float32x4_t *limits, int n)
{
    uint32x4_t below = vcltq_f32(scores[0], limits[0]);

    for (int v = 1; v < n; v++)
        below = vandq_u32(below, vcltq_f32(scores[v], limits[v]));
    return vminvq_u32(below) == 0;
}

static uint32_t run_6x16(const float *items, uint32_t stride, uint32_t dimensions,
                         const float *panel, const float *bias, const float *limits, float *out)
{
    float32x4_t sum[6][4], limit[4];
    uint32_t mask = 0;

#pragma GCC unroll 6
    for (int r = 0; r < 6; r++)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++)
            sum[r][v] = vdupq_n_f32(0.0f);
    for (uint32_t j = 0; j < dimensions; j++) {
        const float *q = panel + (size_t)j * 16;
        float32x4_t q0 = vld1q_f32(q), q1 = vld1q_f32(q + 4), q2 = vld1q_f32(q + 8),
                    q3 = vld1q_f32(q + 12);
#pragma GCC unroll 6
        for (int r = 0; r < 6; r++) {
            float32x4_t x = vld1q_dup_f32(items + (size_t)r * stride + j);
            sum[r][0] = vfmaq_f32(sum[r][0], x, q0);
            sum[r][1] = vfmaq_f32(sum[r][1], x, q1);
            sum[r][2] = vfmaq_f32(sum[r][2], x, q2);
            sum[r][3] = vfmaq_f32(sum[r][3], x, q3);
        }
    }
    for (int v = 0; v < 4; v++)
        limit[v] = vld1q_f32(limits + v * 4);
#pragma GCC unroll 6
    for (int r = 0; r < 6; r++) {
#pragma GCC unroll 4
        for (int v = 0; v < 4 && bias != NULL; v++)
            sum[r][v] = vaddq_f32(sum[r][v], vdupq_n_f32(bias[r]));
        mask |= any_not_below(sum[r], limit, 4) << r;
    }
    if (mask != 0)
#pragma GCC unroll 6
        for (int r = 0; r < 6; r++)
#pragma GCC unroll 4
            for (int v = 0; v < 4; v++)
                vst1q_f32(out + (size_t)r * 16 + v * 4, sum[r][v]);
    return mask;
}

static uint32_t run_12x8(const float *items, uint32_t stride, uint32_t dimensions,
                         const float *panel, const float *bias, const float *limits, float *out)
{
    float32x4_t sum[12][2], limit[2];
    uint32_t mask = 0;

#pragma GCC unroll 12
    for (int r = 0; r < 12; r++)
        sum[r][0] = sum[r][1] = vdupq_n_f32(0.0f);
    for (uint32_t j = 0; j < dimensions; j++) {
        float32x4_t q0 = vld1q_f32(panel + (size_t)j * 8),
                    q1 = vld1q_f32(panel + (size_t)j * 8 + 4);
#pragma GCC unroll 12
        for (int r = 0; r < 12; r++) {
            float32x4_t x = vld1q_dup_f32(items + (size_t)r * stride + j);
            sum[r][0] = vfmaq_f32(sum[r][0], x, q0);
            sum[r][1] = vfmaq_f32(sum[r][1], x, q1);
        }
    }
    limit[0] = vld1q_f32(limits);
    limit[1] = vld1q_f32(limits + 4);
#pragma GCC unroll 12
    for (int r = 0; r < 12; r++) {
        if (bias != NULL) {
            sum[r][0] = vaddq_f32(sum[r][0], vdupq_n_f32(bias[r]));
            sum[r][1] = vaddq_f32(sum[r][1], vdupq_n_f32(bias[r]));
        }
        mask |= any_not_below(sum[r], limit, 2) << r;
    }
    if (mask != 0)
#pragma GCC unroll 12
        for (int r = 0; r < 12; r++) {
            vst1q_f32(out + (size_t)r * 8, sum[r][0]);
            vst1q_f32(out + (size_t)r * 8 + 4, sum[r][1]);
        }
    return mask;
}

/* Row after row, as they lie in memory; four sums a row. */
static void one(const float *items, uint32_t n, uint32_t stride, const float *query, float *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const float *row = items + (size_t)i * stride;
        float32x4_t sum[4] = {vdupq_n_f32(0.0f), vdupq_n_f32(0.0f), vdupq_n_f32(0.0f),
                              vdupq_n_f32(0.0f)};
        for (uint32_t j = 0; j < stride; j += 16)
#pragma GCC unroll 4
            for (int v = 0; v < 4; v++)
                sum[v] =
                    vfmaq_f32(sum[v], vld1q_f32(row + j + v * 4), vld1q_f32(query + j + v * 4));
        out[i] = vaddvq_f32(vaddq_f32(vaddq_f32(sum[0], sum[1]), vaddq_f32(sum[2], sum[3])));
    }
}

const struct rs_kernel rs_kernel_neon = {"neon", one, {12, 8, run_12x8}, {6, 16, run_6x16}};

#else
typedef int rs_kernel_neon_is_for_arm64;
#endif
