/* lib/score/code_kernel_avx512vnni.c - four products of bytes an element, 16 items a register.
 *
 * One VPDPBUSD takes a cell of items as it stands in memory and four codes of a query,
 * repeated for all of them. Single queries and few of them are bound by memory: groups are read
 * one after the other, in one stream (two groups at a time took twice as long for 3 to 8 queries
 * over a million items on a Zen 4 core). Many are bound by the multiplications.
 */
#include "lib/score/code_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512vnni")))
#define PREFETCH 4096u

/* May point past the array: a prefetch reads nothing that can fault. */
#define PREFETCH_AT(pointer, bytes)                                                                \
    _mm_prefetch((const char *)((uintptr_t)(pointer) + (bytes)), _MM_HINT_T0)

/* Keeps gcc from copying every sum twice at each step, which it does because the instruction
 * overwrites it: with codes in the second-level cache 472 GOP/s became 428 on a Xeon. */
#define IN_REGISTER(sum) __asm__("" : "+v"(sum))

TARGET static inline __m512i repeated(const int8_t *codes)
{
    int32_t four;

    memcpy(&four, codes, sizeof four);
    return _mm512_set1_epi32(four);
}

TARGET static void one(const uint8_t *groups, uint32_t n_groups, uint32_t cells,
                       const struct rs_coded *query, float scale, float *scores)
{
    const __m512 factor = _mm512_set1_ps(scale);
    const __m512i start = _mm512_set1_epi32(-query->shift);

    for (uint32_t g = 0; g < n_groups; g++) {
        __m512i sum[4] = {start, _mm512_setzero_si512(), _mm512_setzero_si512(),
                          _mm512_setzero_si512()};
        uint32_t j = 0;
        for (; j + 4 <= cells; j += 4, groups += 256)
#pragma GCC unroll 4
            for (uint32_t l = 0; l < 4; l++) {
                PREFETCH_AT(groups + l * 64, PREFETCH);
                sum[l] = _mm512_dpbusd_epi32(sum[l], _mm512_loadu_si512(groups + l * 64),
                                             repeated(query->codes + (j + l) * 4));
                IN_REGISTER(sum[l]);
            }
        for (; j < cells; j++, groups += 64)
            sum[0] = _mm512_dpbusd_epi32(sum[0], _mm512_loadu_si512(groups),
                                         repeated(query->codes + j * 4));
        __m512i all =
            _mm512_add_epi32(_mm512_add_epi32(sum[0], sum[1]), _mm512_add_epi32(sum[2], sum[3]));
        _mm512_storeu_ps(scores + (size_t)g * 16, _mm512_mul_ps(_mm512_cvtepi32_ps(all), factor));
    }
}

/* The first cell's codes, and the second one's, which are left where they stand: 16 times as
 * large. */
TARGET static inline void add_pair(const uint8_t *pair, const int8_t *query, __m512i *first,
                                   __m512i *second)
{
    __m512i x = _mm512_loadu_si512(pair);

    PREFETCH_AT(pair, PREFETCH);
    *first =
        _mm512_dpbusd_epi32(*first, _mm512_and_si512(x, _mm512_set1_epi8(0x0f)), repeated(query));
    *second = _mm512_dpbusd_epi32(*second, _mm512_and_si512(x, _mm512_set1_epi8((char)0xf0)),
                                  repeated(query + 4));
    IN_REGISTER(*first);
    IN_REGISTER(*second);
}

