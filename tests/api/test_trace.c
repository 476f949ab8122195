/* Covers the trace part of log.h: choosing components, naming requests, and what a driver calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/recsys.h"
#include "tests/support/trace_lines.h"

static const struct {
    uint32_t component;
    const char *name;
} all[] = {{RECSYS_TRACE_ASIDE, "aside"},       {RECSYS_TRACE_STORE, "store"},
           {RECSYS_TRACE_REDIS, "redis"},       {RECSYS_TRACE_POSTGRES, "postgres"},
           {RECSYS_TRACE_DENYLIST, "denylist"}, {RECSYS_TRACE_DEPLOYMENT, "deployment"},
           {RECSYS_TRACE_SCAN, "scan"}};

#define N_ALL (sizeof all / sizeof all[0])

static const char *traced(void)
{
    static char text[RECSYS_TRACE_NAMES_SIZE];
    size_t size = sizeof text;

    assert_int_equal(recsys_log_get_trace(text, &size, NULL), RECSYS_OK);
    assert_int_equal(size, strlen(text));
    return text;
}

static void nothing_is_traced_until_somebody_asks(void **state)
{
    (void)state;
    assert_string_equal(traced(), "");
    for (size_t i = 0; i < N_ALL; i++)
        assert_int_equal(recsys_log_check_trace(all[i].component), 0);
    trace_begin("");
    for (size_t i = 0; i < N_ALL; i++)
        recsys_log_write_trace(all[i].component, "unheard");
    trace_end();
    assert_int_equal(trace_count(), 0);
}

static void every_component_has_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        trace_begin(all[i].name);
        assert_string_equal(traced(), all[i].name);
        for (size_t j = 0; j < N_ALL; j++) {
            assert_int_equal(recsys_log_check_trace(all[j].component), i == j);
            recsys_log_write_trace(all[j].component, "one step");
        }
        assert_int_equal(trace_count(), 1);
        char want[64];
        snprintf(want, sizeof want, "%s [-] one step", all[i].name);
        assert_string_equal(trace_line(0), want);
    }
    trace_end();
}

static void all_are_traced_at_once_and_none_again(void **state)
{
    (void)state;
    assert_int_equal(recsys_log_set_trace("all", NULL), RECSYS_OK);
    assert_string_equal(traced(), "aside,store,redis,postgres,denylist,deployment,scan");
    assert_int_equal(recsys_log_set_trace("scan,aside", NULL), RECSYS_OK);
    assert_string_equal(traced(), "aside,scan");
    assert_int_equal(recsys_log_set_trace("", NULL), RECSYS_OK);
    assert_string_equal(traced(), "");
}

static void an_unknown_name_is_refused_with_the_known_ones_and_changes_nothing(void **state)
{
    static const char *const wrong[] = {"asides", "aside,", "aside;redis", "aside, redis",
                                        ",aside", "ASIDE",  " ",           "aside,,scan"};
    recsys_error err = {0};

    (void)state;
    assert_int_equal(recsys_log_set_trace("store", NULL), RECSYS_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(recsys_log_set_trace(wrong[i], &err), RECSYS_E_INVALID);
        assert_string_equal(traced(), "store");
        assert_non_null(strstr(err.message, "aside,store,redis,postgres,denylist,deployment,scan"));
    }
    assert_int_equal(recsys_log_set_trace(NULL, NULL), RECSYS_OK);
}

static void a_buffer_that_is_too_small_is_said_to_be(void **state)
{
    char text[8] = "before";
    size_t size = 5;
    recsys_error err = {0};

    (void)state;
    assert_int_equal(recsys_log_set_trace("aside", NULL), RECSYS_OK);
    assert_int_equal(recsys_log_get_trace(text, &size, &err), RECSYS_E_LIMIT);
    assert_int_equal(size, 0);
    assert_string_equal(text, "");
    size = 6;
    assert_int_equal(recsys_log_get_trace(text, &size, &err), RECSYS_OK);
    assert_string_equal(text, "aside");
    size = 0;
    assert_int_equal(recsys_log_get_trace(text, &size, &err), RECSYS_E_INVALID);
    size = 8;
    assert_int_equal(recsys_log_get_trace(NULL, &size, &err), RECSYS_E_INVALID);
    assert_int_equal(size, 0);
    assert_int_equal(recsys_log_get_trace(text, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_log_set_trace(NULL, NULL), RECSYS_OK);
}

static void lines_carry_the_requests_id(void **state)
{
    char longest[200];

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    trace_begin("redis");
    recsys_log_set_request("7f3a");
    recsys_log_write_trace(RECSYS_TRACE_REDIS, "a");
    recsys_log_set_request("two\nlines \xc3\xa9");
    recsys_log_write_trace(RECSYS_TRACE_REDIS, "b");
    recsys_log_set_request(longest);
    recsys_log_write_trace(RECSYS_TRACE_REDIS, "c");
    recsys_log_set_request(NULL);
    recsys_log_write_trace(RECSYS_TRACE_REDIS, "d");
    recsys_log_set_request("e");
    recsys_log_set_request("");
    recsys_log_write_trace(RECSYS_TRACE_REDIS, "e");
    trace_end();
    assert_string_equal(trace_line(0), "redis [7f3a] a");
    assert_string_equal(trace_line(1), "redis [two?lines???] b");
    assert_int_equal(strlen(trace_line(2)), strlen("redis [] c") + 128);
    assert_string_equal(trace_line(3), "redis [-] d");
    assert_string_equal(trace_line(4), "redis [-] e");
}

static void a_driver_that_names_no_component_is_not_heard(void **state)
{
    (void)state;
    trace_begin("all");
    recsys_log_write_trace(RECSYS_TRACE_REDIS | RECSYS_TRACE_STORE, "two");
    recsys_log_write_trace(1u << 31, "of a later version");
    recsys_log_write_trace(0, "none");
    recsys_log_write_trace(RECSYS_TRACE_REDIS, NULL);
    trace_end();
    assert_int_equal(trace_count(), 0);
}

static void trace_lines_do_not_depend_on_the_level_and_need_a_hook(void **state)
{
    (void)state;
    trace_begin("scan"); /* with the level ERROR */
    recsys_log_write_trace(RECSYS_TRACE_SCAN, "heard");
    assert_int_equal(trace_count(), 1);
    assert_int_equal(recsys_log_set(0, NULL, NULL, NULL), RECSYS_OK);
    recsys_log_write_trace(RECSYS_TRACE_SCAN, "nobody listens");
    assert_int_equal(trace_count(), 1);
    trace_end();
}

static void a_long_line_is_cut(void **state)
{
    char line[2000];

    (void)state;
    memset(line, 'y', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    trace_begin("scan");
    recsys_log_write_trace(RECSYS_TRACE_SCAN, line);
    trace_end();
    assert_int_equal(trace_count(), 1);
    assert_int_equal(strlen(trace_line(0)), 511);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_traced_until_somebody_asks),
        cmocka_unit_test(every_component_has_a_name),
        cmocka_unit_test(all_are_traced_at_once_and_none_again),
        cmocka_unit_test(an_unknown_name_is_refused_with_the_known_ones_and_changes_nothing),
        cmocka_unit_test(a_buffer_that_is_too_small_is_said_to_be),
        cmocka_unit_test(lines_carry_the_requests_id),
        cmocka_unit_test(a_driver_that_names_no_component_is_not_heard),
        cmocka_unit_test(trace_lines_do_not_depend_on_the_level_and_need_a_hook),
        cmocka_unit_test(a_long_line_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
