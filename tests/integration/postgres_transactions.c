/* Covers lib/adapters/postgres against a real server: transactions, scripts, and what the
 * database's refusals are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/lock.h"
#include "recsys/postgres.h"
#include "tests/support/database.h"
#include "tests/support/processes.h"

static char *conninfo;
static recsys_source *source;
static recsys_error err;

static int set_up(void **state)
{
    (void)state;
    conninfo = database_create();
    free(database_ask(conninfo, "CREATE TABLE t(id int PRIMARY KEY, n int NOT NULL DEFAULT 0 CHECK "
                                "(n < 1000)); INSERT INTO t VALUES (1), (2)"));
    assert_int_equal(recsys_postgres_create(conninfo, NULL, &source, &err), RECSYS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_source_unref(source);
    database_drop(conninfo);
    return 0;
}

static recsys_status query(const char *statement)
{
    recsys_rows *rows;
    recsys_status status = recsys_source_query(source, statement, NULL, 0, 10000, &rows, &err);

    recsys_rows_destroy(rows);
    return status;
}

static recsys_status query_within(recsys_transaction *transaction, const char *statement)
{
    recsys_rows *rows;
    recsys_status status = recsys_transaction_query(transaction, statement, NULL, 0, &rows, &err);

    recsys_rows_destroy(rows);
    return status;
}

static recsys_transaction *begin(void)
{
    recsys_transaction *transaction;

    assert_int_equal(recsys_transaction_begin(source, 10000, &transaction, &err), RECSYS_OK);
    return transaction;
}

/* Another connection must see this. */
static void expect_seen(const char *sql, const char *want)
{
    char *answer = database_ask(conninfo, sql);

    assert_string_equal(answer, want);
    free(answer);
}

static recsys_postgres_stats get_stats(void)
{
    recsys_postgres_stats stats = {.struct_size = (uint32_t)sizeof stats};

    assert_int_equal(recsys_postgres_get_stats(source, &stats, &err), RECSYS_OK);
    return stats;
}

static void a_commit_is_seen_and_a_rollback_is_not(void **state)
{
    recsys_transaction *transaction = begin();

    (void)state;
    assert_int_equal(query_within(transaction, "UPDATE t SET n = 5 WHERE id = 1"), RECSYS_OK);
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (3, 5)"), RECSYS_OK);
    expect_seen("SELECT count(*) FROM t WHERE n = 5", "0");
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_OK);
    expect_seen("SELECT count(*) FROM t WHERE n = 5", "2");

    transaction = begin();
    assert_int_equal(query_within(transaction, "DELETE FROM t"), RECSYS_OK);
    recsys_transaction_rollback(transaction);
    expect_seen("SELECT count(*) FROM t", "3");
    assert_int_equal(get_stats().connected, 1);
    assert_int_equal(get_stats().closed_broken, 0);
}

