/* Integer codes: what they leave is bounded, whatever the numbers are, and every kernel gives
 * the same scores, bit for bit. The bound is as tight as it can be: vectors exist that reach it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/bundle/coded.h"
#include "lib/bundle/codes.h"
#include "lib/model/model.h"
#include "lib/score/bound.h"
#include "lib/score/canonical.h"
#include "lib/score/code_kernel.h"
#include "tests/support/memory_model.h"

static int is_long(void)
{
    const char *long_run = getenv("RECSYS_LONG");

    return long_run != NULL && *long_run == '1';
}

static int code_of(const struct recsys_model *model, uint32_t position, uint32_t dimension)
{
    const uint8_t *group =
        model->codes + position / RS_CODES_GROUP * rs_codes_group_bytes(model->dimensions);

    return (int)group[dimension / 4 * RS_CODES_CELL + position % RS_CODES_GROUP * 4 +
                      dimension % 4] -
           (int)RS_CODES_ZERO;
}

/* How much of the bound the worst pair of this block and query uses: 1 is all of it. */
static double used(const struct recsys_model *model, uint32_t block, const float *query,
                   const struct rs_coded *coded)
{
    double bound = rs_bound_residual(model, coded, block), worst = 0;
    uint32_t first = block * RS_BLOCK_ITEMS, end = first + RS_BLOCK_ITEMS;

    for (uint32_t p = first; p < end && p < model->n_items; p++) {
        const float *item = model->items + (size_t)p * model->stride;
        int64_t product = 0;
        for (uint32_t j = 0; j < model->dimensions; j++)
            product += (int64_t)code_of(model, p, j) * coded->codes[j];
        double said = coded->step * model->code_bounds[block].step * (double)product;
        double off = fabs(rs_canonical_dot(query, item, model->dimensions) - said);
        worst = fmax(worst, off);
        /* And as the scan asks: an item is never below the limit of its own score. */
        float bias = model->item_bias == NULL ? 0.0f : model->item_bias[p];
        float score = rs_canonical_score(model, p, query, 0.5);
        double norm = sqrt(rs_canonical_dot(query, query, model->dimensions)) * (1.0 + 0x1p-40);
        float limit = rs_bound_codes(model, coded, norm, block, 0.5, score);
        float scale = (float)(coded->step * model->code_bounds[block].step);
        assert_false(scale * (float)(int32_t)product + bias < limit);
    }
    return bound > 0 ? worst / bound : worst > 0 ? INFINITY : 0;
}

static void no_pair_of_vectors_breaks_the_bound(void **state)
{
    static const uint32_t dimensions[] = {1, 7, 64, 130};
    uint64_t pairs = 0, wanted = is_long() ? 100000000u : 400000u;
    struct numbers numbers = {17};

    (void)state;
    for (uint64_t round = 0; pairs < wanted; round++) {
        struct plain_items items;
        uint32_t d = dimensions[round % 4];
        enum family family = (enum family)(round / 4 % N_FAMILIES);
        plain_items_create(&items, family, 2100, d, (int)(round % 2), 1000 + round);
        struct recsys_model *model = memory_model_create(&items);
        float *query = malloc(d * sizeof *query);
        int8_t *codes = malloc((d + 3) / 4 * 4);
        for (int q = 0; q < 12; q++) {
            struct rs_coded coded;
            for (uint32_t j = 0; j < d; j++) /* one in three has an outlier dimension */
                query[j] = (float)(numbers_gauss(&numbers) * (q % 3 == 0 && j == 0 ? 1e3 : 1.0));
            rs_coded_make(query, d, q % 2 == 0 ? 127 : 64, codes, &coded);
            for (uint32_t b = 0; b < model->n_blocks; b++) {
                if (coded.step == 0 || model->code_bounds[b].step == 0)
                    continue;
                if (used(model, b, query, &coded) > 1.0)
                    fail_msg("%s, %u dimensions, query %d, block %u: beyond the bound",
                             family_name(family), d, q, b);
                pairs += RS_BLOCK_ITEMS;
            }
        }
        free(query);
        free(codes);
        recsys_model_unref(model);
        plain_items_destroy(&items);
    }
}

/* Every number of the items but one is half a step off, every code of the query the largest:
 * Cauchy-Schwarz is an equation then. A bound that is a thousandth smaller would be broken. */
static void some_vectors_reach_the_bound(void **state)
{
    enum { D = 64, N = 1024 };
    struct plain_items items;
    struct rs_coded coded;
    float query[D];
    int8_t codes[D];

    (void)state;
    plain_items_create(&items, GAUSSIAN, N, D, 0, 3);
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t j = 0; j < D; j++) {
            float half = 0.49999f + (float)((int)((i * 7 + j * 3) % 120) - 60);
            items.rows[i * D + j] = j == 0 ? 127.0f : half; /* the step is one */
        }
    for (uint32_t j = 0; j < D; j++)
        query[j] = j == 0 ? 0.0f : 2.5f;
    struct recsys_model *model = memory_model_create(&items);
    rs_coded_make(query, D, 127, codes, &coded);
    double share = used(model, 0, query, &coded);
    assert_true(share <= 1.0);
    assert_true(share > 0.9995);
    recsys_model_unref(model);
    plain_items_destroy(&items);
}

