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

TARGET static void one(const uint8_t *groups, uint32_t n_groups, uint32_t cells,
                       const struct rs_coded *query, float scale, float *scores)
{
    const uint8x16_t middle = vdupq_n_u8(128);

    for (uint32_t g = 0; g < n_groups; g++) {
        int32x4_t sum[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
        for (uint32_t j = 0; j < cells; j++, groups += 64) {
            int32_t four;
            memcpy(&four, query->codes + (size_t)j * 4, sizeof four);
            int8x16_t k = vreinterpretq_s8_s32(vdupq_n_s32(four));
            for (int part = 0; part < 4; part++) {
                uint8x16_t x = veorq_u8(vld1q_u8(groups + part * 16), middle);
                sum[part] = vdotq_s32(sum[part], vreinterpretq_s8_u8(x), k);
            }
        }
        for (int part = 0; part < 4; part++, scores += 4)
            vst1q_f32(scores, vmulq_n_f32(vcvtq_f32_s32(sum[part]), scale));
    }
}

const struct rs_code_kernel rs_code_kernel_dotprod = {
    .name = "dotprod",
    .largest = 127,
    .lanes = RS_CODE_LANES,
    .lane_bytes = 4,
    .one = one,
    .tiles = NULL,
};

#else
typedef int rs_code_kernel_dotprod_is_for_arm64;
#endif
