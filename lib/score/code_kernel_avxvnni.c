/* lib/score/code_kernel_avxvnni.c - VPDPBUSD on half the width, for processors without AVX-512.
 *
 * AVX-VNNI is the same product as AVX-512 VNNI's, encoded for 16 registers of 8 items each. It does
 * not saturate as AVX2's does, so a query keeps all of its codes. A tile is done in four parts of
 * 16 items and four queries: their sums stay in registers, and each load of items or of a query's
 * codes serves several products. A group's second half of the queries finds it in the first-level
 * cache.
 */
#include "lib/score/code_kernel.h"

#if RS_CODE_KERNEL_AVXVNNI

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#define TARGET __attribute__((target("avx2,avxvnni")))
#define PREFETCH 4096u
#define HALF (RS_CODE_LANES / 2)

/* May point past the array: a prefetch reads nothing that can fault. */
#define PREFETCH_AT(pointer, bytes)                                                                \
    _mm_prefetch((const char *)((uintptr_t)(pointer) + (bytes)), _MM_HINT_T0)

/* Keeps gcc from copying every sum twice at each step, which it does because the instruction
 * overwrites it: with codes in the second-level cache 309 GOP/s became 206 on a Xeon. */
#define IN_REGISTER(sum) __asm__("" : "+x"(sum))

TARGET static inline __m256i repeated(const int8_t *codes)
{
    int32_t four;

    memcpy(&four, codes, sizeof four);
    return _mm256_set1_epi32(four);
}

TARGET static inline __m256i items_at(const uint8_t *cell)
{
    return _mm256_loadu_si256((const __m256i *)cell);
}

TARGET static inline void add_cell(const uint8_t *cell, const int8_t *query, __m256i *sum)
{
    const __m256i k = repeated(query);

    sum[0] = _mm256_dpbusd_avx_epi32(sum[0], items_at(cell), k);
    sum[1] = _mm256_dpbusd_avx_epi32(sum[1], items_at(cell + 32), k);
    IN_REGISTER(sum[0]);
    IN_REGISTER(sum[1]);
}

TARGET static void one(const uint8_t *groups, uint32_t n_groups, uint32_t cells,
                       const struct rs_coded *query, float scale, float *scores)
{
    const __m256 factor = _mm256_set1_ps(scale);
    const __m256i start = _mm256_set1_epi32(-query->shift), zero = _mm256_setzero_si256();

    for (uint32_t g = 0; g < n_groups; g++, scores += 16) {
        __m256i even[2] = {start, start}, odd[2] = {zero, zero};
        uint32_t j = 0;
        for (; j + 2 <= cells; j += 2, groups += 128) {
            PREFETCH_AT(groups, PREFETCH);
            PREFETCH_AT(groups, PREFETCH + 64);
            add_cell(groups, query->codes + (size_t)j * 4, even);
            add_cell(groups + 64, query->codes + (size_t)j * 4 + 4, odd);
        }
        for (; j < cells; j++, groups += 64)
            add_cell(groups, query->codes + (size_t)j * 4, even);
        for (uint32_t h = 0; h < 2; h++) {
            __m256 product = _mm256_cvtepi32_ps(_mm256_add_epi32(even[h], odd[h]));
            _mm256_storeu_ps(scores + (size_t)h * 8, _mm256_mul_ps(product, factor));
        }
    }
}

/* One group against half a panel: sum[2 * l] and sum[2 * l + 1] are lane l's. */
TARGET static inline void add_group(const uint8_t *x, uint32_t cells, const int8_t *codes,
                                    __m256i *sum)
{
    for (uint32_t j = 0; j < cells; j++, x += 64, codes += RS_CODE_LANES * 4) {
        const __m256i low = items_at(x), high = items_at(x + 32);
        PREFETCH_AT(x, PREFETCH);
#pragma GCC unroll 4
        for (uint32_t l = 0; l < HALF; l++) {
            const __m256i k = repeated(codes + l * 4);
            sum[2 * l] = _mm256_dpbusd_avx_epi32(sum[2 * l], low, k);
            sum[2 * l + 1] = _mm256_dpbusd_avx_epi32(sum[2 * l + 1], high, k);
            IN_REGISTER(sum[2 * l]);
            IN_REGISTER(sum[2 * l + 1]);
        }
    }
}

