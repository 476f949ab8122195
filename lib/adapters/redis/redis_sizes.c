/* lib/adapters/redis/redis_sizes.c - see redis_sizes.h. */
#include "lib/adapters/redis/redis_sizes.h"

#include "lib/base/hash.h"

#define SURPRISE 64u

static atomic_uint *find(struct rs_redis_sizes *sizes, recsys_bytes key, unsigned *mark)
{
    uint64_t hash = rs_hash_bytes(key.data, key.size, 0);

    *mark = (unsigned)(hash >> 32) | 1u; /* 0 is an empty place */
    return &sizes->hashes[hash % RS_REDIS_N_SIZES];
}

int rs_redis_sizes_is_large(struct rs_redis_sizes *sizes, const recsys_bytes *keys, size_t n)
{
    unsigned mark, n_expected = atomic_load_explicit(&sizes->n_expected, memory_order_relaxed);

    while (n_expected > 0)
        if (atomic_compare_exchange_weak_explicit(&sizes->n_expected, &n_expected, n_expected - 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return 1;
    for (size_t i = 0; i < n; i++) {
        const atomic_uint *at = find(sizes, keys[i], &mark);
        if (atomic_load_explicit(at, memory_order_relaxed) == mark)
            return 1;
    }
    return 0;
}

void rs_redis_sizes_note(struct rs_redis_sizes *sizes, const recsys_bytes *keys, size_t n,
                         int is_large)
{
    unsigned mark;

    for (size_t i = 0; i < n; i++) {
        atomic_uint *at = find(sizes, keys[i], &mark);
        if (is_large)
            atomic_store_explicit(at, mark, memory_order_relaxed);
        else
            (void)atomic_compare_exchange_strong_explicit(at, &mark, 0u, memory_order_relaxed,
                                                          memory_order_relaxed);
    }
}

void rs_redis_sizes_surprise(struct rs_redis_sizes *sizes)
{
    atomic_store_explicit(&sizes->n_expected, SURPRISE, memory_order_relaxed);
}
