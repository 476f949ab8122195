/* lib/cache/find.c - see find.h.
 *
 * In a cache of many megabytes a hit costs what its memory costs: the bucket, then the entry, then
 * the value, each known only when the one before has arrived. So all that can be fetched is asked
 * for early. First the buckets of all keys; then, without a lock, what the first entry of each
 * bucket occupies, while the clock is read and the keys before are looked up. If that entry was
 * replaced meanwhile, or has neighbours in its bucket, the wrong memory was fetched and nothing
 * else is wrong: to ask for memory early reads nothing and never faults.
 */
#include "lib/cache/find.h"

#include "lib/base/hash.h"
#include "lib/cache/shard.h"

#define TOGETHER 4u /* a cache-aside reads three: epoch, companion, value */
#define LINE 64u
#define LINES 7u /* links, key, envelope and the beginning of the value */

struct spot {
    uint64_t hash;
    struct rs_shard *shard;
    const rs_link *bucket;
};

static void fetch_entry(const rs_link *bucket)
{
    const char *entry = (const char *)rs_link_get(bucket);

    if (entry == NULL)
        return;
    for (size_t i = 0; i < LINES; i++)
        __builtin_prefetch((const void *)((uintptr_t)entry + i * LINE));
}

static recsys_cache_entry *look_up(const struct spot *spot, recsys_bytes key, uint64_t now)
{
    struct rs_shard *shard = spot->shard;
    recsys_cache_entry *dead = NULL;

    rs_lock_take(&shard->lock);
    recsys_cache_entry *entry = rs_shard_find(shard, key, spot->hash, now, &dead);
    if (entry != NULL)
        shard->hits++;
    else
        shard->misses++;
    rs_lock_give(&shard->lock);
    rs_shard_bury(dead);
    return entry;
}

static void find_some(recsys_cache *cache, const recsys_bytes *keys, size_t n,
                      recsys_cache_entry **entries)
{
    struct spot spots[TOGETHER];

    for (size_t i = n; i-- > 0;) { /* the last key has the most time to arrive */
        spots[i].hash = rs_hash_bytes(keys[i].data, keys[i].size, cache->seed);
        spots[i].shard = rs_cache_shard(cache, spots[i].hash);
        spots[i].bucket = &spots[i].shard->buckets[spots[i].hash & spots[i].shard->mask];
        __builtin_prefetch((const void *)spots[i].bucket);
    }
    for (size_t i = n; i-- > 0;)
        fetch_entry(spots[i].bucket);
    uint64_t now = cache->now_ms(cache->user_data);
    for (size_t i = 0; i < n; i++)
        entries[i] = look_up(&spots[i], keys[i], now);
}

void rs_cache_find(recsys_cache *cache, const recsys_bytes *keys, size_t n,
                   recsys_cache_entry **entries)
{
    for (size_t done = 0; done < n; done += TOGETHER)
        find_some(cache, keys + done, n - done < TOGETHER ? n - done : TOGETHER, entries + done);
}
