/* recsys/cache.h - a bounded in-process cache with one loader a key. */
#ifndef RECSYS_CACHE_H
#define RECSYS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Keys and values are bytes. The bound is in bytes and counts everything: key,
 * value and bookkeeping. What is not worth keeping is evicted by S3-FIFO
 * (Yang et al., SOSP 2023): a newcomer that is not asked for again leaves
 * early, so one scan does not empty the cache.
 *
 * Thread-safety: SYNCHRONIZED. Sharded by key; starts no thread.
 * Ownership: one owner; recsys_cache_destroy().
 */
typedef struct recsys_cache recsys_cache;

/*
 * A value in the cache, held against eviction and expiry until released.
 *
 * Thread-safety: IMMUTABLE. Ownership: recsys_cache_release().
 */
typedef struct recsys_cache_entry recsys_cache_entry;

typedef struct recsys_cache_options {
    uint32_t struct_size;
    uint32_t n_shards;        /* a power of two up to 256; 0 = 16 */
    uint64_t max_bytes;       /* of all entries together; 0 = 64 MiB */
    uint64_t max_value_bytes; /* refuse a larger value; 0 = 1 MiB */
    uint32_t ttl_ms;          /* for a set that names none; 0 = 300000 */
    uint32_t reserved;
    uint64_t (*now_ms)(void *user_data); /* monotonic clock for tests; NULL = the system's */
    void *user_data;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_cache_options;

#define RECSYS_CACHE_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_cache_options), 0u, 0u, 0u, 0u, 0u, NULL, NULL}

RECSYS_API void recsys_cache_options_init(recsys_cache_options *options);

/* Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM.
 * Ownership: the caller owns `*out`. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_cache_create(const recsys_cache_options *options,
                                                              recsys_cache **out,
                                                              recsys_error *err);

/* Entries still held stay valid until released; no loader may be running.
 * NULL is allowed. */
RECSYS_API void recsys_cache_destroy(recsys_cache *cache);

/*
 * Look `key` up.
 *
 * out  receives the entry, held; NULL unless the call succeeds.
 *
 * Fails with: E_NOT_FOUND (absent or expired), E_INVALID.
 * Thread-safety: any thread. Never allocates.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_cache_get(recsys_cache *cache, const void *key,
                                                           size_t key_size,
                                                           recsys_cache_entry **out,
                                                           recsys_error *err);

/* The value's bytes: BORROWED until the entry is released. Cannot fail. */
RECSYS_API const void *recsys_cache_entry_get(const recsys_cache_entry *entry, size_t *size);

/* Give a held entry back. NULL is allowed. */
RECSYS_API void recsys_cache_release(recsys_cache_entry *entry);

/*
 * Store a value, replacing one that is there.
 *
 * ttl_ms  0 = the cache's.
 *
 * Fails with: E_LIMIT (larger than max_value_bytes or than a shard), E_INVALID
 *   (empty key), E_NOMEM. A value that cannot be stored does not stay either:
 *   what the key held before is removed.
 * Ownership: key and value are COPIED.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_cache_set(recsys_cache *cache, const void *key,
                                                           size_t key_size, const void *value,
                                                           size_t value_size, uint32_t ttl_ms,
                                                           recsys_error *err);

/* Remove `key`. A load of it that is running will not be stored. Fails with:
 * E_NOT_FOUND, E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_cache_remove(recsys_cache *cache, const void *key,
                                                              size_t key_size, recsys_error *err);

/* Remove everything; running loads will not be stored. Since: 0.1 */
RECSYS_API void recsys_cache_clear(recsys_cache *cache);

/*
 * What a loader fills in. It calls recsys_cache_load_set() once with the value
 * (COPIED) and returns RECSYS_OK, or returns the status of its failure, which
 * every waiter then gets too; failures are not kept.
 */
typedef struct recsys_cache_load recsys_cache_load;
typedef recsys_status (*recsys_cache_loader)(recsys_cache_load *load, void *user_data,
                                             recsys_error *err);

/* ttl_ms 0 = the cache's. Fails with: E_NOMEM, E_INVALID, E_STATE (called twice). Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_cache_load_set(recsys_cache_load *load,
                                                                const void *value,
                                                                size_t value_size, uint32_t ttl_ms,
                                                                recsys_error *err);

enum {
    RECSYS_CACHE_HIT = 1,   /* it was there */
    RECSYS_CACHE_MISS = 2,  /* this call ran the loader */
    RECSYS_CACHE_SHARED = 3 /* another thread's loader, running already, answered */
};

/*
 * Get `key`, or run `loader` for it. However many threads ask at once, one of
 * them runs the loader and the others wait for its answer: single flight. A
 * value whose key was set, removed or cleared while it was being loaded is
 * handed to those who waited but not stored. A value too large to store is
 * handed over all the same.
 *
 * timeout_ms  how long to wait for another thread's loader; 0 = as long as it
 *             takes. The own loader is not interrupted.
 * outcome     receives RECSYS_CACHE_*; or NULL.
 *
 * Fails with: what the loader returned; E_TIMEOUT, E_INVALID, E_NOMEM,
 *   E_INTERNAL (the loader returned RECSYS_OK without a value).
 * Ownership: `*out` is held; release it.
 * Thread-safety: any thread. The loader runs on the calling thread, without
 *   locks, and must not ask this cache for the same key.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_cache_get_or_load(recsys_cache *cache, const void *key, size_t key_size,
                         recsys_cache_loader loader, void *user_data, uint32_t timeout_ms,
                         recsys_cache_entry **out, uint32_t *outcome, recsys_error *err);

typedef struct recsys_cache_stats {
    uint32_t struct_size; /* in: sizeof(recsys_cache_stats) */
    uint32_t reserved;
    uint64_t hits, misses, shared, loads, load_failures, sets, removals, evictions, expirations;
    uint64_t entries, bytes, max_bytes;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_cache_stats;

/* Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_cache_get_stats(recsys_cache *cache,
                                                                 recsys_cache_stats *out,
                                                                 recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