TARGET static inline uint32_t signs(__m256i sum)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(sum));
}

/* Which products reach their least: the sums began below zero by as much. A group's bits are 16 of
 * a lane's, from `shift` on. */
TARGET static inline uint32_t take_signs(const __m256i *sum, uint32_t shift, uint32_t *hits)
{
    __m256i all = _mm256_and_si256(sum[0], sum[1]);
    uint32_t any = 0;

#pragma GCC unroll 8
    for (uint32_t s = 2; s < 2 * HALF; s++)
        all = _mm256_and_si256(all, sum[s]);
    if (signs(all) == 0xff)
        return 0;
#pragma GCC unroll 4
    for (uint32_t l = 0; l < HALF; l++) {
        uint32_t reached = (signs(sum[2 * l]) | signs(sum[2 * l + 1]) << 8) ^ 0xffffu;
        hits[l] |= reached << shift;
        any |= reached;
    }
    return any;
}

TARGET static inline uint32_t take_scores(const __m256i *sum, const float *scales,
                                          const float *limits, const float *bias, uint32_t shift,
                                          uint32_t *hits)
{
    uint32_t any = 0;

#pragma GCC unroll 8
    for (uint32_t s = 0; s < 2 * HALF; s++) {
        __m256 score =
            _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum[s]), _mm256_set1_ps(scales[s / 2])),
                          _mm256_loadu_ps(bias + s % 2 * 8));
        uint32_t reached = (uint32_t)_mm256_movemask_ps(
            _mm256_cmp_ps(score, _mm256_set1_ps(limits[s / 2]), _CMP_NLT_UQ));
        hits[s / 2] |= reached << (shift + s % 2 * 8);
        any |= reached;
    }
    return any;
}

/* 16 items against lanes first .. first + HALF - 1. */
TARGET static inline uint32_t part(const uint8_t *group, uint32_t cells, uint32_t first,
                                   const struct rs_code_panel *panel, const float *bias,
                                   uint32_t shift, uint32_t *hits)
{
    __m256i sum[2 * HALF];

#pragma GCC unroll 4
    for (uint32_t l = 0; l < HALF; l++)
        sum[2 * l] = sum[2 * l + 1] = _mm256_set1_epi32(
            -panel->shifts[first + l] - (bias == NULL ? panel->least[first + l] : 0));
    add_group(group, cells, panel->codes + (size_t)first * 4, sum);
    return bias == NULL ? take_signs(sum, shift, hits + first)
                        : take_scores(sum, panel->scales + first, panel->limits + first,
                                      bias + shift, shift, hits + first);
}

TARGET static uint32_t tiles(const uint8_t *groups, uint32_t n_tiles, uint32_t cells,
                             const struct rs_code_panel *panel, const float *bias, uint32_t *hits)
{
    for (uint32_t t = 0; t < n_tiles; t++) {
        const float *tile_bias = bias == NULL ? NULL : bias + (size_t)t * RS_CODE_ITEMS;
        uint32_t any = 0;
        memset(hits, 0, RS_CODE_LANES * sizeof *hits);
        for (uint32_t shift = 0; shift < RS_CODE_ITEMS; shift += 16, groups += (size_t)cells * 64)
            for (uint32_t first = 0; first < RS_CODE_LANES; first += HALF)
                any |= part(groups, cells, first, panel, tile_bias, shift, hits);
        if (any != 0)
            return t;
    }
    return n_tiles;
}

const struct rs_code_kernel rs_code_kernel_avxvnni = {
    .name = "avxvnni",
    .largest = 127,
    .lanes = RS_CODE_LANES,
    .lane_bytes = 4,
    .one = one,
    .one_short = rs_code_one_short_avx2,
    .tiles = tiles,
};

#else
typedef int rs_code_kernel_avxvnni_is_for_x86;
#endif
