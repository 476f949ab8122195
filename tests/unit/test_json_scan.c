/* Covers lib/base/json_scan.c and json_span.c: text that is JSON, and its elements and members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "lib/base/json_scan.h"
#include "lib/base/json_span.h"
#include "tests/support/bundle.h"

static void json_is_refused_beyond_a_thousand_levels(void **state)
{
    static char deep[2100000];

    (void)state;
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    assert_true(rs_json_is_valid(deep, 2000));
    memset(deep, '[', 1001);
    memset(deep + 1001, ']', 1001);
    assert_false(rs_json_is_valid(deep, 2002));
    memset(deep, '[', sizeof deep);
    assert_false(rs_json_is_valid(deep, sizeof deep));
}

/* Cut and changed at random, the scanner says what jansson says, but for what
 * jansson refuses beyond the grammar; none of that is in this text. */
static void the_scanner_agrees_with_another_reader(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2.5e3,true,false,null,\"x\\n\\u00e9\"],\"b\":{\"c\":[]}}";
    static const char bytes[] = "{}[]:,\"\\ 0123456789-+.eEtfnulra\t";
    char copy[sizeof text];
    uint64_t random = 7;
    int n_good = 0;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        size_t size = 1 + (size_t)bundle_random(&random, sizeof text - 1);
        size_t start = (size_t)bundle_random(&random, sizeof text - size);
        memcpy(copy, text + start, size);
        for (uint64_t k = bundle_random(&random, 3); k > 0; k--)
            copy[bundle_random(&random, size)] = bytes[bundle_random(&random, sizeof bytes - 1)];
        json_error_t problem;
        json_t *read = json_loadb(copy, size, JSON_DECODE_ANY, &problem);
        int is_good = rs_json_is_valid(copy, size);
        enum json_error_code code = json_error_code(&problem);
        if (read == NULL && is_good)
            assert_true(code == json_error_numeric_overflow || code == json_error_null_character ||
                        code == json_error_null_byte_in_key || strstr(problem.text, "Unicode") ||
                        strstr(problem.text, "\\u"));
        else
            assert_int_equal(is_good, read != NULL);
        n_good += is_good;
        json_decref(read);
    }
    assert_true(n_good > 1000);
}

/* n elements, and the text up to the end of the limit-th one. */
static void expect_cut(const char *json, size_t limit, size_t want_n, const char *want)
{
    size_t n, cut, size = strlen(json);
    char *exact = malloc(size + 1); /* so that reading beyond is seen */

    memcpy(exact, json, size);
    assert_int_equal(rs_span_count(exact, size, limit, &n, &cut), RECSYS_OK);
    assert_int_equal(n, want_n);
    assert_int_equal(cut, strlen(want));
    assert_memory_equal(exact, want, cut);
    free(exact);
}

static void borders_are_found_whatever_the_values(void **state)
{
    static const char *const broken[] = {"",   "[",   "[1",    "[1,",   "[1,]",     "[,]",
                                         "{}", "[\"", "[{]",   "[1 2]", "[\"\\\"]", "[[1]",
                                         "1",  "]",   "[{1}]", "[tru]"};
    struct rs_span span;

    (void)state;
    expect_cut("[]", 3, 0, "[");
    expect_cut("[1,2,3]", 0, 3, "[");
    expect_cut("[1,2,3]", 2, 3, "[1,2");
    expect_cut(" [ 1 , [2,\"]\"] , {\"a\":\"}\\\"\"} ] ", 3, 3,
               " [ 1 , [2,\"]\"] , {\"a\":\"}\\\"\"}");
    expect_cut("[null,true,-1.5e3,\"\\\\\"]", 4, 4, "[null,true,-1.5e3,\"\\\\\"");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        size_t n, cut, size = strlen(broken[i]);
        char *exact = malloc(size + 1);
        memcpy(exact, broken[i], size);
        if (rs_span_count(exact, size, 9, &n, &cut) != RECSYS_E_FORMAT)
            fail_msg("%s was taken for an array", broken[i]);
        assert_true(cut <= size);
        free(exact);
    }
    assert_int_equal(rs_span_member("{\"a\":{\"b\":1},\"b\":[2]}", 21, "b", &span), RECSYS_OK);
    assert_int_equal(span.size, 3);
    assert_memory_equal(span.text, "[2]", 3);
    assert_int_equal(rs_span_member("{\"a\":1}", 7, "b", &span), RECSYS_OK);
    assert_int_equal(span.size, 0);
    assert_int_equal(rs_span_member("{\"a\" 1}", 7, "b", &span), RECSYS_E_FORMAT);
    assert_int_equal(rs_span_member("[]", 2, "b", &span), RECSYS_E_FORMAT);
}

/* A column may be as deep as a value can be, and stands in a row inside a list. */
static void the_deepest_column_is_found_in_its_list(void **state)
{
    static char text[2100];
    size_t n, cut, size = 0;

    (void)state;
    size += (size_t)sprintf(text, "[{\"a\":");
    memset(text + size, '[', 1000);
    memset(text + size + 1000, ']', 1000);
    size += 2000;
    size += (size_t)sprintf(text + size, "}]");
    assert_int_equal(rs_span_count(text, size, 1, &n, &cut), RECSYS_OK);
    assert_int_equal(n, 1);
    assert_int_equal(cut, size - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_refused_beyond_a_thousand_levels),
        cmocka_unit_test(the_scanner_agrees_with_another_reader),
        cmocka_unit_test(borders_are_found_whatever_the_values),
        cmocka_unit_test(the_deepest_column_is_found_in_its_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
