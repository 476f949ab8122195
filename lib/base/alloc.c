/* lib/base/alloc.c - the allocator hook: where all memory comes from.
 *
 * Pieces that are allocated and not yet freed are counted, because only the allocator that made a
 * piece may free it: the hook cannot be changed while there are any. The count is spread over
 * several cells, each on a cache line of its own and chosen by the thread's stack. Only their sum
 * has a meaning, and threads that allocate at the same time do not wait for one cache line.
 */
#include "lib/base/alloc.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/base/error.h"
#include "lib/base/structs.h"

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

#define N_CELLS 16u

static struct {
    _Alignas(64) _Atomic int64_t n;
} live[N_CELLS];

static void count_live(int64_t change)
{
    char here;
    uintptr_t stack = (uintptr_t)&here >> 14;

    atomic_fetch_add_explicit(&live[(stack ^ (stack >> 5)) % N_CELLS].n, change,
                              memory_order_relaxed);
}

static int64_t sum_live(void)
{
    int64_t sum = 0;

    for (size_t i = 0; i < N_CELLS; i++)
        sum += atomic_load_explicit(&live[i].n, memory_order_relaxed);
    return sum;
}

recsys_status recsys_alloc_set(const recsys_allocator *allocator, recsys_error *err)
{
    recsys_allocator seen;
    int64_t n_live = sum_live();

    if (n_live != 0)
        return rs_error(err, RECSYS_E_STATE,
                        "recsys_alloc_set: %" PRId64 " pieces of memory of the present allocator "
                        "are in use; set it before anything is created",
                        n_live);
    if (allocator == NULL) {
        current = default_allocator;
        return RECSYS_OK;
    }
    recsys_status status = rs_struct_read(&seen, sizeof seen, allocator, RECSYS_ALLOCATOR_SIZE_V1,
                                          "recsys_alloc_set: allocator", err);
    if (status == RECSYS_OK)
        status = rs_reserved(seen.reserved, "recsys_alloc_set: allocator.reserved", err);
    if (status != RECSYS_OK)
        return status;
    if (seen.allocate == NULL || seen.resize == NULL || seen.release == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_alloc_set: allocate, resize and release must all be given");
    current = seen;
    return RECSYS_OK;
}

void *rs_alloc(size_t size)
{
    void *memory = current.allocate(size == 0 ? 1 : size, current.user_data);

    if (memory != NULL)
        count_live(1);
    return memory;
}

void *rs_resize(void *memory, size_t size)
{
    void *resized = current.resize(memory, size == 0 ? 1 : size, current.user_data);

    if (memory == NULL && resized != NULL)
        count_live(1);
    return resized;
}

void rs_free(void *memory)
{
    if (memory == NULL)
        return;
    current.release(memory, current.user_data);
    count_live(-1);
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
