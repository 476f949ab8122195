/* lib/bundle/coded.c - see coded.h. In double throughout: a query is coded once a scan. */
#include "lib/bundle/coded.h"

#include <math.h>
#include <string.h>

/* As for the items (lib/bundle/codes.c): the product of two steps is a normal float. */
#define SMALLEST 0x1p-40
#define LARGEST 0x1p50

/* Covers the rounding of a sum of at most 65536 squares, of its root and of the products. */
#define SLACK 0x1p-35

void rs_coded_make(const float *query, uint32_t dimensions, int32_t largest, int8_t *codes,
                   struct rs_coded *out)
{
    double most = 0, squares = 0, rest_squares = 0, norm;
    int32_t sum = 0;

    memset(out, 0, sizeof *out);
    memset(codes, 0, (dimensions + RS_CODED_PAIR - 1) / RS_CODED_PAIR * RS_CODED_PAIR);
    out->codes = codes;
    for (uint32_t j = 0; j < dimensions; j++)
        most = fmax(most, fabs((double)query[j]));
    if (!(most >= SMALLEST && most <= LARGEST))
        return;
    out->step = most / largest;
    for (uint32_t j = 0; j < dimensions; j++) {
        int32_t code = (int32_t)nearbyint((double)query[j] / out->step);
        double rest = (double)query[j] - out->step * code;
        codes[j] = (int8_t)code;
        sum += code;
        squares += (double)code * code;
        rest_squares += rest * rest;
    }
    norm = out->step * sqrt(squares);
    out->shift = 128 * sum;
    out->norm = norm * (1.0 + SLACK);
    out->residual = sqrt(rest_squares) * (1.0 + SLACK) + norm * SLACK;
}
