/* Covers recsys/deployment.h as programs use it: what answers say about a new model. The steps
 * themselves are in tests/unit/test_deployment.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/deployment.h"
#include "tests/support/bundle.h"

static char *root, first[512], second[512];
static recsys_error err;
static recsys_deployment *deployment;

static int set_up(void **state)
{
    struct bundle bundle;

    (void)state;
    root = bundle_make_directory();
    snprintf(first, sizeof first, "%s/first", root);
    snprintf(second, sizeof second, "%s/second", root);
    bundle_write(&bundle, first, 20, 40, 8, 1, BUNDLE_SEEN);
    bundle_free(&bundle);
    bundle_write(&bundle, second, 20, 50, 8, 2, BUNDLE_SEEN);
    bundle_free(&bundle);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_deployment_destroy(deployment);
    deployment = NULL;
    bundle_remove_directory(root);
    free(root);
    return 0;
}

static void serve(const char *source)
{
    assert_int_equal(recsys_deployment_load(deployment, source, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_use(deployment, NULL, &err), RECSYS_OK);
}

static uint64_t items_served(void)
{
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_model *model = recsys_deployment_acquire(deployment);

    assert_int_equal(recsys_model_get_info(model, &info, NULL), RECSYS_OK);
    recsys_model_unref(model);
    return info.n_items;
}

/* Answer each user once, and say how that went. */
static void answer_users(uint32_t decade)
{
    recsys_recommender *recommender;

    assert_int_equal(recsys_recommender_create(NULL, &recommender, &err), RECSYS_OK);
    for (uint64_t user = 1; user <= 20; user++) {
        recsys_request request = RECSYS_REQUEST_INIT;
        recsys_reply reply = RECSYS_REPLY_INIT;
        recsys_model *model = recsys_deployment_acquire(deployment);
        request.user.number = user;
        request.decade = (int32_t)decade; /* nothing is of any decade: there is no catalogue */
        recsys_status status = recsys_recommend(recommender, model, &request, 1, &reply, &err);
        assert_int_equal(recsys_deployment_record(deployment, model, &request, 1,
                                                  status != RECSYS_OK,
                                                  status == RECSYS_OK && reply.count == 0, &err),
                         RECSYS_OK);
        recsys_model_unref(model);
    }
    recsys_recommender_destroy(recommender);
}

static void a_model_that_answers_worse_is_rolled_back(void **state)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    recsys_deployment_status status = RECSYS_DEPLOYMENT_STATUS_INIT;

    (void)state;
    options.watch_min_answers = 20;
    assert_int_equal(recsys_deployment_create(NULL, &options, &deployment, &err), RECSYS_OK);
    serve(first);
    answer_users(0);
    serve(second);
    answer_users(0);
    assert_int_equal(items_served(), 50);
    serve(first);
    answer_users(1990);
    assert_int_equal(items_served(), 50); /* all answers of the first were empty this time */
    assert_int_equal(recsys_deployment_get_status(deployment, &status, &err), RECSYS_OK);
    assert_int_equal(status.n_withdrawn, 1);
    assert_int_equal(status.n_recent, 60);
    assert_non_null(strstr(status.last_error.message, "answers were empty"));
}

static void a_record_needs_a_deployment_and_a_model(void **state)
{
    (void)state;
    assert_int_equal(recsys_deployment_record(NULL, NULL, NULL, 1, 0, 0, &err), RECSYS_E_INVALID);
}

static int32_t count_event(const recsys_deployment_event *event, void *user_data)
{
    assert_int_equal(event->struct_size, sizeof *event);
    ++*(int *)user_data;
    return event->kind == RECSYS_DEPLOYMENT_FAILED;
}

static void the_history_is_listed_until_it_is_stopped(void **state)
{
    int n = 0;

    (void)state;
    assert_int_equal(recsys_deployment_create(NULL, NULL, &deployment, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_list(deployment, count_event, &n, &err), RECSYS_OK);
    assert_int_equal(n, 0);
    serve(first);
    assert_int_equal(recsys_deployment_list(deployment, count_event, &n, &err), RECSYS_OK);
    assert_int_equal(n, 1);
    assert_int_equal(recsys_deployment_load(deployment, "/nowhere/at/all", &err), RECSYS_E_IO);
    serve(second);
    assert_int_equal(recsys_deployment_list(deployment, count_event, &n, &err), RECSYS_E_STOPPED);
    assert_int_equal(n, 3);
    assert_int_equal(recsys_deployment_list(deployment, NULL, &n, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_deployment_list(NULL, count_event, &n, &err), RECSYS_E_INVALID);
    assert_true(recsys_deployment_get_poll_wait(deployment) <= 30000);
}

static void steps_have_names(void **state)
{
    (void)state;
    assert_string_equal(recsys_deployment_step_name(RECSYS_DEPLOYMENT_STEP_NONE), "none");
    assert_string_equal(recsys_deployment_step_name(RECSYS_DEPLOYMENT_STEP_SWAP), "swap");
    assert_string_equal(recsys_deployment_step_name(77), "unknown");
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_model_that_answers_worse_is_rolled_back),
        T(the_history_is_listed_until_it_is_stopped),
        T(a_record_needs_a_deployment_and_a_model),
        cmocka_unit_test(steps_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