static void refusals_have_their_status_sqlstate_and_advice(void **state)
{
    static const struct {
        const char *statement;
        recsys_status want;
        const char *says;
    } refusals[] = {
        {"INSERT INTO t VALUES (1)", RECSYS_E_EXISTS, "SQLSTATE 23505"},
        {"INSERT INTO t VALUES (9, NULL)", RECSYS_E_INVALID, "SQLSTATE 23502"},
        {"INSERT INTO t VALUES (9, 1000)", RECSYS_E_INVALID, "SQLSTATE 23514"},
        {"SELECT 'x'::text::int", RECSYS_E_INVALID, "SQLSTATE 22P02"},
        {"SELECT 1/0", RECSYS_E_INVALID, "division by zero"},
        {"SELECT 2147483647 + 1", RECSYS_E_INVALID, "SQLSTATE 22003"},
        {"SELECT * FROM nowhere", RECSYS_E_BACKEND, "migration"},
        {"SELECT * FROM nowhere.nothing", RECSYS_E_BACKEND, "SQLSTATE 42P01"},
        {"SELECT nothing FROM t", RECSYS_E_BACKEND, "SQLSTATE 42703"},
        {"SELEC 1", RECSYS_E_BACKEND, "SELEC 1"},
        {"SELECT 1; SELECT 2", RECSYS_E_BACKEND, "SQLSTATE 42601"},
        {"SELECT $1", RECSYS_E_BACKEND, "SQLSTATE 08P01"},
        {"DO $$BEGIN RAISE 'no' USING ERRCODE = '40001'; END$$", RECSYS_E_CONFLICT, "try the whole"},
        /* It may have completed: not to be tried again. */
        {"DO $$BEGIN RAISE 'no' USING ERRCODE = '40003'; END$$", RECSYS_E_IO, "SQLSTATE 40003"},
        {"", RECSYS_E_INVALID, "no statement"},
        {" -- only a comment", RECSYS_E_INVALID, "no statement"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        assert_int_equal(query(refusals[i].statement), refusals[i].want);
        if (strstr(err.message, refusals[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err.message, refusals[i].says);
        /* The server's DETAIL would quote the row. */
        assert_null(strstr(err.message, "Failing row"));
        assert_null(strstr(err.message, "(id)=(1)"));
    }
    assert_int_equal(query("SELECT 1"), RECSYS_OK);
    assert_int_equal(get_stats().connected, 1); /* none of them cost the connection */
}

static void a_transaction_with_a_failure_writes_nothing(void **state)
{
    recsys_transaction *transaction = begin();

    (void)state;
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (3)"), RECSYS_OK);
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (3)"), RECSYS_E_EXISTS);
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (4)"), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "25P02"));
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_E_STATE);
    assert_non_null(strstr(err.message, "nothing was written"));
    expect_seen("SELECT count(*) FROM t", "2");

    /* A savepoint makes it good again. */
    transaction = begin();
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (3)"), RECSYS_OK);
    assert_int_equal(query_within(transaction, "SAVEPOINT here"), RECSYS_OK);
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (3)"), RECSYS_E_EXISTS);
    assert_int_equal(query_within(transaction, "ROLLBACK TO here"), RECSYS_OK);
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_OK);
    expect_seen("SELECT count(*) FROM t", "3");
    assert_int_equal(get_stats().connected, 1);
}

static void what_cannot_be_serialised_may_be_tried_again(void **state)
{
    static const char serializable[] = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE";
    recsys_transaction *one = begin(), *two = begin();

    (void)state;
    /* Each reads what the other writes: the second commit fails. */
    assert_int_equal(query_within(one, serializable), RECSYS_OK);
    assert_int_equal(query_within(two, serializable), RECSYS_OK);
    assert_int_equal(query_within(one, "SELECT sum(n) FROM t"), RECSYS_OK);
    assert_int_equal(query_within(two, "SELECT sum(n) FROM t"), RECSYS_OK);
    assert_int_equal(query_within(one, "UPDATE t SET n = n + 1 WHERE id = 1"), RECSYS_OK);
    assert_int_equal(query_within(two, "UPDATE t SET n = n + 1 WHERE id = 2"), RECSYS_OK);
    assert_int_equal(recsys_transaction_commit(one, &err), RECSYS_OK);
    assert_int_equal(recsys_transaction_commit(two, &err), RECSYS_E_CONFLICT);
    expect_seen("SELECT sum(n) FROM t", "1");

    /* At the statement, and then at a commit that should not have been tried. */
    one = begin();
    two = begin();
    assert_int_equal(query_within(one, serializable), RECSYS_OK);
    assert_int_equal(query_within(two, serializable), RECSYS_OK);
    assert_int_equal(query_within(one, "SELECT n FROM t WHERE id = 1"), RECSYS_OK);
    assert_int_equal(query_within(two, "UPDATE t SET n = n + 1 WHERE id = 1"), RECSYS_OK);
    assert_int_equal(recsys_transaction_commit(two, &err), RECSYS_OK);
    assert_int_equal(query_within(one, "UPDATE t SET n = n + 1 WHERE id = 1"), RECSYS_E_CONFLICT);
    assert_non_null(strstr(err.message, "40001"));
    assert_int_equal(recsys_transaction_commit(one, &err), RECSYS_E_CONFLICT);
    expect_seen("SELECT sum(n) FROM t", "2");
}

static void *update_row_2(void *transaction)
{
    static recsys_status status;
    recsys_rows *rows;

    status = recsys_transaction_query(transaction, "UPDATE t SET n = n + 1 WHERE id = 2", NULL, 0,
                                      &rows, NULL);
    recsys_rows_destroy(rows);
    return &status;
}

static void a_deadlock_may_be_tried_again(void **state)
{
    recsys_transaction *one = begin(), *two = begin();
    pthread_t thread;
    void *theirs;

    (void)state;
    assert_int_equal(query_within(one, "UPDATE t SET n = n + 1 WHERE id = 1"), RECSYS_OK);
    assert_int_equal(query_within(two, "UPDATE t SET n = n + 1 WHERE id = 2"), RECSYS_OK);
    assert_int_equal(pthread_create(&thread, NULL, update_row_2, one), 0);
    recsys_status mine = query_within(two, "UPDATE t SET n = n + 1 WHERE id = 1");
    /* The server chooses whom it ends; the other goes on when that one has let go. */
    if (mine != RECSYS_OK)
        recsys_transaction_rollback(two);
    pthread_join(thread, &theirs);
    recsys_status other = *(recsys_status *)theirs;
    assert_true((mine == RECSYS_E_CONFLICT && other == RECSYS_OK) ||
                (mine == RECSYS_OK && other == RECSYS_E_CONFLICT));
    assert_int_equal(recsys_transaction_commit(one, &err), other);
    if (mine == RECSYS_OK)
        assert_int_equal(recsys_transaction_commit(two, &err), RECSYS_OK);
    expect_seen("SELECT n FROM t ORDER BY id", "1\n1");
}

static void a_lock_that_is_held_may_be_tried_again(void **state)
{
    recsys_transaction *transaction = begin();

    (void)state;
    assert_int_equal(query_within(transaction, "SELECT * FROM t FOR UPDATE"), RECSYS_OK);
    recsys_rows *rows;
    assert_int_equal(recsys_source_query(source, "SELECT * FROM t FOR UPDATE NOWAIT", NULL, 0, 200,
                                         &rows, &err),
                     RECSYS_E_CONFLICT);
    recsys_transaction_rollback(transaction);
}

static atomic_int is_let_go;

static void *let_go(void *transaction)
{
    rest_ms(300); /* the statement has met the lock several times, mostly */
    atomic_store(&is_let_go, 1);
    recsys_transaction_rollback(transaction);
    return NULL;
}

static void a_statement_alone_is_tried_again_within_its_time(void **state)
{
    recsys_transaction *transaction = begin();
    recsys_rows *rows = NULL;
    pthread_t thread;

    (void)state;
    assert_int_equal(query_within(transaction, "SELECT * FROM t FOR UPDATE"), RECSYS_OK);
    assert_int_equal(pthread_create(&thread, NULL, let_go, transaction), 0);
    assert_int_equal(recsys_source_query(source, "SELECT * FROM t ORDER BY id FOR UPDATE NOWAIT",
                                         NULL, 0, 60000, &rows, &err),
                     RECSYS_OK);
    assert_int_equal(atomic_load(&is_let_go), 1);
    assert_int_equal(recsys_rows_count(rows), 2); /* and not those of the attempts before */
    recsys_rows_destroy(rows);
    pthread_join(thread, NULL);
}

static void a_constraint_that_waits_is_told_by_the_commit(void **state)
{
    (void)state;
    assert_int_equal(query("CREATE TABLE d(a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"),
                     RECSYS_OK);
    recsys_transaction *transaction = begin();
    assert_int_equal(query_within(transaction, "INSERT INTO d VALUES (1), (1)"), RECSYS_OK);
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_E_EXISTS);
    assert_int_equal(query("INSERT INTO d VALUES (1), (1)"), RECSYS_E_EXISTS); /* its own commit */
    expect_seen("SELECT count(*) FROM d", "0");
    assert_int_equal(query("INSERT INTO d VALUES (1)"), RECSYS_OK);
    assert_int_equal(get_stats().connected, 1);
}

