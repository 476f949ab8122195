/* lib/score/code_kernel_avx2.c - products of bytes where there is no VNNI.
 *
 * VPMADDUBSW adds two products into 16 bits and saturates: 255 * 64 * 2 just fits, so a
 * query's codes stay within +-64 here. Its sums are widened at once. The query is small
 * enough for a batch to go through a block one query after the other: the block's codes
 * stay in the second-level cache, and a tile would save loads only.
 */
#include "lib/score/code_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define PREFETCH 4096u

TARGET static inline __m256i add_products(__m256i sum, const uint8_t *items, __m256i query)
{
    __m256i pairs = _mm256_maddubs_epi16(_mm256_loadu_si256((const __m256i *)items), query);

    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

TARGET static void one(const uint8_t *groups, uint32_t n_groups, uint32_t cells,
                       const struct rs_coded *query, float scale, float *scores)
{
    const __m256 factor = _mm256_set1_ps(scale);

    for (uint32_t g = 0; g < n_groups; g++, scores += 16) {
        __m256i low = _mm256_set1_epi32(-query->shift), high = low;
        for (uint32_t j = 0; j < cells; j++, groups += 64) {
            int32_t four;
            memcpy(&four, query->codes + (size_t)j * 4, sizeof four);
            __m256i k = _mm256_set1_epi32(four);
            _mm_prefetch((const char *)((uintptr_t)groups + PREFETCH), _MM_HINT_T0);
            low = add_products(low, groups, k);
            high = add_products(high, groups + 32, k);
        }
        _mm256_storeu_ps(scores, _mm256_mul_ps(_mm256_cvtepi32_ps(low), factor));
        _mm256_storeu_ps(scores + 8, _mm256_mul_ps(_mm256_cvtepi32_ps(high), factor));
    }
}

const struct rs_code_kernel rs_code_kernel_avx2 = {
    .name = "avx2",
    .largest = 64,
    .lanes = RS_CODE_LANES,
    .lane_bytes = 4,
    .one = one,
    .tiles = NULL,
};

#else
typedef int rs_code_kernel_avx2_is_for_x86;
#endif
