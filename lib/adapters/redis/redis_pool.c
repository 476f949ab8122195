/* lib/adapters/redis/redis_pool.c - see redis_pool.h.
 *
 * The pool has pool_size places. Each is in one of four states:
 *
 *   state    event                                              next
 *   FREE     a caller asks and no connection is idle            OPENING
 *   OPENING  connected and logged in                            LENT
 *   OPENING  failed                                             FREE
 *   IDLE     a caller asks: the connection used last is taken   LENT
 *   LENT     before use: the server closed it, spoke unasked,
 *            or it is old                                       FREE, and the caller asks again
 *   LENT     given back, good                                   IDLE
 *   LENT     given back broken, retired, or one too many        FREE
 *
 * The pool as a whole is in one of two:
 *
 *   HEARD    a command or a connect has timed out               SILENT
 *   SILENT   a connection is given back good, or the command
 *            time-out is over                                   HEARD
 *
 * Idle connections are a stack: connections that a quiet hour leaves at the bottom grow old and are
 * closed when their turn comes. Because of the test before a connection is lent, a restart of the
 * server or a CLIENT KILL of idle connections causes no error.
 *
 * Callers who share a connection reserve a place each before they meet: n_reserved are those whose
 * place has no connection of its own. So pool_size bounds how many callers wait for the server,
 * and the one who takes the connection for all of them need not wait for it. While the pool is
 * SILENT, callers that have timed out still count: else the next ones would follow them over
 * connections that are idle because their callers had shared one.
 *
 * The lock is never held while anything waits for the network.
 *
 * A caller that gets no connection in time fails with E_EXHAUSTED, which does not count for the
 * circuit breaker. If a frozen server holds all connections, the callers that hold them get
 * time-outs, which count. While the pool is SILENT no other caller follows them: no new connection
 * is opened, and callers that wait give up. So a server that freezes costs at most pool_size
 * callers a time-out.
 */
#include "lib/adapters/redis/redis_pool.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/lock.h"
#include "lib/base/trace.h"

/* clang-format off */
#define PLACE_STATES(S) S(FREE) S(OPENING) S(IDLE) S(LENT)
/* clang-format on */
#define PLACE_STATE(name) PLACE_##name,
enum place_state { PLACE_STATES(PLACE_STATE) N_PLACE_STATES };

struct rs_redis_pool {
    const struct rs_redis_settings *settings;
    uint32_t forks; /* rs_fork_count() of the process whose connections these are */
    struct rs_lock lock;
    struct rs_signal freed;
    /* all protected by lock */
    uint32_t n[N_PLACE_STATES];        /* places in each state; n[PLACE_FREE] is not kept */
    struct rs_redis_connection **idle; /* room for pool_size; n[PLACE_IDLE], the last is the
                                          freshest */
    uint32_t n_reserved;
    uint32_t n_waiting;
    uint64_t silent_until_ns; /* 0 = the pool is HEARD */
    uint32_t n_late;          /* callers that have timed out since it is SILENT */
    uint64_t heard_ns;        /* when a good connection was given back last; 0 = never */
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
    for (uint32_t i = 0; i < pool->n[PLACE_IDLE]; i++)
        rs_redis_connection_close(pool->idle[i]);
    if (rs_fork_check(pool->forks, "a pool", NULL) == RECSYS_OK) {
        /* In a child, threads that are missing may have been using them. */
        rs_signal_destroy(&pool->freed);
        rs_lock_destroy(&pool->lock);
    }
    rs_free(pool->idle);
    rs_free(pool);
}

/* -- the states, in the order of the table; each function runs under the lock -- */

static uint32_t count_open(const struct rs_redis_pool *pool)
{
    return pool->n[PLACE_OPENING] + pool->n[PLACE_IDLE] + pool->n[PLACE_LENT];
}

