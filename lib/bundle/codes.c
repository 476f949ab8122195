/* lib/bundle/codes.c - see codes.h.
 *
 * A code need not be the nearest integer, as long as the residual is not too small. So the
 * arithmetic is in float, y = x * (1 / s) and c = round(y), and its rounding is part of
 * the residual. In units of s the residual is |y - c|, which is exact, plus at most
 * 2^-24 |y| for the product.
 */
#include "lib/bundle/codes.h"

#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "lib/bundle/residual.h"

/* A block whose largest number is outside this range has no codes, and scans read its floats. The
 * same range holds for queries (lib/bundle/coded.c), so the product of a block's step and a
 * query's is always a normal float. */
#define SMALLEST 0x1p-40f
#define LARGEST 0x1p50f

/* A float to which this is added, and from which it is then subtracted, is rounded to the nearest
 * integer. */
#define ROUND 12582912.0f /* 1.5 * 2^23 */

#define LANES RS_RESIDUAL_LANES
#define CHUNK 64u /* numbers of a row at a time */

static float largest_number(const float *rows, uint32_t n, uint32_t dimensions, uint32_t stride)
{
    float largest[LANES] = {0}, all = 0;

    for (uint32_t i = 0; i < n; i++) {
        const float *row = rows + (size_t)i * stride;
        for (uint32_t j = 0; j < dimensions; j++) {
            float size = fabsf(row[j]);
            largest[j % LANES] = size > largest[j % LANES] ? size : largest[j % LANES];
        }
    }
    for (uint32_t l = 0; l < LANES; l++)
        all = largest[l] > all ? largest[l] : all;
    return all;
}

/* Codes of up to CHUNK numbers, the rest of `out` zeros; returns the square of their
 * residual in units of the step. */
static float code_chunk(const float *x, uint32_t n, float inverse, uint8_t *out)
{
    float sum[LANES] = {0}, y[CHUNK] = {0};

    for (uint32_t j = 0; j < n; j++)
        y[j] = x[j] * inverse;
    for (uint32_t j = 0; j < CHUNK; j += LANES)
        for (uint32_t l = 0; l < LANES; l++) {
            float c = (y[j + l] + ROUND) - ROUND, rest = y[j + l] - c;
            sum[l] += rest * rest;
            out[j + l] = (uint8_t)((int32_t)c + (int32_t)RS_CODES_ZERO);
        }
    return rs_residual_sum(sum);
}

/* One row's codes into its place in every cell; returns the square of its residual. */
static float code_row(const float *row, uint32_t dimensions, float inverse, uint8_t *out)
{
    uint8_t codes[CHUNK];
    float sum = 0;

    for (uint32_t j = 0; j < dimensions; j += CHUNK) {
        uint32_t n = dimensions - j < CHUNK ? dimensions - j : CHUNK;
        sum += code_chunk(row + j, n, inverse, codes);
        for (uint32_t l = 0; l < n; l += 4, out += RS_CODES_CELL)
            memcpy(out, codes + l, 4);
    }
    return sum;
}

/* Add the squares of the residuals of `n` numbers, at most LANES, to a sum for each. */
static void add_squares(const float *row, uint32_t n, float inverse, const uint8_t *codes,
                        float *sum)
{
    for (uint32_t l = 0; l < n; l++) {
        int32_t code = (int32_t)codes[l / 4 * RS_CODES_CELL + l % 4] - (int32_t)RS_CODES_ZERO;
        float rest = row[l] * inverse - (float)code;
        sum[l] += rest * rest;
    }
}

