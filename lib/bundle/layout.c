/* lib/bundle/layout.c - see layout.h.
 *
 * Norms are summed in eight interleaved doubles: the compiler makes vector code of that, and every
 * machine gets the same bits. SLACK is larger than the rounding error of the longest vectors that
 * are allowed.
 */
#include "lib/bundle/layout.h"

#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/radix.h"
#include "recsys/builder.h"

/* The relative error of 65536 / 8 additions and a square root is less than 2^-40. */
#define SLACK (1.0 + 0x1p-40)
#define LANES 8u

static double row_norm(const float *row, size_t dimensions)
{
    double lane[LANES] = {0};
    size_t j = 0;

    for (; j + LANES <= dimensions; j += LANES)
        for (size_t l = 0; l < LANES; l++)
            lane[l] += (double)row[j + l] * (double)row[j + l];
    for (size_t l = 0; j < dimensions; j++, l++)
        lane[l] += (double)row[j] * (double)row[j];
    return sqrt(((lane[0] + lane[4]) + (lane[1] + lane[5])) +
                ((lane[2] + lane[6]) + (lane[3] + lane[7])));
}

recsys_status rs_layout_refuse(const float *row, size_t number, const char *what, recsys_error *err)
{
    size_t column = 0;

    while (isfinite(row[column]))
        column++;
    return rs_error(err, RECSYS_E_FORMAT, "%s[%zu,%zu] is not a finite number", what, number,
                    column);
}

recsys_status rs_layout_norms(const float *rows, size_t n, size_t dimensions, size_t stride,
                              double *norms, const char *what, recsys_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const float *row = rows + i * stride;
        norms[i] = row_norm(row, dimensions);
        /* Squares of floats cannot overflow a double: the norm is finite if all numbers are. */
        if (isfinite(norms[i]))
            continue;
        return rs_layout_refuse(row, i, what, err);
    }
    return RECSYS_OK;
}

recsys_status rs_layout_order(const double *norms, size_t n, uint32_t *order, recsys_error *err)
{
    size_t at = 1;

    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    while (at < n && norms[at - 1] >= norms[at])
        at++;
    if (at >= n)
        return RECSYS_OK;
    uint64_t *keys = rs_alloc_array(n, sizeof *keys);
    uint32_t *spare = rs_alloc_array(n, sizeof *spare);
    if (keys != NULL && spare != NULL) {
        /* The bits of doubles from 0 on are in the order of the numbers; this order is to be
         * descending. */
        memcpy(keys, norms, n * sizeof *keys);
        for (size_t i = 0; i < n; i++)
            keys[i] = ~keys[i];
        rs_radix_sort(keys, order, spare, n);
    }
    recsys_status status =
        keys != NULL && spare != NULL ? RECSYS_OK : rs_error_nomem(err, "order of items");
    rs_free(spare);
    rs_free(keys);
    return status;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

void rs_layout_blocks(const double *norms, const float *bias, size_t n, struct rs_block *blocks)
{
    size_t n_blocks = (n + RS_BLOCK_ITEMS - 1) / RS_BLOCK_ITEMS;
    struct rs_block rest = {0, 0, 0, 0, 0};

    for (size_t b = n_blocks; b-- > 0;) {
        size_t begin = b * RS_BLOCK_ITEMS;
        size_t end = n - begin < RS_BLOCK_ITEMS ? n : begin + RS_BLOCK_ITEMS;
        struct rs_block *block = &blocks[b];
        double norm = 0, top_bias = bias == NULL ? 0 : (double)bias[begin], abs_bias = 0;
        for (size_t i = begin; i < end; i++) {
            norm = larger(norm, norms[i]);
            if (bias != NULL) {
                top_bias = larger(top_bias, (double)bias[i]);
                abs_bias = larger(abs_bias, fabs((double)bias[i]));
            }
        }
        block->max_norm = norm * SLACK;
        block->max_bias = top_bias; /* a float: exact */
        block->rest_norm = larger(block->max_norm, rest.rest_norm);
        block->rest_bias = b + 1 == n_blocks ? top_bias : larger(top_bias, rest.rest_bias);
        block->rest_abs_bias = larger(abs_bias, rest.rest_abs_bias);
        rest = *block;
    }
}
