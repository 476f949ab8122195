/* lib/adapters/postgres/pg_statement.h - statements and transactions on one connection.
 *
 * All return the status of the first failure. Afterwards the connection is in a known state or
 * closed.
 */
#ifndef RS_PG_STATEMENT_H
#define RS_PG_STATEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/adapters/postgres/pg_connection.h"
#include "recsys/source.h"

struct rs_pg_statement {
    const char *text;
    const char **parameters; /* as text; NULL is NULL */
    size_t n;
};

/* Run a statement outside a transaction: with its settings it is a transaction of its own. */
recsys_status rs_pg_run_alone(struct rs_pg_connection *connection,
                              const struct rs_pg_statement *statement, uint64_t deadline_ns,
                              recsys_rows *rows, recsys_error *err);
/* Within the transaction that rs_pg_begin() began. */
recsys_status rs_pg_run_within(struct rs_pg_connection *connection,
                               const struct rs_pg_statement *statement, uint64_t deadline_ns,
                               recsys_rows *rows, recsys_error *err);

recsys_status rs_pg_begin(struct rs_pg_connection *connection, uint64_t deadline_ns,
                          recsys_error *err);
recsys_status rs_pg_commit(struct rs_pg_connection *connection, uint64_t deadline_ns,
                           recsys_error *err);
/* Closes the connection if that fails. */
void rs_pg_rollback(struct rs_pg_connection *connection, uint64_t deadline_ns);

/* Begin, run all statements of `script` and commit. After a failure nothing was changed. */
recsys_status rs_pg_run_script(struct rs_pg_connection *connection, const char *script,
                               uint64_t deadline_ns, recsys_error *err);

#endif
