/* daemon/process/descriptors.c - raises the soft limit of descriptors to the hard one.
 *
 * The soft limit is 1024 on most systems, for programs that use select(). A server that runs out of
 * descriptors can neither accept a connection nor read a model; so recsysd takes no more connections
 * than there are descriptors for.
 */
#include "daemon/process/descriptors.h"

#include <stdbool.h>
#include <sys/resource.h>

#include "daemon/process/logger.h"

uint32_t rd_descriptors_raise(uint32_t wanted, uint32_t others)
{
    struct rlimit limit;
    rlim_t needed = (rlim_t)wanted + others;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return wanted;
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {limit.rlim_max, limit.rlim_max};

        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed)
        return wanted;
    wanted = limit.rlim_cur > others ? (uint32_t)(limit.rlim_cur - others) : 1;
    rd_log(RECSYS_LOG_WARN,
           "at most %llu open files (ulimit -n), of which %u are for other things: max_connections "
           "is %u",
           (unsigned long long)limit.rlim_cur, others, wanted);
    return wanted;
}
