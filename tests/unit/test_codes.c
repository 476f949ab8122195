/* Integer codes: the bound of what they leave out holds, whatever the numbers are, and it is as
 * tight as it can be: vectors exist that reach it. */
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

/* 16 * h - 120. */
static int short_code_of(const struct recsys_model *model, uint32_t position, uint32_t dimension)
{
    uint8_t byte =
        model->short_codes
            .codes[position / RS_CODES_GROUP * rs_short_codes_group_bytes(model->dimensions) +
                   dimension / 8 * RS_CODES_CELL + position % RS_CODES_GROUP * 4 + dimension % 4];

    return 16 * (dimension % 8 < 4 ? byte & 15 : byte >> 4) - 120;
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

/* The same of short codes, each item with its own residual. */
static double used_short(const struct recsys_model *model, uint32_t block, const float *query,
                         const struct rs_coded *coded)
{
    const struct rs_short_codes *codes = &model->short_codes;
    double query_off = coded->residual * model->blocks[block].max_norm, worst = 0;
    double norm = sqrt(rs_canonical_dot(query, query, model->dimensions)) * (1.0 + 0x1p-40);
    float scale = (float)coded->step, reach = nextafterf((float)coded->norm, INFINITY);
    uint32_t first = block * RS_BLOCK_ITEMS, end = first + RS_BLOCK_ITEMS;

    for (uint32_t p = first; p < end && p < model->n_items; p++) {
        const float *item = model->items + (size_t)p * model->stride;
        int64_t product = 0;
        for (uint32_t j = 0; j < model->dimensions; j++)
            product += (int64_t)short_code_of(model, p, j) * coded->codes[j];
        if (isinf(codes->residuals[p]))
            continue;
        double bound = coded->norm * (double)codes->residuals[p] + query_off;
        double said = coded->step * (double)codes->steps[p] * (double)product;
        double off = fabs(rs_canonical_dot(query, item, model->dimensions) - said);
        worst = fmax(worst, bound > 0 ? off / bound : off > 0 ? INFINITY : 0);
        float bias = model->item_bias == NULL ? 0.0f : model->item_bias[p];
        float score = rs_canonical_score(model, p, query, 0.5);
        float limit = rs_bound_short_codes(model, coded, norm, block, 0.5, score);
        assert_false(scale * codes->steps[p] * (float)(int32_t)product +
                         reach * codes->residuals[p] + bias <
                     limit);
    }
    return worst;
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
        int8_t *codes = malloc((size_t)rs_short_codes_pairs(d) * RS_CODED_PAIR);
        for (int q = 0; q < 12; q++) {
            struct rs_coded coded;
            for (uint32_t j = 0; j < d; j++) /* one in three has an outlier dimension */
                query[j] = (float)(numbers_gauss(&numbers) * (q % 3 == 0 && j == 0 ? 1e3 : 1.0));
            rs_coded_make(query, d, q % 2 == 0 ? 127 : 64, codes, &coded);
            for (uint32_t b = 0; b < model->n_blocks; b++) {
                if (coded.step == 0 || model->code_bounds[b].step == 0)
                    continue;
                if (used(model, b, query, &coded) > 1.0 ||
                    used_short(model, b, query, &coded) > 1.0)
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

/* Every number of the items but the first, which gives the step, is half the way to the next code,
 * and every code of the query the largest: Cauchy-Schwarz is an equation then. A bound that is a
 * thousandth smaller would be broken. */
static void check_reached(int is_short)
{
    enum { D = 64, N = 1024 };
    struct plain_items items;
    struct rs_coded coded;
    float query[D];
    int8_t codes[D];

    plain_items_create(&items, GAUSSIAN, N, D, 0, 3);
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t j = 0; j < D; j++) {
            int mixed = (int)(i * 7 + j * 3);
            float off = is_short ? 7.9999f + (float)(16 * (mixed % 14) - 120)
                                 : 0.49999f + (float)(mixed % 120 - 60);
            items.rows[i * D + j] = j > 0 ? off : is_short ? 120.0f : 127.0f; /* the step is one */
        }
    for (uint32_t j = 0; j < D; j++)
        query[j] = j == 0 ? 0.0f : 2.5f;
    struct recsys_model *model = memory_model_create(&items);
    rs_coded_make(query, D, 127, codes, &coded);
    double share = is_short ? used_short(model, 0, query, &coded) : used(model, 0, query, &coded);
    assert_true(share <= 1.0);
    assert_true(share > 0.9995);
    recsys_model_unref(model);
    plain_items_destroy(&items);
}

static void some_vectors_reach_the_bound(void **state)
{
    (void)state;
    check_reached(0);
}

static void some_vectors_reach_the_bound_of_short_codes(void **state)
{
    (void)state;
    check_reached(1);
}

/* Steps and codes from a file may be anything. */
static void a_measured_residual_holds_whatever_the_codes(void **state)
{
    enum { N = 48, MAX_D = 70 };
    static const uint32_t dimensions[] = {1, 9, MAX_D};
    float rows[N * MAX_D], steps[N], residuals[N];
    uint8_t codes[4096];
    double norms[N];
    struct rs_block block;
    struct numbers numbers = {23};
    recsys_error err;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint32_t d = dimensions[round % 3];
        int exponent = -149 + round / 6 * 3 / 4 % 270, power = round * 7 % 101 - 50;
        assert_true(rs_short_codes_bytes(N, d) <= sizeof codes);
        for (size_t i = 0; i < sizeof codes; i++)
            codes[i] = (uint8_t)(numbers_gauss(&numbers) * 64.0);
        for (uint32_t i = 0; i < N * d; i++)
            rows[i] = ldexpf((float)numbers_gauss(&numbers), exponent);
        for (uint32_t i = 0; i < N; i++) {
            steps[i] = i % 8 == 0 ? 0.0f : ldexpf(1.0f, i % 2 == 0 ? power : exponent / 2);
            if (!rs_short_codes_is_step(steps[i]))
                steps[i] = 0.0f;
        }
        assert_int_equal(rs_layout_norms(rows, N, d, d, norms, "rows", &err), RECSYS_OK);
        double largest = 0;
        for (uint32_t i = 0; i < N; i++)
            largest = fmax(largest, norms[i]);
        norms[0] = largest; /* the blocks of scan order take the first one's */
        rs_layout_blocks(norms, NULL, N, &block);
        rs_short_codes_measure(rows, N, d, d, &block, codes, steps, residuals);
        for (uint32_t i = 0; i < N; i++) {
            double squares = 0;
            for (uint32_t j = 0; j < d; j++) {
                uint8_t byte =
                    codes[i / 16 * rs_short_codes_group_bytes(d) + j / 8 * 64 + i % 16 * 4 + j % 4];
                int code = 16 * (j % 8 < 4 ? byte & 15 : byte >> 4) - 120;
                squares += pow((double)rows[i * d + j] - (double)steps[i] * code, 2);
            }
            if (!((double)residuals[i] >= sqrt(squares) * (1.0 - 0x1p-40)))
                fail_msg("%u numbers 2^%d, step %g: the residual is %g, left out is %g", d,
                         exponent, (double)steps[i], (double)residuals[i], sqrt(squares));
        }
    }
}

/* The norm of what the codes leave out, all of which are `code`. */
static double left_out(const float *row, uint32_t d, double step, int code)
{
    double squares = 0;

    for (uint32_t j = 0; j < d; j++)
        squares += pow((double)row[j] - step * code, 2);
    return sqrt(squares);
}

/* Steps from a file may be far too wide: in their units the numbers' squares are no floats. */
static void a_measured_bound_holds_whatever_the_step_and_the_numbers(void **state)
{
    enum { N = 32, MAX_D = 70 };
    static const uint32_t dimensions[] = {1, 9, MAX_D};
    float rows[N * MAX_D];
    uint8_t codes[8192];
    double norms[N];
    unsigned n_measured = 0;

    (void)state;
    for (int round = 0; round < 3 * 2 * 100; round++) {
        uint32_t d = dimensions[round % 3];
        int code = round / 3 % 2, exponent = -149 + round / 6 * 3 / 2;
        assert_true(rs_codes_bytes(N, d) <= sizeof codes);
        memset(codes, (int)RS_CODES_ZERO + code, sizeof codes);
        for (uint32_t i = 0; i < N * d; i++)
            rows[i] = ldexpf(i % 3 == 0 ? -1.0f : 1.0f, exponent);
        for (int power = -44; power <= 46; power++) {
            const float scale = ldexpf(1.0f, power);
            struct rs_code_bounds bounds;
            struct rs_block block;
            recsys_error err;
            assert_true(rs_codes_is_scale(scale));
            assert_int_equal(rs_layout_norms(rows, N, d, d, norms, "rows", &err), RECSYS_OK);
            rs_layout_blocks(norms, NULL, N, &block);
            rs_codes_measure(rows, N, d, d, &block, &scale, codes, &bounds);
            double least = bounds.step > 0 ? left_out(rows, d, bounds.step, code) : norms[0];
            if (bounds.max_residual < least * (1.0 - 0x1p-40))
                fail_msg("%u numbers 2^%d, scale 2^%d, code %d: the bound is %g, left out is %g", d,
                         exponent, power, code, bounds.max_residual, least);
            n_measured += bounds.step > 0;
        }
    }
    assert_true(n_measured > 0);
}

static void numbers_that_codes_cannot_hold_are_left_to_floats(void **state)
{
    const float tiny[4] = {1e-20f, 0, 0, 0}, huge[4] = {1e30f, 0, 0, 0}, zero[4] = {0};
    struct rs_coded coded;
    int8_t codes[RS_CODED_PAIR];

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
        cmocka_unit_test(some_vectors_reach_the_bound_of_short_codes),
        cmocka_unit_test(a_measured_residual_holds_whatever_the_codes),
        cmocka_unit_test(a_measured_bound_holds_whatever_the_step_and_the_numbers),
        cmocka_unit_test(numbers_that_codes_cannot_hold_are_left_to_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
