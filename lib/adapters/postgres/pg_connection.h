/* lib/adapters/postgres/pg_connection.h - one connection that never waits beyond a deadline. */
#ifndef RS_PG_CONNECTION_H
#define RS_PG_CONNECTION_H

#include <libpq-fe.h>
#include <stdint.h>

#include "recsys/status.h"

struct rs_pg_connection {
    PGconn *pg; /* NULL after it was closed because of a failure */
    uint64_t connected_ns;
    recsys_status failed; /* of the first statement of the transaction that failed */
};

/* Deadlines are times of rs_clock_ns(). `conninfo` is as libpq takes it. */
recsys_status rs_pg_connect(const char *conninfo, uint64_t deadline_ns,
                            struct rs_pg_connection *out, recsys_error *err);
void rs_pg_close(struct rs_pg_connection *connection);
/* In a forked child: free the parent's connection without sending anything to the server. */
void rs_pg_abandon(struct rs_pg_connection *connection);

/* 1 if it is open, outside a transaction, and has nothing to read. If there is something to read
 * on an idle connection, the server has ended it, or its state is not the expected one. */
int rs_pg_is_idle(const struct rs_pg_connection *connection);

/* The deadline of a time-out that begins now. RECSYS_NEVER_32: RS_PG_NO_DEADLINE. */
#define RS_PG_NO_DEADLINE UINT64_MAX
uint64_t rs_pg_deadline(uint32_t timeout_ms);

/* Whole milliseconds until `deadline_ns`, rounded up; 0 when it has passed. */
uint32_t rs_pg_remaining_ms(uint64_t deadline_ns);

/* Send what PQsend… has queued, and give the next result; NULL after the last one of a
 * statement. `what` is for messages. After a failure the connection is closed: later bytes on it
 * could be taken for the answer to another statement. */
recsys_status rs_pg_flush(struct rs_pg_connection *connection, uint64_t deadline_ns,
                          const char *what, recsys_error *err);
recsys_status rs_pg_next(struct rs_pg_connection *connection, uint64_t deadline_ns,
                         const char *what, PGresult **out, recsys_error *err);

#endif
