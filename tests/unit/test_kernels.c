/* Every kernel for floats nominates all that a full sort of canonical scores puts first.
 *
 * Also: its scores are within the bound of lib/score/bound.h, and its mask says exactly which rows
 * of those scores reach a limit. A program of its own without a test library, so that a compiler
 * for another processor can make it, too, and an emulator run it: tests/unit/arm64_kernels.sh. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/score/bound.h"
#include "lib/score/canonical.h"
#include "lib/score/kernel.h"
#include "tests/support/check.h"

#define N_ITEMS 300u
#define MOST_DIMENSIONS 257u
#define MOST_STRIDE 272u
#define K 10u

enum kind { GAUSSIAN, CANCELLING, DUPLICATES, ZEROS, DENORMALS, HUGE_NORMS, N_KINDS };

static float items[(N_ITEMS + RS_TILE_MAX_ROWS) * MOST_STRIDE], bias[N_ITEMS];
static float queries[RS_TILE_MAX_LANES * MOST_STRIDE], panel[RS_TILE_MAX_LANES * MOST_STRIDE];
static float exact[RS_TILE_MAX_LANES][N_ITEMS], limits[RS_TILE_MAX_LANES];
static float slack[RS_TILE_MAX_LANES], thresholds[RS_TILE_MAX_LANES];

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t state;
static double uniform(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double gauss(void)
{
    return sqrt(-2.0 * log(1.0 - uniform())) * cos(6.283185307179586 * uniform());
}

static float number(enum kind kind, uint32_t row, uint32_t column)
{
    switch (kind) {
    case CANCELLING: /* large, and nearly nothing in sum */
        return (float)((column % 2 == 0 ? 1e6 : -1e6) + gauss());
    case DUPLICATES:
        return (float)((int)(row % 3 + column % 5) - 3);
    case ZEROS:
        return row % 4 == 0 ? (float)gauss() : 0.0f;
    case DENORMALS:
        return (float)(gauss() * 1e-41);
    case HUGE_NORMS:
        return (float)(gauss() * 1e17);
    default:
        return (float)gauss();
    }
}

static int descending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x < y) - (x > y);
}

/* Items, queries, exact scores, and the limits below which no item is one of the K best. */
static void make(struct recsys_model *model, enum kind kind, uint32_t lanes, int with_bias)
{
    uint32_t d = model->dimensions;
    double norm = 0.0, abs_bias = 0.0;

    memset(items, 0, sizeof items);
    for (uint32_t i = 0; i < N_ITEMS; i++) {
        float *row = items + (size_t)i * model->stride;
        for (uint32_t j = 0; j < d; j++)
            row[j] = number(kind, i, j);
        bias[i] = (float)(gauss() * fabs((double)row[0]) * (i % 7 == 0 ? 4.0 : 1.0));
        abs_bias = with_bias ? fmax(abs_bias, fabs((double)bias[i])) : 0.0;
        norm = fmax(norm, sqrt(rs_canonical_dot(row, row, d)) * (1.0 + 0x1p-40));
    }
    model->items = items;
    model->item_bias = with_bias ? bias : NULL;
    for (uint32_t q = 0; q < lanes; q++) {
        float *row = queries + (size_t)q * model->stride, sorted[N_ITEMS];
        memset(row, 0, model->stride * sizeof *row);
        for (uint32_t j = 0; j < d; j++)
            panel[j * lanes + q] = row[j] = number(q % 5 == 0 ? GAUSSIAN : kind, q, j);
        double length = sqrt(rs_canonical_dot(row, row, d)) * (1.0 + 0x1p-40);
        for (uint32_t i = 0; i < N_ITEMS; i++)
            sorted[i] = exact[q][i] = rs_canonical_score(model, i, row, 0.0);
        qsort(sorted, N_ITEMS, sizeof *sorted, descending);
        thresholds[q] = sorted[K - 1];
        limits[q] = rs_bound_float(model, length, norm, 0.0, abs_bias, thresholds[q]);
        slack[q] = nextafterf(
            (float)rs_bound_slack(model, length, norm, 0.0, abs_bias, thresholds[q]), INFINITY);
    }
}

static void check_score(uint32_t query, uint32_t item, float got)
{
    CHECK(fabsf(got - exact[query][item]) <=
          slack[query] + 0x1p-22f * fabsf(exact[query][item]) + 0x1p-126f);
}

