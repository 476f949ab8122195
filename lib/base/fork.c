/* lib/base/fork.c - counts forks, by a handler that runs in the child.
 *
 * The handlers are registered when the library is loaded. The child's handler adds one to a
 * number and releases the locks that the parent's handler took. It does nothing else: in the
 * child of a process with threads, a lock of another library may be held by a thread that the
 * child does not have. */
#include "lib/base/fork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "lib/base/error.h"

#define MAX_GUARDS 4u
#define WAIT_NS 20000

static _Atomic uint32_t forks;
static struct guard {
    struct rs_lock *lock;
    atomic_uint *n_inside;
} guards[MAX_GUARDS]; /* written while the library is loaded */
static uint32_t n_guards;

static void before_fork(void)
{
    static const struct timespec a_moment = {0, WAIT_NS};

    for (uint32_t i = 0; i < n_guards; i++) {
        rs_lock_take(guards[i].lock);
        while (atomic_load_explicit(guards[i].n_inside, memory_order_acquire) != 0)
            (void)nanosleep(&a_moment, NULL);
    }
}

static void after_fork(void)
{
    for (uint32_t i = n_guards; i-- > 0;)
        rs_lock_give(guards[i].lock);
}

static void in_child(void)
{
    atomic_fetch_add_explicit(&forks, 1u, memory_order_relaxed);
    after_fork();
}

__attribute__((constructor)) static void watch_forks(void)
{
    /* Fails only without memory. Then the library does not notice a fork, as in 0.1. */
    (void)pthread_atfork(before_fork, after_fork, in_child);
}

void rs_fork_protect(struct rs_lock *lock, atomic_uint *n_inside)
{
    if (n_guards < MAX_GUARDS) {
        guards[n_guards].lock = lock;
        guards[n_guards++].n_inside = n_inside;
    }
}

uint32_t rs_fork_count(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}

recsys_status rs_fork_check(uint32_t remembered, const char *what, recsys_error *err)
{
    if (remembered == rs_fork_count())
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_STATE,
                    "%s was made before fork() and belongs to the parent; make one in this process",
                    what);
}
