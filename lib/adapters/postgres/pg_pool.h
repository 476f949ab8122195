/* lib/adapters/postgres/pg_pool.h - the connections of one source. */
#ifndef RS_PG_POOL_H
#define RS_PG_POOL_H

#include <stdint.h>

#include "lib/adapters/postgres/pg_connection.h"
#include "lib/base/lock.h"

struct rs_pg_pool {
    const char *conninfo; /* BORROWED */
    uint32_t size;
    uint32_t connect_timeout_ms; /* RECSYS_NEVER_32 = no bound */
    uint64_t max_age_ns;

    struct rs_lock lock;
    struct rs_signal freed;
    /* all below protected by lock */
    struct rs_pg_connection *idle; /* a stack: the one used last is warm */
    uint32_t n_idle, n_open;       /* open: idle, in use and being made */
    uint64_t n_connected, n_closed_broken, n_waited, n_wait_timeouts;
};

/* The settings in front must have been filled in. */
recsys_status rs_pg_pool_init(struct rs_pg_pool *pool, recsys_error *err);
/* All connections must have been given back. */
void rs_pg_pool_destroy(struct rs_pg_pool *pool);
/* Instead, in a forked child: free the memory, send nothing on the parent's connections, and do
 * not touch a lock that may never be released. */
void rs_pg_pool_abandon(struct rs_pg_pool *pool);

/* Take one that works: an idle one, a new one, or the next one that is given back. E_EXHAUSTED,
 * or the failure of connecting. */
recsys_status rs_pg_pool_take(struct rs_pg_pool *pool, uint64_t deadline_ns,
                              struct rs_pg_connection *out, recsys_error *err);
/* Only a connection that is idle and not too old is kept. */
void rs_pg_pool_give(struct rs_pg_pool *pool, struct rs_pg_connection *connection);

#endif
