/* lib/serve/grow.c - see grow.h. */
#include "lib/serve/grow.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"

recsys_status rs_grow(void *memory, size_t *room, size_t n, size_t size, recsys_error *err)
{
    void *old, *larger;
    size_t bytes;

    if (n <= *room)
        return RECSYS_OK;
    /* Not zeroed, so that room for very many answers costs nothing before they are written. */
    larger = rs_multiply(n, size, &bytes) ? rs_alloc(bytes) : NULL;
    if (larger == NULL)
        return rs_error_nomem(err, "recommender");
    memcpy(&old, memory, sizeof old);
    rs_free(old);
    memcpy(memory, &larger, sizeof larger);
    *room = n;
    return RECSYS_OK;
}
