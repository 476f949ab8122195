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

/* Eight sums of eight products fit in 16 bits, because a short code is at most 15: they are
 * widened once for four pairs of cells. */
#define NARROW_PAIRS 4u

TARGET static inline __m256i short_products(__m256i items, const int8_t *query)
{
    int32_t first, second;

    memcpy(&first, query, sizeof first);
    memcpy(&second, query + 4, sizeof second);
    const __m256i four_bits = _mm256_set1_epi8(0x0f);
    __m256i low = _mm256_and_si256(items, four_bits);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(items, 4), four_bits);
    return _mm256_add_epi16(_mm256_maddubs_epi16(low, _mm256_set1_epi32(first)),
                            _mm256_maddubs_epi16(high, _mm256_set1_epi32(second)));
}

/* Eight items' scores. */
TARGET static inline __m256 short_scores(__m256i sum, __m256i shift, __m256 scale,
                                         const float *steps, __m256 reach, const float *residuals)
{
    __m256 product = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_slli_epi32(sum, 4), shift));

    return _mm256_add_ps(_mm256_mul_ps(_mm256_mul_ps(scale, _mm256_loadu_ps(steps)), product),
                         _mm256_mul_ps(reach, _mm256_loadu_ps(residuals)));
}

TARGET void rs_code_one_short_avx2(const struct rs_short_groups *groups,
                                   const struct rs_coded *query, float scale, float reach,
                                   float *scores)
{
    const __m256 scales = _mm256_set1_ps(scale), reaches = _mm256_set1_ps(reach);
    const __m256i ones = _mm256_set1_epi16(1);
    const __m256i shift = _mm256_set1_epi32(rs_code_short_shift(query));
    const uint8_t *at = groups->codes;

    for (uint32_t i = 0; i < groups->n * 16; i += 16) {
        __m256i sum[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (uint32_t p = 0; p < groups->pairs;) {
            __m256i narrow[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
            uint32_t left = groups->pairs - p,
                     end = p + (left < NARROW_PAIRS ? left : NARROW_PAIRS);
            for (; p < end; p++, at += 64) {
                const int8_t *k = query->codes + (size_t)p * RS_CODED_PAIR;
                _mm_prefetch((const char *)((uintptr_t)at + PREFETCH), _MM_HINT_T0);
                for (uint32_t h = 0; h < 2; h++) {
                    __m256i items = _mm256_loadu_si256((const __m256i *)(at + h * 32));
                    narrow[h] = _mm256_add_epi16(narrow[h], short_products(items, k));
                }
            }
            for (uint32_t h = 0; h < 2; h++)
                sum[h] = _mm256_add_epi32(sum[h], _mm256_madd_epi16(narrow[h], ones));
        }
        for (uint32_t h = 0; h < 2; h++)
            _mm256_storeu_ps(scores + i + h * 8,
                             short_scores(sum[h], shift, scales, groups->steps + i + h * 8, reaches,
                                          groups->residuals + i + h * 8));
    }
}

const struct rs_code_kernel rs_code_kernel_avx2 = {
    .name = "avx2",
    .largest = 64,
    .lanes = RS_CODE_LANES,
    .lane_bytes = 4,
    .one = one,
    .one_short = rs_code_one_short_avx2,
    .tiles = NULL,
};

#else
typedef int rs_code_kernel_avx2_is_for_x86;
#endif
