/* Covers lib/source/source.c: what a driver is asked, what callers get, over a driver that notes
 * everything and answers as it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "recsys/source.h"

static recsys_error err;

/* -- the driver -- */

static struct {
    char log[1000]; /* what was called, in order */
    recsys_status status;
    int n_values;  /* added to the rows before answering */
    int n_columns; /* of them; 0 = 1 */
    int has_no_session, is_silent;
} fake;

static int its_session;

static void note(const char *format, ...)
{
    va_list arguments;
    size_t size = strlen(fake.log);

    va_start(arguments, format);
    vsnprintf(fake.log + size, sizeof fake.log - size, format, arguments);
    va_end(arguments);
}

static recsys_status answer(recsys_error *problem)
{
    static const recsys_error nothing;

    assert_non_null(problem);
    assert_memory_equal(problem, &nothing, sizeof nothing);
    if (fake.is_silent)
        return fake.status;
    return fake.status == RECSYS_OK ? RECSYS_OK : rs_error(problem, fake.status, "told to fail");
}

static recsys_status fake_query(void *self, void *session, const char *statement,
                                const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                                recsys_rows *rows, recsys_error *problem)
{
    assert_ptr_equal(self, &fake);
    note("%s%s/%zu", session == NULL ? "query " : "query within ", statement, n);
    for (size_t i = 0; i < n; i++)
        note(":%u", (unsigned)parameters[i].type);
    note(" %ums;", (unsigned)timeout_ms);
    assert_true(session == NULL || session == &its_session);
    for (int i = 0; fake.n_values > 0 && i < (fake.n_columns == 0 ? 1 : fake.n_columns); i++)
        assert_int_equal(recsys_rows_add_column(rows, "v", problem), RECSYS_OK);
    for (int i = 0; i < fake.n_values; i++)
        assert_int_equal(recsys_rows_add(rows, recsys_datum_integer(i), problem), RECSYS_OK);
    return answer(problem);
}

static recsys_status fake_begin(void *self, uint32_t timeout_ms, void **session,
                                recsys_error *problem)
{
    assert_ptr_equal(self, &fake);
    note("begin %ums;", (unsigned)timeout_ms);
    if (fake.status == RECSYS_OK && !fake.has_no_session)
        *session = &its_session;
    return answer(problem);
}

static recsys_status fake_end(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                              recsys_error *problem)
{
    assert_ptr_equal(self, &fake);
    assert_ptr_equal(session, &its_session);
    note("%s %ums;", commit ? "commit" : "rollback", (unsigned)timeout_ms);
    return answer(problem);
}

static recsys_status fake_run(void *self, const char *script, uint32_t timeout_ms,
                              recsys_error *problem)
{
    assert_ptr_equal(self, &fake);
    note("run %s %ums;", script, (unsigned)timeout_ms);
    return answer(problem);
}

static void fake_destroy(void *self)
{
    assert_ptr_equal(self, &fake);
    note("destroy;");
}

static void other_destroy(void *self)
{
    (void)self;
}

static recsys_source_driver driver(void)
{
    return (recsys_source_driver){(uint32_t)sizeof(recsys_source_driver),
                                  0,
                                  fake_query,
                                  fake_begin,
                                  fake_end,
                                  fake_run,
                                  fake_destroy};
}

static recsys_source *create(void)
{
    recsys_source_driver mine = driver();
    recsys_source *source = NULL;

    memset(&fake, 0, sizeof fake);
    assert_int_equal(recsys_source_create("fake", &mine, &fake, &source, &err), RECSYS_OK);
    return source;
}

static void expect_log(const char *want)
{
    assert_string_equal(fake.log, want);
    fake.log[0] = '\0';
}

/* -- the tests -- */

static void a_query_reaches_the_driver_with_its_parameters(void **state)
{
    recsys_source *source = create();
    recsys_datum parameters[] = {recsys_datum_integer(1), recsys_datum_text("x"),
                                 recsys_datum_text(NULL), recsys_datum_real(0.5)};
    recsys_rows *rows = NULL;

    (void)state;
    fake.n_values = 2;
    assert_int_equal(recsys_source_query(source, "Q", parameters, 4, 150, &rows, &err), RECSYS_OK);
    expect_log("query Q/4:2:4:0:3 150ms;");
    assert_int_equal(recsys_rows_count(rows), 2);
    recsys_rows_destroy(rows);
    assert_int_equal(recsys_source_query(source, "Q", NULL, 0, 0, &rows, &err), RECSYS_OK);
    expect_log("query Q/0 2000ms;");
    recsys_rows_destroy(rows);
    assert_int_equal(recsys_source_run(source, "S", 0, &err), RECSYS_OK);
    assert_int_equal(recsys_source_run(source, "S", 7, &err), RECSYS_OK);
    expect_log("run S 2000ms;run S 7ms;");
    recsys_source_unref(source);
    expect_log("destroy;");
}