TARGET void rs_code_one_short_avx512vnni(const struct rs_short_groups *groups,
                                         const struct rs_coded *query, float scale, float reach,
                                         float *scores)
{
    const __m512 scales = _mm512_set1_ps(scale), reaches = _mm512_set1_ps(reach);
    const __m512i start = _mm512_set1_epi32(-rs_code_short_shift(query));
    const uint8_t *at = groups->codes;

    for (uint32_t i = 0; i < groups->n * 16; i += 16) {
        __m512i first[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        __m512i second[2] = {start, _mm512_setzero_si512()};
        const int8_t *k = query->codes;
        uint32_t p = 0;
        for (; p + 2 <= groups->pairs; p += 2, at += 128, k += (size_t)2 * RS_CODED_PAIR) {
            add_pair(at, k, &first[0], &second[0]);
            add_pair(at + 64, k + RS_CODED_PAIR, &first[1], &second[1]);
        }
        if (p < groups->pairs) {
            add_pair(at, k, &first[0], &second[0]);
            at += 64;
        }
        __m512i sum = _mm512_add_epi32(_mm512_slli_epi32(_mm512_add_epi32(first[0], first[1]), 4),
                                       _mm512_add_epi32(second[0], second[1]));
        __m512 step = _mm512_mul_ps(scales, _mm512_loadu_ps(groups->steps + i));
        __m512 residual = _mm512_mul_ps(reaches, _mm512_loadu_ps(groups->residuals + i));
        __m512 product = _mm512_mul_ps(step, _mm512_cvtepi32_ps(sum));
        _mm512_storeu_ps(scores + i, _mm512_add_ps(product, residual));
    }
}

/* Whether a product reaches its least: the sums began below zero by as much, so one sign bit
 * that is not set says so. */
TARGET static inline uint32_t take_signs(const __m512i *low, const __m512i *high, uint32_t *hits)
{
    __m512i all = _mm512_and_si512(low[0], high[0]);
    uint32_t any = 0;

#pragma GCC unroll 8
    for (uint32_t l = 1; l < RS_CODE_LANES; l++)
        all = _mm512_ternarylogic_epi32(all, low[l], high[l], 0x80); /* and */
    if (_mm512_movepi32_mask(all) == 0xffff)
        return 0;
#pragma GCC unroll 8
    for (uint32_t l = 0; l < RS_CODE_LANES; l++) {
        uint32_t below =
            (uint32_t)_mm512_movepi32_mask(low[l]) | (uint32_t)_mm512_movepi32_mask(high[l]) << 16;
        hits[l] = ~below;
        any |= ~below;
    }
    return any;
}

TARGET static inline uint32_t take_scores(const __m512i *low, const __m512i *high,
                                          const struct rs_code_panel *panel, const float *bias,
                                          uint32_t *hits)
{
    const __m512 bias0 = _mm512_loadu_ps(bias), bias1 = _mm512_loadu_ps(bias + 16);
    uint32_t any = 0;

#pragma GCC unroll 8
    for (uint32_t l = 0; l < RS_CODE_LANES; l++) {
        const __m512 scale = _mm512_set1_ps(panel->scales[l]);
        const __m512 limit = _mm512_set1_ps(panel->limits[l]);
        __m512 s0 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(low[l]), scale, bias0);
        __m512 s1 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(high[l]), scale, bias1);
        hits[l] = (uint32_t)_mm512_cmp_ps_mask(s0, limit, _CMP_NLT_UQ) |
                  (uint32_t)_mm512_cmp_ps_mask(s1, limit, _CMP_NLT_UQ) << 16;
        any |= hits[l];
    }
    return any;
}

/* One group against the panel, in memory's own order. */
TARGET static inline void add_group(const uint8_t *x, uint32_t cells, const int8_t *codes,
                                    __m512i *sum)
{
    for (uint32_t j = 0; j < cells; j++, x += 64, codes += RS_CODE_LANES * 4) {
        PREFETCH_AT(x, PREFETCH);
        __m512i items = _mm512_loadu_si512(x);
#pragma GCC unroll 8
        for (uint32_t l = 0; l < RS_CODE_LANES; l++) {
            sum[l] = _mm512_dpbusd_epi32(sum[l], items, repeated(codes + l * 4));
            IN_REGISTER(sum[l]);
        }
    }
}

TARGET static uint32_t tiles(const uint8_t *groups, uint32_t n_tiles, uint32_t cells,
                             const struct rs_code_panel *panel, const float *bias, uint32_t *hits)
{
    const size_t group = (size_t)cells * 64;
    __m512i low[RS_CODE_LANES], high[RS_CODE_LANES];

    for (uint32_t t = 0; t < n_tiles; t++, groups += 2 * group) {
#pragma GCC unroll 8
        for (uint32_t l = 0; l < RS_CODE_LANES; l++)
            low[l] = high[l] =
                _mm512_set1_epi32(-panel->shifts[l] - (bias == NULL ? panel->least[l] : 0));
        add_group(groups, cells, panel->codes, low);
        add_group(groups + group, cells, panel->codes, high);
        if (bias == NULL ? take_signs(low, high, hits)
                         : take_scores(low, high, panel, bias + t * RS_CODE_ITEMS, hits))
            return t;
    }
    return n_tiles;
}

const struct rs_code_kernel rs_code_kernel_avx512vnni = {
    .name = "avx512vnni",
    .largest = 127,
    .lanes = RS_CODE_LANES,
    .lane_bytes = 4,
    .one = one,
    .one_short = rs_code_one_short_avx512vnni,
    .tiles = tiles,
};

#else
typedef int rs_code_kernel_avx512vnni_is_for_x86;
#endif
