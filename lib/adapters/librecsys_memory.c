/* lib/adapters/librecsys_memory.c - where programs and libraries beside librecsys take their memory.
 *
 * The parts of lib/base that are compiled into an adapter or into recsysd ask librecsys, and so
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
