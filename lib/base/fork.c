/* lib/base/fork.c - counts forks, by a handler that runs in the child.
 *
 * The handler is registered when the library is loaded. It only adds one to a
 * number: a child of a process with threads may do nothing that needs a lock. */
#include "lib/base/fork.h"

#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/error.h"

static _Atomic uint32_t forks;

static void count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1u, memory_order_relaxed);
}

__attribute__((constructor)) static void watch_forks(void)
{
    /* Fails without memory only; then a child is not told apart, as in 0.1. */
    (void)pthread_atfork(NULL, NULL, count_fork);
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
