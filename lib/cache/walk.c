/* lib/cache/walk.c - all entries, some at a time.
 *
 * A walk goes through the buckets of one shard after the other. A key stays in its bucket for as
 * long as it is in the cache, and each bucket is read as a whole under the lock. So the walk finds
 * every entry that is in the cache from its beginning to its end. The lock is held for a few
 * buckets only. Entries are handed out with a reference: the caller uses them without any lock.
 */
#include "lib/cache/walk.h"

#include "lib/base/refs.h"
#include "lib/cache/shard.h"

#define BUCKETS_A_LOCK 32u

uint64_t rs_cache_positions(const recsys_cache *cache)
{
    return (uint64_t)cache->n_shards * (cache->shards[0].mask + 1);
}

uint64_t rs_cache_position(const recsys_cache *cache, const recsys_cache_entry *entry)
{
    const struct rs_shard *shard = rs_cache_shard(cache, entry->hash);

    return (uint64_t)(shard - cache->shards) * (shard->mask + 1) + (entry->hash & shard->mask);
}

/* Take a reference to each accepted entry of one bucket; to none if they are more than `room`. */
static size_t take_bucket(recsys_cache_entry *first, uint64_t now,
                          int (*accept)(void *arg, const recsys_cache_entry *entry), void *arg,
                          recsys_cache_entry **entries, size_t room)
{
    size_t n = 0;

    for (recsys_cache_entry *entry = first; entry != NULL; entry = rs_link_get(&entry->next))
        if (now < entry->expires_ms && accept(arg, entry)) {
            if (n < room)
                entries[n] = entry;
            n++;
        }
    for (size_t i = 0; n <= room && i < n; i++)
        rs_refs_take(&entries[i]->refs);
    return n;
}

size_t rs_cache_walk(recsys_cache *cache, uint64_t *position,
                     int (*accept)(void *arg, const recsys_cache_entry *entry), void *arg,
                     recsys_cache_entry **entries, size_t room)
{
    uint64_t n_buckets = cache->shards[0].mask + 1; /* all shards are of one size */
    uint64_t now = cache->now_ms(cache->user_data);
    size_t n = 0;

    if (*position >= rs_cache_positions(cache))
        return 0;
    struct rs_shard *shard = &cache->shards[*position / n_buckets];
    uint64_t first = *position % n_buckets, bucket = first;

    rs_lock_take(&shard->lock);
    while (bucket < n_buckets && bucket - first < BUCKETS_A_LOCK) {
        size_t here = take_bucket(rs_link_get(&shard->buckets[bucket]), now, accept, arg,
                                  entries + n, room - n);
        if (here > room - n) {
            n = bucket == first ? here : n;
            break;
        }
        n += here;
        bucket++;
    }
    rs_lock_give(&shard->lock);
    *position += bucket - first;
    return n;
}
