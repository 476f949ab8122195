/* lib/adapters/redis/redis_share.c - see redis_share.h.
 *
 *   state      event                                              next
 *   (none)     a caller comes: it is the leader                   GATHERING
 *   GATHERING  another caller comes and there is room             GATHERING
 *   GATHERING  the leader: no write is under way, or PATIENCE_NS
 *              are over                                           FLYING
 *   FLYING     all answers are read, or something failed          DONE
 *   DONE       the last of its callers has its answer             (spare)
 *
 * One write gathers at a time; several may fly, each on a connection of its own, if the answers
 * to one are slow. The connection goes back to the pool after every write, so whatever the pool
 * does for connections (tests before use, age, a server that is silent, nodes, log-in) holds here.
 *
 * Commands and answers belong to the write and not to their callers. A caller leaves when its
 * time is over although the leader has not finished, which happens if the leader is kept from
 * running; its answer is read like the others, and freed when the write becomes spare. If answers
 * are missing when the time is over, the leader fails and the pool closes the connection, so that
 * a late one cannot meet another command. The time begins when the write is sent, so it ends at
 * once for all of its callers.
 *
 * Answers are handed out only when all of them have been read and fit their commands.
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
#define PATIENCE_NS 2000000u  /* for the write before */
#define HAND_OUT_NS 10000000u /* after the deadline: to hand out what has come in time */

struct shared_write {
    struct shared_write *next; /* spare */
    struct rs_signal done;
    struct rs_buffer commands;
    uint32_t n, n_inside; /* callers that came; that are still there */
    int is_done;
    atomic_uint_fast64_t deadline_ns; /* of the answers; 0 = not sent yet */
    /* since it is done; before that the leader's alone */
    recsys_error problem; /* of all; status RECSYS_OK = none */
    int is_worded;        /* ... and needs no words of a caller's own */
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
    struct rs_signal turn; /* no write is flying */
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
    if (result == 0 && (result = rs_signal_init(&share->turn)) != 0)
        rs_lock_destroy(&share->lock);
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
    if (is_ours) {
        rs_signal_destroy(&share->turn);
        rs_lock_destroy(&share->lock);
    }
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
    write->n = write->n_inside = 0;
    write->is_done = 0;
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

/* Puts a command into the write that gathers. NULL: there is no room for it. */
static struct shared_write *join(struct rs_redis_share *share, const struct rs_buffer *command,
                                 const struct rs_redis_question *question, uint32_t *place)
{
    struct shared_write *write = share->gathering;

    if (write == NULL)
        write = begin_write(share);
    if (write == NULL || write->n == MAX_TOGETHER)
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

/* -- the leader -- */

static void fly(struct rs_redis_share *share, struct shared_write *write)
{
    struct rs_redis_connection *connection;
    recsys_status status =
        rs_redis_pool_acquire_reserved(share->pool, write->n, &connection, &write->problem);

    write->is_worded = status != RECSYS_OK;
    if (status != RECSYS_OK) {
        write->problem.status = status;
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
    write->incarnation = connection->incarnation;
    rs_redis_pool_release(share->pool, connection);
}

/* Called and left with the lock held. */
static void lead(struct rs_redis_share *share, struct shared_write *write)
{
    if (share->n_flying > 0) {
        uint64_t until = rs_clock_ns() + PATIENCE_NS;
        while (share->n_flying > 0 && rs_signal_wait_until(&share->turn, &share->lock, until) == 0)
            ;
    } else if (write->n < share->n_last) {
        /* Those who were woken together come back together. */
        rs_lock_give(&share->lock);
        sched_yield();
        rs_lock_take(&share->lock);
    }
    share->gathering = NULL;
    share->n_flying++;
    share->n_last = write->n;
    share->n_writes++;
    share->n_commands += write->n;
    rs_lock_give(&share->lock);
    fly(share, write);
    rs_lock_take(&share->lock);
    share->n_flying--;
    write->is_done = 1;
    int has_next = share->n_flying == 0 && share->gathering != NULL, has_others = write->n > 1;
    rs_lock_give(&share->lock); /* so that those who wake need not wait for it */
    if (has_others)
        rs_signal_all(&write->done);
    if (has_next)
        rs_signal_one(&share->turn);
    rs_lock_take(&share->lock);
}

/* -- the others -- */

/* Called and left with the lock held. 0: the time is over and the answer not there. */
static int wait_for_leader(struct rs_redis_share *share, struct shared_write *write)
{
    const struct rs_redis_settings *settings = share->settings;
    uint64_t came = rs_clock_ns(), until = came + settings->command_timeout_ns;

    while (!write->is_done) {
        if (rs_signal_wait_until(&write->done, &share->lock, until) == 0 || write->is_done)
            continue;
        uint64_t deadline = atomic_load_explicit(&write->deadline_ns, memory_order_relaxed);
        /* Until it is sent, what a caller who needs a new connection may have to wait. */
        until = HAND_OUT_NS +
                (deadline != 0 ? deadline
                               : came + settings->pool_timeout_ns + settings->connect_timeout_ns +
                                     settings->command_timeout_ns);
        if (rs_clock_ns() >= until)
            return 0;
    }
    return 1;
}

int rs_redis_share_ask(struct rs_redis_share *share, const struct rs_buffer *command,
                       const struct rs_redis_question *question, struct rs_redis_reply *reply,
                       uint64_t *incarnation, recsys_status *status, recsys_error *err)
{
    const struct rs_redis_settings *settings = share->settings;
    recsys_error problem;
    uint32_t place = 0;
    int is_there = 1, is_worded = 0, is_echo = 0;

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
    if (place == 0)
        lead(share, write);
    else
        is_there = wait_for_leader(share, write);
    if (!is_there) {
        problem.status = RECSYS_E_TIMEOUT;
    } else if (write->problem.status != RECSYS_OK) {
        problem = write->problem;
        is_worded = write->is_worded;
        is_echo = place != 0 && problem.status != RECSYS_E_TIMEOUT;
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
    if (is_worded)
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
