/* lib/base/cores.c - see cores.h.
 *
 * On Linux the process may be bound to some of the machine's cores: taskset, cpusets of containers.
 * Quotas of processor time are not considered: they limit the time, not the number of threads that
 * run at once.
 */
#define _GNU_SOURCE /* sched_getaffinity */
#include "lib/base/cores.h"

#include <sched.h>
#include <unistd.h>

#define MOST 256

uint32_t rs_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
#ifdef CPU_COUNT
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
#endif
    return n < 1 ? 1u : n > MOST ? MOST : (uint32_t)n;
}
