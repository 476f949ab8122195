/* lib/adapters/redis/redis_share.c - see redis_share.h.
 *
 *   state      event                                              next
 *   (none)     a caller comes: it is the leader                   GATHERING
 *   GATHERING  another caller comes and there is room             GATHERING
 *   GATHERING  a caller comes who fills it: it is the leader now  FLYING
 *   GATHERING  no write is under way: who wakes first leads       FLYING
 *   GATHERING  PATIENCE_NS are over for the leader, or
 *              TAKE_OVER_NS for another, who leads from now on    FLYING
 *   FLYING     all answers are read, or something failed          DONE
 *   DONE       the last of its callers has its answer             (spare)
 *
 * One write gathers at a time; several may fly, each on a connection of its own. The connection
 * goes back to the pool after every write, so whatever the pool does for connections (tests before
 * use, age, a server that is silent, nodes, log-in) holds here.
 *
 * A write is full with half of the callers that are under way: if its connection dies without a
 * word, the other half goes on, and shows that the server lives. It has room for AT_LEAST callers,
 * who are fewer than the failures that open a circuit breaker by default.
 *
 * A leader may be kept from running: by a low priority, a signal handler, a debugger. While it
 * gathers, another caller takes the write over. Later nobody can, for the leader has the
 * connection.
 *
 * Commands and answers belong to the write and not to their callers. A caller leaves when its
 * time is over although the leader has not finished; its answer is read like the others, and freed
 * when the write becomes spare. It gives its place in the pool back if the write has been sent;
 * before that the leader, who may be connecting, gives back all of them. If answers
 * are missing when the time is over, the leader fails and the pool closes the connection, so that
 * a late one cannot meet another command. The time begins when the write is sent, so it ends at
 * once for all of its callers.
 *
 * Answers are handed out only when all of them have been read and fit their commands.
 *
 * A failure of a whole write counts once for the circuit breaker: the others' are echoes of the
 * leader's. But a time-out counts for each of them if the server has sent nothing meanwhile, on
 * this connection or on another: so the breaker opens at once when the server freezes.
 */
#include "lib/adapters/redis/redis_share.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/lock.h"

#define MAX_TOGETHER 32u
#define AT_LEAST 4u
#define PATIENCE_NS 2000000u  /* for the write before */
#define TAKE_OVER_NS 5000000u /* longer than a leader gathers that runs */
#define HAND_OUT_NS 10000000u /* after the deadline: to hand out what has come in time */

struct shared_write {
    struct shared_write *next; /* spare */
    struct rs_signal done;
    struct rs_buffer commands;
    uint32_t n, n_inside; /* callers that came; that are still there */
    uint32_t n_left;      /* of those that came, who have given their place back themselves */
    int is_flying, is_done;
    int is_over;                      /* the leader gives the places back: nobody else may */
    atomic_uint_fast64_t deadline_ns; /* of the answers; 0 = not sent yet */
    /* since it is done; before that the leader's alone */
    recsys_error problem; /* of all; status RECSYS_OK = none */
    int is_worded;        /* ... and needs no words of a caller's own */
    int is_heard;         /* ... but the server lives */
    uint64_t incarnation;
    struct rs_redis_question questions[MAX_TOGETHER];
    struct rs_redis_reply replies[MAX_TOGETHER];
    recsys_status statuses[MAX_TOGETHER];
    recsys_error problems[MAX_TOGETHER]; /* where the status is not RECSYS_OK */
};

struct rs_redis_share {
    const struct rs_redis_settings *settings;
    struct rs_redis_pool *pool;
    uint32_t forks; /* rs_fork_count() of the process that may use it */
    atomic_uint n_callers;
    struct rs_lock lock;
    /* protected by lock, as what is in a write until it flies */
    struct shared_write *gathering, *spare;
    uint32_t n_flying, n_last;
    uint64_t n_writes, n_commands;
};

