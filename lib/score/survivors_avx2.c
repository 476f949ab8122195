/* lib/score/survivors_avx2.c - 8 scores a compare. See survivors.h. */
#include "lib/score/survivors.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>

__attribute__((target("avx2"))) uint32_t rs_survivors_avx2(const float *scores, const float *bias,
                                                           uint32_t n, float threshold,
                                                           uint16_t *out)
{
    const __m256 limit = _mm256_set1_ps(threshold);
    uint32_t found = 0, i = 0;

    for (; i + 16 <= n; i += 16) {
        __m256 low = _mm256_loadu_ps(scores + i), high = _mm256_loadu_ps(scores + i + 8);
        if (bias != NULL) {
            low = _mm256_add_ps(low, _mm256_loadu_ps(bias + i));
            high = _mm256_add_ps(high, _mm256_loadu_ps(bias + i + 8));
        }
        uint32_t mask = (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(low, limit, _CMP_NLT_UQ)) |
                        (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(high, limit, _CMP_NLT_UQ)) << 8;
        for (; mask != 0; mask &= mask - 1)
            out[found++] = (uint16_t)(i + (uint32_t)__builtin_ctz(mask));
    }
    uint32_t rest = rs_survivors_portable(scores + i, bias == NULL ? NULL : bias + i, n - i,
                                          threshold, out + found);
    for (uint32_t r = 0; r < rest; r++)
        out[found + r] = (uint16_t)(out[found + r] + i);
    return found + rest;
}

#else
typedef int rs_survivors_avx2_is_for_x86;
#endif
