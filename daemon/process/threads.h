/* daemon/process/threads.h - starts threads. */
#ifndef RECSYSD_THREADS_H
#define RECSYSD_THREADS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/lock.h"

/* If the thread cannot be started, the log names it ("the thread that" `does`) and the limits. */
bool rd_thread_start(pthread_t *thread, void *(*run)(void *), void *argument, const char *does);

/* From now on the calling thread runs only where no other thread wants to. False: the system has
 * nothing of the kind, and the thread runs as before. */
bool rd_thread_yield_to_all(void);

/* The limits for threads of this process, such as "at most 60 threads of this user (ulimit -u)".
 * Never empty. */
void rd_thread_limits(char *out, size_t size);

#endif
