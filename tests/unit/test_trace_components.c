/* Covers the trace lines of store, denylist, deployment and scan: each step is one, with the
 * request's id, and no call of the hook is made while a component is off. aside is in
 * test_aside_states.c, redis in fault/redis_io.c, postgres in integration/postgres_failures.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "recsys/deployment.h"
#include "recsys/log.h"
#include "recsys/scorer.h"
#include "tests/support/denylist_fixture.h"
#include "tests/support/fake_driver.h"
#include "tests/support/model_setup.h"
#include "tests/support/trace_lines.h"

/* Line i of the component, behind "component [r7] ". */
static void assert_line(size_t i, const char *component, const char *want)
{
    char start[32];
    const char *line = trace_line(i);

    snprintf(start, sizeof start, "%s [r7] ", component);
    if (strncmp(line, start, strlen(start)) != 0 || strcmp(line + strlen(start), want) != 0)
        fail_msg("line %zu is \"%s\", not \"%s%s\"", i, line, start, want);
}

static void begin_trace(const char *components)
{
    recsys_log_set_request("r7");
    trace_begin(components);
}

/* -- store -- */

static void fail_three_times(void)
{
    recsys_bytes key = KEY;
    recsys_value value;

    fake.answer = RECSYS_E_TIMEOUT;
    for (int i = 0; i < 3; i++)
        assert_int_equal(recsys_store_get(store, &key, 1, &value, NULL, &err), RECSYS_E_TIMEOUT);
    fake.answer = RECSYS_OK;
}

static void each_state_of_a_breaker_is_a_line(void **state)
{
    (void)state;
    begin_trace("store");
    fail_three_times();
    fake.clock_ms += 100;
    fake.ping_answer = RECSYS_E_IO;
    assert_int_equal(recsys_store_probe(store, &err), RECSYS_E_IO);
    fake.clock_ms += 200;
    fake.ping_answer = RECSYS_OK;
    assert_int_equal(recsys_store_probe(store, &err), RECSYS_OK);
    trace_end();
    const char *const name = recsys_store_get_name(store);
    static const char *const steps[] = {
        "CLOSED -> OPEN: failures in a row",
        "OPEN -> PROBING: the pause is over",
        "PROBING -> OPEN: the server has not answered",
        "OPEN -> PROBING: the pause is over",
        "PROBING -> RETURNING: the server has answered",
        "RETURNING -> CLOSED: all invalidations are sent",
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        char want[128];
        snprintf(want, sizeof want, "%s: breaker %s", name, steps[i]);
        assert_line(i, "store", want);
    }
    assert_int_equal(trace_count(), sizeof steps / sizeof steps[0]);
}

/* -- denylist -- */

static void each_step_of_a_check_and_of_the_proof_is_a_line_without_the_jti(void **state)
{
    static const char *const lines[] = {
        "check: the store says UNKNOWN (OK)",      "proof: a reading begins: EMPTY",
        "proof: a reading ends, its exchange: OK", "check: the database says CLEAR (OK)",
        "check: the store says CLEAR (OK)",        "proof: withdrawn: OK",
        "check: the store says REVOKED (OK)",      "check: the set says REVOKED (OK)",
    };

    (void)state;
    begin_trace("denylist");
    assert_int_equal(check(denylist_fixture.b, "token-1"), CLEAR);
    assert_int_equal(check(denylist_fixture.b, "token-1"), CLEAR);
    revoke(denylist_fixture.a, "token-1");
    assert_int_equal(check(denylist_fixture.b, "token-1"), REVOKED);
    assert_int_equal(check(denylist_fixture.a, "token-1"), REVOKED);
    trace_end();
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_line(i, "denylist", lines[i]);
    assert_int_equal(trace_count(), sizeof lines / sizeof lines[0]);
    assert_int_equal(trace_with("token-1"), 0);
}

/* -- deployment and scan -- */

static struct model_setup movies;

static int write_model(void **state)
{
    (void)state;
    model_setup_bundle(&movies, 20, 3000, 8, 0);
    return 0;
}

static int remove_model(void **state)
{
    (void)state;
    model_setup_end(&movies);
    return 0;
}

