/* Covers lib/adapters/postgres against a real server: what every type becomes, however the
 * database is set up, and that parameters are data and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/postgres.h"
#include "tests/support/database.h"

static char *conninfo;
static recsys_source *source;
static recsys_error err;

static void open_source(void)
{
    assert_int_equal(recsys_postgres_create(conninfo, NULL, &source, &err), RECSYS_OK);
}

static void close_source(void)
{
    recsys_source_unref(source);
    source = NULL;
}

static int set_up(void **state)
{
    (void)state;
    conninfo = database_create();
    open_source();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_source();
    database_drop(conninfo);
    return 0;
}

static recsys_rows *query(const char *statement, const recsys_datum *parameters, size_t n)
{
    recsys_rows *rows = NULL;
    recsys_status status = recsys_source_query(source, statement, parameters, n, 0, &rows, &err);

    if (status != RECSYS_OK)
        fail_msg("%s: %s: %s", statement, recsys_status_name(status), err.message);
    return rows;
}

static void run(const char *statement)
{
    recsys_rows_destroy(query(statement, NULL, 0));
}

static void expect_written(const recsys_rows *rows, uint32_t shape, const char *want)
{
    recsys_value value;

    assert_int_equal(recsys_rows_format(rows, shape, &value, &err), RECSYS_OK);
    assert_string_equal(value.data, want);
    recsys_value_release(&value);
}

/* Is `expression` of this type of ours, and this in JSON? Also as an element of an array,
 * unless `array` is NULL. */
static void expect(const char *expression, uint32_t type, const char *want)
{
    char statement[600], list[600];

    snprintf(statement, sizeof statement, "SELECT %s", expression);
    snprintf(list, sizeof list, "[%s]", want);
    recsys_rows *rows = query(statement, NULL, 0);
    assert_int_equal(recsys_rows_get(rows, 0, 0).type, type);
    expect_written(rows, RECSYS_SHAPE_COLUMN, list);
    recsys_rows_destroy(rows);
}

static void expect_also_in_arrays(const char *expression, uint32_t type, const char *want)
{
    char text[400], list[400];

    expect(expression, type, want);
    snprintf(text, sizeof text, "ARRAY[%s, NULL, %s]", expression, expression);
    snprintf(list, sizeof list, "[%s,null,%s]", want, want);
    expect(text, RECSYS_TYPE_JSON, list);
    snprintf(text, sizeof text, "ARRAY[ARRAY[%s], ARRAY[%s]]", expression, expression);
    snprintf(list, sizeof list, "[[%s],[%s]]", want, want);
    expect(text, RECSYS_TYPE_JSON, list);
}

static void check_plain_types(void)
{
    expect("NULL::int4", RECSYS_TYPE_NULL, "null");
    expect("NULL", RECSYS_TYPE_NULL, "null");
    expect("NULL::text[]", RECSYS_TYPE_NULL, "null");
    expect_also_in_arrays("true", RECSYS_TYPE_BOOL, "true");
    expect_also_in_arrays("false", RECSYS_TYPE_BOOL, "false");
    expect_also_in_arrays("'-32768'::int2", RECSYS_TYPE_INTEGER, "-32768");
    expect_also_in_arrays("2147483647", RECSYS_TYPE_INTEGER, "2147483647");
    expect_also_in_arrays("9223372036854775807", RECSYS_TYPE_INTEGER, "9223372036854775807");
    expect_also_in_arrays("'-9223372036854775808'::int8", RECSYS_TYPE_INTEGER,
                          "-9223372036854775808");
    expect_also_in_arrays("'4294967295'::oid", RECSYS_TYPE_INTEGER, "4294967295");
}

