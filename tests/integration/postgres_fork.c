/* Covers lib/adapters/postgres in a forked child: it may neither use nor end what its parent has
 * connected, and its parent must not notice that there ever was a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recsys/postgres.h"
#include "tests/support/database.h"

static char *conninfo;
static recsys_error err;

static int create_database(void **state)
{
    (void)state;
    conninfo = database_create();
    free(database_ask(conninfo, "CREATE TABLE t(id int)"));
    return 0;
}

static int drop_database(void **state)
{
    (void)state;
    database_drop(conninfo);
    return 0;
}

static void run_within(recsys_transaction *transaction, const char *statement)
{
    recsys_rows *rows;

    assert_int_equal(recsys_transaction_query(transaction, statement, NULL, 0, &rows, &err),
                     RECSYS_OK);
    recsys_rows_destroy(rows);
}

/* Everything a child may try, in the order in which a garbage collector might. */
static int child(recsys_source *source, recsys_transaction *transaction)
{
    recsys_postgres_stats stats = RECSYS_POSTGRES_STATS_INIT;
    recsys_transaction *another = (recsys_transaction *)&err;
    recsys_rows *rows = (recsys_rows *)&err;
    int wrong = 0;

    wrong |= recsys_source_query(source, "SELECT 1", NULL, 0, 0, &rows, &err) != RECSYS_E_STATE;
    wrong |= rows != NULL || strstr(err.message, "fork()") == NULL;
    wrong |= recsys_source_run(source, "SELECT 1", 0, &err) != RECSYS_E_STATE;
    wrong |= recsys_transaction_begin(source, 0, &another, &err) != RECSYS_E_STATE;
    wrong |= another != NULL;
    wrong |= recsys_postgres_get_stats(source, &stats, &err) != RECSYS_E_STATE;
    wrong |=
        recsys_transaction_query(transaction, "SELECT 1", NULL, 0, &rows, &err) != RECSYS_E_STATE;
    wrong |= recsys_transaction_commit(transaction, &err) != RECSYS_E_STATE;
    recsys_source_unref(source);
    /* A source of its own works. */
    wrong |= recsys_postgres_create(conninfo, NULL, &source, &err) != RECSYS_OK;
    wrong |= recsys_source_query(source, "SELECT 1", NULL, 0, 10000, &rows, &err) != RECSYS_OK;
    recsys_rows_destroy(rows);
    recsys_source_unref(source);
    return wrong;
}

static void a_child_is_refused_and_its_parent_goes_on(void **state)
{
    recsys_postgres_stats stats = RECSYS_POSTGRES_STATS_INIT;
    recsys_transaction *transaction, *idle;
    recsys_source *source;
    int result;

    (void)state;
    assert_int_equal(recsys_postgres_create(conninfo, NULL, &source, &err), RECSYS_OK);
    assert_int_equal(recsys_transaction_begin(source, 30000, &transaction, &err), RECSYS_OK);
    assert_int_equal(recsys_transaction_begin(source, 30000, &idle, &err), RECSYS_OK);
    recsys_transaction_rollback(idle);
    run_within(transaction, "INSERT INTO t VALUES (1)");
    for (int i = 0; i < 3; i++) {
        pid_t process = fork();
        assert_true(process >= 0);
        if (process == 0)
            _exit(child(source, transaction));
        assert_int_equal(waitpid(process, &result, 0), process);
        assert_true(WIFEXITED(result));
        assert_int_equal(WEXITSTATUS(result), 0);
        run_within(transaction, "INSERT INTO t VALUES (2)");
    }
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_OK);
    /* On each of the two connections, the one that was idle all the time, too. */
    assert_int_equal(recsys_transaction_begin(source, 30000, &transaction, &err), RECSYS_OK);
    assert_int_equal(recsys_transaction_begin(source, 30000, &idle, &err), RECSYS_OK);
    run_within(transaction, "SELECT 1");
    run_within(idle, "SELECT 1");
    recsys_transaction_rollback(transaction);
    recsys_transaction_rollback(idle);
    assert_int_equal(recsys_postgres_get_stats(source, &stats, &err), RECSYS_OK);
    assert_int_equal(stats.connected, 2);
    assert_int_equal(stats.closed_broken, 0);
    assert_int_equal(stats.idle, 2);
    recsys_source_unref(source);
    char *rows = database_ask(conninfo, "SELECT count(*) FROM t");
    assert_string_equal(rows, "4");
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_refused_and_its_parent_goes_on),
    };
    return cmocka_run_group_tests(tests, create_database, drop_database);
}