static void each_state_of_a_deployments_step_is_a_line(void **state)
{
    static const char *const lines[] = {
        "load: FIND: FOUND -> FETCH",        "load: FETCH: FETCHED -> WEIGH",
        "load: WEIGH: FITS -> LOAD",         "load: LOAD: LOADED -> WARM",
        "load: WARM: WARMED -> CHECK",       "load: CHECK: PROPOSED -> PROPOSE",
        "load: PROPOSE: KEPT -> IDLE",       "use: CHOOSE: CHOSEN -> SERVE",
        "use: SERVE: SERVED -> IDLE",        "reload: FIND: FOUND -> FETCH",
        "reload: FETCH: FETCHED -> WEIGH",   "reload: WEIGH: FITS -> LOAD",
        "reload: LOAD: RELOADED -> COMPARE", "reload: COMPARE: SAME -> IDLE",
        "use: CHOOSE: FAILED -> FAIL",       "use: FAIL: NOTED -> IDLE",
        "load: FIND: FAILED -> FAIL",        "load: FAIL: NOTED -> IDLE",
    };
    recsys_deployment *deployment;
    uint32_t changed;

    (void)state;
    assert_int_equal(recsys_deployment_create(movies.path, NULL, &deployment, &err), RECSYS_OK);
    begin_trace("deployment");
    assert_int_equal(recsys_deployment_load(deployment, NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_use(deployment, NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_reload(deployment, &changed, &err), RECSYS_OK);
    assert_int_equal(recsys_deployment_use(deployment, NULL, &err), RECSYS_E_STATE);
    assert_int_not_equal(recsys_deployment_load(deployment, "/nowhere", &err), RECSYS_OK);
    trace_end();
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_line(i, "deployment", lines[i]);
    assert_int_equal(trace_count(), sizeof lines / sizeof lines[0]);
    recsys_deployment_destroy(deployment);
}

static void top_3(recsys_scorer *scorer, const recsys_model *model)
{
    static const float vector[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    float scores[3];
    uint32_t count;

    assert_int_equal(recsys_scorer_top_k_matrix(scorer, model, vector, 1, 8, NULL, NULL, 3, NULL,
                                                NULL, scores, &count, &err),
                     RECSYS_OK);
    assert_int_equal(count, 3);
}

static void a_scan_is_one_line_with_its_numbers(void **state)
{
    recsys_model *model = model_setup_load(movies.path, NULL);
    recsys_scorer *scorer;
    unsigned n_blocks = 0, n_of = 0;
    unsigned long n_scored = 0;

    (void)state;
    assert_int_equal(recsys_scorer_create(NULL, &scorer, &err), RECSYS_OK);
    begin_trace("scan");
    top_3(scorer, model);
    trace_end();
    assert_int_equal(trace_count(), 1);
    assert_memory_equal(trace_line(0), "scan [r7] 1 queries over 3000 items by ", 39);
    const char *numbers = strstr(trace_line(0), "threads: ");
    assert_non_null(numbers);
    assert_int_equal(sscanf(numbers, "threads: %u of %u blocks", &n_blocks, &n_of), 2);
    assert_int_equal(n_of, 3);
    assert_in_range(n_blocks, 1, 3);
    const char *end = strstr(trace_line(0), "item by item, ");
    assert_non_null(end);
    assert_int_equal(sscanf(end, "item by item, %lu items scored exactly", &n_scored), 1);
    assert_in_range(n_scored, 3, 3000);
    top_3(scorer, model);
    assert_int_equal(trace_count(), 1);
    recsys_scorer_destroy(scorer);
    recsys_model_unref(model);
}

static void what_is_not_traced_calls_nobody(void **state)
{
    (void)state;
    begin_trace("aside,redis,postgres");
    fail_three_times();
    recsys_model *model = model_setup_load(movies.path, NULL);
    recsys_scorer *scorer;
    assert_int_equal(recsys_scorer_create(NULL, &scorer, &err), RECSYS_OK);
    top_3(scorer, model);
    recsys_scorer_destroy(scorer);
    recsys_model_unref(model);
    trace_end();
    assert_int_equal(trace_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_state_of_a_breaker_is_a_line, fake_set_up_probed,
                                        fake_tear_down),
        cmocka_unit_test_setup_teardown(
            each_step_of_a_check_and_of_the_proof_is_a_line_without_the_jti, setup, teardown),
        cmocka_unit_test(each_state_of_a_deployments_step_is_a_line),
        cmocka_unit_test(a_scan_is_one_line_with_its_numbers),
        cmocka_unit_test_setup_teardown(what_is_not_traced_calls_nobody, fake_set_up_probed,
                                        fake_tear_down),
    };

    return cmocka_run_group_tests(tests, write_model, remove_model);
}
