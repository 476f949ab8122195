/* lib/score/kernel_avx2.c - tiles of 6 x 16 and 12 x 8 scores in 12 of 16 registers.
 *
 * A step of the wide tile has two loads of the panel, six broadcasts and twelve fused
 * multiply-adds; of the narrow one, one load and twelve broadcasts, so that as many sums are on
 * their way. Rows are prefetched as kernel_avx512.c does it. On a Zen 4 core, beside OpenBLAS, a
 * million items of 64 dimensions took 0.41 of the time with 8 queries, 0.62 with 64, and the same
 * with one, which is bound by memory (tests/bench/inside/bench_kernels.c).
 */
#include "lib/score/kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>

#define TARGET __attribute__((target("avx2,fma")))
#define PREFETCH 12288u

/* The address may lie behind the array: a prefetch never faults. */
#define PREFETCH_AT(pointer, bytes)                                                                \
    _mm_prefetch((const char *)((uintptr_t)(pointer) + (bytes)), _MM_HINT_T0)

TARGET static inline uint32_t not_below(__m256 scores, __m256 limits)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(scores, limits, _CMP_NLT_UQ));
}

TARGET static uint32_t run_6x16(const float *items, uint32_t stride, uint32_t dimensions,
                                const float *panel, const float *bias, const float *limits,
                                float *out)
{
    __m256 low[6], high[6];
    uint32_t mask = 0;

#pragma GCC unroll 6
    for (int r = 0; r < 6; r++)
        low[r] = high[r] = _mm256_setzero_ps();
    for (uint32_t j = 0; j < dimensions; j++) {
        PREFETCH_AT(items, PREFETCH + j * 6 * sizeof(float));
        __m256 q0 = _mm256_loadu_ps(panel + (size_t)j * 16);
        __m256 q1 = _mm256_loadu_ps(panel + (size_t)j * 16 + 8);
#pragma GCC unroll 6
        for (int r = 0; r < 6; r++) {
            __m256 x = _mm256_broadcast_ss(items + (size_t)r * stride + j);
            low[r] = _mm256_fmadd_ps(x, q0, low[r]);
            high[r] = _mm256_fmadd_ps(x, q1, high[r]);
        }
    }
    const __m256 limit0 = _mm256_loadu_ps(limits), limit1 = _mm256_loadu_ps(limits + 8);
#pragma GCC unroll 6
    for (int r = 0; r < 6; r++) {
        if (bias != NULL) {
            low[r] = _mm256_add_ps(low[r], _mm256_set1_ps(bias[r]));
            high[r] = _mm256_add_ps(high[r], _mm256_set1_ps(bias[r]));
        }
        uint32_t hit = not_below(low[r], limit0) | not_below(high[r], limit1);
        mask |= (uint32_t)(hit != 0) << r;
    }
    if (mask != 0)
#pragma GCC unroll 6
        for (int r = 0; r < 6; r++) {
            _mm256_storeu_ps(out + (size_t)r * 16, low[r]);
            _mm256_storeu_ps(out + (size_t)r * 16 + 8, high[r]);
        }
    return mask;
}

TARGET static uint32_t run_12x8(const float *items, uint32_t stride, uint32_t dimensions,
                                const float *panel, const float *bias, const float *limits,
                                float *out)
{
    __m256 sum[12];
    uint32_t mask = 0;

#pragma GCC unroll 12
    for (int r = 0; r < 12; r++)
        sum[r] = _mm256_setzero_ps();
    for (uint32_t j = 0; j < dimensions; j++) {
        PREFETCH_AT(items, PREFETCH + j * 12 * sizeof(float));
        __m256 q = _mm256_loadu_ps(panel + (size_t)j * 8);
#pragma GCC unroll 12
        for (int r = 0; r < 12; r++) {
            __m256 x = _mm256_broadcast_ss(items + (size_t)r * stride + j);
            sum[r] = _mm256_fmadd_ps(x, q, sum[r]);
        }
    }
    const __m256 limit = _mm256_loadu_ps(limits);
#pragma GCC unroll 12
    for (int r = 0; r < 12; r++) {
        if (bias != NULL)
            sum[r] = _mm256_add_ps(sum[r], _mm256_set1_ps(bias[r]));
        mask |= (uint32_t)(not_below(sum[r], limit) != 0) << r;
    }
    if (mask != 0)
#pragma GCC unroll 12
        for (int r = 0; r < 12; r++)
            _mm256_storeu_ps(out + (size_t)r * 8, sum[r]);
    return mask;
}

/* The sums of the lanes of 8 registers: lane i of the result is that of v[i]. */
TARGET static inline __m256 sum_lanes(const __m256 *v)
{
    __m256 a = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
    __m256 b = _mm256_hadd_ps(_mm256_hadd_ps(v[4], v[5]), _mm256_hadd_ps(v[6], v[7]));

    /* Either half of a now holds half of the sums of v[0] .. v[3], and b's of v[4] .. v[7]. */
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

/* 8 rows, each along its own register, one after the other: in memory's own order. */
TARGET static void one(const float *items, uint32_t n, uint32_t stride, const float *query,
                       float *out)
{
    for (uint32_t i = 0; i < n; i += 8) {
        const float *first = items + (size_t)i * stride;
        uint32_t last = n - i < 8 ? n - i - 1 : 7;
        __m256 sum[8];
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++)
            sum[r] = _mm256_setzero_ps();
#pragma GCC unroll 8
        for (uint32_t r = 0; r < 8; r++) {
            const float *row = first + (size_t)(r < last ? r : last) * stride;
            __m256 other = _mm256_setzero_ps();
            for (uint32_t j = 0; j < stride; j += 16) {
                PREFETCH_AT(row + j, PREFETCH);
                sum[r] =
                    _mm256_fmadd_ps(_mm256_loadu_ps(row + j), _mm256_loadu_ps(query + j), sum[r]);
                other = _mm256_fmadd_ps(_mm256_loadu_ps(row + j + 8),
                                        _mm256_loadu_ps(query + j + 8), other);
            }
            sum[r] = _mm256_add_ps(sum[r], other);
        }
        _mm256_storeu_ps(out + i, sum_lanes(sum));
    }
}

const struct rs_kernel rs_kernel_avx2 = {"avx2", one, {12, 8, run_12x8}, {6, 16, run_6x16}};

#else
typedef int rs_kernel_avx2_is_for_x86;
#endif