static void check_numbers(void)
{
    expect_also_in_arrays("1::float8", RECSYS_TYPE_REAL, "1.0");
    expect_also_in_arrays("0.1::float8", RECSYS_TYPE_REAL, "0.1");
    expect_also_in_arrays("0.1::float4", RECSYS_TYPE_REAL, "0.1");
    expect_also_in_arrays("(0.1::float8 + 0.2::float8)", RECSYS_TYPE_REAL, "0.30000000000000004");
    expect_also_in_arrays("'-0'::float8", RECSYS_TYPE_REAL, "-0.0");
    expect_also_in_arrays("1e300::float8", RECSYS_TYPE_REAL, "1e+300");
    expect_also_in_arrays("'5e-324'::float8", RECSYS_TYPE_REAL, "5e-324");
    expect_also_in_arrays("'NaN'::float8", RECSYS_TYPE_REAL, "null");
    expect_also_in_arrays("'Infinity'::float4", RECSYS_TYPE_REAL, "null");
    expect_also_in_arrays("'-Infinity'::float8", RECSYS_TYPE_REAL, "null");
    expect_also_in_arrays("1.50", RECSYS_TYPE_NUMBER, "1.50");
    expect_also_in_arrays("-0.001", RECSYS_TYPE_NUMBER, "-0.001");
    expect_also_in_arrays("0::numeric(10,2)", RECSYS_TYPE_NUMBER, "0.00");
    expect_also_in_arrays("123456789012345678901234567890.123456789", RECSYS_TYPE_NUMBER,
                          "123456789012345678901234567890.123456789");
    expect_also_in_arrays("1e20::numeric", RECSYS_TYPE_NUMBER, "100000000000000000000");
    expect_also_in_arrays("'NaN'::numeric", RECSYS_TYPE_TEXT, "\"NaN\"");
}

static void check_times(void)
{
    expect_also_in_arrays("'2026-02-03 04:05:06.123456+00'::timestamptz", RECSYS_TYPE_TIME,
                          "\"2026-02-03T04:05:06.123456Z\"");
    expect_also_in_arrays("'2026-02-03 04:05:06+09'::timestamptz", RECSYS_TYPE_TIME,
                          "\"2026-02-02T19:05:06Z\"");
    expect_also_in_arrays("'2026-02-03 04:05:06.5'::timestamp", RECSYS_TYPE_TIME,
                          "\"2026-02-03T04:05:06.5Z\"");
    expect_also_in_arrays("'1969-12-31 23:59:59.999999+00'::timestamptz", RECSYS_TYPE_TIME,
                          "\"1969-12-31T23:59:59.999999Z\"");
    expect_also_in_arrays("'0001-01-01 00:00:00'::timestamp", RECSYS_TYPE_TIME,
                          "\"0001-01-01T00:00:00Z\"");
    expect_also_in_arrays("'9999-12-31 23:59:59'::timestamp", RECSYS_TYPE_TIME,
                          "\"9999-12-31T23:59:59Z\"");
    /* Times that RFC 3339 cannot write are as PostgreSQL writes them. */
    expect_also_in_arrays("'0044-03-15 12:00:00+00 BC'::timestamptz", RECSYS_TYPE_TEXT,
                          "\"0044-03-15 12:00:00+00 BC\"");
    expect_also_in_arrays("'12026-01-01 00:00:00'::timestamp", RECSYS_TYPE_TEXT,
                          "\"12026-01-01 00:00:00\"");
    expect_also_in_arrays("'infinity'::timestamptz", RECSYS_TYPE_TEXT, "\"infinity\"");
    expect_also_in_arrays("'-infinity'::timestamp", RECSYS_TYPE_TEXT, "\"-infinity\"");
    expect_also_in_arrays("'2026-02-03'::date", RECSYS_TYPE_TEXT, "\"2026-02-03\"");
    expect_also_in_arrays("'04:05:06.5'::time", RECSYS_TYPE_TEXT, "\"04:05:06.5\"");
    expect_also_in_arrays("'04:05:06+09'::timetz", RECSYS_TYPE_TEXT, "\"04:05:06+09\"");
    expect_also_in_arrays("'1 day 02:00:00'::interval", RECSYS_TYPE_TEXT, "\"1 day 02:00:00\"");
    expect("timezone('UTC', '2026-07-01 00:00:00+00'::timestamptz)", RECSYS_TYPE_TIME,
           "\"2026-07-01T00:00:00Z\"");
}

