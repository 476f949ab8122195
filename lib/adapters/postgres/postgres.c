/* lib/adapters/postgres/postgres.c - the source over PostgreSQL: the driver's functions and the
 * options.
 *
 * Each call takes a connection from the pool, runs on it until its deadline and
 * gives it back; a transaction keeps its connection from begin to end. The
 * deadline covers everything: waiting for a connection, making one, sending,
 * the statement, reading its rows.
 */
#include "recsys/postgres.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "lib/adapters/postgres/pg_failure.h"
#include "lib/adapters/postgres/pg_parameters.h"
#include "lib/adapters/postgres/pg_pool.h"
#include "lib/adapters/postgres/pg_statement.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/structs.h"
#include "lib/base/trace.h"

#define MAX_POOL_SIZE 10000u
#define MAX_PARAMETER_BYTES ((size_t)64 << 20)

struct postgres {
    struct rs_pg_pool pool;
    char *conninfo;
    uint32_t forks;                 /* rs_fork_count() of the process whose connections these are */
    uint64_t n_queries, n_failures; /* protected by pool.lock */
};

static recsys_status check_process(const struct postgres *postgres, recsys_error *err)
{
    return rs_fork_check(postgres->forks, "a PostgreSQL source", err);
}

/* The statement as the program has it: parameters stand beside it, and stay out of the line. */
static void trace_statement(const char *text, size_t n_parameters, const recsys_rows *rows,
                            uint64_t began_ns, recsys_status status)
{
    char line[200];

    if (!rs_trace_is_on(RECSYS_TRACE_POSTGRES))
        return;
    rs_pg_put_line(text, line, sizeof line);
    rs_trace(RECSYS_TRACE_POSTGRES,
             "statement with %zu parameters: %s, %zu rows, %" PRIu64 " us: %s", n_parameters,
             recsys_status_name(status), recsys_rows_count(rows),
             (rs_clock_ns() - began_ns) / 1000u, line);
}

static void count_query(struct postgres *postgres, recsys_status status)
{
    rs_lock_take(&postgres->pool.lock);
    postgres->n_queries++;
    postgres->n_failures += status != RECSYS_OK;
    rs_lock_give(&postgres->pool.lock);
}

static recsys_status run_on_pool(struct postgres *postgres, const struct rs_pg_statement *statement,
                                 uint64_t deadline_ns, recsys_rows *rows, recsys_error *err)
{
    struct rs_pg_connection connection;
    recsys_status status = rs_pg_pool_take(&postgres->pool, deadline_ns, &connection, err);

    if (status != RECSYS_OK)
        return status;
    status = rs_pg_run_alone(&connection, statement, deadline_ns, rows, err);
    rs_pg_pool_give(&postgres->pool, &connection);
    return status;
}

static recsys_status postgres_query(void *self, void *session, const char *text,
                                    const recsys_datum *parameters, size_t n, uint32_t timeout_ms,
                                    recsys_rows *rows, recsys_error *err)
{
    struct postgres *postgres = self;
    struct rs_pg_statement statement = {text, NULL, n};
    struct rs_buffer bytes;
    uint64_t began_ns = rs_clock_ns(), deadline_ns = rs_pg_deadline(timeout_ms);

    recsys_status status = check_process(postgres, err);
    if (status != RECSYS_OK)
        return status;
    rs_buffer_init(&bytes, MAX_PARAMETER_BYTES);
    status = rs_pg_format_parameters(parameters, n, &bytes, &statement.parameters, err);
    if (status == RECSYS_OK && session == NULL)
        status = run_on_pool(postgres, &statement, deadline_ns, rows, err);
    else if (status == RECSYS_OK)
        status = rs_pg_run_within(session, &statement, deadline_ns, rows, err);
    rs_free(statement.parameters);
    rs_buffer_destroy(&bytes);
    count_query(postgres, status);
    trace_statement(text, n, rows, began_ns, status);
    return status;
}

