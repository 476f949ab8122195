/* A few queries say before the first scan whether integer codes tell the items apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/bundle/code_sample.h"
#include "tests/support/memory_model.h"

static struct rs_code_verdict verdict_of(const struct plain_items *items)
{
    struct recsys_model *model = memory_model_create(items);
    struct rs_code_verdict verdict;
    recsys_error err;

    const struct rs_code_vectors vectors = {
        model->users,   model->items,    model->item_bias,  model->blocks, model->n_users,
        model->n_items, model->n_blocks, model->dimensions, model->stride,
    };
    assert_int_equal(rs_code_sample(&vectors, &verdict, &err), RECSYS_OK);
    recsys_model_unref(model);
    return verdict;
}

static void ordinary_vectors_leave_few_items_to_score(void **state)
{
    struct plain_items items;

    (void)state;
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        plain_items_create(&items, GAUSSIAN, 20000, 64, with_bias, 7);
        struct rs_code_verdict verdict = verdict_of(&items);
        assert_true(verdict.left < 0.01 && verdict.codes_pay);
        assert_false(verdict.short_codes_pay); /* so few items stay in the caches */
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
    struct rs_code_verdict verdict = verdict_of(&items);
    assert_true(verdict.left > 0.5 && !verdict.codes_pay && !verdict.short_codes_pay);
    plain_items_destroy(&items);
}

static void a_model_of_zeros_has_no_use_for_codes(void **state)
{
    struct plain_items items;

    (void)state;
    plain_items_create(&items, GAUSSIAN, 3, 5, 0, 9);
    for (uint32_t i = 0; i < 15; i++)
        items.rows[i] = 0.0f;
    struct rs_code_verdict verdict = verdict_of(&items);
    assert_true(verdict.left == 1.0 && !verdict.codes_pay && !verdict.short_codes_pay);
    plain_items_destroy(&items);
}

/* 16 MiB of codes. Of items that are about equally long every block is looked at; where lengths are
 * spread, most scans end early. */
static void short_codes_pay_where_there_is_much_to_read(void **state)
{
    enum { N = 131072, D = 128 };
    struct plain_items items;

    (void)state;
    plain_items_create(&items, GAUSSIAN, N, D, 0, 7);
    for (int spread = 0; spread < 2; spread++) {
        for (size_t i = 0; spread && i < (size_t)N * D; i++)
            items.rows[i] /= 1.0f + (float)(i / D) / 1000.0f;
        struct rs_code_verdict verdict = verdict_of(&items);
        assert_true(verdict.codes_pay);
        assert_true(verdict.short_codes_pay == !spread);
        assert_true(spread ? verdict.looked_at < 0.5 : verdict.looked_at == 1.0);
    }
    plain_items_destroy(&items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_vectors_leave_few_items_to_score),
        cmocka_unit_test(one_large_dimension_hides_the_others),
        cmocka_unit_test(a_model_of_zeros_has_no_use_for_codes),
        cmocka_unit_test(short_codes_pay_where_there_is_much_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
