/* lib/adapters/postgres/pg_pool.c - see pg_pool.h.
 *
 * The lock is held for counting only. Connections are made, closed and checked without the lock,
 * and count as open meanwhile. An idle connection is checked before it is used, so that after a
 * restart of the server a new connection is made and no call fails.
 */
#include "lib/adapters/postgres/pg_pool.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/trace.h"

recsys_status rs_pg_pool_init(struct rs_pg_pool *pool, recsys_error *err)
{
    int result;

    pool->idle = rs_alloc_array(pool->size, sizeof *pool->idle);
    if (pool->idle == NULL)
        return rs_error_nomem(err, "PostgreSQL pool");
    if ((result = rs_lock_init(&pool->lock)) != 0)
        goto fail;
    if ((result = rs_signal_init(&pool->freed)) != 0) {
        rs_lock_destroy(&pool->lock);
        goto fail;
    }
    return RECSYS_OK;

fail:
    rs_free(pool->idle);
    return rs_error_sys(err, result, "cannot make the lock of a PostgreSQL pool");
}

void rs_pg_pool_abandon(struct rs_pg_pool *pool)
{
    /* If another thread of the parent was inside, the list of idle connections cannot be
     * trusted. */
    if (rs_lock_try(&pool->lock))
        for (uint32_t i = 0; i < pool->n_idle; i++)
            rs_pg_abandon(&pool->idle[i]);
    rs_free(pool->idle);
}

void rs_pg_pool_destroy(struct rs_pg_pool *pool)
{
    for (uint32_t i = 0; i < pool->n_idle; i++)
        rs_pg_close(&pool->idle[i]);
    rs_signal_destroy(&pool->freed);
    rs_lock_destroy(&pool->lock);
    rs_free(pool->idle);
}

static int is_too_old(const struct rs_pg_pool *pool, const struct rs_pg_connection *connection)
{
    return rs_clock_ns() - connection->connected_ns >= pool->max_age_ns;
}

/* One connection fewer; the caller holds the lock. */
static void forget(struct rs_pg_pool *pool, int was_broken)
{
    pool->n_open--;
    pool->n_closed_broken += was_broken != 0;
    rs_signal_one(&pool->freed);
}

static recsys_status connect_one(struct rs_pg_pool *pool, uint64_t deadline_ns,
                                 struct rs_pg_connection *out, recsys_error *err)
{
    uint64_t own_ns = rs_pg_deadline(pool->connect_timeout_ms);
    recsys_status status =
        rs_pg_connect(pool->conninfo, own_ns < deadline_ns ? own_ns : deadline_ns, out, err);

    rs_lock_take(&pool->lock);
    if (status == RECSYS_OK)
        pool->n_connected++;
    else
        forget(pool, 0);
    rs_lock_give(&pool->lock);
    rs_trace(RECSYS_TRACE_POSTGRES, "connecting: %s", recsys_status_name(status));
    return status;
}

/* 1 if the idle connection that was just taken from the stack works. */
static int try_idle(struct rs_pg_pool *pool, struct rs_pg_connection *connection)
{
    int works = rs_pg_is_idle(connection);

    if (works && !is_too_old(pool, connection))
        return 1;
    rs_pg_close(connection);
    rs_lock_take(&pool->lock);
    forget(pool, !works);
    rs_lock_give(&pool->lock);
    rs_trace(RECSYS_TRACE_POSTGRES, "idle connection closed: %s",
             works ? "too old" : "the server has closed it, or spoke unasked");
    return 0;
}

recsys_status rs_pg_pool_take(struct rs_pg_pool *pool, uint64_t deadline_ns,
                              struct rs_pg_connection *out, recsys_error *err)
{
    int has_waited = 0, is_late = 0;

    rs_lock_take(&pool->lock);
    for (;;) {
        if (pool->n_idle > 0) {
            *out = pool->idle[--pool->n_idle];
            rs_lock_give(&pool->lock);
            if (try_idle(pool, out))
                return RECSYS_OK;
            rs_lock_take(&pool->lock);
        } else if (pool->n_open < pool->size) {
            pool->n_open++;
            rs_lock_give(&pool->lock);
            return connect_one(pool, deadline_ns, out, err);
        } else if (is_late) {
            pool->n_wait_timeouts++;
            rs_lock_give(&pool->lock);
            return rs_error(err, RECSYS_E_EXHAUSTED,
                            "all %" PRIu32 " connections to PostgreSQL are in use and none "
                            "became free in time; give it more time or a larger pool_size",
                            pool->size);
        } else {
            pool->n_waited += !has_waited;
            has_waited = 1;
            /* After the time-out check once more: this thread may have been the one that was
             * woken. */
            is_late = rs_signal_wait_until(&pool->freed, &pool->lock, deadline_ns) != 0;
        }
    }
}

void rs_pg_pool_give(struct rs_pg_pool *pool, struct rs_pg_connection *connection)
{
    int works = rs_pg_is_idle(connection), keep = works && !is_too_old(pool, connection);

    if (!keep)
        rs_pg_close(connection);
    rs_lock_take(&pool->lock);
    if (keep) {
        pool->idle[pool->n_idle++] = *connection;
        rs_signal_one(&pool->freed);
    } else
        forget(pool, !works);
    rs_lock_give(&pool->lock);
    if (!keep)
        rs_trace(RECSYS_TRACE_POSTGRES, "connection closed: %s", works ? "too old" : "broken");
}