static uint32_t check_tile(const struct recsys_model *model, const struct rs_tile *tile,
                           uint32_t first)
{
    float out[RS_TILE_MAX_ROWS * RS_TILE_MAX_LANES];
    const float *biases = model->item_bias == NULL ? NULL : model->item_bias + first;
    uint32_t found = 0;
    uint32_t mask = tile->run(items + (size_t)first * model->stride, model->stride,
                              model->dimensions, panel, biases, limits, out);

    for (uint32_t r = 0; r < tile->rows; r++) {
        uint32_t hit = 0;
        for (uint32_t l = 0; l < tile->lanes; l++) {
            float score = out[r * tile->lanes + l];
            hit |= mask != 0 && !(score < limits[l]);
            if (mask != 0)
                check_score(l, first + r, score);
            if (exact[l][first + r] >= thresholds[l]) {
                CHECK((mask >> r & 1u) != 0 && !(score < limits[l]));
                found++;
            }
        }
        CHECK_EQ(mask >> r & 1u, hit);
    }
    CHECK_EQ(mask >> tile->rows, 0);
    return found;
}

static void check_one(const struct recsys_model *model, const struct rs_kernel *kernel, uint32_t n)
{
    float out[N_ITEMS + 16];

    kernel->one(items, n, model->stride, queries, out);
    for (uint32_t i = 0; i < n && model->item_bias == NULL; i++)
        check_score(0, i, out[i]);
}

static void check_kernel(const struct rs_kernel *kernel, uint32_t dimensions)
{
    const struct rs_tile *tiles[] = {&kernel->narrow, &kernel->wide};
    struct recsys_model model = {.dimensions = dimensions, .stride = (dimensions + 15) / 16 * 16};

    for (int kind = 0; kind < N_KINDS; kind++)
        for (int with_bias = 0; with_bias < 2; with_bias++)
            for (int t = 0; t < 2; t++) {
                uint32_t found = 0;
                CHECK(tiles[t]->rows <= RS_TILE_MAX_ROWS && tiles[t]->lanes <= RS_TILE_MAX_LANES);
                make(&model, (enum kind)kind, tiles[t]->lanes, with_bias);
                for (uint32_t i = 0; i + tiles[t]->rows <= N_ITEMS; i += tiles[t]->rows)
                    found += check_tile(&model, tiles[t], i);
                CHECK(found >= K - 1 || N_ITEMS % tiles[t]->rows != 0);
                for (uint32_t n = 1; n <= 33; n += 4)
                    check_one(&model, kernel, n);
                check_one(&model, kernel, N_ITEMS);
            }
}

/* A limit that no score reaches stops a lane; sums that are no numbers stop none. */
static void limits_and_sums_may_be_infinite(const struct rs_kernel *kernel)
{
    const struct rs_tile *tiles[] = {&kernel->narrow, &kernel->wide};
    struct recsys_model model = {.dimensions = 16, .stride = 16};
    float out[RS_TILE_MAX_ROWS * RS_TILE_MAX_LANES];

    for (int t = 0; t < 2; t++) {
        const struct rs_tile *tile = tiles[t];
        make(&model, GAUSSIAN, tile->lanes, 0);
        for (uint32_t l = 0; l < tile->lanes; l++)
            limits[l] = INFINITY;
        CHECK_EQ(tile->run(items, 16, 16, panel, NULL, limits, out), 0);
        limits[tile->lanes - 1] = -INFINITY;
        CHECK_EQ(tile->run(items, 16, 16, panel, NULL, limits, out), (1u << tile->rows) - 1u);
        limits[tile->lanes - 1] = INFINITY;
        items[(tile->rows - 1) * 16] = INFINITY;
        items[(tile->rows - 1) * 16 + 1] = -INFINITY;
        for (uint32_t l = 0; l < tile->lanes; l++)
            panel[l] = panel[tile->lanes + l] = 1.0f;
        CHECK_EQ(tile->run(items, 16, 16, panel, NULL, limits, out), 1u << (tile->rows - 1));
    }
}

int main(void)
{
    static const uint32_t dimensions[] = {1, 3, 16, 50, 64, MOST_DIMENSIONS};
    const struct rs_kernel *kernel;

    state = 7;
    for (uint32_t index = 0; (kernel = rs_kernel_get(index)) != NULL; index++) {
        for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++)
            check_kernel(kernel, dimensions[i]);
        limits_and_sums_may_be_infinite(kernel);
        printf("%s\n", kernel->name);
    }
    return 0;
}
