/* Covers lib/bundle/layout.c: norms, scan order, bounds of blocks, conversion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/formats/floats.h"
#include "lib/bundle/layout.h"
#include "recsys/builder.h"
#include "tests/support/bundle.h"

static float real(uint64_t *seed)
{
    return (float)bundle_random(seed, 2001) / 1000.0f - 1.0f;
}

static void norms_are_euclidean_whatever_the_stride(void **state)
{
    const float rows[] = {3, 4, 99, 0, 0, 99, 0x1p100f, 0, 99, 0x1p-140f, 0, 99};
    double norms[4];

    (void)state;
    assert_int_equal(rs_layout_norms(rows, 4, 2, 3, norms, "x", NULL), RECSYS_OK);
    assert_true(norms[0] == 5);
    assert_true(norms[1] == 0);
    assert_true(norms[2] == 0x1p100);
    assert_true(norms[3] == 0x1p-140);
}

static void norms_of_every_length_agree_with_a_plain_sum(void **state)
{
    float row[70];
    uint64_t seed = 5;

    (void)state;
    for (size_t d = 1; d <= 70; d++) {
        double sum = 0, norm = 0;
        for (size_t j = 0; j < d; j++) {
            row[j] = real(&seed);
            sum += (double)row[j] * (double)row[j];
        }
        assert_int_equal(rs_layout_norms(row, 1, d, d, &norm, "x", NULL), RECSYS_OK);
        assert_true(fabs(norm - sqrt(sum)) < 1e-14);
    }
}

static void what_is_not_finite_is_named_by_row_and_column(void **state)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};
    double norms[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        float rows[15] = {0};
        recsys_error err;
        rows[2 * 5 + 3] = bad[i];
        assert_int_equal(rs_layout_norms(rows, 3, 5, 5, norms, "f: item_factors", &err),
                         RECSYS_E_FORMAT);
        assert_string_equal(err.message, "f: item_factors[2,3] is not a finite number");
    }
}

static void order_is_by_norm_and_keeps_equals_as_they_are(void **state)
{
    const double norms[] = {1, 3, 0, 3, 1, 1e300, 0};
    const uint32_t want[] = {5, 1, 3, 0, 4, 2, 6};
    uint32_t order[7];

    (void)state;
    assert_int_equal(rs_layout_order(norms, 7, order, NULL), RECSYS_OK);
    assert_memory_equal(order, want, sizeof want);
}

static void sorting_what_is_sorted_changes_nothing(void **state)
{
    enum { N = 5000 };
    double norms[N], again[N];
    uint32_t order[N], second[N];
    uint64_t seed = 9;

    (void)state;
    for (size_t i = 0; i < N; i++)
        norms[i] = (double)bundle_random(&seed, 500) / 7;
    assert_int_equal(rs_layout_order(norms, N, order, NULL), RECSYS_OK);
    for (size_t i = 0; i < N; i++)
        again[i] = norms[order[i]];
    assert_int_equal(rs_layout_order(again, N, second, NULL), RECSYS_OK);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(second[i], i);
        if (i > 0)
            assert_true(again[i - 1] > again[i] ||
                        (again[i - 1] == again[i] && order[i - 1] < order[i]));
    }
}

static void check_blocks(const double *norms, const float *bias, size_t n)
{
    size_t n_blocks = (n + RS_BLOCK_ITEMS - 1) / RS_BLOCK_ITEMS;
    struct rs_block *blocks = calloc(n_blocks, sizeof *blocks);

    rs_layout_blocks(norms, bias, n, blocks);
    for (size_t b = 0; b < n_blocks; b++) {
        int tight = 0, rest_tight = 0;
        for (size_t i = b * RS_BLOCK_ITEMS; i < n; i++) {
            double value = bias == NULL ? 0 : (double)bias[i];
            assert_true(blocks[b].rest_norm >= norms[i]);
            assert_true(blocks[b].rest_bias >= value);
            assert_true(blocks[b].rest_abs_bias >= fabs(value));
            rest_tight |= blocks[b].rest_bias == value;
            if (i >= (b + 1) * RS_BLOCK_ITEMS)
                continue;
            assert_true(blocks[b].max_norm >= norms[i]);
            assert_true(blocks[b].max_bias >= value);
            tight |= blocks[b].max_norm <= norms[i] * (1 + 1e-11) && norms[i] > 0;
        }
        assert_true(tight);
        assert_true(rest_tight);
    }
    free(blocks);
}

static void blocks_bound_their_items_and_all_that_follow(void **state)
{
    enum { N = 3 * RS_BLOCK_ITEMS + 17 };
    double *norms = malloc(N * sizeof *norms);
    float *bias = malloc(N * sizeof *bias);
    uint64_t seed = 3;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        norms[i] = (double)(N - i) / 7;
        bias[i] = real(&seed) - 5; /* all negative: a maximum of 0 would be wrong */
    }
    check_blocks(norms, bias, N);
    check_blocks(norms, NULL, N);
    check_blocks(norms, bias, 1);
    check_blocks(norms, bias, RS_BLOCK_ITEMS);
    check_blocks(norms, bias, RS_BLOCK_ITEMS + 1);
    free(bias);
    free(norms);
}

static void numbers_of_every_type_become_floats(void **state)
{
    const double doubles[] = {1.5, -0.1, 1e300, 1e-300};
    const uint16_t halves[] = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x03FF, 0x8000, 0x7C00, 0xFC00};
    const float want_halves[] = {1, -2, 65504, 0x1p-24f, 0x3FFp-24f, -0.f, INFINITY, -INFINITY};
    const uint16_t brains[] = {0x3F80, 0xC000, 0x7F80};
    const float want_brains[] = {1, -2, INFINITY}, floats[] = {1.25f, -7};
    float got[8];

    (void)state;
    rs_floats_read(doubles, RECSYS_DTYPE_F64, 4, got);
    assert_true(got[0] == 1.5f && got[1] == -0.1f && isinf(got[2]) && got[3] == 0);
    rs_floats_read(halves, RECSYS_DTYPE_F16, 8, got);
    assert_memory_equal(got, want_halves, sizeof want_halves);
    rs_floats_read(brains, RECSYS_DTYPE_BF16, 3, got);
    assert_memory_equal(got, want_brains, sizeof want_brains);
    rs_floats_read(floats, RECSYS_DTYPE_F32, 2, got);
    assert_memory_equal(got, floats, sizeof floats);
    const uint16_t nan_half = 0x7E00;
    rs_floats_read(&nan_half, RECSYS_DTYPE_F16, 1, got);
    assert_true(isnan(got[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_are_euclidean_whatever_the_stride),
        cmocka_unit_test(norms_of_every_length_agree_with_a_plain_sum),
        cmocka_unit_test(what_is_not_finite_is_named_by_row_and_column),
        cmocka_unit_test(order_is_by_norm_and_keeps_equals_as_they_are),
        cmocka_unit_test(sorting_what_is_sorted_changes_nothing),
        cmocka_unit_test(blocks_bound_their_items_and_all_that_follow),
        cmocka_unit_test(numbers_of_every_type_become_floats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
