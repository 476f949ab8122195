/* Covers lib/serve/slot.c: who destroys a model, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/model/model.h"
#include "lib/serve/slot.h"
#include "tests/support/count_alloc.h"

/* Models are destroyed when their blocks are freed; so blocks are counted. This one is nothing but
 * a count: a slot looks at no more, and destroying it is one block less. */
static recsys_model *new_model(void)
{
    recsys_model *model = rs_alloc_array(1, sizeof *model);

    assert_non_null(model);
    atomic_init(&model->refs, 1u);
    model->n_items = 4;
    return model;
}

static unsigned refs(const recsys_model *model)
{
    return atomic_load(&model->refs);
}

static recsys_slot *new_slot(void)
{
    recsys_slot *slot = NULL;

    assert_int_equal(recsys_slot_create(&slot, NULL), RECSYS_OK);
    return slot;
}

static void swap(recsys_slot *slot, recsys_model *next)
{
    assert_int_equal(recsys_slot_swap(slot, next, NULL), RECSYS_OK);
}

static void an_empty_slot_serves_nothing(void **state)
{
    recsys_slot *slot = new_slot();

    (void)state;
    assert_null(recsys_slot_acquire(slot));
    assert_int_equal(recsys_slot_reap(slot), 0);
    assert_int_equal(recsys_slot_get_generation(slot), 0);
    recsys_slot_destroy(slot);
    recsys_slot_destroy(NULL);
}

