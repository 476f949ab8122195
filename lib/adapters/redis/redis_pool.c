/* lib/adapters/redis/redis_pool.c - see redis_pool.h.
 *
 * Idle connections are a stack: the one used last is used next, and what a
 * quiet hour leaves at the bottom grows old and is closed when its turn comes.
 * Before one is handed out a look at its stream must find nothing: an end means
 * that the server closed it, bytes mean that it said something unasked. Such a
 * connection is closed and the next one tried, so a restart of the server or a
 * CLIENT KILL of idle connections is nobody's error.
 *
 * The lock is never held while anything waits for the network. A connection
 * that is being opened counts as open.
 *
 * Nobody waiting for a connection is told that the server is ill: E_EXHAUSTED
 * leaves the circuit breaker alone. If a frozen server holds all connections,
 * those who hold them run into their own time-outs and move the breaker. For as
 * long again nobody else is sent after them: new connections are not opened,
 * and who waits gives up, unless some connection gets an answer. So a server
 * that freezes costs no more than pool_size callers a time-out.
 */
#include "lib/adapters/redis/redis_pool.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/lock.h"

struct rs_redis_pool {
    const struct rs_redis_settings *settings;
    uint32_t forks; /* rs_fork_count() of the process whose connections these are */
    struct rs_lock lock;
    struct rs_signal freed;
    /* all protected by lock */
    struct rs_redis_connection **idle; /* room for pool_size; the last is the freshest */
    uint32_t n_idle, n_open, n_waiting;
    uint64_t silent_until_ns; /* a command has timed out, and none was answered since; or 0 */
    uint64_t connected, closed_broken, waited, wait_timeouts;
    char version[32], policy[32];
};

recsys_status rs_redis_pool_create(const struct rs_redis_settings *settings,
                                   struct rs_redis_pool **out, recsys_error *err)
{
    struct rs_redis_pool *pool = rs_alloc_array(1, sizeof *pool);
    recsys_status status;
    int result, has_lock = 0;

    *out = NULL;
    if (pool == NULL)
        return rs_error_nomem(err, "pool");
    pool->settings = settings;
    pool->forks = rs_fork_count();
    pool->idle = rs_alloc_array(settings->pool_size, sizeof(struct rs_redis_connection *));
    if (pool->idle == NULL) {
        status = rs_error_nomem(err, "pool");
        goto fail;
    }
    if ((result = rs_lock_init(&pool->lock)) != 0 ||
        (has_lock = 1, result = rs_signal_init(&pool->freed)) != 0) {
        status = rs_error_sys(err, result, "cannot make the lock of a pool");
        goto fail;
    }
    *out = pool;
    return RECSYS_OK;

fail:
    if (has_lock)
        rs_lock_destroy(&pool->lock);
    rs_free(pool->idle);
    rs_free(pool);
    return status;
}

void rs_redis_pool_destroy(struct rs_redis_pool *pool)
{
    if (pool == NULL)
        return;
    for (uint32_t i = 0; i < pool->n_idle; i++)
        rs_redis_connection_close(pool->idle[i]);
    if (rs_fork_check(pool->forks, "a pool", NULL) == RECSYS_OK) {
        /* In a child they may be in use by threads that are not there. */
        rs_signal_destroy(&pool->freed);
        rs_lock_destroy(&pool->lock);
    }
    rs_free(pool->idle);
    rs_free(pool);
}

/* A place has become free, or a connection. Under the lock. */
static void tell(struct rs_redis_pool *pool)
{
    if (pool->n_waiting > 0)
        rs_signal_one(&pool->freed);
}

/* Under the lock. */
static int is_silent(const struct rs_redis_pool *pool)
{
    return pool->silent_until_ns != 0 && rs_clock_ns() < pool->silent_until_ns;
}

/* Out of the stack, or NULL and a place for a new one is taken, or E_EXHAUSTED. */
static recsys_status take_place(struct rs_redis_pool *pool, int extra, uint64_t deadline,
                                struct rs_redis_connection **out, recsys_error *err)
{
    int has_waited = 0, is_late = 0;