static void check_texts(void)
{
    expect_also_in_arrays("''::text", RECSYS_TYPE_TEXT, "\"\"");
    expect_also_in_arrays("'NULL'::text", RECSYS_TYPE_TEXT, "\"NULL\"");
    expect_also_in_arrays("'null'::varchar", RECSYS_TYPE_TEXT, "\"null\"");
    expect_also_in_arrays("'a\"b\\c{d},e ''f'::text", RECSYS_TYPE_TEXT, "\"a\\\"b\\\\c{d},e 'f\"");
    expect_also_in_arrays("E'\\t\\n\\r\\b\\f\\x01\\x7f'::text", RECSYS_TYPE_TEXT,
                          "\"\\t\\n\\r\\b\\f\\u0001\x7f\"");
    expect_also_in_arrays("' blanks '::text", RECSYS_TYPE_TEXT, "\" blanks \"");
    expect_also_in_arrays("'日本 é 😀'::text", RECSYS_TYPE_TEXT, "\"日本 é 😀\"");
    expect_also_in_arrays("'ab'::char(4)", RECSYS_TYPE_TEXT, "\"ab  \"");
    expect_also_in_arrays("'x'::\"char\"", RECSYS_TYPE_TEXT, "\"x\"");
    expect_also_in_arrays("'pg_class'::name", RECSYS_TYPE_TEXT, "\"pg_class\"");
    expect_also_in_arrays("'\\x00ff5c'::bytea", RECSYS_TYPE_TEXT, "\"\\\\x00ff5c\"");
    expect_also_in_arrays("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", RECSYS_TYPE_TEXT,
                          "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"");
    expect_also_in_arrays("'10.0.0.1/8'::inet", RECSYS_TYPE_TEXT, "\"10.0.0.1/8\"");
    expect_also_in_arrays("'10.0.0.0/8'::cidr", RECSYS_TYPE_TEXT, "\"10.0.0.0/8\"");
    expect("'(1,2)'::point", RECSYS_TYPE_TEXT, "\"(1,2)\"");
    expect("'1 2'::int2vector", RECSYS_TYPE_TEXT, "\"1 2\"");
    expect("ROW(1,'a b')", RECSYS_TYPE_TEXT, "\"(1,\\\"a b\\\")\"");
    expect("'[1,3)'::int4range", RECSYS_TYPE_TEXT, "\"[1,3)\"");
}

static void check_json(void)
{
    expect("'{\"b\":1, \"a\": [1, null, \"x\"]}'::jsonb", RECSYS_TYPE_JSON,
           "{\"a\": [1, null, \"x\"], \"b\": 1}");
    expect_also_in_arrays("'{\"a\" :  \"q\\\\ \\\"{},\"}'::json", RECSYS_TYPE_JSON,
                          "{\"a\" :  \"q\\\\ \\\"{},\"}");
    expect_also_in_arrays("'null'::jsonb", RECSYS_TYPE_JSON, "null");
    expect_also_in_arrays("'\"日本\"'::jsonb", RECSYS_TYPE_JSON, "\"日本\"");
    expect_also_in_arrays("'123456789012345678901234567890.5'::jsonb", RECSYS_TYPE_JSON,
                          "123456789012345678901234567890.5");
    expect_also_in_arrays("'[1e400]'::json", RECSYS_TYPE_JSON, "[1e400]");
    expect("'{}'::int4[]", RECSYS_TYPE_JSON, "[]");
    expect("'{}'::text[]", RECSYS_TYPE_JSON, "[]");
    expect("'[0:2]={1,2,3}'::int4[]", RECSYS_TYPE_JSON, "[1,2,3]");
    expect("'[-1:0][5:5]={{a},{b}}'::text[]", RECSYS_TYPE_JSON, "[[\"a\"],[\"b\"]]");
    expect("ARRAY[[[1,2],[3,4]],[[5,6],[7,NULL]]]", RECSYS_TYPE_JSON,
           "[[[1,2],[3,4]],[[5,6],[7,null]]]");
    expect("ARRAY['[0:1]={']", RECSYS_TYPE_JSON, "[\"[0:1]={\"]");
    expect("ARRAY['NULL', 'null', NULL, '', '\"', '\\', '{', '}', ',', ' ']", RECSYS_TYPE_JSON,
           "[\"NULL\",\"null\",null,\"\",\"\\\"\",\"\\\\\",\"{\",\"}\",\",\",\" \"]");
}

static void check_all(void)
{
    check_plain_types();
    check_numbers();
    check_times();
    check_texts();
    check_json();
}

static void every_type_has_its_json(void **state)
{
    (void)state;
    check_all();
}

/* The same statements on a database that does its best to answer otherwise. */
static void a_databases_settings_change_no_answer(void **state)
{
    static const char *const settings[] = {
        "TimeZone = 'Asia/Seoul'",    "DateStyle = 'German, DMY'", "IntervalStyle = 'iso_8601'",
        "bytea_output = 'escape'",    "extra_float_digits = -15",  "statement_timeout = '1min'",
        "client_encoding = 'LATIN1'",
    };
    char sql[200], *name;

    (void)state;
    close_source();
    name = database_ask(conninfo, "SELECT current_database()");
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        snprintf(sql, sizeof sql, "ALTER DATABASE %s SET %s", name, settings[i]);
        free(database_ask(conninfo, sql));
    }
    char *seen = database_ask(conninfo, "SELECT '2026-02-03 04:05:06+00'::timestamptz");
    assert_string_equal(seen, "03.02.2026 13:05:06 KST"); /* so the settings do take effect */
    free(seen);
    free(name);
    open_source();
    check_all();

    /* In a transaction, too; and a statement may change its own. */
    recsys_transaction *transaction;
    recsys_rows *rows;
    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_OK);
    static const char statement[] =
        "SELECT '2026-02-03 13:05:06+09'::timestamptz, '1 day'::interval, '\\x5c'::bytea, "
        "0.1::float8 + 0.2::float8, '2026-02-03'::date";
    static const char want[] =
        "[{\"timestamptz\":\"2026-02-03T04:05:06Z\",\"interval\":\"1 day\",\"bytea\":\"\\\\x5c\","
        "\"?column?\":0.30000000000000004,\"date\":\"2026-02-03\"}]";
    assert_int_equal(recsys_transaction_query(transaction, statement, NULL, 0, &rows, &err),
                     RECSYS_OK);
    expect_written(rows, RECSYS_SHAPE_LIST, want);
    recsys_rows_destroy(rows);
    assert_int_equal(recsys_transaction_query(transaction, "SET LOCAL TimeZone = 'Asia/Seoul'",
                                              NULL, 0, &rows, &err),
                     RECSYS_OK);
    recsys_rows_destroy(rows);
    assert_int_equal(recsys_transaction_query(transaction,
                                              "SELECT '2026-02-03 04:05:06+00'::timestamptz", NULL,
                                              0, &rows, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_rows_get(rows, 0, 0).type, RECSYS_TYPE_TEXT);
    assert_string_equal(recsys_rows_get(rows, 0, 0).text, "2026-02-03 13:05:06+09");
    recsys_rows_destroy(rows);
    recsys_transaction_rollback(transaction);
}

