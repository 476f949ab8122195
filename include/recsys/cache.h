/* recsys/cache.h - a bounded in-process cache. */
#ifndef RECSYS_CACHE_H
#define RECSYS_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Keys and values are bytes. The bound is in bytes and counts everything: keys,
 * values and bookkeeping. S3-FIFO (Yang et al., SOSP 2023) chooses the entries to
 * evict: a new entry that is not read again leaves early, so one pass over many
 * keys does not empty the cache. The cache loads nothing by itself; if one caller
 * is to load for all, use aside.h over an in-process store (store.h). Times to live
 * are as exact as a tick of the system's clock: mostly 1 to 4 ms, at most 10.
 *
 * Thread-safety: SYNCHRONIZED. Sharded by key; starts no thread. A forked child
 *   has a copy of its own, which works if no other thread was inside a call when
 *   the process forked.
 * Ownership: one owner; recsys_cache_destroy().
 */
typedef struct recsys_cache recsys_cache;

/*
 * A value in the cache that the caller holds. It stays valid until it is
 * released, also if it is evicted, expires or is removed meanwhile, and also
 * after the cache was destroyed.
 *
 * Thread-safety: IMMUTABLE. Ownership: recsys_cache_release(), by any thread.
 */
typedef struct recsys_cache_entry recsys_cache_entry;

typedef struct recsys_cache_options {
    uint32_t struct_size;
    uint32_t n_shards;        /* a power of two up to 256; 0 = 16 */
    uint64_t max_bytes;       /* of all entries together; 0 = 64 MiB */
    uint64_t max_value_bytes; /* larger values are refused; 0 = 1 MiB */
    uint32_t ttl_ms;          /* for values set with ttl_ms 0; 0 = 300000; RECSYS_NEVER_32 */
    uint32_t reserved;
    /* Monotonic clock for tests; NULL = the system's. The cache calls it from any thread, without
     * locks; it must not call the library. */
    uint64_t (*now_ms)(void *user_data);
    void *user_data;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_cache_options;

#define RECSYS_CACHE_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_cache_options, user_data)
#define RECSYS_CACHE_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_cache_options), 0u, 0u, 0u, 0u, 0u, NULL, NULL}

/* Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM.
 * Ownership: the caller owns `*out`. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_cache_create(const recsys_cache_options *options,
                                                              recsys_cache **out,
                                                              recsys_error *err);

/* No call may be running. Entries that are held stay valid until they are
 * released. NULL is allowed. */
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
RECSYS_API RECSYS_NODISCARD recsys_status recsys_cache_get(recsys_cache *cache, recsys_bytes key,
                                                           recsys_cache_entry **out,
                                                           recsys_error *err);

/* The value's bytes: BORROWED until the entry is released. Cannot fail. */
RECSYS_API const void *recsys_cache_entry_get(const recsys_cache_entry *entry, size_t *size);

/* Give a held entry back. NULL is allowed. */
RECSYS_API void recsys_cache_release(recsys_cache_entry *entry);

/*
 * Store a value, replacing one that is there.
 *
 * ttl_ms  0 = the cache's; RECSYS_NEVER = does not expire
 *
 * Fails with: E_LIMIT (larger than max_value_bytes or than a shard), E_INVALID
 *   (empty key), E_NOMEM. If the new value cannot be stored, the old value of
 *   the key is removed too.
 * Ownership: key and value are COPIED.
 * Since: 0.1
 */
RECSYS_API recsys_status recsys_cache_set(recsys_cache *cache, recsys_bytes key,
                                          recsys_bytes value, uint64_t ttl_ms, recsys_error *err);

/* Remove `key`. Fails with: E_NOT_FOUND, E_INVALID. Since: 0.1 */
RECSYS_API recsys_status recsys_cache_remove(recsys_cache *cache, recsys_bytes key,
                                             recsys_error *err);

/* Remove everything. Since: 0.1 */
RECSYS_API void recsys_cache_clear(recsys_cache *cache);

typedef struct recsys_cache_stats {
    uint32_t struct_size; /* in: sizeof(recsys_cache_stats) */
    uint32_t reserved;
    uint64_t hits, misses, sets, removals, evictions, expirations;
    uint64_t entries, bytes, max_bytes;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_cache_stats;

#define RECSYS_CACHE_STATS_SIZE_V1 RECSYS_SIZE_TO(recsys_cache_stats, max_bytes)
#define RECSYS_CACHE_STATS_INIT \
    {(uint32_t)sizeof(recsys_cache_stats), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u}

/* Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_cache_get_stats(recsys_cache *cache,
                                                                 recsys_cache_stats *out,
                                                                 recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
