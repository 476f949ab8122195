/* lib/adapters/postgres/pg_failure.h - what PostgreSQL and libpq say, as status and message. */
#ifndef RS_PG_FAILURE_H
#define RS_PG_FAILURE_H

#include <libpq-fe.h>

#include "recsys/status.h"

/* `what` was attempted; messages are "what: why (SQLSTATE …); what to do". */
recsys_status rs_pg_fail_result(recsys_error *err, const PGresult *result, const char *what);
recsys_status rs_pg_fail_connection(recsys_error *err, PGconn *pg, const char *what);
recsys_status rs_pg_fail_timeout(recsys_error *err, PGconn *pg, const char *what);

/* Is it for want of memory that libpq says this, or can say nothing? It has no code for it. */
int rs_pg_is_no_memory(const char *message);

/* One line of valid UTF-8 out of `text`, cut to fit. */
void rs_pg_put_line(const char *text, char *out, size_t room);

#endif
