/* Every kernel for integer codes gives the same scores as the portable twin, bit for bit.
 *
 * A program of its own without a test library, so that a compiler for another processor can
 * make it, too, and an emulator run it: tests/unit/arm64_kernels.sh. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bundle/codes.h"
#include "lib/score/code_kernel.h"
#include "tests/support/check.h"

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return (double)(next_random(state) >> 11) * 0x1p-53;
}

static void fill(uint64_t *state, uint8_t *items, size_t n, int8_t *queries, size_t m,
                 int32_t largest, int extreme)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t r = next_random(state);
        items[i] = extreme ? (r & 1 ? 255 : 1) : (uint8_t)(1 + r % 255);
    }
    for (size_t i = 0; i < m; i++) {
        uint64_t r = next_random(state);
        int32_t code = extreme ? (r & 1 ? largest : -largest)
                               : (int32_t)(r % (uint64_t)(2 * largest + 1)) - largest;
        queries[i] = (int8_t)code;
    }
}

static void check_one(const struct rs_code_kernel *kernel, const uint8_t *items, uint32_t n_groups,
                      uint32_t cells, const int8_t *query)
{
    float got[8 * 16], want[8 * 16];
    struct rs_coded coded = {.codes = query};

    for (uint32_t j = 0; j < cells * 4; j++)
        coded.shift += 128 * query[j];
    kernel->one(items, n_groups, cells, &coded, 0.37f, got);
    rs_code_kernel_portable.one(items, n_groups, cells, &coded, 0.37f, want);
    CHECK(memcmp(got, want, n_groups * 16 * sizeof *got) == 0);
}

/* Of an item and a lane's query. */
static int32_t product_of(const uint8_t *items, uint32_t item, uint32_t cells,
                          const int8_t *queries, uint32_t lane)
{
    const uint8_t *x = items + (size_t)(item / RS_CODES_GROUP) * cells * RS_CODES_CELL;
    int32_t sum = 0;

    for (uint32_t j = 0; j < cells; j++)
        for (uint32_t l = 0; l < 4; l++)
            sum += (x[j * RS_CODES_CELL + item % RS_CODES_GROUP * 4 + l] - (int)RS_CODES_ZERO) *
                   queries[(j * RS_CODE_LANES + lane) * 4 + l];
    return sum;
}

static void check_tiles(const struct rs_code_kernel *kernel, const uint8_t *items, uint32_t n_tiles,
                        uint32_t cells, const int8_t *queries, uint64_t *state, int with_bias)
{
    int32_t shifts[RS_CODE_LANES] = {0}, least[RS_CODE_LANES];
    float scales[RS_CODE_LANES], limits[RS_CODE_LANES], bias[4 * RS_CODE_ITEMS];
    uint32_t got[RS_CODE_LANES], want[RS_CODE_LANES];
    struct rs_code_panel panel = {queries, shifts, least, scales, limits};
    double spread = 127.0 * 40.0 * sqrt(4.0 * cells);

    for (uint32_t j = 0; j < cells * RS_CODE_LANES * 4; j++)
        shifts[j / 4 % RS_CODE_LANES] += 128 * queries[j];
    for (uint32_t l = 0; l < RS_CODE_LANES; l++) {
        scales[l] = 0.25f;
        least[l] = (int32_t)(spread * (1.0 + uniform(state)));
        limits[l] = scales[l] * (float)least[l];
    }
    for (uint32_t i = 0; i < n_tiles * RS_CODE_ITEMS; i++)
        bias[i] = (float)((2.0 * uniform(state) - 1.0) * spread / 8);
    /* Some that just reach it. */
    for (uint32_t i = 5; with_bias && i < n_tiles * RS_CODE_ITEMS; i += 11) {
        uint32_t l = i % RS_CODE_LANES;
        bias[i] = limits[l] - scales[l] * (float)product_of(items, i, cells, queries, l);
    }
    if (!with_bias)
        least[cells % RS_CODE_LANES] = product_of(items, 21, cells, queries, cells % RS_CODE_LANES);
    for (uint32_t t = 0; t < n_tiles;) {
        const uint8_t *at = items + (size_t)t * cells * RS_CODES_CELL * 2;
        const float *b = with_bias ? bias + t * RS_CODE_ITEMS : NULL;
        uint32_t found = kernel->tiles(at, n_tiles - t, cells, &panel, b, got);
        CHECK(found == rs_code_kernel_portable.tiles(at, n_tiles - t, cells, &panel, b, want));
        if (found < n_tiles - t)
            CHECK(memcmp(got, want, sizeof got) == 0);
        t += found + 1;
    }
}

static void all_kernels_give_the_same_bits(void)
{
    static const uint32_t dimensions[] = {1, 3, 4, 5, 16, 31, 64, 100, 257};
    uint64_t state = 5;
    const struct rs_code_kernel *kernel;

    for (uint32_t index = 0; (kernel = rs_code_kernel_get(index)) != NULL; index++)
        for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++)
            for (int extreme = 0; extreme < 2; extreme++) {
                uint32_t cells = (dimensions[i] + 3) / 4;
                size_t n = 8 * (size_t)cells * RS_CODES_CELL, m = (size_t)cells * 4 * RS_CODE_LANES;
                uint8_t *items = malloc(n);
                int8_t *queries = malloc(m);
                fill(&state, items, n, queries, m, kernel->largest, extreme);
                for (uint32_t n_groups = 1; n_groups <= 8; n_groups++)
                    check_one(kernel, items, n_groups, cells, queries);
                for (int with_bias = 0; kernel->tiles != NULL && with_bias < 2; with_bias++)
                    check_tiles(kernel, items, 4, cells, queries, &state, with_bias);
                free(items);
                free(queries);
            }
}

/* The longest vectors there may be, of the largest codes: 32-bit sums still hold them. */
static void the_longest_vectors_do_not_overflow(void)
{
    enum { CELLS = 65536 / 4 };
    uint8_t *items = malloc((size_t)CELLS * RS_CODES_CELL * 2);
    int8_t *query = malloc((size_t)CELLS * 4);
    const struct rs_code_kernel *kernel;

    for (int sign = -1; sign <= 1; sign += 2)
        for (uint32_t index = 0; (kernel = rs_code_kernel_get(index)) != NULL; index++) {
            struct rs_coded coded = {.codes = query};
            float scores[32];
            memset(items, 255, (size_t)CELLS * RS_CODES_CELL * 2);
            memset(query, sign * kernel->largest, (size_t)CELLS * 4);
            coded.shift = 128 * 65536 * sign * kernel->largest;
            kernel->one(items, 2, CELLS, &coded, 1.0f, scores);
            for (int i = 0; i < 32; i++)
                CHECK(scores[i] == (float)(65536 * 127 * sign * kernel->largest));
        }
    free(items);
    free(query);
}

int main(void)
{
    all_kernels_give_the_same_bits();
    the_longest_vectors_do_not_overflow();
    for (uint32_t index = 0; rs_code_kernel_get(index) != NULL; index++)
        printf("%s\n", rs_code_kernel_get(index)->name);
    return 0;
}