static void a_statement_that_is_late_ends_the_transaction_not_the_connection(void **state)
{
    recsys_transaction *transaction;

    (void)state;
    assert_int_equal(recsys_transaction_begin(source, 500, &transaction, &err), RECSYS_OK);
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (3)"), RECSYS_OK);
    assert_int_equal(query_within(transaction, "SELECT pg_sleep(60)"), RECSYS_E_TIMEOUT);
    recsys_transaction_rollback(transaction);
    expect_seen("SELECT count(*) FROM t", "2");
    assert_int_equal(query("SELECT 1"), RECSYS_OK);
    assert_int_equal(get_stats().connected, 1);
}

static void a_statement_by_itself_leaves_no_transaction_open(void **state)
{
    (void)state;
    (void)query("BEGIN");
    assert_int_equal(query("INSERT INTO t VALUES (3)"), RECSYS_OK);
    expect_seen("SELECT count(*) FROM t", "3");
    expect_seen("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND "
                "datname = current_database()",
                "0");
}

static void whoever_ends_the_transaction_by_a_statement_is_told(void **state)
{
    recsys_transaction *transaction = begin();

    (void)state;
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (3)"), RECSYS_OK);
    assert_int_equal(query_within(transaction, "ROLLBACK"), RECSYS_OK);
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "by itself"));
    assert_int_equal(query("SELECT 1"), RECSYS_OK);
}

