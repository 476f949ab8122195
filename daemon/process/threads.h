/* daemon/process/threads.h - threads that are there when the daemon says so. */
#ifndef RECSYSD_THREADS_H
#define RECSYSD_THREADS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/lock.h"

/* If the thread cannot be started, the log says that it is the one that `does` something, and
 * which limits there are. */
bool rd_thread_start(pthread_t *thread, void *(*run)(void *), void *argument, const char *does);

/* The limits of this process that keep threads from starting, as "at most 60 threads of this user
 * (ulimit -u)". Never empty. */
void rd_thread_limits(char *out, size_t size);

#endif