static void a_failure_gives_no_rows_even_if_some_had_come(void **state)
{
    recsys_source *source = create();
    recsys_rows *rows = (recsys_rows *)&err;

    (void)state;
    fake.status = RECSYS_E_IO;
    fake.n_values = 3;
    assert_int_equal(recsys_source_query(source, "Q", NULL, 0, 0, &rows, &err), RECSYS_E_IO);
    assert_null(rows);
    assert_string_equal(err.message, "told to fail");
    assert_int_equal(recsys_source_run(source, "S", 0, NULL), RECSYS_E_IO);
    recsys_source_unref(source);
}

static void wrong_parameters_never_reach_the_driver(void **state)
{
    const struct {
        recsys_datum value;
        recsys_status want;
    } wrong[] = {
        {{.type = 8}, RECSYS_E_INVALID},
        {{.type = RECSYS_TYPE_BOOL, .number = 2}, RECSYS_E_INVALID},
        {{.type = RECSYS_TYPE_TEXT}, RECSYS_E_INVALID},
        {{.type = RECSYS_TYPE_TEXT, .text = "a\0b", .size = 3}, RECSYS_E_INVALID},
        {{.type = RECSYS_TYPE_TEXT, .text = "\xff", .size = 1}, RECSYS_E_INVALID},
        {{.type = RECSYS_TYPE_JSON, .text = "{", .size = 1}, RECSYS_E_INVALID},
        {{.type = RECSYS_TYPE_NUMBER, .text = "1;", .size = 2}, RECSYS_E_INVALID},
        {{.type = RECSYS_TYPE_TEXT, .text = "", .size = SIZE_MAX}, RECSYS_E_LIMIT},
    };
    recsys_source *source = create();
    recsys_rows *rows;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        recsys_datum parameters[] = {recsys_datum_integer(1), wrong[i].value};
        assert_int_equal(recsys_source_query(source, "Q", parameters, 2, 0, &rows, &err),
                         wrong[i].want);
        assert_null(rows);
        assert_non_null(strstr(err.message, "$2"));
    }
    static recsys_datum many[65536];
    assert_int_equal(recsys_source_query(source, "Q", many, 65536, 0, &rows, &err),
                     RECSYS_E_INVALID);
    expect_log("");
    recsys_source_unref(source);
}