/* Callers who wait for the server or for a connect. */
static uint32_t count_busy(const struct rs_redis_pool *pool)
{
    return pool->n[PLACE_OPENING] + pool->n[PLACE_LENT] + pool->n_reserved;
}

static void move(struct rs_redis_pool *pool, enum place_state from, enum place_state to)
{
    if (from != PLACE_FREE)
        pool->n[from]--;
    if (to != PLACE_FREE)
        pool->n[to]++;
}

/* A place has become free, or a connection idle; more of them with companions. */
static void wake(struct rs_redis_pool *pool, uint32_t n_companions)
{
    pool->n_reserved -= n_companions;
    if (pool->n_waiting > 0 && n_companions > 0)
        rs_signal_all(&pool->freed);
    else if (pool->n_waiting > 0)
        rs_signal_one(&pool->freed);
}

static int is_silent(const struct rs_redis_pool *pool)
{
    return pool->silent_until_ns != 0 && rs_clock_ns() < pool->silent_until_ns;
}

static recsys_status say_silent(const struct rs_redis_pool *pool, recsys_error *err)
{
    return rs_error(err, RECSYS_E_EXHAUSTED,
                    "%s: a call has just timed out; no new connection is opened yet",
                    pool->settings->where);
}

/* Until there is room for one caller more. E_EXHAUSTED: not in time. */
static recsys_status wait_for_room(struct rs_redis_pool *pool, recsys_error *err)
{
    uint32_t size = pool->settings->pool_size;
    uint64_t deadline = 0;
    int is_late = 0;

    for (;;) {
        int is_quiet = is_silent(pool);
        if (count_busy(pool) + (is_quiet ? pool->n_late : 0u) < size)
            return RECSYS_OK;
        if (is_quiet)
            return say_silent(pool, err);
        if (is_late) {
            pool->wait_timeouts++;
            return rs_error(err, RECSYS_E_EXHAUSTED,
                            "%s: all %u connections were in use for %u ms; raise pool_size",
                            pool->settings->where, size,
                            (uint32_t)(pool->settings->pool_timeout_ns / 1000000u));
        }
        if (deadline == 0) { /* the clock is read only to wait */
            deadline = rs_clock_ns() + pool->settings->pool_timeout_ns;
            pool->waited++;
        }
        pool->n_waiting++;
        is_late = rs_signal_wait_until(&pool->freed, &pool->lock, deadline) != 0;
        pool->n_waiting--;
    }
}

/* From IDLE to LENT, or from FREE to OPENING with *out NULL; or E_EXHAUSTED. There is room. */
static recsys_status take_place(struct rs_redis_pool *pool, int extra,
                                struct rs_redis_connection **out, recsys_error *err)
{
    *out = NULL;
    if (pool->n[PLACE_IDLE] > 0) {
        move(pool, PLACE_IDLE, PLACE_LENT);
        *out = pool->idle[pool->n[PLACE_IDLE]];
        return RECSYS_OK;
    }
    if (!extra && is_silent(pool))
        return say_silent(pool, err);
    move(pool, PLACE_FREE, PLACE_OPENING);
    return RECSYS_OK;
}

/* Why a place became free. */
enum reason {
    FAILED,
    FAILED_LATE,
    OLD,
    CLOSED_BY_SERVER,
    BROKEN,
    BROKEN_LATE,
    RETIRED,
    ONE_TOO_MANY
};

static void free_place(struct rs_redis_pool *pool, enum place_state from, enum reason why,
                       uint32_t n_companions)
{
    int was_broken = why == CLOSED_BY_SERVER || why == BROKEN || why == BROKEN_LATE;

    move(pool, from, PLACE_FREE);
    pool->closed_broken += (uint64_t)was_broken;
    if (why == FAILED_LATE || why == BROKEN_LATE) {
        pool->n_late = 1 + n_companions + (is_silent(pool) ? pool->n_late : 0u);
        pool->silent_until_ns = rs_clock_ns() + pool->settings->command_timeout_ns;
        pool->n_reserved -= n_companions;
        rs_signal_all(&pool->freed);
    } else {
        wake(pool, n_companions);
    }
}

