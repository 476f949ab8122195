/* lib/cache/shard.h - private to lib/cache: the shards that keep entries, and a cache made of them.
 *
 * A shard is a complete small cache: hash table, two queues, and marks of what was evicted lately.
 * A key always belongs to the same shard, so no operation needs the locks of two.
 */
#ifndef RS_CACHE_SHARD_H
#define RS_CACHE_SHARD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "lib/cache/entry.h"
#include "recsys/cache.h"

enum rs_queue_name {
    RS_QUEUE_NONE = 0,
    RS_QUEUE_SMALL = 1, /* new entries */
    RS_QUEUE_MAIN = 2
};

struct rs_queue {
    struct recsys_cache_entry *newest, *oldest;
    size_t bytes, n;
};

struct rs_ghost {     /* the mark of a key that was evicted from the small queue */
    uint32_t mark;    /* of its hash; 0 = none */
    uint32_t evicted; /* the shard's n_evicted at that time */
};

struct rs_shard {
    /* on cache lines of its own: threads that use other shards are not slowed down */
    _Alignas(64) struct rs_lock lock;
    /* protected by lock */
    rs_link *buckets;        /* the array never changes */
    struct rs_ghost *ghosts; /* as many as buckets */
    size_t mask;             /* number of buckets - 1 */
    struct rs_queue small, main;
    size_t max_bytes;   /* of entries; never changes */
    uint32_t n_evicted; /* from the small queue; wraps */
    size_t hand;        /* the bucket that the sweep looks through next */
    uint64_t hits, misses, sets, removals, evictions, expirations;
};

struct recsys_cache {
    struct rs_shard *shards;
    uint32_t n_shards;
    uint64_t seed;
    uint64_t (*now_ms)(void *user_data);
    void *user_data;
    uint64_t ttl_ms; /* for a set that names none; RECSYS_NEVER */
    uint64_t max_bytes, max_value_bytes;
};

/* -- shard; all but the first three with its lock held -- */

/* 0, or an errno. `max_bytes` is for everything, tables included. */
int rs_shard_init(struct rs_shard *shard, size_t max_bytes);
void rs_shard_destroy(struct rs_shard *shard);
/* Give back a list of dead entries, without the lock. */
void rs_shard_bury(recsys_cache_entry *dead);

/* The entry, not expired, with a reference for the caller; or NULL. An expired
 * one is taken out and put on `dead`. */
recsys_cache_entry *rs_shard_find(struct rs_shard *shard, recsys_bytes key, uint64_t hash,
                                  uint64_t now, recsys_cache_entry **dead);
/* 1 if it was there (and not expired). */
int rs_shard_remove(struct rs_shard *shard, recsys_bytes key, uint64_t hash, uint64_t now,
                    recsys_cache_entry **dead);
/* Keep `entry`, taking over a reference of the caller's; its key must not be
 * there. 0, and nothing happens to the entry, if there is no room for it. */
int rs_shard_add(struct rs_shard *shard, recsys_cache_entry *entry, uint64_t now,
                 recsys_cache_entry **dead);
void rs_shard_clear(struct rs_shard *shard, recsys_cache_entry **dead);

/* -- cache -- */

static inline struct rs_shard *rs_cache_shard(const recsys_cache *cache, uint64_t hash)
{
    return &cache->shards[(hash >> 56) & (cache->n_shards - 1)];
}

#endif