static void missing_arguments_are_said(void **state)
{
    recsys_source *source = create();
    recsys_rows *rows = (recsys_rows *)&err;
    recsys_transaction *transaction = (recsys_transaction *)&err;

    (void)state;
    assert_int_equal(recsys_source_query(NULL, "Q", NULL, 0, 0, &rows, &err), RECSYS_E_INVALID);
    assert_null(rows);
    assert_int_equal(recsys_source_query(source, NULL, NULL, 0, 0, &rows, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_source_query(source, "Q", NULL, 1, 0, &rows, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_source_query(source, "Q", NULL, 0, 0, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_source_run(NULL, "S", 0, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_source_run(source, NULL, 0, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_transaction_begin(NULL, 0, &transaction, &err), RECSYS_E_INVALID);
    assert_null(transaction);
    assert_int_equal(recsys_transaction_begin(source, 0, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_transaction_query(NULL, "Q", NULL, 0, &rows, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_transaction_commit(NULL, &err), RECSYS_E_INVALID);
    recsys_transaction_rollback(NULL);
    recsys_source_unref(NULL);
    expect_log("");
    recsys_source_unref(source);
}

static void a_transaction_ends_once_whatever_comes_of_it(void **state)
{
    recsys_source *source = create();
    recsys_transaction *transaction;
    recsys_rows *rows;

    (void)state;
    assert_int_equal(recsys_transaction_begin(source, 300, &transaction, &err), RECSYS_OK);
    assert_int_equal(recsys_transaction_query(transaction, "A", NULL, 0, &rows, &err), RECSYS_OK);
    recsys_rows_destroy(rows);
    assert_int_equal(recsys_transaction_query(transaction, "A", NULL, 0, NULL, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_OK);
    expect_log("begin 300ms;query within A/0 300ms;commit 300ms;");

    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_OK);
    recsys_transaction_rollback(transaction);
    expect_log("begin 2000ms;rollback 2000ms;");

    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_OK);
    fake.status = RECSYS_E_TIMEOUT;
    assert_int_equal(recsys_transaction_query(transaction, "A", NULL, 0, &rows, &err),
                     RECSYS_E_TIMEOUT);
    assert_null(rows);
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_E_TIMEOUT);
    expect_log("begin 2000ms;query within A/0 2000ms;commit 2000ms;");

    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_E_TIMEOUT);
    assert_null(transaction);
    recsys_source_unref(source);
}

/* Else its statements would silently run outside of any transaction. */
static void a_transaction_without_a_session_is_refused(void **state)
{
    recsys_source *source = create();
    recsys_transaction *transaction;

    (void)state;
    fake.has_no_session = 1;
    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_E_CALLBACK);
    assert_null(transaction);
    recsys_source_unref(source);
}

static void a_source_that_cannot_be_made_destroys_what_it_owns(void **state)
{
    recsys_source_driver good = driver(), wrong;
    recsys_source *source = (recsys_source *)&err;
    _Alignas(recsys_source_driver) unsigned char newer[sizeof good + 8];

    (void)state;
    memset(&fake, 0, sizeof fake);
    assert_int_equal(recsys_source_create(NULL, &good, &fake, &source, &err), RECSYS_E_INVALID);
    assert_null(source);
    assert_int_equal(recsys_source_create("fake", &good, &fake, NULL, &err), RECSYS_E_INVALID);
    wrong = good;
    wrong.query = NULL;
    assert_int_equal(recsys_source_create("fake", &wrong, &fake, &source, &err), RECSYS_E_INVALID);
    wrong = good;
    wrong.begin = NULL;
    assert_int_equal(recsys_source_create("fake", &wrong, &fake, &source, &err), RECSYS_E_INVALID);
    wrong = good;
    wrong.end = NULL;
    assert_int_equal(recsys_source_create("fake", &wrong, &fake, &source, &err), RECSYS_E_INVALID);
    memset(newer, 1, sizeof newer);
    good.struct_size = (uint32_t)sizeof newer;
    memcpy(newer, &good, sizeof good);
    assert_int_equal(
        recsys_source_create("fake", (recsys_source_driver *)(void *)newer, &fake, &source, &err),
        RECSYS_E_UNSUPPORTED);
    expect_log("destroy;destroy;destroy;destroy;destroy;destroy;");

    /* A size that was never set, or that no struct has. */
    wrong = driver();
    for (size_t i = 0; i < 3; i++) {
        static const uint32_t sizes[] = {0, 8, 1u << 20};
        wrong.struct_size = sizes[i];
        assert_int_equal(recsys_source_create("fake", &wrong, &fake, &source, &err),
                         RECSYS_E_INVALID);
        expect_log("destroy;");
    }
    /* Of these it is not known how to destroy it. */
    wrong = driver();
    wrong.destroy = NULL;
    assert_int_equal(recsys_source_create("fake", &wrong, &fake, &source, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_source_create("fake", NULL, &fake, &source, &err), RECSYS_E_INVALID);
    expect_log("");
}

/* A garbage collector drops what it likes first. */
static void a_source_lives_as_long_as_anybody_uses_it(void **state)
{
    recsys_source *source = create();
    recsys_transaction *transaction = NULL;

    (void)state;
    assert_ptr_equal(recsys_source_ref(source), source);
    assert_null(recsys_source_ref(NULL));
    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_OK);
    recsys_source_unref(source);
    recsys_source_unref(source);
    expect_log("begin 2000ms;");
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_OK);
    expect_log("commit 2000ms;destroy;");
}

static void what_a_driver_cannot_do_is_unsupported(void **state)
{
    recsys_source_driver mine = driver();
    recsys_source *source = NULL;

    (void)state;
    memset(&fake, 0, sizeof fake);
    mine.run = NULL;
    assert_int_equal(recsys_source_create("fake", &mine, &fake, &source, &err), RECSYS_OK);
    assert_int_equal(recsys_source_run(source, "S", 0, &err), RECSYS_E_UNSUPPORTED);
    recsys_source_unref(source);
}

/* The library does not trust a driver: it checks every result before it returns it. */
static void what_a_driver_returns_is_judged(void **state)
{
    recsys_source *source = create();
    recsys_transaction *transaction;
    recsys_rows *rows;
    const recsys_error before = {RECSYS_E_IO, 7, "as it was"};

    (void)state;
    fake.status = 5;
    fake.is_silent = 1;
    assert_int_equal(recsys_source_query(source, "Q", NULL, 0, 0, &rows, &err), RECSYS_E_CALLBACK);
    assert_null(rows);
    assert_non_null(strstr(err.message, "5"));
    assert_non_null(strstr(err.message, "fake: the driver's query"));
    assert_int_equal(recsys_source_query(source, "Q", NULL, 0, 0, &rows, NULL), RECSYS_E_CALLBACK);
    fake.status = -12345;
    assert_int_equal(recsys_source_run(source, "S", 0, &err), RECSYS_E_CALLBACK);
    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_E_CALLBACK);
    assert_null(transaction);
    /* A failure without a word gets words. */
    fake.status = RECSYS_E_BACKEND;
    assert_int_equal(recsys_source_run(source, "S", 0, &err), RECSYS_E_BACKEND);
    assert_int_equal(err.status, RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "E_BACKEND"));
    /* Success leaves the record alone. */
    fake.status = RECSYS_OK;
    err = before;
    assert_int_equal(recsys_source_run(source, "S", 0, &err), RECSYS_OK);
    assert_memory_equal(&err, &before, sizeof err);
    /* Success in the middle of a row is none. */
    fake.n_values = 3;
    fake.n_columns = 2;
    assert_int_equal(recsys_source_query(source, "Q", NULL, 0, 0, &rows, &err), RECSYS_E_CALLBACK);
    assert_null(rows);
    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_OK);
    fake.status = 1;
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_E_CALLBACK);
    recsys_source_unref(source);
}

