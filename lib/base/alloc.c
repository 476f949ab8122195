/* lib/base/alloc.c - the allocator hook: where all memory comes from. */
#include "lib/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/options.h"

static void *default_allocate(size_t size, void *user_data)
{
    (void)user_data;
    return malloc(size);
}

static void *default_resize(void *memory, size_t size, void *user_data)
{
    (void)user_data;
    return realloc(memory, size);
}

static void default_release(void *memory, void *user_data)
{
    (void)user_data;
    free(memory);
}

static const recsys_allocator default_allocator = {
    (uint32_t)sizeof(recsys_allocator), 0, default_allocate, default_resize, default_release, NULL};

static recsys_allocator current = {
    (uint32_t)sizeof(recsys_allocator), 0, default_allocate, default_resize, default_release, NULL};

recsys_status recsys_alloc_set(const recsys_allocator *allocator, recsys_error *err)
{
    recsys_allocator seen;

    if (allocator == NULL) {
        current = default_allocator;
        return RECSYS_OK;
    }
    recsys_status status = rs_options_copy(&seen, sizeof seen, allocator, sizeof seen);
    if (status != RECSYS_OK)
        return rs_options_error(err, status, "recsys_alloc_set");
    if (seen.allocate == NULL || seen.resize == NULL || seen.release == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_alloc_set: allocate, resize and release must all be given");
    current = seen;
    return RECSYS_OK;
}

void *rs_alloc(size_t size)
{
    return current.allocate(size == 0 ? 1 : size, current.user_data);
}

void *rs_resize(void *memory, size_t size)
{
    return current.resize(memory, size == 0 ? 1 : size, current.user_data);
}

void rs_free(void *memory)
{
    current.release(memory, current.user_data);
}

void *recsys_memory_allocate(size_t size)
{
    return rs_alloc(size);
}

void *recsys_memory_resize(void *memory, size_t size)
{
    return rs_resize(memory, size);
}

void recsys_memory_release(void *memory)
{
    rs_free(memory);
}
