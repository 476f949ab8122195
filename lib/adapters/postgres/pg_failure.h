/* lib/adapters/postgres/pg_failure.h - turn failures of PostgreSQL and libpq into status and
 * message. */
#ifndef RS_PG_FAILURE_H
#define RS_PG_FAILURE_H

#include <libpq-fe.h>

#include "recsys/status.h"

/* `what` was attempted; messages are "what: why (SQLSTATE …); what to do". */
recsys_status rs_pg_fail_result(recsys_error *err, const PGresult *result, const char *what);
recsys_status rs_pg_fail_connection(recsys_error *err, PGconn *pg, const char *what);
recsys_status rs_pg_fail_timeout(recsys_error *err, PGconn *pg, const char *what);

/* 1 if libpq's message means that it has no memory, or is missing. libpq has no code for that. */
int rs_pg_is_no_memory(const char *message);

/* One line of valid UTF-8 out of `text`, cut to fit. */
void rs_pg_put_line(const char *text, char *out, size_t room);

#endif
