/* lib/score/survivors_avx512.c - 16 scores a compare. See survivors.h. */
#include "lib/score/survivors.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>

__attribute__((target("avx512f"))) uint32_t rs_survivors_avx512(const float *scores,
                                                                const float *bias, uint32_t n,
                                                                float threshold, uint16_t *out)
{
    const __m512 limit = _mm512_set1_ps(threshold);
    uint32_t found = 0;

    for (uint32_t i = 0; i < n; i += 16) {
        uint32_t in_range = n - i >= 16 ? 0xffffu : (1u << (n - i)) - 1u;
        __mmask16 inside = (__mmask16)in_range;
        __m512 score = _mm512_maskz_loadu_ps(inside, scores + i);
        if (bias != NULL)
            score = _mm512_add_ps(score, _mm512_maskz_loadu_ps(inside, bias + i));
        uint32_t mask = _mm512_mask_cmp_ps_mask(inside, score, limit, _CMP_NLT_UQ);
        for (; mask != 0; mask &= mask - 1)
            out[found++] = (uint16_t)(i + (uint32_t)__builtin_ctz(mask));
    }
    return found;
}

#else
typedef int rs_survivors_avx512_is_for_x86;
#endif