/* -- without the lock -- */

static void trace(const struct rs_redis_pool *pool, enum place_state from, enum place_state to,
                  const char *why)
{
#define TEXT(name) #name,
    static const char *const names[] = {PLACE_STATES(TEXT)};

    rs_trace(RECSYS_TRACE_REDIS, "%s: %s -> %s: %s", pool->settings->where, names[from], names[to],
             why);
}

static void give_up(struct rs_redis_pool *pool, enum place_state from, enum reason why,
                    uint32_t n_companions)
{
    static const char *const texts[] = {
        [FAILED] = "cannot connect",
        [FAILED_LATE] = "cannot connect in time; the pool is SILENT",
        [OLD] = "older than max_age_s",
        [CLOSED_BY_SERVER] = "closed by the server, or it sent unexpected bytes",
        [BROKEN] = "broken",
        [BROKEN_LATE] = "no answer in time; the pool is SILENT",
        [RETIRED] = "another server must be used now",
        [ONE_TOO_MANY] = "one too many"};

    rs_lock_take(&pool->lock);
    free_place(pool, from, why, n_companions);
    rs_lock_give(&pool->lock);
    trace(pool, from, PLACE_FREE, texts[why]);
}

static int is_old(const struct rs_redis_pool *pool, const struct rs_redis_connection *connection)
{
    return rs_clock_ns() - connection->opened_ns >= pool->settings->max_age_ns;
}

/* OPENING to LENT, or to FREE. */
static recsys_status open_place(struct rs_redis_pool *pool, uint32_t n_companions,
                                struct rs_redis_connection **out, recsys_error *err)
{
    recsys_status status = rs_redis_connection_open(pool->settings, out, err);

    if (status != RECSYS_OK) {
        give_up(pool, PLACE_OPENING, status == RECSYS_E_TIMEOUT ? FAILED_LATE : FAILED,
                n_companions);
        return status;
    }
    rs_lock_take(&pool->lock);
    move(pool, PLACE_OPENING, PLACE_LENT);
    pool->connected++;
    memcpy(pool->version, (*out)->version, sizeof pool->version);
    memcpy(pool->policy, (*out)->policy, sizeof pool->policy);
    rs_lock_give(&pool->lock);
    trace(pool, PLACE_OPENING, PLACE_LENT, "connected");
    return RECSYS_OK;
}

/* Before the place is given up, so that nobody else gets it. */
static void reserve_again(struct rs_redis_pool *pool)
{
    rs_lock_take(&pool->lock);
    pool->n_reserved++;
    rs_lock_give(&pool->lock);
}

/* A caller for itself, for a probe, or for several that have reserved. */
enum asker { FOR_ITSELF, FOR_A_PROBE, FOR_SEVERAL };

static recsys_status acquire(struct rs_redis_pool *pool, enum asker asker, uint32_t n,
                             struct rs_redis_connection **out, recsys_error *err)
{
    for (;;) {
        recsys_status status = RECSYS_OK;
        *out = NULL;
        rs_lock_take(&pool->lock);
        if (asker == FOR_ITSELF)
            status = wait_for_room(pool, err);
        if (status == RECSYS_OK)
            status = take_place(pool, asker == FOR_A_PROBE, out, err);
        if (asker == FOR_SEVERAL && status == RECSYS_OK)
            pool->n_reserved--; /* that one has a place with a connection now */
        else if (asker == FOR_SEVERAL)
            wake(pool, n);
        rs_lock_give(&pool->lock);
        if (status == RECSYS_OK && *out == NULL)
            status = open_place(pool, n - 1, out, err);
        else if (status == RECSYS_OK) {
            int is_quiet = rs_redis_socket_is_quiet(&(*out)->socket);
            int is_elsewhere = (*out)->moves != atomic_load(&pool->settings->node->moves);
            if (!is_quiet || is_elsewhere || is_old(pool, *out)) {
                rs_redis_connection_close(*out);
                if (asker == FOR_SEVERAL)
                    reserve_again(pool);
                give_up(pool, PLACE_LENT,
                        !is_quiet      ? CLOSED_BY_SERVER
                        : is_elsewhere ? RETIRED
                                       : OLD,
                        0);
                continue;
            }
        }
        if (status == RECSYS_OK)
            (*out)->n_companions = n - 1;
        return status;
    }
}

