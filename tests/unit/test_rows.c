/* Covers lib/source/rows*.c, lib/base/real.c and json_write.c: typed values and the JSON that is
 * made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json_scan.h"
#include "lib/base/real.h"
#include "lib/source/rows.h"
#include "recsys/source.h"
#include "tests/support/bundle.h"
#include "tests/support/check.h"

static recsys_error err;

static recsys_datum typed(uint32_t type, const char *text)
{
    recsys_datum value = recsys_datum_text(text);

    value.type = type;
    return value;
}

static recsys_datum boolean(int64_t number)
{
    return (recsys_datum){.type = RECSYS_TYPE_BOOL, .number = number};
}

static recsys_datum null(void)
{
    return (recsys_datum){.type = RECSYS_TYPE_NULL};
}

static recsys_rows *make(const char *const *columns, size_t n)
{
    recsys_rows *rows = NULL;

    assert_int_equal(recsys_rows_create(&rows, &err), RECSYS_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(recsys_rows_add_column(rows, columns[i], &err), RECSYS_OK);
    return rows;
}

static recsys_rows *make_one(const char *column)
{
    return make(&column, 1);
}

static void add(recsys_rows *rows, recsys_datum value)
{
    assert_int_equal(recsys_rows_add(rows, value, &err), RECSYS_OK);
}

static void expect_json(const recsys_rows *rows, uint32_t shape, const char *want)
{
    recsys_value value;

    assert_int_equal(recsys_rows_format(rows, shape, &value, &err), RECSYS_OK);
    assert_string_equal(value.data, want);
    assert_int_equal(value.size, strlen(want));
    recsys_value_release(&value);
}

/* How one value is written. */
static void expect_one(recsys_datum value, const char *want)
{
    recsys_rows *rows = make_one("v");
    char list[4000];

    add(rows, value);
    snprintf(list, sizeof list, "[%s]", want);
    expect_json(rows, RECSYS_SHAPE_COLUMN, list);
    recsys_rows_destroy(rows);
}

static void every_type_has_its_json(void **state)
{
    (void)state;
    expect_one(null(), "null");
    expect_one(boolean(0), "false");
    expect_one(boolean(1), "true");
    expect_one(recsys_datum_integer(0), "0");
    expect_one(recsys_datum_integer(INT64_MAX), "9223372036854775807");
    expect_one(recsys_datum_integer(INT64_MIN), "-9223372036854775808");
    expect_one(recsys_datum_text(""), "\"\"");
    expect_one(recsys_datum_text(NULL), "null");
    expect_one(typed(RECSYS_TYPE_NUMBER, "-0.0010"), "-0.0010");
    expect_one(typed(RECSYS_TYPE_NUMBER, "123456789012345678901234567890.5"),
               "123456789012345678901234567890.5");
    expect_one(typed(RECSYS_TYPE_JSON, "{\"a\": [1, null]}"), "{\"a\": [1, null]}");
    expect_one(typed(RECSYS_TYPE_TIME, "2026-02-03T04:05:06Z"), "\"2026-02-03T04:05:06Z\"");
}

static void reals_have_the_fewest_digits_that_read_back_the_same(void **state)
{
    (void)state;
    expect_one(recsys_datum_real(1.0), "1.0");
    expect_one(recsys_datum_real(-1.0), "-1.0");
    expect_one(recsys_datum_real(0.0), "0.0");
    expect_one(recsys_datum_real(-0.0), "-0.0");
    expect_one(recsys_datum_real(0.1), "0.1");
    expect_one(recsys_datum_real(0.1 + 0.2), "0.30000000000000004");
    expect_one(recsys_datum_real(1.0 / 3.0), "0.3333333333333333");
    expect_one(recsys_datum_real(2.0 / 3.0), "0.6666666666666666");
    expect_one(recsys_datum_real(100000.0), "100000.0");
    expect_one(recsys_datum_real(1e22), "1e+22");
    expect_one(recsys_datum_real(1e-7), "1e-07");
    expect_one(recsys_datum_real(DBL_MAX), "1.7976931348623157e+308");
    expect_one(recsys_datum_real(DBL_MIN), "2.2250738585072014e-308");
    expect_one(recsys_datum_real(4.9406564584124654e-324), "5e-324");
    expect_one(recsys_datum_real(NAN), "null");
    expect_one(recsys_datum_real(INFINITY), "null");
    expect_one(recsys_datum_real(-INFINITY), "null");
}

static void any_double_survives_writing_and_reading(void **state)
{
    uint64_t random = 20260917, bits;
    char text[RS_REAL_SIZE];
    double value, again;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        bits = bundle_random(&random, UINT64_MAX);
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        rs_real_write(value, text);
        assert_int_equal(rs_real_read(text, strlen(text), &again), 1);
        assert_memory_equal(&value, &again, sizeof value);
        assert_true(rs_json_is_number(text, strlen(text)));
    }
}

