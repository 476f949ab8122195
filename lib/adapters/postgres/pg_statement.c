/* lib/adapters/postgres/pg_statement.c - see pg_statement.h.
 *
 * No statement depends on settings of the server, the database or the role, and none leaves a
 * changed setting behind: time-out and the forms of dates and numbers are set for the one
 * transaction in which the statement runs. A single statement and its settings go out together and
 * are one transaction without BEGIN and COMMIT: libpq's pipeline, one round trip. libpq 13 has no
 * pipeline; there it is BEGIN, statement, COMMIT.
 *
 * Rows come one by one (single-row mode), so a result that is too large is refused while it
 * arrives, and besides recsys_rows only one row is in memory.
 */
#include "lib/adapters/postgres/pg_statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/adapters/postgres/pg_failure.h"
#include "lib/adapters/postgres/pg_value.h"
#include "lib/base/error.h"

/* Time for the server to report its own time-out: an eighth, at most this. Then the call fails,
 * but the connection can be kept. */
#define MAX_GRACE_MS 100u

static uint32_t server_timeout_ms(uint64_t deadline_ns)
{
    if (deadline_ns == RS_PG_NO_DEADLINE)
        return 0; /* without end */
    uint32_t ms = rs_pg_remaining_ms(deadline_ns);
    uint32_t grace = ms / 8 < MAX_GRACE_MS ? ms / 8 : MAX_GRACE_MS;

    return ms - grace == 0 ? 1 : ms - grace;
}

/* "cannot run "SELECT …"", for messages. The text is the program's, not a user's. */
static void describe(const char *text, char *out, size_t room)
{
    char line[80];

    rs_pg_put_line(text, line, sizeof line);
    snprintf(out, room, "cannot run \"%s%s\"", line, strlen(line) + 1 < strlen(text) ? "…" : "");
}

static recsys_status take_columns(const PGresult *result, recsys_rows *rows, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    for (int i = 0; i < PQnfields(result) && status == RECSYS_OK; i++)
        status = recsys_rows_add_column(rows, PQfname(result, i), err);
    return status;
}

static recsys_status take_rows(const PGresult *result, recsys_rows *rows,
                               struct rs_pg_scratch *scratch, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    if (recsys_rows_count_columns(rows) == 0)
        status = take_columns(result, rows, err);
    for (int row = 0; row < PQntuples(result); row++)
        for (int i = 0; i < PQnfields(result) && status == RECSYS_OK; i++) {
            recsys_datum value = {.type = RECSYS_TYPE_NULL};
            if (!PQgetisnull(result, row, i))
                status = rs_pg_read_value(
                    rs_pg_find_type(PQftype(result, i)), PQgetvalue(result, row, i),
                    (size_t)PQgetlength(result, row, i), scratch, &value, err);
            if (status == RECSYS_OK)
                status = recsys_rows_add(rows, value, err);
        }
    return status;
}

/* The status of one result. `*keep` becomes 0 if the connection can no longer be used. */
static recsys_status take_result(const PGresult *result, recsys_rows *rows,
                                 struct rs_pg_scratch *scratch, const char *what, int *keep,
                                 recsys_error *err)
{
    recsys_status status;

    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
        return RECSYS_OK;
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE:
        if (rows == NULL)
            return RECSYS_OK;
        status = take_rows(result, rows, scratch, err);
        /* Close: any number of further rows could follow. */
        *keep = status == RECSYS_OK;
        return status;
    case PGRES_EMPTY_QUERY:
        return rs_error(err, RECSYS_E_INVALID, "%s: there is no statement in it", what);
#if defined(LIBPQ_HAS_PIPELINING)
    case PGRES_PIPELINE_ABORTED: /* not run, since an earlier statement failed */
        return RECSYS_OK;
#endif
    case PGRES_FATAL_ERROR:
        /* A failure without a message of the server: libpq reports a lost connection or no
         * memory. */
        *keep = PQresultErrorField(result, PG_DIAG_SQLSTATE) != NULL;
        return rs_pg_fail_result(err, result, what);
    default:
        *keep = 0;
        return rs_error(err, RECSYS_E_UNSUPPORTED,
                        "%s: it answered with something else than rows; COPY is not possible here",
                        what);
    }
}

/* Read all results of one statement. The first failure counts; later results are read and
 * ignored. */
