/* lib/score/code_kernel_dotprod.c - arm64's SDOT: four products of bytes an element, four items
 * a register.
 *
 * SDOT multiplies signed by signed: the items' codes lose their 128 on the way, and with it
 * the query's shift. One query after the other, as with AVX2.
 */
#include "lib/score/code_kernel.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <stddef.h>
#include <string.h>

#if defined(__clang__)
#define TARGET __attribute__((target("dotprod")))
#else
#define TARGET __attribute__((target("arch=armv8.2-a+dotprod")))
#endif

TARGET static inline int8x16_t repeated(const int8_t *codes)
{
    int32_t four;

    memcpy(&four, codes, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

TARGET static void one(const uint8_t *groups, uint32_t n_groups, uint32_t cells,
                       const struct rs_coded *query, float scale, float *scores)
{
    const uint8x16_t middle = vdupq_n_u8(128);

    for (uint32_t g = 0; g < n_groups; g++) {
        int32x4_t sum[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
        for (uint32_t j = 0; j < cells; j++, groups += 64) {
            int8x16_t k = repeated(query->codes + (size_t)j * 4);
            for (int part = 0; part < 4; part++) {
                uint8x16_t x = veorq_u8(vld1q_u8(groups + part * 16), middle);
                sum[part] = vdotq_s32(sum[part], vreinterpretq_s8_u8(x), k);
            }
        }
        for (int part = 0; part < 4; part++, scores += 4)
            vst1q_f32(scores, vmulq_n_f32(vcvtq_f32_s32(sum[part]), scale));
    }
}

/* The first cell's codes move up, so both are 16 * h, less 128 as long codes are; 16 * h - 120 is 8
 * more. */
TARGET static void one_short(const struct rs_short_groups *groups, const struct rs_coded *query,
                             float scale, float reach, float *scores)
{
    const uint8x16_t middle = vdupq_n_u8(128), high = vdupq_n_u8(0xf0);
    const int32x4_t start = vdupq_n_s32(query->shift / 16);
    const uint8_t *at = groups->codes;

    for (uint32_t i = 0; i < groups->n * 16; i += 16) {
        int32x4_t sum[4] = {start, start, start, start};
        for (uint32_t p = 0; p < groups->pairs; p++, at += 64) {
            const int8_t *k = query->codes + (size_t)p * RS_CODED_PAIR;
            int8x16_t first = repeated(k), second = repeated(k + 4);
            for (int part = 0; part < 4; part++) {
                uint8x16_t x = vld1q_u8(at + part * 16);
                uint8x16_t low = veorq_u8(vshlq_n_u8(x, 4), middle);
                uint8x16_t up = veorq_u8(vandq_u8(x, high), middle);
                sum[part] = vdotq_s32(sum[part], vreinterpretq_s8_u8(low), first);
                sum[part] = vdotq_s32(sum[part], vreinterpretq_s8_u8(up), second);
            }
        }
        for (uint32_t part = 0, l = i; part < 4; part++, l += 4) {
            float32x4_t product = vmulq_f32(vmulq_n_f32(vld1q_f32(groups->steps + l), scale),
                                            vcvtq_f32_s32(sum[part]));
            float32x4_t residual = vmulq_n_f32(vld1q_f32(groups->residuals + l), reach);
            vst1q_f32(scores + l, vaddq_f32(product, residual));
        }
    }
}

const struct rs_code_kernel rs_code_kernel_dotprod = {
    .name = "dotprod",
    .largest = 127,
    .lanes = RS_CODE_LANES,
    .lane_bytes = 4,
    .one = one,
    .one_short = one_short,
    .tiles = NULL,
};

#else
typedef int rs_code_kernel_dotprod_is_for_arm64;
#endif