static void what_is_no_decimal_number_is_not_read(void **state)
{
    static const char *const wrong[] = {"",    "-",  ".5", "5.",  "1e",  "1e+", "0x10",  "inf",
                                        "nan", " 1", "1 ", "1,5", "--1", "+1",  "1.5.5", "1e5.5"};
    double value;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(rs_real_read(wrong[i], strlen(wrong[i]), &value), 0);
    assert_int_equal(rs_real_read("1e999", 5, &value), 1);
    assert_true(isinf(value));
    assert_int_equal(rs_real_read("1.25junk", 4, &value), 1); /* not beyond its size */
    assert_true(value == 1.25);
}

static void a_host_with_a_decimal_comma_changes_nothing(void **state)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ps_AF.UTF-8",
                                          "fa_IR.UTF-8"};
    double value;

    (void)state;
    size_t i = 0;
    while (i < sizeof locales / sizeof *locales && setlocale(LC_NUMERIC, locales[i]) == NULL)
        i++;
    if (i == sizeof locales / sizeof *locales)
        skip(); /* no such locale is installed */
    expect_one(recsys_datum_real(1234.5), "1234.5");
    expect_one(recsys_datum_real(1.0), "1.0");
    expect_one(recsys_datum_real(1.5e300), "1.5e+300");
    assert_int_equal(rs_real_read("-0.125e1", 8, &value), 1);
    assert_true(value == -1.25);
    setlocale(LC_NUMERIC, "C");
}

