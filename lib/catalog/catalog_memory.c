/* lib/catalog/catalog_memory.c - see catalog_memory.h. */
#include "lib/catalog/catalog_memory.h"

#include "lib/base/alloc.h"

void rs_catalog_own(struct rs_catalog_memory *memory, void *array, uint64_t n_bytes)
{
    if (array == NULL)
        return;
    memory->owned[memory->n_owned++] = array;
    memory->n_bytes += n_bytes;
}

void *rs_catalog_take(struct rs_catalog_memory *memory, size_t n, size_t size)
{
    void *array = rs_alloc_array(n, size);

    rs_catalog_own(memory, array, (uint64_t)n * size);
    return array;
}

void rs_catalog_memory_destroy(struct rs_catalog_memory *memory)
{
    while (memory->n_owned > 0)
        rs_free(memory->owned[--memory->n_owned]);
    rs_names_destroy(&memory->genres);
    rs_names_destroy(&memory->languages);
    rs_pool_destroy(&memory->pool);
    rs_free(memory);
}