static recsys_status collect(struct rs_pg_connection *connection, uint64_t deadline_ns,
                             recsys_rows *rows, const char *what, recsys_error *err)
{
    struct rs_pg_scratch scratch;
    recsys_status status = RECSYS_OK;
    PGresult *result;
    int keep = 1;

    rs_pg_scratch_init(&scratch);
    for (;;) {
        recsys_error *first = status == RECSYS_OK ? err : NULL;
        recsys_status seen = rs_pg_next(connection, deadline_ns, what, &result, first);
        if (seen == RECSYS_OK && result == NULL)
            break;
        if (seen == RECSYS_OK)
            seen = take_result(result, rows, &scratch, what, &keep, first);
        PQclear(result);
        if (status == RECSYS_OK)
            status = seen;
        if (!keep || connection->pg == NULL)
            break;
    }
    rs_pg_scratch_destroy(&scratch);
    if (!keep || (connection->pg != NULL && PQstatus(connection->pg) != CONNECTION_OK))
        rs_pg_close(connection);
    return status;
}

/* After a PQsend…: `sent` is what it returned. */
static recsys_status send(struct rs_pg_connection *connection, int sent, uint64_t deadline_ns,
                          const char *what, recsys_error *err)
{
    if (sent)
        return rs_pg_flush(connection, deadline_ns, what, err);
    recsys_status status = rs_pg_fail_connection(err, connection->pg, what);
    rs_pg_close(connection);
    return status;
}

/* Run statements without parameters and ignore their rows. */
static recsys_status run_plain(struct rs_pg_connection *connection, const char *text,
                               uint64_t deadline_ns, const char *what, recsys_error *err)
{
    recsys_status status =
        send(connection, PQsendQuery(connection->pg, text), deadline_ns, what, err);

    return status == RECSYS_OK ? collect(connection, deadline_ns, NULL, what, err) : status;
}

recsys_status rs_pg_begin(struct rs_pg_connection *connection, uint64_t deadline_ns,
                          recsys_error *err)
{
    char text[320];

    /* SET, and not set_config() as below: a SELECT would be too early for SET TRANSACTION. */
    snprintf(text, sizeof text,
             "BEGIN;SET LOCAL statement_timeout=%" PRIu32 ";SET LOCAL DateStyle='ISO';"
             "SET LOCAL TimeZone='UTC';SET LOCAL IntervalStyle='postgres';"
             "SET LOCAL bytea_output='hex';SET LOCAL extra_float_digits=1",
             server_timeout_ms(deadline_ns));
    connection->failed = RECSYS_OK;
    return run_plain(connection, text, deadline_ns, "cannot begin a transaction", err);
}

recsys_status rs_pg_run_within(struct rs_pg_connection *connection,
                               const struct rs_pg_statement *statement, uint64_t deadline_ns,
                               recsys_rows *rows, recsys_error *err)
{
    char what[120];

    describe(statement->text, what, sizeof what);
    if (connection->pg == NULL)
        return rs_error(err, RECSYS_E_IO,
                        "%s: the transaction's connection was closed when an earlier statement "
                        "failed; begin a new transaction",
                        what);
    int sent = PQsendQueryParams(connection->pg, statement->text, (int)statement->n, NULL,
                                 statement->parameters, NULL, NULL, 0) &&
               PQsetSingleRowMode(connection->pg);
    recsys_status status = send(connection, sent, deadline_ns, what, err);
    if (status == RECSYS_OK)
        status = collect(connection, deadline_ns, rows, what, err);
    if (status != RECSYS_OK && connection->failed == RECSYS_OK)
        connection->failed = status;
    return status;
}

recsys_status rs_pg_commit(struct rs_pg_connection *connection, uint64_t deadline_ns,
                           recsys_error *err)
{
    static const char what[] = "cannot commit";

    /* In both cases there was no COMMIT, so nothing was written. */
    if (connection->pg == NULL)
        return rs_error(err, RECSYS_E_STATE,
                        "%s: the connection was closed when an earlier statement failed; nothing "
                        "was written",
                        what);
    PGTransactionStatusType state = PQtransactionStatus(connection->pg);
    if (state == PQTRANS_INERROR) {
        rs_pg_rollback(connection, deadline_ns);
        return rs_error(
            err, connection->failed == RECSYS_E_CONFLICT ? RECSYS_E_CONFLICT : RECSYS_E_STATE,
            "%s: an earlier statement failed (%s); nothing was written", what,
            recsys_status_text(connection->failed));
    }
    if (state != PQTRANS_INTRANS)
        return rs_error(err, RECSYS_E_BACKEND,
                        "%s: a statement has ended the transaction by itself; leave COMMIT and "
                        "ROLLBACK to the caller",
                        what);
    return run_plain(connection, "COMMIT", deadline_ns, what, err);
}