recsys_status rs_redis_pool_acquire(struct rs_redis_pool *pool, struct rs_redis_connection **out,
                                    recsys_error *err)
{
    return acquire(pool, FOR_ITSELF, 1, out, err);
}

recsys_status rs_redis_pool_acquire_extra(struct rs_redis_pool *pool,
                                          struct rs_redis_connection **out, recsys_error *err)
{
    return acquire(pool, FOR_A_PROBE, 1, out, err);
}

recsys_status rs_redis_pool_acquire_reserved(struct rs_redis_pool *pool, uint32_t n,
                                             struct rs_redis_connection **out, recsys_error *err)
{
    return acquire(pool, FOR_SEVERAL, n, out, err);
}

recsys_status rs_redis_pool_reserve(struct rs_redis_pool *pool, recsys_error *err)
{
    rs_lock_take(&pool->lock);
    recsys_status status = wait_for_room(pool, err);
    pool->n_reserved += status == RECSYS_OK;
    rs_lock_give(&pool->lock);
    return status;
}

void rs_redis_pool_unreserve(struct rs_redis_pool *pool)
{
    rs_lock_take(&pool->lock);
    wake(pool, 1);
    rs_lock_give(&pool->lock);
}

void rs_redis_pool_release(struct rs_redis_pool *pool, struct rs_redis_connection *connection)
{
    uint32_t n_companions = connection->n_companions;
    enum reason why = connection->timed_out ? BROKEN_LATE
                      : connection->broken  ? BROKEN
                      : connection->retired ? RETIRED
                                            : ONE_TOO_MANY;

    if (why == ONE_TOO_MANY) {
        rs_lock_take(&pool->lock);
        pool->silent_until_ns = 0;
        pool->heard_ns = rs_clock_ns();
        if (count_open(pool) <= pool->settings->pool_size) {
            pool->idle[pool->n[PLACE_IDLE]] = connection;
            move(pool, PLACE_LENT, PLACE_IDLE);
            connection = NULL;
            wake(pool, n_companions);
        }
        rs_lock_give(&pool->lock);
    }
    if (connection != NULL) {
        rs_redis_connection_close(connection);
        give_up(pool, PLACE_LENT, why, n_companions);
    }
}

int rs_redis_pool_has_heard(struct rs_redis_pool *pool, uint64_t since_ns)
{
    rs_lock_take(&pool->lock);
    int has_heard = pool->heard_ns != 0 && pool->heard_ns >= since_ns;
    rs_lock_give(&pool->lock);
    return has_heard;
}

recsys_status rs_redis_pool_get_stats(struct rs_redis_pool *pool, recsys_redis_stats *out,
                                      recsys_error *err)
{
    recsys_status status = rs_fork_check(pool->forks, "recsys_redis_get_stats: a Redis store", err);

    if (status != RECSYS_OK)
        return status;
    rs_lock_take(&pool->lock);
    out->open = count_open(pool);
    out->idle = pool->n[PLACE_IDLE];
    out->connected = pool->connected;
    out->closed_broken = pool->closed_broken;
    out->waited = pool->waited;
    out->wait_timeouts = pool->wait_timeouts;
    memcpy(out->maxmemory_policy, pool->policy, sizeof out->maxmemory_policy);
    memcpy(out->version, pool->version, sizeof out->version);
    rs_lock_give(&pool->lock);
    return RECSYS_OK;
}