/* The next user of the connection finds it as the server made it. A script that ends the
 * library's transaction, which it must not, sees the settings behind it. */
static void no_setting_stays_behind(void **state)
{
    recsys_postgres_options options = RECSYS_POSTGRES_OPTIONS_INIT;
    recsys_transaction *transaction;

    (void)state;
    options.pool_size = 1;
    close_source();
    assert_int_equal(recsys_postgres_create(conninfo, &options, &source, &err), RECSYS_OK);
    run("CREATE TABLE seen AS SELECT name, setting, source FROM pg_settings WHERE source = "
        "'session'");
    recsys_rows *rows = query("SELECT * FROM seen WHERE name = 'statement_timeout'", NULL, 0);
    assert_int_equal(recsys_rows_count(rows), 1);
    recsys_rows_destroy(rows);
    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_OK);
    recsys_transaction_rollback(transaction);
    assert_int_equal(recsys_source_run(source,
                                       "DELETE FROM seen; COMMIT; INSERT INTO seen SELECT name, "
                                       "setting, source FROM pg_settings WHERE source = 'session'",
                                       0, &err),
                     RECSYS_E_BACKEND);
    rows = query("SELECT * FROM seen", NULL, 0);
    expect_written(rows, RECSYS_SHAPE_LIST, "[]");
    recsys_rows_destroy(rows);
}