recsys_status rs_redis_share_create(const struct rs_redis_settings *settings,
                                    struct rs_redis_pool *pool, struct rs_redis_share **out,
                                    recsys_error *err)
{
    struct rs_redis_share *share = rs_alloc_array(1, sizeof *share);
    int result;

    *out = NULL;
    if (share == NULL)
        return rs_error_nomem(err, "shared writes");
    share->settings = settings;
    share->pool = pool;
    share->forks = rs_fork_count();
    atomic_init(&share->n_callers, 0u);
    result = rs_lock_init(&share->lock);
    if (result != 0) {
        rs_free(share);
        return rs_error_sys(err, result, "cannot make the lock of shared writes");
    }
    *out = share;
    return RECSYS_OK;
}

void rs_redis_share_destroy(struct rs_redis_share *share)
{
    if (share == NULL)
        return;
    /* In a child, threads that are missing may have been using the locks. */
    int is_ours = rs_fork_check(share->forks, "shared writes", NULL) == RECSYS_OK;
    for (struct shared_write *write = share->spare; write != NULL;) {
        struct shared_write *next = write->next;
        if (is_ours)
            rs_signal_destroy(&write->done);
        rs_buffer_destroy(&write->commands);
        rs_free(write);
        write = next;
    }
    if (is_ours)
        rs_lock_destroy(&share->lock);
    rs_free(share);
}

int rs_redis_share_enter(struct rs_redis_share *share)
{
    uint32_t n = atomic_fetch_add_explicit(&share->n_callers, 1u, memory_order_relaxed) + 1;

    return n >= share->settings->share_from;
}

void rs_redis_share_leave(struct rs_redis_share *share)
{
    atomic_fetch_sub_explicit(&share->n_callers, 1u, memory_order_relaxed);
}

/* -- under the lock -- */

static struct shared_write *begin_write(struct rs_redis_share *share)
{
    struct shared_write *write = share->spare;

    if (write != NULL) {
        share->spare = write->next;
    } else {
        write = rs_alloc_array(1, sizeof *write);
        if (write == NULL)
            return NULL;
        if (rs_signal_init(&write->done) != 0) {
            rs_free(write);
            return NULL;
        }
        rs_buffer_init(&write->commands, RS_REDIS_MAX_COMMAND);
    }
    write->n = write->n_inside = write->n_left = 0;
    write->is_flying = write->is_done = write->is_over = write->is_heard = 0;
    atomic_store_explicit(&write->deadline_ns, 0u, memory_order_relaxed);
    share->gathering = write;
    return write;
}

/* One caller more has gone; the last one makes the write spare. */
static void go(struct rs_redis_share *share, struct shared_write *write)
{
    if (--write->n_inside > 0)
        return;
    for (uint32_t i = 0; i < write->n; i++) /* of callers that did not wait for them */
        rs_redis_reply_clear(&write->replies[i]);
    rs_buffer_reset(&write->commands, RS_REDIS_KEEP_BYTES);
    write->next = share->spare;
    share->spare = write;
}

static int is_full(const struct rs_redis_share *share, const struct shared_write *write)
{
    uint32_t half = atomic_load_explicit(&share->n_callers, memory_order_relaxed) / 2;

    return write->n == MAX_TOGETHER || (write->n >= AT_LEAST && write->n >= half);
}

/* Puts a command into the write that gathers. NULL: there is no room for it. */
static struct shared_write *join(struct rs_redis_share *share, const struct rs_buffer *command,
                                 const struct rs_redis_question *question, uint32_t *place)
{
    struct shared_write *write = share->gathering;

    if (write == NULL)
        write = begin_write(share);
    if (write == NULL)
        return NULL;
    rs_buffer_add(&write->commands, command->bytes, command->size);
    if (write->commands.status != RECSYS_OK) {
        write->commands.status = RECSYS_OK; /* for those that are in it */
        if (write->n == 0) {
            share->gathering = NULL;
            write->n_inside = 1;
            go(share, write);
        }
        return NULL;
    }
    *place = write->n++;
    write->n_inside++;
    write->questions[*place] = *question;
    return write;
}