static void fill(struct numbers *numbers, uint8_t *items, size_t n, int8_t *queries, size_t m,
                 int32_t largest, int extreme)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t r = numbers_next(numbers);
        items[i] = extreme ? (r & 1 ? 255 : 1) : (uint8_t)(1 + r % 255);
    }
    for (size_t i = 0; i < m; i++) {
        uint64_t r = numbers_next(numbers);
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
    assert_memory_equal(got, want, n_groups * 16 * sizeof *got);
}

static void check_tiles(const struct rs_code_kernel *kernel, const uint8_t *items, uint32_t n_tiles,
                        uint32_t cells, const int8_t *queries, struct numbers *numbers,
                        int with_bias)
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
        least[l] = (int32_t)(spread * (1.0 + numbers_uniform(numbers)));
        limits[l] = scales[l] * (float)least[l];
    }
    for (uint32_t i = 0; i < n_tiles * RS_CODE_ITEMS; i++)
        bias[i] = (float)(numbers_gauss(numbers) * spread / 8);
    for (uint32_t t = 0; t < n_tiles;) {
        const uint8_t *at = items + (size_t)t * cells * RS_CODES_CELL * 2;
        const float *b = with_bias ? bias + t * RS_CODE_ITEMS : NULL;
        uint32_t found = kernel->tiles(at, n_tiles - t, cells, &panel, b, got);
        assert_int_equal(found,
                         rs_code_kernel_portable.tiles(at, n_tiles - t, cells, &panel, b, want));
        if (found < n_tiles - t)
            assert_memory_equal(got, want, sizeof got);
        t += found + 1;
    }
}

static void all_kernels_give_the_same_bits(void **state)
{
    static const uint32_t dimensions[] = {1, 3, 4, 5, 16, 31, 64, 100, 257};
    struct numbers numbers = {5};
    const struct rs_code_kernel *kernel;

    (void)state;
    for (uint32_t index = 0; (kernel = rs_code_kernel_get(index)) != NULL; index++)
        for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++)
            for (int extreme = 0; extreme < 2; extreme++) {
                uint32_t cells = (dimensions[i] + 3) / 4;
                size_t n = 8 * (size_t)cells * RS_CODES_CELL, m = (size_t)cells * 4 * RS_CODE_LANES;
                uint8_t *items = malloc(n);
                int8_t *queries = malloc(m);
                fill(&numbers, items, n, queries, m, kernel->largest, extreme);
                for (uint32_t n_groups = 1; n_groups <= 8; n_groups++)
                    check_one(kernel, items, n_groups, cells, queries);
                for (int with_bias = 0; kernel->tiles != NULL && with_bias < 2; with_bias++)
                    check_tiles(kernel, items, 4, cells, queries, &numbers, with_bias);
                free(items);
                free(queries);
            }
}

/* The longest vectors there may be, of the largest codes: 32-bit sums still hold them. */
static void the_longest_vectors_do_not_overflow(void **state)
{
    enum { CELLS = 65536 / 4 };
    uint8_t *items = malloc((size_t)CELLS * RS_CODES_CELL * 2);
    int8_t *query = malloc((size_t)CELLS * 4);
    const struct rs_code_kernel *kernel;

    (void)state;
    for (int sign = -1; sign <= 1; sign += 2)
        for (uint32_t index = 0; (kernel = rs_code_kernel_get(index)) != NULL; index++) {
            struct rs_coded coded = {.codes = query};
            float scores[32];
            memset(items, 255, (size_t)CELLS * RS_CODES_CELL * 2);
            memset(query, sign * kernel->largest, (size_t)CELLS * 4);
            coded.shift = 128 * 65536 * sign * kernel->largest;
            kernel->one(items, 2, CELLS, &coded, 1.0f, scores);
            for (int i = 0; i < 32; i++)
                assert_true(scores[i] == (float)(65536 * 127 * sign * kernel->largest));
        }
    free(items);
    free(query);
}

static void numbers_that_codes_cannot_hold_are_left_to_floats(void **state)
{
    const float tiny[4] = {1e-20f, 0, 0, 0}, huge[4] = {1e30f, 0, 0, 0}, zero[4] = {0};
    struct rs_coded coded;
    int8_t codes[4];

    (void)state;
    rs_coded_make(tiny, 4, 127, codes, &coded);
    assert_true(coded.step == 0);
    rs_coded_make(huge, 4, 127, codes, &coded);
    assert_true(coded.step == 0);
    rs_coded_make(zero, 4, 127, codes, &coded);
    assert_true(coded.step == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_pair_of_vectors_breaks_the_bound),
        cmocka_unit_test(some_vectors_reach_the_bound),
        cmocka_unit_test(all_kernels_give_the_same_bits),
        cmocka_unit_test(the_longest_vectors_do_not_overflow),
        cmocka_unit_test(numbers_that_codes_cannot_hold_are_left_to_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