static void what_is_reserved_is_refused(void **state)
{
    recsys_source *source = create();
    recsys_source_driver newer = driver();
    recsys_datum parameter = recsys_datum_integer(1);
    recsys_rows *rows = (recsys_rows *)&err;

    (void)state;
    parameter.reserved = 1;
    assert_int_equal(recsys_source_query(source, "Q", &parameter, 1, 0, &rows, &err),
                     RECSYS_E_UNSUPPORTED);
    assert_null(rows);
    assert_non_null(strstr(err.message, "$1"));
    recsys_source_unref(source);
    expect_log("destroy;");
    newer.reserved = 1;
    assert_int_equal(recsys_source_create("fake", &newer, &fake, &source, &err),
                     RECSYS_E_UNSUPPORTED);
    assert_null(source);
    expect_log("destroy;");
}

static void a_time_out_is_the_default_or_as_long_as_it_takes(void **state)
{
    recsys_source *source = create();
    recsys_transaction *transaction;

    (void)state;
    assert_int_equal(recsys_source_run(source, "S", 0, &err), RECSYS_OK);
    assert_int_equal(recsys_source_run(source, "S", RECSYS_NEVER_32, &err), RECSYS_OK);
    assert_int_equal(recsys_transaction_begin(source, RECSYS_NEVER_32, &transaction, &err),
                     RECSYS_OK);
    recsys_transaction_rollback(transaction);
    expect_log("run S 2000ms;run S 4294967295ms;begin 4294967295ms;rollback 4294967295ms;");
    recsys_source_unref(source);
}

static void a_driver_finds_only_its_own_sources(void **state)
{
    recsys_source *source = create();

    (void)state;
    assert_ptr_equal(recsys_source_get_self(source, fake_destroy), &fake);
    assert_null(recsys_source_get_self(source, other_destroy));
    assert_null(recsys_source_get_self(source, NULL));
    assert_null(recsys_source_get_self(NULL, fake_destroy));
    recsys_source_unref(source);
}

static void a_database_that_is_away_is_not_asked(void **state)
{
    recsys_source *source = create();
    recsys_transaction *begun, *transaction = NULL;
    recsys_rows *rows = NULL;

    (void)state;
    assert_int_equal(recsys_transaction_begin(source, 0, &begun, &err), RECSYS_OK);
    fake.log[0] = '\0';
    recsys_source_set_away(source, 1);
    assert_int_equal(recsys_source_query(source, "Q", NULL, 0, 0, &rows, &err), RECSYS_E_IO);
    assert_null(rows);
    assert_int_equal(recsys_source_run(source, "S", 0, &err), RECSYS_E_IO);
    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_E_IO);
    assert_null(transaction);
    assert_string_equal(fake.log, "");
    /* A transaction that has begun may end. */
    assert_int_equal(recsys_transaction_commit(begun, &err), RECSYS_OK);
    recsys_source_set_away(source, 0);
    assert_int_equal(recsys_source_query(source, "Q", NULL, 0, 0, &rows, &err), RECSYS_OK);
    recsys_rows_destroy(rows);
    recsys_source_unref(source);
    recsys_source_set_away(NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_reaches_the_driver_with_its_parameters),
        cmocka_unit_test(a_failure_gives_no_rows_even_if_some_had_come),
        cmocka_unit_test(wrong_parameters_never_reach_the_driver),
        cmocka_unit_test(missing_arguments_are_said),
        cmocka_unit_test(a_transaction_ends_once_whatever_comes_of_it),
        cmocka_unit_test(a_transaction_without_a_session_is_refused),
        cmocka_unit_test(a_source_that_cannot_be_made_destroys_what_it_owns),
        cmocka_unit_test(a_source_lives_as_long_as_anybody_uses_it),
        cmocka_unit_test(what_a_driver_cannot_do_is_unsupported),
        cmocka_unit_test(what_a_driver_returns_is_judged),
        cmocka_unit_test(what_is_reserved_is_refused),
        cmocka_unit_test(a_time_out_is_the_default_or_as_long_as_it_takes),
        cmocka_unit_test(a_driver_finds_only_its_own_sources),
        cmocka_unit_test(a_database_that_is_away_is_not_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