static void text_is_escaped_only_where_it_must_be(void **state)
{
    char all[128], *json;

    (void)state;
    expect_one(recsys_datum_text("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    expect_one(recsys_datum_text("\b\f\n\r\t\x01\x1f\x7f"),
               "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
    expect_one(recsys_datum_text("日本 é 😀"), "\"日本 é 😀\"");

    /* Another reader sees the same characters. */
    for (int i = 0; i < 127; i++)
        all[i] = (char)(i + 1);
    all[127] = '\0';
    recsys_rows *rows = make_one(all);
    recsys_value value;
    add(rows, recsys_datum_text(all));
    assert_int_equal(recsys_rows_format(rows, RECSYS_SHAPE_OBJECT, &value, &err), RECSYS_OK);
    json_t *read = json_loadb(value.data, value.size, 0, NULL);
    assert_non_null(read);
    json = (char *)json_string_value(json_object_get(read, all));
    assert_string_equal(json, all);
    json_decref(read);
    recsys_value_release(&value);
    recsys_rows_destroy(rows);
}

static void shapes_are_object_list_and_column(void **state)
{
    static const char *const columns[] = {"id", "na\"me"};
    recsys_rows *rows = make(columns, 2);
    recsys_value value = {.data = "left from before"};

    (void)state;
    assert_int_equal(recsys_rows_format(rows, RECSYS_SHAPE_OBJECT, &value, &err),
                     RECSYS_E_NOT_FOUND);
    assert_null(value.data);
    expect_json(rows, RECSYS_SHAPE_LIST, "[]");
    expect_json(rows, RECSYS_SHAPE_COLUMN, "[]");

    add(rows, recsys_datum_integer(1));
    assert_int_equal(recsys_rows_count(rows), 0); /* half a row is none yet */
    expect_json(rows, RECSYS_SHAPE_LIST, "[]");
    add(rows, recsys_datum_text("one"));
    add(rows, recsys_datum_integer(2));
    add(rows, null());
    assert_int_equal(recsys_rows_count(rows), 2);
    expect_json(rows, RECSYS_SHAPE_OBJECT, "{\"id\":1,\"na\\\"me\":\"one\"}");
    expect_json(rows, RECSYS_SHAPE_LIST,
                "[{\"id\":1,\"na\\\"me\":\"one\"},{\"id\":2,\"na\\\"me\":null}]");
    expect_json(rows, RECSYS_SHAPE_COLUMN, "[1,2]");
    assert_int_equal(recsys_rows_format(rows, 0, &value, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_rows_format(rows, 4, &value, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_rows_format(NULL, RECSYS_SHAPE_LIST, &value, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_rows_format(rows, RECSYS_SHAPE_LIST, NULL, &err), RECSYS_E_INVALID);
    recsys_rows_destroy(rows);
}

static void two_columns_of_one_name_make_no_object(void **state)
{
    static const char *const columns[] = {"id", "name", "id"};
    recsys_rows *rows = make(columns, 3);
    recsys_value value;

    (void)state;
    add(rows, recsys_datum_integer(1));
    add(rows, recsys_datum_text("one"));
    add(rows, recsys_datum_integer(3));
    assert_int_equal(recsys_rows_format(rows, RECSYS_SHAPE_LIST, &value, &err), RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "\"id\""));
    expect_json(rows, RECSYS_SHAPE_COLUMN, "[1]");
    assert_int_equal(recsys_rows_get(rows, 0, 2).number, 3);
    assert_int_equal(recsys_rows_find(rows, 0, "id").number, 1);
    recsys_rows_destroy(rows);
}

static void values_are_found_by_place_and_by_name(void **state)
{
    static const char *const columns[] = {"a", "b"};
    recsys_rows *rows = make(columns, 2);
    char text[] = "copied";

    (void)state;
    add(rows, recsys_datum_real(2.5));
    add(rows, recsys_datum_text(text));
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(recsys_rows_count_columns(rows), 2);
    assert_string_equal(recsys_rows_get_column(rows, 1), "b");
    assert_null(recsys_rows_get_column(rows, 2));
    assert_true(recsys_rows_get(rows, 0, 0).real == 2.5);
    assert_string_equal(recsys_rows_get(rows, 0, 1).text, "copied");
    assert_int_equal(recsys_rows_get(rows, 0, 1).size, 6);
    assert_string_equal(recsys_rows_find(rows, 0, "b").text, "copied");
    assert_int_equal(recsys_rows_find(rows, 0, "c").type, RECSYS_TYPE_NULL);
    assert_int_equal(recsys_rows_find(rows, 0, NULL).type, RECSYS_TYPE_NULL);
    assert_int_equal(recsys_rows_find(rows, 1, "b").type, RECSYS_TYPE_NULL);
    assert_int_equal(recsys_rows_get(rows, 0, 2).type, RECSYS_TYPE_NULL);
    assert_int_equal(recsys_rows_get(rows, SIZE_MAX, 0).type, RECSYS_TYPE_NULL);
    assert_int_equal(recsys_rows_count(NULL), 0);
    assert_int_equal(recsys_rows_count_columns(NULL), 0);
    assert_null(recsys_rows_get_column(NULL, 0));
    recsys_rows_destroy(rows);
    recsys_rows_destroy(NULL);
}

static void what_is_not_well_formed_is_refused_and_changes_nothing(void **state)
{
    static const struct {
        uint32_t type;
        const char *text;
    } wrong[] = {
        {RECSYS_TYPE_NUMBER, ""},
        {RECSYS_TYPE_NUMBER, "01"},
        {RECSYS_TYPE_NUMBER, "1."},
        {RECSYS_TYPE_NUMBER, ".5"},
        {RECSYS_TYPE_NUMBER, "NaN"},
        {RECSYS_TYPE_NUMBER, "1 "},
        {RECSYS_TYPE_NUMBER, "+1"},
        {RECSYS_TYPE_NUMBER, "1e"},
        {RECSYS_TYPE_NUMBER, "1,2"},
        {RECSYS_TYPE_JSON, ""},
        {RECSYS_TYPE_JSON, "{"},
        {RECSYS_TYPE_JSON, "[1,]"},
        {RECSYS_TYPE_JSON, "[1 2]"},
        {RECSYS_TYPE_JSON, "{\"a\" 1}"},
        {RECSYS_TYPE_JSON, "{a:1}"},
        {RECSYS_TYPE_JSON, "{\"a\":1,}"},
        {RECSYS_TYPE_JSON, "1 2"},
        {RECSYS_TYPE_JSON, "tru"},
        {RECSYS_TYPE_JSON, "'a'"},
        {RECSYS_TYPE_JSON, "\"a"},
        {RECSYS_TYPE_JSON, "\"\\x\""},
        {RECSYS_TYPE_JSON, "\"\\u12g4\""},
        {RECSYS_TYPE_JSON, "\"\\u12"},
        {RECSYS_TYPE_JSON, "\"a\nb\""},
        {RECSYS_TYPE_JSON, "]"},
        {RECSYS_TYPE_JSON, "[1]]"},
        {RECSYS_TYPE_JSON, "\"\xff\""},
        {RECSYS_TYPE_TEXT, "\xff"},
        {RECSYS_TYPE_TEXT, "\xed\xa0\x80"},
        {RECSYS_TYPE_TIME, "\xc0\x80"},
    };
    recsys_rows *rows = make_one("v");

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(recsys_rows_add(rows, typed(wrong[i].type, wrong[i].text), &err),
                         RECSYS_E_FORMAT);
        assert_non_null(strstr(err.message, "row 1, column \"v\""));
    }
    recsys_datum cut = {.type = RECSYS_TYPE_TEXT, .text = "a\0b", .size = 3};
    assert_int_equal(recsys_rows_add(rows, cut, &err), RECSYS_E_FORMAT);
    cut = (recsys_datum){.type = RECSYS_TYPE_TEXT};
    assert_int_equal(recsys_rows_add(rows, cut, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_rows_add(rows, typed(8, ""), &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_rows_add(rows, boolean(2), &err), RECSYS_E_INVALID);
    expect_json(rows, RECSYS_SHAPE_LIST, "[]");
    recsys_rows_destroy(rows);
}

static void well_formed_json_passes_as_it_is(void **state)
{
    static const char *const good[] = {"0",
                                       "-0",
                                       "1e5",
                                       "-1.25E-10",
                                       "12345678901234567890123",
                                       "1e400",
                                       "true",
                                       "null",
                                       "\"\"",
                                       " [ ] ",
                                       "{ }",
                                       "[[],{},\"\"]",
                                       "{\"a\":1,\"a\":2}",
                                       "\"\\u0000\\ud800\"",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                       "\t{\n\"k\" : [ 1 , 2 ] \r\n}",
                                       "\"日本\""};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        expect_one(typed(RECSYS_TYPE_JSON, good[i]), good[i]);
}

static void a_column_comes_before_values(void **state)
{
    recsys_rows *rows = NULL;

    (void)state;
    assert_int_equal(recsys_rows_create(NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_rows_create(&rows, &err), RECSYS_OK);
    assert_int_equal(recsys_rows_add(rows, recsys_datum_integer(1), &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_rows_add_column(rows, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_rows_add_column(NULL, "a", &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_rows_add_column(rows, "\xff", &err), RECSYS_E_FORMAT);
    assert_int_equal(recsys_rows_add_column(rows, "a", &err), RECSYS_OK);
    assert_int_equal(recsys_rows_add(NULL, recsys_datum_integer(1), &err), RECSYS_E_INVALID);
    add(rows, recsys_datum_integer(1));
    assert_int_equal(recsys_rows_add_column(rows, "b", &err), RECSYS_E_STATE);
    expect_json(rows, RECSYS_SHAPE_OBJECT, "{\"a\":1}");
    recsys_rows_destroy(rows);
}

static void more_than_64_mib_are_refused_and_what_is_there_stays(void **state)
{
    const size_t piece = 1 << 20;
    char *text = malloc(piece + 1);
    recsys_rows *rows = make_one("v");
    recsys_status status = RECSYS_OK;
    recsys_value value;
    size_t n = 0;

    (void)state;
    memset(text, '\x01', piece); /* six times as long in JSON */
    text[piece] = '\0';
    for (; n < 100 && status == RECSYS_OK; n++)
        status = recsys_rows_add(rows, recsys_datum_text(text), &err);
    assert_int_equal(status, RECSYS_E_LIMIT);
    assert_int_equal(n, 64);
    assert_int_equal(recsys_rows_count(rows), 63);
    add(rows, recsys_datum_text("there is still some room"));
    assert_string_equal(recsys_rows_get(rows, 62, 0).text, text);
    assert_string_equal(recsys_rows_get(rows, 63, 0).text, "there is still some room");
    assert_int_equal(recsys_rows_format(rows, RECSYS_SHAPE_LIST, &value, &err), RECSYS_E_LIMIT);
    assert_null(value.data);
    recsys_rows_destroy(rows);

    rows = make_one("v"); /* of values without text, too */
    for (n = 0, status = RECSYS_OK; n < 5000000 && status == RECSYS_OK; n++)
        status = recsys_rows_add(rows, recsys_datum_integer(1), &err);
    assert_int_equal(status, RECSYS_E_LIMIT);
    CHECK_BETWEEN(n, 2000000, 4300000);
    recsys_rows_destroy(rows);

    recsys_datum huge = {.type = RECSYS_TYPE_TEXT, .text = text, .size = SIZE_MAX};
    rows = make_one("v");
    assert_int_equal(recsys_rows_add(rows, huge, &err), RECSYS_E_LIMIT);
    recsys_rows_destroy(rows);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_json),
        cmocka_unit_test(reals_have_the_fewest_digits_that_read_back_the_same),
        cmocka_unit_test(any_double_survives_writing_and_reading),
        cmocka_unit_test(what_is_no_decimal_number_is_not_read),
        cmocka_unit_test(a_host_with_a_decimal_comma_changes_nothing),
        cmocka_unit_test(text_is_escaped_only_where_it_must_be),
        cmocka_unit_test(shapes_are_object_list_and_column),
        cmocka_unit_test(two_columns_of_one_name_make_no_object),
        cmocka_unit_test(values_are_found_by_place_and_by_name),
        cmocka_unit_test(what_is_not_well_formed_is_refused_and_changes_nothing),
        cmocka_unit_test(well_formed_json_passes_as_it_is),
        cmocka_unit_test(a_column_comes_before_values),
        cmocka_unit_test(more_than_64_mib_are_refused_and_what_is_there_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