static void types_of_the_databases_own_are_text(void **state)
{
    (void)state;
    assert_int_equal(recsys_source_run(source,
                                       "CREATE TYPE mood AS ENUM ('sad', 'ok');"
                                       "CREATE DOMAIN age AS int4 CHECK (VALUE > 0);"
                                       "CREATE DOMAIN tags AS text[];",
                                       0, &err),
                     RECSYS_OK);
    expect("'ok'::mood", RECSYS_TYPE_TEXT, "\"ok\"");
    expect("ARRAY['ok','sad']::mood[]", RECSYS_TYPE_TEXT, "\"{ok,sad}\"");
    expect("7::age", RECSYS_TYPE_INTEGER, "7"); /* a domain is what it is made of */
    expect("ARRAY['a','b']::tags", RECSYS_TYPE_JSON, "[\"a\",\"b\"]");
}

static void postgis_types_are_text(void **state)
{
    (void)state;
    char *has = database_ask(conninfo,
                             "SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'");
    int is_there = strcmp(has, "1") == 0;
    free(has);
    if (!is_there)
        skip();
    free(database_ask(conninfo, "CREATE EXTENSION postgis"));
    expect("ST_MakePoint(1,2)", RECSYS_TYPE_TEXT, "\"0101000000000000000000F03F0000000000000040\"");
    expect("ST_MakePoint(1,2)::geography", RECSYS_TYPE_TEXT,
           "\"0101000020E6100000000000000000F03F0000000000000040\"");
    expect("ST_AsGeoJSON(ST_MakePoint(1,2))::json", RECSYS_TYPE_JSON,
           "{\"type\":\"Point\",\"coordinates\":[1,2]}");
}

static void columns_without_rows_are_known(void **state)
{
    recsys_rows *rows = query("SELECT 1 AS a, 'x' AS \"b \"\"q\"\"\" WHERE false", NULL, 0);

    (void)state;
    assert_int_equal(recsys_rows_count(rows), 0);
    assert_int_equal(recsys_rows_count_columns(rows), 2);
    assert_string_equal(recsys_rows_get_column(rows, 1), "b \"q\"");
    expect_written(rows, RECSYS_SHAPE_LIST, "[]");
    recsys_rows_destroy(rows);

    run("CREATE TABLE t(a int)");
    rows = query("INSERT INTO t VALUES (1), (2) RETURNING a, a * 2 AS b", NULL, 0);
    expect_written(rows, RECSYS_SHAPE_LIST, "[{\"a\":1,\"b\":2},{\"a\":2,\"b\":4}]");
    recsys_rows_destroy(rows);
    rows = query("UPDATE t SET a = 3", NULL, 0);
    assert_int_equal(recsys_rows_count_columns(rows), 0);
    expect_written(rows, RECSYS_SHAPE_LIST, "[]");
    recsys_rows_destroy(rows);
}