/* -- its callers -- */

/* A good connection has been given back lately. "Lately" begins well after the write was sent: else
 * an answer from just before the server froze would do. */
static int has_heard_lately(const struct rs_redis_share *share)
{
    uint64_t now = rs_clock_ns(), command = share->settings->command_timeout_ns;
    uint64_t connect = share->settings->connect_timeout_ns;
    uint64_t half = (command < connect ? command : connect) / 2;

    return rs_redis_pool_has_heard(share->pool, now > half ? now - half : 0);
}

/* Give the connection back, with the places of those who are still there. */
static void land(struct rs_redis_share *share, struct shared_write *write,
                 struct rs_redis_connection *connection)
{
    rs_lock_take(&share->lock);
    write->is_over = 1;
    connection->n_companions -= write->n_left;
    rs_lock_give(&share->lock);
    rs_redis_pool_release(share->pool, connection);
}

/* Of the leader. */
static void fly(struct rs_redis_share *share, struct shared_write *write)
{
    struct rs_redis_connection *connection;
    recsys_status status =
        rs_redis_pool_acquire_reserved(share->pool, write->n, &connection, &write->problem);

    write->is_worded = status != RECSYS_OK;
    if (status != RECSYS_OK) {
        write->problem.status = status;
        write->is_heard = status == RECSYS_E_TIMEOUT && has_heard_lately(share);
        return;
    }
    uint64_t deadline = rs_clock_ns() + share->settings->command_timeout_ns;
    atomic_store_explicit(&write->deadline_ns, deadline, memory_order_relaxed);
    write->problem.status = RECSYS_OK;
    write->problem.sys_errno = 0;
    status = rs_redis_exchange(connection, &write->commands, write->questions, write->n, deadline,
                               write->replies, &write->problem);
    for (uint32_t i = 0; status == RECSYS_OK && i < write->n; i++)
        write->statuses[i] = rs_redis_settle(connection, &write->questions[i], &write->replies[i],
                                             &write->problems[i]);
    if (status == RECSYS_E_TIMEOUT)
        write->is_heard = connection->has_heard || has_heard_lately(share);
    write->incarnation = connection->incarnation;
    land(share, write, connection);
}

enum role { FOLLOWER, LEADER, LEAVER }; /* LEAVER: its time is over and no answer there */

/* Called and left with the lock held. */
static enum role lead(struct rs_redis_share *share, struct shared_write *write)
{
    struct shared_write *next;

    share->gathering = NULL;
    write->is_flying = 1;
    share->n_flying++;
    share->n_last = write->n;
    share->n_writes++;
    share->n_commands += write->n;
    rs_lock_give(&share->lock);
    fly(share, write);
    rs_lock_take(&share->lock);
    share->n_flying--;
    write->is_done = 1;
    next = share->n_flying == 0 ? share->gathering : NULL;
    int has_others = write->n > 1;
    rs_lock_give(&share->lock); /* so that those who wake need not wait for it */
    if (has_others)
        rs_signal_all(&write->done);
    if (next != NULL)
        rs_signal_one(&next->done); /* the caller that wakes leads */
    rs_lock_take(&share->lock);
    return LEADER;
}

/* Called and left with the lock held. */
static enum role take_part(struct rs_redis_share *share, struct shared_write *write, int is_first)
{
    const struct rs_redis_settings *settings = share->settings;

    if (is_full(share, write))
        return lead(share, write);
    if (is_first && share->n_flying == 0) {
        if (write->n < share->n_last) { /* those who were woken together come back together */
            rs_lock_give(&share->lock);
            sched_yield();
            rs_lock_take(&share->lock);
        }
        if (!write->is_flying)
            return lead(share, write);
    }
    uint64_t came = rs_clock_ns(), until = came + (is_first ? PATIENCE_NS : TAKE_OVER_NS);
    /* Until it is sent, what a caller who needs a new connection may have to wait. */
    uint64_t unsent = came + settings->pool_timeout_ns + settings->connect_timeout_ns +
                      settings->command_timeout_ns + HAND_OUT_NS;

