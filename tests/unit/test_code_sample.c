/* A few queries say before the first scan whether integer codes tell the items apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/bundle/code_sample.h"
#include "tests/support/memory_model.h"

static double share_of(const struct plain_items *items)
{
    struct recsys_model *model = memory_model_create(items);
    recsys_error err;
    double share;

    const struct rs_code_vectors vectors = {
        model->users,   model->items,    model->item_bias,  model->blocks, model->n_users,
        model->n_items, model->n_blocks, model->dimensions, model->stride,
    };
    assert_int_equal(rs_code_sample(&vectors, &share, &err), RECSYS_OK);
    recsys_model_unref(model);
    return share;
}

static void ordinary_vectors_leave_few_items_to_score(void **state)
{
    struct plain_items items;

    (void)state;
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        plain_items_create(&items, GAUSSIAN, 20000, 64, with_bias, 7);
        assert_true(share_of(&items) < 0.01);
        plain_items_destroy(&items);
    }
}

static void one_large_dimension_hides_the_others(void **state)
{
    struct plain_items items;

    (void)state;
    plain_items_create(&items, GAUSSIAN, 20000, 64, 0, 8);
    for (uint32_t i = 0; i < items.n; i++)
        items.rows[(size_t)i * 64] = 1000.0f;
    assert_true(share_of(&items) > 0.5);
    plain_items_destroy(&items);
}

static void a_model_of_zeros_has_no_use_for_codes(void **state)
{
    struct plain_items items;

    (void)state;
    plain_items_create(&items, GAUSSIAN, 3, 5, 0, 9);
    for (uint32_t i = 0; i < 15; i++)
        items.rows[i] = 0.0f;
    assert_true(share_of(&items) == 1.0);
    plain_items_destroy(&items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_vectors_leave_few_items_to_score),
        cmocka_unit_test(one_large_dimension_hides_the_others),
        cmocka_unit_test(a_model_of_zeros_has_no_use_for_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
