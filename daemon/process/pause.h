/* daemon/process/pause.h - the pauses of threads that work in rounds, until they are to end. */
#ifndef RECSYSD_PAUSE_H
#define RECSYSD_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/lock.h"

/* SYNCHRONIZED. Several threads may share one. */
struct rd_pause {
    struct rs_lock lock;
    struct rs_signal wake;
    bool ended; /* protected by lock */
};

bool rd_pause_init(struct rd_pause *pause); /* false: out of memory */
/* Wait so long. False, at once, when the thread is to end. */
bool rd_pause_wait(struct rd_pause *pause, uint64_t ms);
bool rd_pause_is_ended(struct rd_pause *pause);
/* The threads are to end: join them behind this. */
void rd_pause_end(struct rd_pause *pause);

#endif
