/* Warming up makes the equations of new users, so that no session waits for them after a swap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model/model.h"
#include "lib/registry/warm_up.h"
#include "tests/support/als_model.h"
#include "tests/support/scratch.h"

static recsys_error err;

static void *equations_of(const struct als_model *als)
{
    return atomic_load(&((struct recsys_model *)(uintptr_t)als->model)->normal);
}

static void a_model_that_replaces_another_has_its_equations_before_it_serves(void **state)
{
    static const char *const fields[] = {"algorithm", "als", "hyperparameters.regularization",
                                         "0.1", NULL};
    recsys_request request = RECSYS_REQUEST_INIT;
    struct rs_recent recent = {0};
    struct rs_warmed warmed;
    struct als_model als;

    (void)state;
    als_model_create(&als, in_scratch("als"), 3, 50, 8, 1, fields);
    assert_int_equal(rs_recent_init(&recent, 4, &err), RECSYS_OK);
    assert_int_equal(rs_warm_up(als.model, 0, &recent, &warmed, &err), RECSYS_OK);
    assert_null(equations_of(&als)); /* the first model: nobody waits to see it replaced */
    assert_int_equal(rs_warm_up(als.model, 1, &recent, &warmed, &err), RECSYS_OK);
    assert_non_null(equations_of(&als)); /* whether or not requests are recorded */
    rs_recent_add(&recent, &request);
    assert_int_equal(rs_warm_up(als.model, 1, &recent, &warmed, &err), RECSYS_OK);
    assert_int_equal(warmed.n_replayed, 1);
    rs_recent_destroy(&recent);
    als_model_destroy(&als);
}

static void another_kind_of_model_has_none(void **state)
{
    static const char *const fields[] = {"algorithm", "bpr", NULL};
    recsys_request request = RECSYS_REQUEST_INIT;
    struct rs_recent recent = {0};
    struct rs_warmed warmed;
    struct als_model als;

    (void)state;
    als_model_create(&als, in_scratch("bpr"), 3, 50, 8, 1, fields);
    assert_int_equal(rs_recent_init(&recent, 4, &err), RECSYS_OK);
    rs_recent_add(&recent, &request);
    assert_int_equal(rs_warm_up(als.model, 1, &recent, &warmed, &err), RECSYS_OK);
    assert_null(equations_of(&als));
    rs_recent_destroy(&recent);
    als_model_destroy(&als);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_replaces_another_has_its_equations_before_it_serves),
        cmocka_unit_test(another_kind_of_model_has_none),
    };

    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