static void parameters_have_the_types_that_the_statement_gives_them(void **state)
{
    recsys_datum parameters[] = {
        recsys_datum_integer(INT64_MIN),
        recsys_datum_real(0.1),
        recsys_datum_text("x"),
        {.type = RECSYS_TYPE_BOOL, .number = 1},
        {.type = RECSYS_TYPE_NUMBER, .text = "12345678901234567890.12345", .size = 26},
        {.type = RECSYS_TYPE_JSON, .text = "{\"a\":1}", .size = 7},
        {.type = RECSYS_TYPE_TIME, .text = "2026-02-03T04:05:06.5Z", .size = 22},
        {.type = RECSYS_TYPE_NULL},
        recsys_datum_real(INFINITY),
        recsys_datum_real(-INFINITY),
        recsys_datum_real(NAN),
        {.type = RECSYS_TYPE_TEXT, .text = "not ended!", .size = 9},
    };
    recsys_rows *rows =
        query("SELECT $1::int8 a, $2::float8 b, $3::text c, $4::bool d, $5::numeric e, $6::jsonb f,"
              " $7::timestamptz g, $8::int4 h, $9::float8 = 'Infinity' i, $10::float8 = '-Infinity'"
              " j, $11::float8 = 'NaN' k, $12 l",
              parameters, 12);

    (void)state;
    expect_written(rows, RECSYS_SHAPE_OBJECT,
                   "{\"a\":-9223372036854775808,\"b\":0.1,\"c\":\"x\",\"d\":true,"
                   "\"e\":12345678901234567890.12345,\"f\":{\"a\": 1},"
                   "\"g\":\"2026-02-03T04:05:06.5Z\",\"h\":null,\"i\":true,\"j\":true,\"k\":true,"
                   "\"l\":\"not ended\"}");
    recsys_rows_destroy(rows);

    /* An id that is a number here may be a text there. */
    run("CREATE TABLE users(user_id varchar(64) PRIMARY KEY, n int2)");
    recsys_datum both[] = {recsys_datum_integer(42), recsys_datum_integer(7)};
    rows = query("INSERT INTO users VALUES ($1, $2) RETURNING user_id, n", both, 2);
    expect_written(rows, RECSYS_SHAPE_OBJECT, "{\"user_id\":\"42\",\"n\":7}");
    recsys_rows_destroy(rows);
}

static void parameters_are_data_whatever_they_hold(void **state)
{
    static const char *const evil[] = {
        "'; DROP TABLE kept; --",
        "\\'; DROP TABLE kept; --",
        "\"",
        "\\",
        "$1",
        "%s %n %d",
        "/* */ -- ;",
        "\xef\xbc\x87 OR 1=1",
        "",
        "'",
        "''",
        "\t\r\n\x01\x7f",
        "E'\\\\x27'",
        "{\"a\":1}\\u0000 as it is",
        "日本 é 😀",
    };
    recsys_rows *rows;

    (void)state;
    run("CREATE TABLE kept(id int PRIMARY KEY, v text)");
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        recsys_datum parameters[] = {recsys_datum_integer((int64_t)i), recsys_datum_text(evil[i])};
        recsys_rows_destroy(query("INSERT INTO kept VALUES ($1, $2)", parameters, 2));
        rows = query("SELECT v FROM kept WHERE v = $2 AND id = $1", parameters, 2);
        assert_int_equal(recsys_rows_count(rows), 1);
        assert_string_equal(recsys_rows_get(rows, 0, 0).text, evil[i]);
        recsys_rows_destroy(rows);
    }
    rows = query("SELECT count(*) FROM kept", NULL, 0);
    assert_int_equal(recsys_rows_get(rows, 0, 0).number, sizeof evil / sizeof *evil);
    recsys_rows_destroy(rows);
}

static void a_text_of_some_megabytes_comes_back_whole(void **state)
{
    const size_t size = 20u << 20;
    char *text = malloc(size + 1);

    (void)state;
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('a' + i % 23);
    text[size] = '\0';
    recsys_datum parameter = recsys_datum_text(text);
    recsys_rows *rows = NULL;
    assert_int_equal(recsys_source_query(source, "SELECT $1::text, length($1::text)", &parameter, 1,
                                         60000, &rows, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_rows_get(rows, 0, 0).size, size);
    assert_memory_equal(recsys_rows_get(rows, 0, 0).text, text, size);
    recsys_rows_destroy(rows);
    free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_type_has_its_json),
        TEST(a_databases_settings_change_no_answer),
        TEST(no_setting_stays_behind),
        TEST(types_of_the_databases_own_are_text),
        TEST(postgis_types_are_text),
        TEST(columns_without_rows_are_known),
        TEST(parameters_have_the_types_that_the_statement_gives_them),
        TEST(parameters_are_data_whatever_they_hold),
        TEST(a_text_of_some_megabytes_comes_back_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