static recsys_status postgres_begin(void *self, uint32_t timeout_ms, void **session,
                                    recsys_error *err)
{
    struct postgres *postgres = self;
    uint64_t deadline_ns = rs_pg_deadline(timeout_ms);
    recsys_status status = check_process(postgres, err);
    if (status != RECSYS_OK)
        return status;
    struct rs_pg_connection *connection = rs_alloc_array(1, sizeof *connection);
    if (connection == NULL)
        return rs_error_nomem(err, "transaction");
    status = rs_pg_pool_take(&postgres->pool, deadline_ns, connection, err);
    if (status == RECSYS_OK) {
        status = rs_pg_begin(connection, deadline_ns, err);
        if (status != RECSYS_OK)
            rs_pg_pool_give(&postgres->pool, connection);
    }
    rs_trace(RECSYS_TRACE_POSTGRES, "BEGIN: %s", recsys_status_name(status));
    if (status != RECSYS_OK) {
        rs_free(connection);
        return status;
    }
    *session = connection;
    return RECSYS_OK;
}

static recsys_status postgres_end(void *self, void *session, uint32_t commit, uint32_t timeout_ms,
                                  recsys_error *err)
{
    struct postgres *postgres = self;
    struct rs_pg_connection *connection = session;
    uint64_t deadline_ns = rs_pg_deadline(timeout_ms);
    recsys_status status = check_process(postgres, err);

    if (status != RECSYS_OK) {
        rs_pg_abandon(connection);
    } else {
        if (commit)
            status = rs_pg_commit(connection, deadline_ns, err);
        else
            rs_pg_rollback(connection, deadline_ns);
        rs_pg_pool_give(&postgres->pool, connection);
    }
    rs_free(connection);
    rs_trace(RECSYS_TRACE_POSTGRES, "%s: %s", commit ? "COMMIT" : "ROLLBACK",
             recsys_status_name(status));
    return status;
}

static recsys_status postgres_run(void *self, const char *script, uint32_t timeout_ms,
                                  recsys_error *err)
{
    struct postgres *postgres = self;
    struct rs_pg_connection connection;
    uint64_t deadline_ns = rs_pg_deadline(timeout_ms);
    recsys_status status = check_process(postgres, err);

    if (status != RECSYS_OK)
        return status;
    status = rs_pg_pool_take(&postgres->pool, deadline_ns, &connection, err);
    if (status == RECSYS_OK) {
        status = rs_pg_run_script(&connection, script, deadline_ns, err);
        rs_pg_pool_give(&postgres->pool, &connection);
    }
    rs_trace(RECSYS_TRACE_POSTGRES, "script: %s", recsys_status_name(status));
    count_query(postgres, status);
    return status;
}

static void postgres_destroy(void *self)
{
    struct postgres *postgres = self;

    if (check_process(postgres, NULL) == RECSYS_OK)
        rs_pg_pool_destroy(&postgres->pool);
    else
        rs_pg_pool_abandon(&postgres->pool);
    rs_free(postgres->conninfo);
    rs_free(postgres);
}

/* If a special character of a password in a URI is not written as %XX, libpq takes the rest of
 * the password for the host, the port or the database's name, which libpq and the server quote
 * in messages. Such a rest ends in the @ that should have ended the password. */
static int has_stray_at(const char *conninfo, const PQconninfoOption *option)
{
    static const char *const places[] = {"host", "port", "dbname"};
    int is_quoted = 0;

    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        is_quoted += strcmp(option->keyword, places[i]) == 0;
    /* A host may begin with one: a socket in Linux's abstract namespace. */
    return is_quoted && strstr(conninfo, "://") != NULL && option->val != NULL &&
           option->val[0] != '\0' && strchr(option->val + 1, '@') != NULL;
}

/* libpq's own message would quote conninfo, and so perhaps a password. */
static recsys_status check_conninfo(const char *conninfo, recsys_error *err)
{
    char *message = NULL;
    PQconninfoOption *all = PQconninfoParse(conninfo, &message);
    int is_good = all != NULL, is_memory = all == NULL && rs_pg_is_no_memory(message);

    PQfreemem(message);
    if (is_memory)
        return rs_error_nomem(err, "PostgreSQL conninfo");
    for (PQconninfoOption *option = all; is_good && option->keyword != NULL; option++)
        is_good = !has_stray_at(conninfo, option);
    PQconninfoFree(all);
    if (!is_good)
        return rs_error(err, RECSYS_E_INVALID,
                        "cannot read the PostgreSQL conninfo: it must be a URI "
                        "(postgresql://user:password@host/db, special characters as %%XX: @ is "
                        "%%40) or pairs (host=… dbname=…, values with blanks in single quotes)");
    return RECSYS_OK;
}