static void a_lost_connection_ends_the_transaction(void **state)
{
    static const char kill_it[] =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
        "current_database() AND pid <> pg_backend_pid()";
    recsys_transaction *transaction = begin();

    (void)state;
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (3)"), RECSYS_OK);
    free(database_ask(conninfo, kill_it));
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (4)"), RECSYS_E_IO);
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (5)"), RECSYS_E_IO);
    assert_non_null(strstr(err.message, "begin a new transaction"));
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_E_STATE);
    expect_seen("SELECT count(*) FROM t", "2");

    transaction = begin();
    assert_int_equal(query_within(transaction, "INSERT INTO t VALUES (3)"), RECSYS_OK);
    free(database_ask(conninfo, kill_it));
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_E_IO);
    transaction = begin();
    free(database_ask(conninfo, kill_it));
    recsys_transaction_rollback(transaction);
    assert_int_equal(query("SELECT 1"), RECSYS_OK);
    assert_int_equal(get_stats().open, 1);
}

static recsys_status run_script(const char *script)
{
    return recsys_source_run(source, script, 10000, &err);
}

static void a_script_happens_as_a_whole_or_not_at_all(void **state)
{
    (void)state;
    assert_int_equal(run_script("CREATE SCHEMA s; -- a comment; with a semicolon\n"
                                "CREATE TABLE s.a(v text);\n"
                                "INSERT INTO s.a VALUES ('x;y'), ($$z; COMMIT;$$);\n"
                                "DO $$ BEGIN RAISE NOTICE 'hello'; END $$;\n"
                                "SELECT * FROM s.a;\n"),
                     RECSYS_OK);
    expect_seen("SELECT string_agg(v, '|' ORDER BY v) FROM s.a", "x;y|z; COMMIT;");

    assert_int_equal(run_script("INSERT INTO s.a VALUES ('w'); CREATE TABLE s.a(v text);"
                                "INSERT INTO s.a VALUES ('never')"),
                     RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "42P07"));
    expect_seen("SELECT count(*) FROM s.a", "2");
    assert_int_equal(
        recsys_source_run(source, "INSERT INTO s.a VALUES ('w'); SELECT pg_sleep(60)", 500, &err),
        RECSYS_E_TIMEOUT);
    expect_seen("SELECT count(*) FROM s.a", "2");
    assert_int_equal(run_script("INSERT INTO s.a VALUES ('w'); INSERT INTO t VALUES (1)"),
                     RECSYS_E_EXISTS);
    expect_seen("SELECT count(*) FROM s.a", "2");
    assert_int_equal(get_stats().connected, 1);
}

static void copy_is_refused_and_the_source_lives_on(void **state)
{
    (void)state;
    assert_int_equal(run_script("COPY t FROM STDIN"), RECSYS_E_UNSUPPORTED);
    assert_int_equal(run_script("COPY t TO STDOUT"), RECSYS_E_UNSUPPORTED);
    assert_int_not_equal(query("COPY t TO STDOUT"), RECSYS_OK);
    recsys_transaction *transaction = begin();
    assert_int_equal(query_within(transaction, "COPY t FROM STDIN"), RECSYS_E_UNSUPPORTED);
    recsys_transaction_rollback(transaction);
    assert_int_equal(query("SELECT 1"), RECSYS_OK);
    assert_int_equal(get_stats().open, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_commit_is_seen_and_a_rollback_is_not),
        TEST(refusals_have_their_status_sqlstate_and_advice),
        TEST(a_transaction_with_a_failure_writes_nothing),
        TEST(what_cannot_be_serialised_may_be_tried_again),
        TEST(a_deadlock_may_be_tried_again),
        TEST(a_lock_that_is_held_may_be_tried_again),
        TEST(a_statement_alone_is_tried_again_within_its_time),
        TEST(a_constraint_that_waits_is_told_by_the_commit),
        TEST(a_statement_that_is_late_ends_the_transaction_not_the_connection),
        TEST(a_statement_by_itself_leaves_no_transaction_open),
        TEST(whoever_ends_the_transaction_by_a_statement_is_told),
        TEST(a_lost_connection_ends_the_transaction),
        TEST(a_script_happens_as_a_whole_or_not_at_all),
        TEST(copy_is_refused_and_the_source_lives_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