/* The square of a row's residual in units of the step, whatever its codes are. */
static float measure_row(const float *row, uint32_t dimensions, float inverse, const uint8_t *codes)
{
    float sum[LANES] = {0};
    uint32_t j = 0;

    for (; j + LANES <= dimensions; j += LANES, codes += 2 * RS_CODES_CELL)
        add_squares(row + j, LANES, inverse, codes, sum);
    add_squares(row + j, dimensions - j, inverse, codes, sum);
    return rs_residual_sum(sum);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static float measure_row_avx2(const float *row, uint32_t dimensions,
                                                              float inverse, const uint8_t *codes)
{
    const __m256i zero = _mm256_set1_epi32((int)RS_CODES_ZERO);
    const __m256 scale = _mm256_set1_ps(inverse);
    __m256 squares = _mm256_setzero_ps();
    float sum[LANES];
    uint32_t j = 0;

    for (; j + LANES <= dimensions; j += LANES, codes += 2 * RS_CODES_CELL) {
        int32_t first, second;
        memcpy(&first, codes, sizeof first);
        memcpy(&second, codes + RS_CODES_CELL, sizeof second);
        __m256i code = _mm256_cvtepu8_epi32(_mm_setr_epi32(first, second, 0, 0));
        __m256 y = _mm256_mul_ps(_mm256_loadu_ps(row + j), scale);
        __m256 rest = _mm256_sub_ps(y, _mm256_cvtepi32_ps(_mm256_sub_epi32(code, zero)));
        squares = _mm256_add_ps(squares, _mm256_mul_ps(rest, rest));
    }
    _mm256_storeu_ps(sum, squares);
    add_squares(row + j, dimensions - j, inverse, codes, sum);
    return rs_residual_sum(sum);
}
#define MEASURE_ROW_AVX2 measure_row_avx2
#else
#define MEASURE_ROW_AVX2 NULL
#endif

/* Below the normal floats a square and its addition can lose 2^-126 each, also where the process
 * sets such numbers to zero. This is twice the two together; the product before them loses as much,
 * but of the root, which is far less. In blocks that rs_codes_make() has coded LOST makes no
 * difference. It is all there is of the residual if a file has a step that is far too wide. */
#define LOST 0x1p-124

/* `worst` is the largest square of a residual in units of the step. A float sum of d squares errs
 * by less than d * 2^-23, relatively, and by less than d * LOST. */
static void set_bounds(struct rs_code_bounds *bounds, float inverse, float worst,
                       uint32_t dimensions, double max_norm)
{
    bounds->step = 1.0 / (double)inverse;
    double square = ((double)worst + dimensions * LOST) * (1.0 + dimensions * 0x1p-22);
    bounds->max_residual = bounds->step * sqrt(square) + 0x1p-23 * max_norm;
}

/* One block of at most RS_BLOCK_ITEMS rows, all of norm <= `max_norm`. */
static void code_block(const float *rows, uint32_t n, uint32_t dimensions, uint32_t stride,
                       double max_norm, uint8_t *out, struct rs_code_bounds *bounds)
{
    size_t group = rs_codes_group_bytes(dimensions);
    float largest = largest_number(rows, n, dimensions, stride), worst = 0;

    bounds->step = 0;
    bounds->max_residual = max_norm;
    if (!(largest >= SMALLEST && largest <= LARGEST))
        return;
    /* Rounded down, so that no |y| is above 127. */
    float inverse = nextafterf((float)(RS_CODES_LARGEST / (double)largest), 0.0f);
    for (uint32_t i = 0; i < n; i++) {
        float square = code_row(rows + (size_t)i * stride, dimensions, inverse,
                                out + (i / RS_CODES_GROUP) * group + (i % RS_CODES_GROUP) * 4);
        worst = square > worst ? square : worst;
    }
    set_bounds(bounds, inverse, worst, dimensions, max_norm);
}

void rs_codes_make(const float *rows, size_t n, uint32_t dimensions, uint32_t stride,
                   const struct rs_block *blocks, uint8_t *out, struct rs_code_bounds *bounds)
{
    size_t block_bytes = RS_BLOCK_ITEMS / RS_CODES_GROUP * rs_codes_group_bytes(dimensions);

    memset(out, (int)RS_CODES_ZERO, rs_codes_bytes(n, dimensions));
    for (size_t b = 0; b * RS_BLOCK_ITEMS < n; b++) {
        size_t first = b * RS_BLOCK_ITEMS, left = n - first;
        code_block(rows + first * stride, (uint32_t)(left < RS_BLOCK_ITEMS ? left : RS_BLOCK_ITEMS),
                   dimensions, stride, blocks[b].max_norm, out + b * block_bytes, &bounds[b]);
    }
}

float rs_codes_scale(double step)
{
    /* The step is 1 / scale in double, so this gives the float back. */
    return step > 0 ? (float)(1.0 / step) : 0.0f;
}

int rs_codes_is_scale(float scale)
{
    return scale == 0.0f || (scale >= 0.5f * (float)RS_CODES_LARGEST / LARGEST &&
                             scale <= (float)RS_CODES_LARGEST / SMALLEST);
}

static void measure_block(const float *rows, uint32_t n, uint32_t dimensions, uint32_t stride,
                          double max_norm, float scale, const uint8_t *codes,
                          struct rs_code_bounds *bounds)
{
    const rs_residual measure = rs_residual_choose(measure_row, MEASURE_ROW_AVX2);
    size_t group = rs_codes_group_bytes(dimensions);
    float worst = 0;

    for (uint32_t i = 0; i < n && scale > 0; i++) {
        float square = measure(rows + (size_t)i * stride, dimensions, scale,
                               codes + (i / RS_CODES_GROUP) * group + (i % RS_CODES_GROUP) * 4);
        worst = square > worst ? square : worst;
    }
    if (scale > 0)
        set_bounds(bounds, scale, worst, dimensions, max_norm);
    if (scale > 0 && bounds->max_residual <= max_norm)
        return;
    bounds->step = 0; /* codes of zeros would say as much */
    bounds->max_residual = max_norm;
}

void rs_codes_measure(const float *rows, size_t n, uint32_t dimensions, uint32_t stride,
                      const struct rs_block *blocks, const float *scales, const uint8_t *codes,
                      struct rs_code_bounds *bounds)
{
    size_t block_bytes = RS_BLOCK_ITEMS / RS_CODES_GROUP * rs_codes_group_bytes(dimensions);

    for (size_t b = 0; b * RS_BLOCK_ITEMS < n; b++) {
        size_t first = b * RS_BLOCK_ITEMS, left = n - first;
        measure_block(rows + first * stride,
                      (uint32_t)(left < RS_BLOCK_ITEMS ? left : RS_BLOCK_ITEMS), dimensions, stride,
                      blocks[b].max_norm, scales[b], codes + b * block_bytes, &bounds[b]);
    }
}