static recsys_status read_options(const recsys_postgres_options *options, struct rs_pg_pool *pool,
                                  recsys_error *err)
{
    recsys_postgres_options given;
    recsys_status status =
        rs_struct_read(&given, sizeof given, options, RECSYS_POSTGRES_OPTIONS_SIZE_V1,
                       "recsys_postgres_create: options", err);

    if (status != RECSYS_OK)
        return status;
    if (given.pool_size > MAX_POOL_SIZE)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_postgres_create: pool_size is %u, must be at most %u",
                        (unsigned)given.pool_size, MAX_POOL_SIZE);
    pool->size = given.pool_size == 0 ? 8 : given.pool_size;
    pool->connect_timeout_ms = given.connect_timeout_ms == 0 ? 2000 : given.connect_timeout_ms;
    pool->max_age_ns =
        given.max_age_s == RECSYS_NEVER_32
            ? UINT64_MAX
            : (given.max_age_s == 0 ? 1800 : (uint64_t)given.max_age_s) * 1000000000u;
    return RECSYS_OK;
}

recsys_status recsys_postgres_create(const char *conninfo, const recsys_postgres_options *options,
                                     recsys_source **out, recsys_error *err)
{
    static const recsys_source_driver driver = {
        (uint32_t)sizeof driver, 0, postgres_query, postgres_begin, postgres_end, postgres_run,
        postgres_destroy};
    recsys_status status;

    if (out != NULL)
        *out = NULL;
    if (conninfo == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_postgres_create: an argument is missing");
    struct postgres *postgres = rs_alloc_array(1, sizeof *postgres);
    if (postgres == NULL)
        return rs_error_nomem(err, "PostgreSQL source");
    status = read_options(options, &postgres->pool, err);
    if (status == RECSYS_OK)
        status = check_conninfo(conninfo, err);
    if (status != RECSYS_OK)
        goto fail;
    postgres->conninfo = rs_copy_text(conninfo);
    if (postgres->conninfo == NULL) {
        status = rs_error_nomem(err, "PostgreSQL source");
        goto fail;
    }
    postgres->pool.conninfo = postgres->conninfo;
    postgres->forks = rs_fork_count();
    status = rs_pg_pool_init(&postgres->pool, err);
    if (status != RECSYS_OK)
        goto fail;
    return recsys_source_create("PostgreSQL", &driver, postgres, out, err);

fail:
    rs_free(postgres->conninfo);
    rs_free(postgres);
    return status;
}

recsys_status recsys_postgres_get_stats(recsys_source *source, recsys_postgres_stats *out,
                                        recsys_error *err)
{
    struct postgres *postgres = recsys_source_get_self(source, postgres_destroy);
    recsys_postgres_stats stats = RECSYS_POSTGRES_STATS_INIT;
    recsys_status status =
        rs_struct_begin(out, RECSYS_POSTGRES_STATS_SIZE_V1, "recsys_postgres_get_stats: out", err);

    if (status != RECSYS_OK)
        return status;
    if (postgres == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_postgres_get_stats: not a PostgreSQL source");
    status = check_process(postgres, err);
    if (status != RECSYS_OK)
        return status;
    rs_lock_take(&postgres->pool.lock);
    stats.open = postgres->pool.n_open;
    stats.idle = postgres->pool.n_idle;
    stats.connected = postgres->pool.n_connected;
    stats.closed_broken = postgres->pool.n_closed_broken;
    stats.waited = postgres->pool.n_waited;
    stats.wait_timeouts = postgres->pool.n_wait_timeouts;
    stats.queries = postgres->n_queries;
    stats.failures = postgres->n_failures;
    rs_lock_give(&postgres->pool.lock);
    rs_struct_write(out, &stats, sizeof stats);
    return RECSYS_OK;
}