    *out = NULL;
    for (;;) {
        if (pool->n_idle > 0) {
            *out = pool->idle[--pool->n_idle];
            return RECSYS_OK;
        }
        if (!extra && is_silent(pool))
            return rs_error(err, RECSYS_E_EXHAUSTED,
                            "%s: has just left others without an answer; not connecting again yet",
                            pool->settings->where);
        if (pool->n_open < pool->settings->pool_size || extra) {
            pool->n_open++;
            return RECSYS_OK;
        }
        if (is_late) {
            pool->wait_timeouts++;
            return rs_error(err, RECSYS_E_EXHAUSTED,
                            "%s: all %u connections were in use for %u ms; raise pool_size",
                            pool->settings->where, pool->settings->pool_size,
                            (uint32_t)(pool->settings->pool_timeout_ns / 1000000u));
        }
        pool->waited += !has_waited;
        has_waited = 1;
        pool->n_waiting++;
        is_late = rs_signal_wait_until(&pool->freed, &pool->lock, deadline) != 0;
        pool->n_waiting--;
    }
}

static void give_up_place(struct rs_redis_pool *pool, int was_broken, int timed_out)
{
    rs_lock_take(&pool->lock);
    pool->n_open--;
    pool->closed_broken += was_broken != 0;
    if (timed_out) {
        pool->silent_until_ns = rs_clock_ns() + pool->settings->command_timeout_ns;
        rs_signal_all(&pool->freed);
    } else {
        tell(pool);
    }
    rs_lock_give(&pool->lock);
}

static int is_old(const struct rs_redis_pool *pool, const struct rs_redis_connection *connection)
{
    return rs_clock_ns() - connection->opened_ns >= pool->settings->max_age_ns;
}

static recsys_status acquire(struct rs_redis_pool *pool, int extra,
                             struct rs_redis_connection **out, recsys_error *err)
{
    uint64_t deadline = 0;
    recsys_status status;

    for (;;) {
        rs_lock_take(&pool->lock);
        if (deadline == 0 && pool->n_idle == 0) /* the clock is read only to wait */
            deadline = rs_clock_ns() + pool->settings->pool_timeout_ns;
        status = take_place(pool, extra, deadline, out, err);
        rs_lock_give(&pool->lock);
        if (status != RECSYS_OK || *out == NULL)
            break;
        int is_quiet = rs_redis_socket_is_quiet(&(*out)->socket);
        if (is_quiet && !is_old(pool, *out))
            return RECSYS_OK;
        rs_redis_connection_close(*out);
        give_up_place(pool, !is_quiet, 0);
    }
    if (status != RECSYS_OK)
        return status;
    status = rs_redis_connection_open(pool->settings, out, err);
    if (status != RECSYS_OK) {
        give_up_place(pool, 0, status == RECSYS_E_TIMEOUT);
        return status;
    }
    rs_lock_take(&pool->lock);
    pool->connected++;
    memcpy(pool->version, (*out)->version, sizeof pool->version);
    memcpy(pool->policy, (*out)->policy, sizeof pool->policy);
    rs_lock_give(&pool->lock);
    return RECSYS_OK;
}

recsys_status rs_redis_pool_acquire(struct rs_redis_pool *pool, struct rs_redis_connection **out,
                                    recsys_error *err)
{
    return acquire(pool, 0, out, err);
}

recsys_status rs_redis_pool_acquire_extra(struct rs_redis_pool *pool,
                                          struct rs_redis_connection **out, recsys_error *err)
{
    return acquire(pool, 1, out, err);
}

void rs_redis_pool_release(struct rs_redis_pool *pool, struct rs_redis_connection *connection)
{
    int was_broken = connection->broken, timed_out = connection->timed_out;

    if (!was_broken && !connection->retired) {
        rs_lock_take(&pool->lock);
        pool->silent_until_ns = 0;
        if (pool->n_open <= pool->settings->pool_size) {
            pool->idle[pool->n_idle++] = connection;
            connection = NULL;
            tell(pool);
        }
        rs_lock_give(&pool->lock);
    }
    if (connection != NULL) {
        rs_redis_connection_close(connection);
        give_up_place(pool, was_broken, timed_out);
    }
}

recsys_status rs_redis_pool_get_stats(struct rs_redis_pool *pool, recsys_redis_stats *out,
                                      recsys_error *err)
{
    recsys_status status = rs_fork_check(pool->forks, "recsys_redis_get_stats: a Redis store", err);

    if (status != RECSYS_OK)
        return status;
    rs_lock_take(&pool->lock);
    out->open = pool->n_open;
    out->idle = pool->n_idle;
    out->connected = pool->connected;
    out->closed_broken = pool->closed_broken;
    out->waited = pool->waited;
    out->wait_timeouts = pool->wait_timeouts;
    memcpy(out->maxmemory_policy, pool->policy, sizeof out->maxmemory_policy);
    memcpy(out->version, pool->version, sizeof out->version);
    rs_lock_give(&pool->lock);
    return RECSYS_OK;
}