    while (!write->is_done) {
        int is_woken = rs_signal_wait_until(&write->done, &share->lock, until) == 0;
        if (!write->is_flying && (!is_woken || share->n_flying == 0))
            return lead(share, write);
        if (is_woken || write->is_done)
            continue;
        uint64_t now = rs_clock_ns();
        uint64_t deadline = atomic_load_explicit(&write->deadline_ns, memory_order_relaxed);
        if (now >= (deadline != 0 ? deadline + HAND_OUT_NS : unsent))
            return LEAVER;
        until = deadline != 0 ? deadline + HAND_OUT_NS : now + settings->command_timeout_ns;
        until = deadline == 0 && until > unsent ? unsent : until;
    }
    return FOLLOWER;
}

/* Under the lock. Gives back the place of a caller that does not wait for its leader, once the
 * leader cannot fail to get a connection for it any more. 1: the server is not to blame. Else a
 * leader who is only a little late could hide that it is frozen. */
static int leave(struct rs_redis_share *share, struct shared_write *write)
{
    if (atomic_load_explicit(&write->deadline_ns, memory_order_relaxed) == 0)
        return 1; /* nothing was sent */
    if (!write->is_over) {
        write->n_left++;
        rs_redis_pool_unreserve(share->pool);
    }
    return has_heard_lately(share);
}

static void word_leaver(const struct rs_redis_settings *settings, const char *command,
                        recsys_error *err)
{
    rs_error(err, RECSYS_E_TIMEOUT,
             "%s: %s: the thread that had to send it with its own command, or to read the answer, "
             "was kept from running",
             settings->where, command);
}

int rs_redis_share_ask(struct rs_redis_share *share, const struct rs_buffer *command,
                       const struct rs_redis_question *question, struct rs_redis_reply *reply,
                       uint64_t *incarnation, recsys_status *status, recsys_error *err)
{
    const struct rs_redis_settings *settings = share->settings;
    recsys_error problem;
    uint32_t place = 0;
    enum role role;
    int is_worded = 0, is_echo = 0, is_blameless = 0;

    memset(reply, 0, sizeof *reply);
    problem.status = RECSYS_OK;
    *status = rs_redis_pool_reserve(share->pool, err);
    if (*status != RECSYS_OK)
        return 1;
    rs_lock_take(&share->lock);
    struct shared_write *write = join(share, command, question, &place);
    if (write == NULL) {
        rs_lock_give(&share->lock);
        rs_redis_pool_unreserve(share->pool);
        return 0;
    }
    role = take_part(share, write, place == 0);
    if (role == LEAVER) {
        problem.status = RECSYS_E_TIMEOUT;
        is_echo = is_blameless = leave(share, write);
    } else if (write->problem.status != RECSYS_OK) {
        problem = write->problem;
        is_worded = write->is_worded;
        is_echo = role == FOLLOWER && (problem.status != RECSYS_E_TIMEOUT || write->is_heard);
    } else {
        *incarnation = write->incarnation;
        *reply = write->replies[place];
        memset(&write->replies[place], 0, sizeof write->replies[place]);
        if (write->statuses[place] != RECSYS_OK) {
            problem = write->problems[place];
            problem.status = write->statuses[place];
            is_worded = 1;
        }
    }
    go(share, write);
    rs_lock_give(&share->lock);
    *status = problem.status;
    if (*status == RECSYS_OK)
        return 1;
    if (is_blameless)
        word_leaver(settings, question->command, err);
    else if (is_worded)
        rs_error_copy(err, &problem);
    else
        rs_redis_word(settings, question->command, &problem, err);
    if (is_echo)
        rs_error_echo(err);
    return 1;
}

void rs_redis_share_get_stats(struct rs_redis_share *share, recsys_redis_stats *out)
{
    rs_lock_take(&share->lock);
    out->shared_writes = share->n_writes;
    out->shared_commands = share->n_commands;
    rs_lock_give(&share->lock);
}