void rs_pg_rollback(struct rs_pg_connection *connection, uint64_t deadline_ns)
{
    if (connection->pg != NULL &&
        run_plain(connection, "ROLLBACK", deadline_ns, "cannot roll back", NULL) != RECSYS_OK)
        rs_pg_close(connection);
}

recsys_status rs_pg_run_script(struct rs_pg_connection *connection, const char *script,
                               uint64_t deadline_ns, recsys_error *err)
{
    recsys_status status = rs_pg_begin(connection, deadline_ns, err);

    if (status == RECSYS_OK)
        status = run_plain(connection, script, deadline_ns, "cannot run the script", err);
    if (status == RECSYS_OK)
        return rs_pg_commit(connection, deadline_ns, err);
    rs_pg_rollback(connection, deadline_ns);
    return status;
}

#if defined(LIBPQ_HAS_PIPELINING)

#define SETTINGS                                                                                   \
    "SELECT pg_catalog.set_config('statement_timeout',$1,true),"                                   \
    "pg_catalog.set_config('DateStyle','ISO',true),pg_catalog.set_config('TimeZone','UTC',true),"  \
    "pg_catalog.set_config('IntervalStyle','postgres',true),"                                      \
    "pg_catalog.set_config('bytea_output','hex',true),"                                            \
    "pg_catalog.set_config('extra_float_digits','1',true)"

/* Read the rest of a pipeline: its end, or before it the failure of the commit. */
static recsys_status finish_pipeline(struct rs_pg_connection *connection, uint64_t deadline_ns,
                                     const char *what, recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    int n_ends = 0, is_end = 0, keep = 1;

    while (!is_end && keep && connection->pg != NULL) {
        PGresult *result;
        recsys_error *first = status == RECSYS_OK ? err : NULL;
        recsys_status seen = rs_pg_next(connection, deadline_ns, what, &result, first);
        if (seen == RECSYS_OK && result == NULL) {
            keep = ++n_ends < 2; /* one result may follow the failure; then the end must come */
            seen = keep ? RECSYS_OK : rs_pg_fail_connection(first, connection->pg, what);
        } else if (seen == RECSYS_OK && PQresultStatus(result) == PGRES_PIPELINE_SYNC)
            is_end = 1;
        else if (seen == RECSYS_OK)
            seen = take_result(result, NULL, NULL, what, &keep, first);
        PQclear(result);
        if (status == RECSYS_OK)
            status = seen;
    }
    if (connection->pg != NULL && (!is_end || !PQexitPipelineMode(connection->pg)))
        rs_pg_close(connection);
    return status;
}

recsys_status rs_pg_run_alone(struct rs_pg_connection *connection,
                              const struct rs_pg_statement *statement, uint64_t deadline_ns,
                              recsys_rows *rows, recsys_error *err)
{
    PGconn *pg = connection->pg;
    char what[120], timeout[16];
    const char *settings[] = {timeout};
    recsys_status status, ended;

    describe(statement->text, what, sizeof what);
    snprintf(timeout, sizeof timeout, "%" PRIu32, server_timeout_ms(deadline_ns));
    int sent = PQenterPipelineMode(pg) &&
               PQsendQueryParams(pg, SETTINGS, 1, NULL, settings, NULL, NULL, 0) &&
               PQsendQueryParams(pg, statement->text, (int)statement->n, NULL,
                                 statement->parameters, NULL, NULL, 0) &&
               PQpipelineSync(pg);
    status = send(connection, sent, deadline_ns, what, err);
    if (status == RECSYS_OK)
        status = collect(connection, deadline_ns, NULL, what, err);
    if (connection->pg == NULL)
        return status;
    PQsetSingleRowMode(pg);
    ended = collect(connection, deadline_ns, rows, what, status == RECSYS_OK ? err : NULL);
    if (status == RECSYS_OK)
        status = ended;
    ended = finish_pipeline(connection, deadline_ns, what, status == RECSYS_OK ? err : NULL);
    return status == RECSYS_OK ? ended : status;
}

#else

recsys_status rs_pg_run_alone(struct rs_pg_connection *connection,
                              const struct rs_pg_statement *statement, uint64_t deadline_ns,
                              recsys_rows *rows, recsys_error *err)
{
    recsys_status status = rs_pg_begin(connection, deadline_ns, err);

    if (status == RECSYS_OK)
        status = rs_pg_run_within(connection, statement, deadline_ns, rows, err);
    if (status == RECSYS_OK)
        return rs_pg_commit(connection, deadline_ns, err);
    rs_pg_rollback(connection, deadline_ns);
    return status;
}

#endif
