/* lib/cache/shard.h - private to lib/cache: entries, and the shards that keep them.
 *
 * A shard is a complete small cache: hash table, two queues, a memory of what
 * was evicted lately. A key belongs to one shard for ever,
 * so nothing ever needs the locks of two.
 */
#ifndef RS_CACHE_SHARD_H
#define RS_CACHE_SHARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/cache.h"

enum rs_queue_name {
    RS_QUEUE_NONE = 0,
    RS_QUEUE_SMALL = 1, /* newcomers */
    RS_QUEUE_MAIN = 2
};

/* One block of memory: this, the key, padding to 16, the value. What a hit looks
 * at stands together, with the key behind it: two cache lines, seldom three. */
struct recsys_cache_entry {
    struct recsys_cache_entry *newer,
        *older;                      /* protected by the shard's lock, as all that changes */
    struct recsys_cache_entry *next; /* in its bucket; then in a list of dead ones */
    atomic_uint refs; /* holders, and one for the shard; the last one frees (release/acquire) */
    uint8_t queue;
    uint8_t asked; /* how often since it came to its queue, at most 3 */
    uint16_t reserved;
    uint64_t hash;
    uint64_t expires_ms;
    size_t key_size; /* never changes, and no more do value_size, key and value */
    size_t value_size;
};

struct rs_queue {
    struct recsys_cache_entry *newest, *oldest;
    size_t bytes, n;
};

struct rs_ghost {     /* an evicted newcomer's key, as far as we remember it */
    uint32_t mark;    /* of its hash; 0 = none */
    uint32_t evicted; /* the shard's count of evicted newcomers at that time */
};

struct rs_shard {
    /* on cache lines of its own: threads that use other shards are not slowed down */
    _Alignas(64) struct rs_lock lock;
    /* protected by lock */
    struct recsys_cache_entry **buckets;
    struct rs_ghost *ghosts; /* as many as buckets */
    size_t mask;             /* number of buckets - 1 */
    struct rs_queue small, main;
    size_t max_bytes;   /* of entries; never changes */
    uint32_t n_evicted; /* newcomers; wraps */
    size_t hand;        /* the bucket looked through next for what has expired */
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

/* -- entry -- */

/* With one reference. NULL: out of memory, or too large to be addressed. */
recsys_cache_entry *rs_entry_create(recsys_bytes key, recsys_bytes value, uint64_t hash,
                                    uint64_t expires_ms);
/* What an entry counts for: its block as asked of the allocator. SIZE_MAX if not addressable. */
size_t rs_entry_bytes(size_t key_size, size_t value_size);

static inline const unsigned char *rs_entry_key(const recsys_cache_entry *entry)
{
    return (const unsigned char *)(entry + 1);
}

/* To be written only while nobody else can see the entry. */
void *rs_entry_value(recsys_cache_entry *entry);

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

/* When what is stored `now` expires; never for RECSYS_NEVER, and for a sum beyond the clock. */
uint64_t rs_cache_expiry(uint64_t now, uint64_t ttl_ms);

/* What is to become of a key's value. */
enum rs_verdict { RS_VERDICT_KEEP, RS_VERDICT_REPLACE, RS_VERDICT_REMOVE };

/*
 * Under the shard's lock, so that nothing comes between looking and changing.
 *
 * present  the key's entry; NULL if it has none
 * fresh    the entry that will take its place, whose value and expiry may still be
 *          changed; NULL if none was asked for, or if it could not be made
 */
typedef enum rs_verdict (*rs_decide)(void *arg, const recsys_cache_entry *present,
                                     recsys_cache_entry *fresh);

struct rs_update {
    recsys_bytes key;
    recsys_bytes value; /* without an address: the decision will never be RS_VERDICT_REPLACE */
    uint64_t ttl_ms;    /* not 0 */
    rs_decide decide;   /* NULL: replace, whatever is there */
    void *arg;
};

/*
 * Decide on one key and do it, atomically.
 *
 * present  receives the entry that was kept, held; NULL if there was none. Or NULL.
 *
 * Fails with: E_NOMEM, E_LIMIT, when the new entry could not be made or kept. The
 *   decision is taken all the same, and to replace by nothing is to remove.
 */
recsys_status rs_cache_update(recsys_cache *cache, const struct rs_update *update,
                              recsys_cache_entry **present, recsys_error *err);

/* Buckets in all shards; a walk's positions are 0 to this number. Never changes. */
uint64_t rs_cache_positions(const recsys_cache *cache);
/* The one of a held entry. */
uint64_t rs_cache_position(const recsys_cache *cache, const recsys_cache_entry *entry);

/*
 * Hold the entries from *position on that `accept` accepts: of some buckets, as
 * many as `room` has place for. Moves *position behind them. Returns how many,
 * or, with nothing held and nothing moved, a number greater than `room`: that
 * many are in the next bucket alone. What is there all the time is found.
 */
size_t rs_cache_walk(recsys_cache *cache, uint64_t *position,
                     int (*accept)(void *arg, const recsys_cache_entry *entry), void *arg,
                     recsys_cache_entry **entries, size_t room);

#endif