static void missing_arguments_are_refused(void **state)
{
    recsys_error err;

    (void)state;
    assert_int_equal(recsys_slot_create(NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_slot_swap(NULL, NULL, &err), RECSYS_E_INVALID);
    assert_null(recsys_slot_acquire(NULL));
    assert_int_equal(recsys_slot_reap(NULL), 0);
}

static void an_acquired_model_outlives_its_replacement(void **state)
{
    recsys_slot *slot = new_slot();
    recsys_model *first = new_model(), *second = new_model();

    (void)state;
    swap(slot, first);
    recsys_model_unref(first); /* the slot has its own */
    recsys_model *held = recsys_slot_acquire(slot);
    assert_ptr_equal(held, first);

    swap(slot, second);
    recsys_model_unref(second);
    assert_int_equal(recsys_slot_reap(slot), 1);
    assert_int_equal(held->n_items, 4);
    assert_int_equal(rs_slot_count_used(slot, NULL, 0), 1);

    recsys_model_unref(held);
    recsys_slot_destroy(slot);
}

static void giving_back_never_destroys_and_reaping_does(void **state)
{
    recsys_slot *slot = new_slot();
    recsys_model *model = new_model();

    (void)state;
    swap(slot, model);
    recsys_model_unref(model);
    model = recsys_slot_acquire(slot);
    swap(slot, NULL);
    long before = count_alloc.n_blocks;
    recsys_model_unref(model);
    assert_int_equal(count_alloc.n_blocks, before);
    assert_int_equal(rs_slot_count_used(slot, NULL, 0), 0);
    assert_int_equal(recsys_slot_reap(slot), 0);
    assert_int_equal(count_alloc.n_blocks, before - 2); /* the model and the list's node */
    recsys_slot_destroy(slot);
}

static void a_swap_destroys_what_nobody_uses(void **state)
{
    recsys_slot *slot = new_slot();

    (void)state;
    for (int i = 0; i < 5; i++) {
        recsys_model *model = new_model();
        swap(slot, model);
        recsys_model_unref(model);
    }
    long before = count_alloc.n_blocks;
    swap(slot, NULL);
    assert_int_equal(count_alloc.n_blocks, before - 1);
    recsys_slot_destroy(slot);
}

static void a_retired_model_that_comes_back_leaves_the_list(void **state)
{
    recsys_slot *slot = new_slot();
    recsys_model *a = new_model(), *b = new_model();

    (void)state;
    for (int i = 0; i < 3; i++) { /* back and forth, while we hold both */
        swap(slot, a);
        assert_int_equal(recsys_slot_reap(slot), i == 0 ? 0 : 1);
        swap(slot, b);
        assert_int_equal(recsys_slot_reap(slot), 1);
        assert_int_equal(refs(a), 2);
        assert_int_equal(refs(b), 2);
    }
    assert_int_equal(rs_slot_count_used(slot, NULL, 0), 1);
    assert_int_equal(rs_slot_count_used(slot, (const recsys_model *const[]){NULL, a}, 2), 0);

    long before = count_alloc.n_blocks;
    recsys_model_unref(a);
    assert_int_equal(count_alloc.n_blocks, before);
    assert_int_equal(recsys_slot_reap(slot), 0);
    assert_int_equal(count_alloc.n_blocks, before - 2);
    assert_ptr_equal(recsys_slot_acquire(slot), b);
    recsys_model_unref(b);
    recsys_model_unref(b);
    recsys_slot_destroy(slot);
}

static void swapping_a_model_for_itself_keeps_it(void **state)
{
    recsys_slot *slot = new_slot();
    recsys_model *a = new_model();

    (void)state;
    swap(slot, a);
    swap(slot, a);
    assert_int_equal(refs(a), 2);
    assert_int_equal(recsys_slot_reap(slot), 0);
    assert_int_equal(recsys_slot_get_generation(slot), 2);
    recsys_model_unref(a);
    assert_int_equal(recsys_slot_acquire(slot)->n_items, 4);
    recsys_model_unref(a);
    recsys_slot_destroy(slot);
}

static void an_acquired_model_outlives_the_slot(void **state)
{
    recsys_slot *slot = new_slot();
    recsys_model *retired = new_model(), *current = new_model();

    (void)state;
    swap(slot, retired);
    recsys_model_unref(retired);
    retired = recsys_slot_acquire(slot);
    swap(slot, current);
    recsys_model_unref(current);
    current = recsys_slot_acquire(slot);
    recsys_slot_destroy(slot);
    assert_int_equal(count_alloc.n_blocks, 2);
    assert_int_equal(retired->n_items, 4);
    assert_int_equal(current->n_items, 4);
    recsys_model_unref(retired);
    recsys_model_unref(current);
    assert_int_equal(count_alloc.n_blocks, 0);
}

static void a_reference_of_somebody_else_keeps_a_retired_model(void **state)
{
    recsys_slot *slot = new_slot();
    recsys_model *a = new_model();

    (void)state;
    swap(slot, a);
    recsys_model_ref(a);
    recsys_model_unref(a);
    swap(slot, NULL);
    assert_int_equal(recsys_slot_reap(slot), 1);
    assert_int_equal(a->n_items, 4);
    recsys_slot_destroy(slot); /* gives up its reference, not ours */
    assert_int_equal(refs(a), 1);
    recsys_model_unref(a);
}

static void without_memory_a_swap_changes_nothing(void **state)
{
    recsys_slot *slot = new_slot();
    recsys_model *a = new_model(), *b = new_model();
    recsys_error err;

    (void)state;
    swap(slot, a);
    count_alloc.n_allowed = 0;
    assert_int_equal(recsys_slot_swap(slot, b, &err), RECSYS_E_NOMEM);
    recsys_slot *none = slot;
    assert_int_equal(recsys_slot_create(&none, &err), RECSYS_E_NOMEM);
    count_alloc.n_allowed = ULONG_MAX;
    assert_null(none);
    assert_int_equal(refs(b), 1);
    assert_int_equal(recsys_slot_get_generation(slot), 1);
    assert_ptr_equal(recsys_slot_acquire(slot), a);
    recsys_model_unref(a);
    recsys_model_unref(a);
    recsys_model_unref(b);
    recsys_slot_destroy(slot);
}

static int nothing_is_left(void **state)
{
    (void)state;
    return count_alloc.n_blocks == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_empty_slot_serves_nothing, nothing_is_left),
        cmocka_unit_test(missing_arguments_are_refused),
        cmocka_unit_test_teardown(an_acquired_model_outlives_its_replacement, nothing_is_left),
        cmocka_unit_test_teardown(giving_back_never_destroys_and_reaping_does, nothing_is_left),
        cmocka_unit_test_teardown(a_swap_destroys_what_nobody_uses, nothing_is_left),
        cmocka_unit_test_teardown(a_retired_model_that_comes_back_leaves_the_list, nothing_is_left),
        cmocka_unit_test_teardown(swapping_a_model_for_itself_keeps_it, nothing_is_left),
        cmocka_unit_test_teardown(an_acquired_model_outlives_the_slot, nothing_is_left),
        cmocka_unit_test_teardown(a_reference_of_somebody_else_keeps_a_retired_model,
                                  nothing_is_left),
        cmocka_unit_test_teardown(without_memory_a_swap_changes_nothing, nothing_is_left),
    };

    if (count_alloc_install() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
