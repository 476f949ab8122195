/* lib/bundle/short_codes.c - see short_codes.h. */
#include "lib/bundle/short_codes.h"

#include <math.h>
#include <string.h>

/* The product of a step and a query's (lib/bundle/coded.c) is a normal float. */
#define SMALLEST 0x1p-50f
#define LARGEST 0x1p50f

#define LANES 8u /* numbers of a pair of cells */

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

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
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

/* The square of a row's residual. */
static float measure_row(const float *row, uint32_t dimensions, float step, const uint8_t *codes)
{
    float sum[LANES] = {0};

    for (uint32_t j = 0; j < dimensions; j += LANES, codes += RS_CODES_CELL) {
        float said[LANES];
        uint32_t n = smaller(dimensions - j, LANES);
        for (uint32_t l = 0; l < 4; l++) {
            said[l] = step * (float)(((codes[l] & 0x0f) << 4) - 120);
            said[l + 4] = step * (float)((codes[l] & 0xf0) - 120);
        }
        for (uint32_t l = 0; l < n; l++) {
            float rest = row[j + l] - said[l];
            sum[l] += rest * rest;
        }
    }
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* In float, `said` errs by 2^-24 of itself, so by 2^-24 of the row's norm and of the residual's
 * together, and the difference by 2^-24 of the residual. A sum of d squares errs by less than
 * d * 2^-23, relatively, and by less than d * LOST. */
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
    memset(residuals, 0, rs_short_codes_groups(n) * RS_CODES_GROUP * sizeof *residuals);
    for (size_t i = 0; i < n; i++) {
        float square =
            measure_row(rows + i * stride, dimensions, steps[i], codes + place_of(i, dimensions));
        residuals[i] = residual_of(square, dimensions, blocks[i / RS_BLOCK_ITEMS].max_norm);
    }
}
