/* tests/support/count_alloc.c - see count_alloc.h. */
#include "tests/support/count_alloc.h"

#include <stdlib.h>

struct count_alloc count_alloc = {.n_allowed = ULONG_MAX};

/* 1 if this call may succeed. */
static int count_call(struct count_alloc *counts)
{
    unsigned long n = atomic_load(&counts->n_allowed);

    atomic_fetch_add_explicit(&counts->n_calls, 1, memory_order_relaxed);
    while (n != 0 && n != ULONG_MAX && !atomic_compare_exchange_weak(&counts->n_allowed, &n, n - 1))
        ;
    return n != 0;
}

static void *allocate(size_t size, void *user_data)
{
    struct count_alloc *counts = user_data;

    if (!count_call(counts))
        return NULL;
    void *block = malloc(size);
    if (block != NULL)
        atomic_fetch_add_explicit(&counts->n_blocks, 1, memory_order_relaxed);
    return block;
}

static void *resize(void *block, size_t size, void *user_data)
{
    struct count_alloc *counts = user_data;

    if (!count_call(counts))
        return NULL;
    void *moved = realloc(block, size);
    if (block == NULL && moved != NULL)
        atomic_fetch_add_explicit(&counts->n_blocks, 1, memory_order_relaxed);
    return moved;
}

static void release(void *block, void *user_data)
{
    struct count_alloc *counts = user_data;

    if (block != NULL)
        atomic_fetch_sub_explicit(&counts->n_blocks, 1, memory_order_relaxed);
    free(block);
}

const recsys_allocator count_alloc_functions = {
    (uint32_t)sizeof count_alloc_functions, 0, allocate, resize, release, &count_alloc};

int count_alloc_install(void)
{
    return recsys_alloc_set(&count_alloc_functions, NULL) == RECSYS_OK ? 0 : -1;
}
