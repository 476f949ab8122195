/* daemon/process/heap.c - see heap.h.
 *
 * glibc keeps memory that was freed for later, in an arena for every few threads: after large
 * batches on all workers hundreds of MiB. It gives pages in the middle of an arena back only when
 * it is asked to, and the end of an arena only when that has grown beyond a limit, which it raises
 * by itself to twice the largest block it has seen, unless it is told one. It makes eight arenas
 * for each core, and each keeps some; workers that wait need none of their own.
 */
#include "daemon/process/heap.h"

#include <stdlib.h>

#include "lib/base/cores.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#define LARGE_BLOCK (1 << 20) /* bytes, from which on a block is mapped by itself */
#define LEAST_ARENAS 4
#define PAUSE_NS UINT64_C(1000000000)
#define MANY_BYTES (UINT64_C(4) << 20)

void rd_heap_prepare(void)
{
#if defined(__GLIBC__)
    int n_arenas = (int)rs_cores() * 2;

    (void)mallopt(M_ARENA_MAX, n_arenas < LEAST_ARENAS ? LEAST_ARENAS : n_arenas);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_BLOCK);
#endif
}

void rd_heap_trim(struct rd_heap *heap, uint64_t n_freed, bool is_busy, uint64_t now_ns)
{
    bool is_over = heap->was_busy && !is_busy;

    heap->was_busy |= is_busy;
    if (now_ns - heap->trimmed_ns < PAUSE_NS || (n_freed - heap->n_freed < MANY_BYTES && !is_over))
        return;
    heap->n_freed = n_freed;
    heap->trimmed_ns = now_ns;
    heap->was_busy = is_busy;
#if defined(__GLIBC__)
    (void)malloc_trim(0);
#endif
}
