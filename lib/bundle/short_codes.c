/* lib/bundle/short_codes.c - see short_codes.h. */
#include "lib/bundle/short_codes.h"

#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "lib/bundle/residual.h"

/* The product of a step and a query's (lib/bundle/coded.c) is a normal float. */
#define SMALLEST 0x1p-50f
#define LARGEST 0x1p50f

#define LANES RS_RESIDUAL_LANES

/* Squares below the normal floats and their sums may be lost: see codes.c. */
#define LOST 0x1p-124

int rs_short_codes_is_step(float step)
{
    return step == 0.0f || (step >= SMALLEST && step <= LARGEST);
}

static size_t place_of(size_t position, uint32_t dimensions)
{
    return position / RS_CODES_GROUP * rs_short_codes_group_bytes(dimensions) +
           position % RS_CODES_GROUP * 4;
}

/* The largest number gets code 15, or 0 if it is negative. */
static float step_of(const float *row, uint32_t dimensions)
{
    float largest = 0, step;

    for (uint32_t j = 0; j < dimensions; j++)
        largest = fabsf(row[j]) > largest ? fabsf(row[j]) : largest;
    step = largest / 120.0f;
    return rs_short_codes_is_step(step) ? step : 0.0f;
}

static void code_row(const float *row, uint32_t dimensions, float step, uint8_t *out)
{
    float inverse = step > 0 ? 0.0625f / step : 0.0f;

    for (uint32_t j = 0; j < dimensions; j += LANES, out += RS_CODES_CELL) {
        uint8_t codes[LANES];
        for (uint32_t l = 0; l < LANES; l++) {
            float x = j + l < dimensions ? row[j + l] : 0.0f;
            float code = floorf(x * inverse + 8.0f); /* rounds x * inverse + 7.5 */
            codes[l] = (uint8_t)(code < 0.0f ? 0.0f : code > 15.0f ? 15.0f : code);
        }
        for (uint32_t l = 0; l < 4; l++)
            out[l] = (uint8_t)(codes[l] | codes[l + 4] << 4);
    }
}

void rs_short_codes_make(const float *rows, size_t n, uint32_t dimensions, uint32_t stride,
                         uint8_t *codes, float *steps)
{
    memset(codes, 0, rs_short_codes_bytes(n, dimensions));
    memset(steps, 0, rs_short_codes_groups(n) * RS_CODES_GROUP * sizeof *steps);
    for (size_t i = 0; i < n; i++) {
        const float *row = rows + i * stride;
        steps[i] = step_of(row, dimensions);
        code_row(row, dimensions, steps[i], codes + place_of(i, dimensions));
    }
}

/* Add the squares of the residuals of `n` numbers, at most LANES, to a sum for each. */
static void add_squares(const float *row, uint32_t n, float step, const uint8_t *codes, float *sum)
{
    static const uint32_t shifts[LANES] = {0, 8, 16, 24, 4, 12, 20, 28};
    uint32_t all = (uint32_t)codes[0] | (uint32_t)codes[1] << 8 | (uint32_t)codes[2] << 16 |
                   (uint32_t)codes[3] << 24;

    for (uint32_t l = 0; l < n; l++) {
        int32_t code = (int32_t)(all >> shifts[l] & 15u);
        float rest = row[l] - step * (float)(16 * code - 120);
        sum[l] += rest * rest;
    }
}

/* The square of a row's residual. */
static float measure_row(const float *row, uint32_t dimensions, float step, const uint8_t *codes)
{
    float sum[LANES] = {0};
    uint32_t j = 0;

    for (; j + LANES <= dimensions; j += LANES, codes += RS_CODES_CELL)
        add_squares(row + j, LANES, step, codes, sum);
    if (j < dimensions)
        add_squares(row + j, dimensions - j, step, codes, sum);
    return rs_residual_sum(sum);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static float measure_row_avx2(const float *row, uint32_t dimensions,
                                                              float step, const uint8_t *codes)
{
    const __m256i shifts = _mm256_setr_epi32(0, 8, 16, 24, 4, 12, 20, 28);
    const __m256 steps = _mm256_set1_ps(step);
    __m256 squares = _mm256_setzero_ps();
    float sum[LANES];
    uint32_t j = 0;

    for (; j + LANES <= dimensions; j += LANES, codes += RS_CODES_CELL) {
        int32_t all;
        memcpy(&all, codes, sizeof all);
        __m256i code = _mm256_and_si256(_mm256_srlv_epi32(_mm256_set1_epi32(all), shifts),
                                        _mm256_set1_epi32(15));
        code = _mm256_sub_epi32(_mm256_slli_epi32(code, 4), _mm256_set1_epi32(120));
        __m256 rest =
            _mm256_sub_ps(_mm256_loadu_ps(row + j), _mm256_mul_ps(steps, _mm256_cvtepi32_ps(code)));
        squares = _mm256_add_ps(squares, _mm256_mul_ps(rest, rest));
    }
    _mm256_storeu_ps(sum, squares);
    if (j < dimensions)
        add_squares(row + j, dimensions - j, step, codes, sum);
    return rs_residual_sum(sum);
}
#define MEASURE_ROW_AVX2 measure_row_avx2
#else
#define MEASURE_ROW_AVX2 NULL
#endif

/* In float, the code's number errs by 2^-24 of itself, so by 2^-24 of the row's norm and of the
 * residual's together, and the difference by 2^-24 of the residual. A sum of d squares errs by less
 * than d * 2^-23, relatively, and by less than d * LOST. */
static float residual_of(float square, uint32_t dimensions, double max_norm)
{
    double root = sqrt(((double)square + dimensions * LOST) * (1.0 + dimensions * 0x1p-22));
    double residual = root * (1.0 + 0x1p-20) + 0x1p-22 * max_norm;

    /* Codes of zeros would say as much; or it is not a number. */
    return residual <= max_norm ? nextafterf((float)residual, INFINITY) : INFINITY;
}

void rs_short_codes_measure(const float *rows, size_t n, uint32_t dimensions, uint32_t stride,
                            const struct rs_block *blocks, const uint8_t *codes, const float *steps,
                            float *residuals)
{
    const rs_residual measure = rs_residual_choose(measure_row, MEASURE_ROW_AVX2);

    memset(residuals, 0, rs_short_codes_groups(n) * RS_CODES_GROUP * sizeof *residuals);
    for (size_t i = 0; i < n; i++) {
        float square =
            measure(rows + i * stride, dimensions, steps[i], codes + place_of(i, dimensions));
        residuals[i] = residual_of(square, dimensions, blocks[i / RS_BLOCK_ITEMS].max_norm);
    }
}
