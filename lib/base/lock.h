/* lib/base/lock.h - mutex, condition and thread: the only place that includes pthread.h.
 *
 * Locks are taken in this order, an outer one first:
 *   deployment.operator, deployment.swapping, deployment.state, deployment.records, slot.lock,
 *   owed, store.telling, journal, denylist, cache shard, store.breaker, stats, log
 * A history's `writing` and `lock`, in this order, come behind deployment.swapping.
 * `owed` is the outbox's (lib/domain/owed.h), `journal` the cache-aside's; under `journal` none is
 * taken. A batcher's lock is outside those of the callers that wait for it. The flights of the
 * cache-aside and the door of BLAS are held alone.
 */
#ifndef RS_BASE_LOCK_H
#define RS_BASE_LOCK_H

#include <pthread.h>
#include <stdint.h>

struct rs_lock {
    pthread_mutex_t mutex;
};
#define RS_LOCK_INIT                                                                               \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER                                                                  \
    } /* for one that lives as long as the process */

/* A condition whose waits are timed by the monotonic clock. */
struct rs_signal {
    pthread_cond_t condition;
};

/* 0, or an errno. */
int rs_lock_init(struct rs_lock *lock);
void rs_lock_destroy(struct rs_lock *lock);
void rs_lock_take(struct rs_lock *lock);
void rs_lock_give(struct rs_lock *lock);
/* 1 if it was free and is now taken. For a forked child: a lock that another thread of the
 * parent held at the fork is never released there. */
int rs_lock_try(struct rs_lock *lock);

int rs_signal_init(struct rs_signal *signal);
void rs_signal_destroy(struct rs_signal *signal);
void rs_signal_wait(struct rs_signal *signal, struct rs_lock *lock);
/* Until rs_clock_ns() reaches `deadline_ns`. Returns 0 if woken, else ETIMEDOUT. */
int rs_signal_wait_until(struct rs_signal *signal, struct rs_lock *lock, uint64_t deadline_ns);
void rs_signal_one(struct rs_signal *signal);
void rs_signal_all(struct rs_signal *signal);

/* Start a thread with every signal blocked. 0, or an errno. */
int rs_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);
/* Name the calling thread for debuggers and /proc: at most 15 bytes. Nothing happens on systems
 * that cannot. */
void rs_thread_name(const char *name);
void rs_thread_join(pthread_t thread);
pthread_t rs_thread_self(void);
int rs_thread_is_self(pthread_t thread);

#endif
