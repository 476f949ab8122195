/* lib/adapters/memory.c - where an adapter that is a library of its own takes its memory.
 *
 * The parts of lib/base that are compiled into an adapter ask librecsys, and so
 * the host's allocator if it has set one.
 */
#include "lib/base/alloc.h"

void *rs_alloc(size_t size)
{
    return recsys_memory_allocate(size);
}

void *rs_resize(void *memory, size_t size)
{
    return recsys_memory_resize(memory, size);
}

void rs_free(void *memory)
{
    recsys_memory_release(memory);
}
