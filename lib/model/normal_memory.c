/* lib/model/normal_memory.c - see normal_memory.h. */
#include "lib/model/normal_memory.h"

#include "lib/base/alloc.h"

struct rs_normal *rs_normal_create(size_t dimensions)
{
    struct rs_normal *normal = rs_alloc_array(1, sizeof *normal);

    if (normal == NULL)
        return NULL;
    normal->shared = rs_alloc_array(dimensions * dimensions, sizeof *normal->shared);
    normal->factor = rs_alloc_array(dimensions * dimensions, sizeof *normal->factor);
    if (normal->shared != NULL && normal->factor != NULL)
        return normal;
    rs_normal_destroy(normal);
    return NULL;
}

void rs_normal_destroy(struct rs_normal *normal)
{
    if (normal == NULL)
        return;
    rs_free(normal->shared);
    rs_free(normal->factor);
    rs_free(normal);
}
