/* daemon/process/heap.h - gives memory that is free back to the system. */
#ifndef RECSYSD_HEAP_H
#define RECSYSD_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct rd_heap {
    uint64_t n_freed;    /* when it was last given back */
    uint64_t trimmed_ns; /* that time */
    bool was_busy;       /* since then */
};

/* Before there are threads. */
void rd_heap_prepare(void);
/*
 * Call it often: at most once a second it gives back what is free, if the process has freed large
 * buffers meanwhile (`n_freed` counts their bytes), or if it was busy and is not any more. ONE THREAD
 * AT A TIME.
 */
void rd_heap_trim(struct rd_heap *heap, uint64_t n_freed, bool is_busy, uint64_t now_ns);

#endif
