/* Out of memory while rows are filled and written, and while PostgreSQL is asked: see oom.h.
 *
 * Without memory for the one result that says that a pipeline has ended, libpq
 * (as of 15) waits for it without end; the deadline ends that. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/oom.h"

#include "recsys/postgres.h"
#include "tests/support/database.h"

FAIL_ALLOC_INTERPOSE;

#define TIMEOUT_MS 1000

static char *conninfo;
static recsys_source *source; /* in use already when memory runs out */

static int is_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static recsys_datum text_of(uint32_t type, const char *text)
{
    recsys_datum value = recsys_datum_text(text);

    value.type = type;
    return value;
}

static recsys_status fill(recsys_rows *rows)
{
    TRY(recsys_rows_add_column(rows, "number", &oom_err));
    TRY(recsys_rows_add_column(rows, "text", &oom_err));
    TRY(recsys_rows_add_column(rows, "json", &oom_err));
    for (int i = 0; i < 300; i++) {
        TRY(recsys_rows_add(rows, recsys_datum_real(i / 7.0), &oom_err));
        TRY(recsys_rows_add(rows, recsys_datum_text("some \"text\""), &oom_err));
        TRY(recsys_rows_add(rows, text_of(RECSYS_TYPE_JSON, "{\"a\":[1,2,{}]}"), &oom_err));
    }
    return RECSYS_OK;
}

static recsys_status fill_and_write(void)
{
    recsys_rows *rows = (recsys_rows *)&oom_err;
    recsys_value value;

    recsys_status status = recsys_rows_create(&rows, &oom_err);
    if (status != RECSYS_OK) {
        CHECK(rows == NULL);
        return status;
    }
    status = fill(rows);
    size_t n = recsys_rows_count(rows);
    CHECK(status != RECSYS_OK || n == 300);
    if (n > 0) /* what came before the failure is whole */
        CHECK(is_same(recsys_rows_find(rows, n - 1, "text").text, "some \"text\""));
    if (status == RECSYS_OK) {
        status = recsys_rows_format(rows, RECSYS_SHAPE_LIST, &value, &oom_err);
        CHECK((status == RECSYS_OK) == (value.data != NULL));
        recsys_value_release(&value);
    }
    recsys_rows_destroy(rows);
    return status;
}

static recsys_status write_rows(void)
{
    recsys_status status;

    FAILING(status, fill_and_write());
    return status;
}

static recsys_status ask(recsys_source *whom)
{
    const recsys_datum parameters[] = {recsys_datum_integer(7), recsys_datum_text("x"),
                                       recsys_datum_real(0.5)};
    recsys_rows *rows = (recsys_rows *)&oom_err;
    recsys_status status = recsys_source_query(
        whom,
        "SELECT i, $2::text || i AS t, ARRAY[$1::text, NULL, 'a\"b'] AS a, now() AS n, "
        "$3::float8 AS r FROM generate_series(1, 20) i",
        parameters, 3, TIMEOUT_MS, &rows, &oom_err);

    if (status != RECSYS_OK) {
        CHECK(rows == NULL);
        return status;
    }
    CHECK_EQ(recsys_rows_count(rows), 20);
    CHECK(is_same(recsys_rows_find(rows, 19, "t").text, "x20"));
    CHECK(is_same(recsys_rows_find(rows, 19, "a").text, "[\"7\",null,\"a\\\"b\"]"));
    recsys_rows_destroy(rows);
    return RECSYS_OK;
}

static recsys_status connect_and_ask(void)
{
    recsys_source *fresh = (recsys_source *)&oom_err;
    recsys_status status = recsys_postgres_create(conninfo, NULL, &fresh, &oom_err);

    if (status != RECSYS_OK) {
        CHECK(fresh == NULL);
        return status;
    }
    status = ask(fresh);
    recsys_source_unref(fresh);
    return status;
}

static recsys_status query_a_new_source(void)
{
    recsys_status status;

    FAILING(status, connect_and_ask());
    return status;
}

/* Whatever happens to a source that is in use, its next query succeeds. */
static recsys_status fail_in_use(recsys_status (*use)(void))
{
    recsys_status status;

    CHECK_OK(recsys_postgres_create(conninfo, NULL, &source, &oom_err), &oom_err);
    CHECK_OK(ask(source), &oom_err);
    FAILING(status, use());
    recsys_error problem = oom_err;
    CHECK_OK(ask(source), &oom_err);
    oom_err = problem;
    recsys_source_unref(source);
    return status;
}

static recsys_status ask_again(void)
{
    return ask(source);
}

static recsys_status query_a_source_in_use(void)
{
    return fail_in_use(ask_again);
}

static recsys_status one_transaction(void)
{
    recsys_transaction *transaction = (recsys_transaction *)&oom_err;
    recsys_rows *rows;
    recsys_status status = recsys_transaction_begin(source, TIMEOUT_MS, &transaction, &oom_err);

    if (status != RECSYS_OK) {
        CHECK(transaction == NULL);
        return status;
    }
    status = recsys_transaction_query(transaction, "INSERT INTO t VALUES (1) RETURNING id", NULL, 0,
                                      &rows, &oom_err);
    recsys_rows_destroy(rows);
    if (status != RECSYS_OK) {
        recsys_transaction_rollback(transaction);
        return status;
    }
    return recsys_transaction_commit(transaction, &oom_err);
}

static recsys_status run_a_transaction(void)
{
    return fail_in_use(one_transaction);
}

static recsys_status one_script(void)
{
    return recsys_source_run(source, "DELETE FROM t; SELECT 1", TIMEOUT_MS, &oom_err);
}

static recsys_status run_a_script(void)
{
    return fail_in_use(one_script);
}

int main(void)
{
    static const struct oom_scenario scenarios[] = {
        {"rows that are filled and written", write_rows, 0},
        {"a query on a new source", query_a_new_source, RECSYS_E_TIMEOUT},
        {"a query on a source in use", query_a_source_in_use, RECSYS_E_TIMEOUT},
        {"a transaction", run_a_transaction, 0},
        {"a script", run_a_script, 0},
    };

    /* Kerberos and OpenSSL, which libpq would ask first, are not what is tested here; the former
     * does not survive being without memory (MIT krb5 1.20). */
    setenv("PGGSSENCMODE", "disable", 1);
    setenv("PGSSLMODE", "disable", 1);
    conninfo = database_create();
    free(database_ask(conninfo, "CREATE TABLE t(id int)"));
    int result = oom_main(scenarios, sizeof scenarios / sizeof *scenarios, FAIL_ALLOC_INTERPOSED);
    database_drop(conninfo);
    return result;
}
