/* daemon/process/thread_priority.c - a thread that gives way to all others (threads.h).
 *
 * A file of its own, because SCHED_IDLE needs a macro under which other functions have other types.
 */
#define _GNU_SOURCE /* SCHED_IDLE */
#include "daemon/process/threads.h"

#include <sched.h>
#include <sys/resource.h>

bool rd_thread_yield_to_all(void)
{
#ifdef SCHED_IDLE
    const struct sched_param none = {0};

    /* Linux: 0 means the calling thread, and nobody needs a privilege to step back. A sandbox may
     * forbid the one call and allow the other. */
    return sched_setscheduler(0, SCHED_IDLE, &none) == 0 || setpriority(PRIO_PROCESS, 0, 19) == 0;
#else
    return false;
#endif
}
