/* lib/cache/cache.c - the cache as its users see it: options, get, set, remove, counts.
 *
 * A key's hash picks a shard; shard.c does the rest under the shard's lock. The hash has a random
 * seed, so that a client cannot choose keys that fall together. Slow work is done without the lock:
 * hashing, reading the clock, copying values, freeing. A hit is a hash, a lock, a probe, an
 * increment; find.c does it.
 *
 * Reading a key's value and changing it in one step is in update.c.
 */
#include <inttypes.h>
#include <stddef.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/base/structs.h"
#include "lib/cache/find.h"
#include "lib/cache/shard.h"
#include "lib/cache/update.h"

#define MIN_SHARD_BYTES 2048u

static recsys_status read_options(const recsys_cache_options *options, recsys_cache *cache,
                                  recsys_error *err)
{
    recsys_cache_options given;
    recsys_status status =
        rs_struct_read(&given, sizeof given, options, RECSYS_CACHE_OPTIONS_SIZE_V1,
                       "recsys_cache_create: options", err);

    if (status != RECSYS_OK)
        return status;
    status = rs_reserved(given.reserved, "recsys_cache_create: options.reserved", err);
    if (status != RECSYS_OK)
        return status;
    cache->n_shards = given.n_shards == 0 ? 16 : given.n_shards;
    cache->max_bytes = given.max_bytes == 0 ? (uint64_t)64 << 20 : given.max_bytes;
    cache->max_value_bytes = given.max_value_bytes == 0 ? (uint64_t)1 << 20 : given.max_value_bytes;
    cache->ttl_ms = given.ttl_ms == 0                 ? 300000
                    : given.ttl_ms == RECSYS_NEVER_32 ? RECSYS_NEVER
                                                      : given.ttl_ms;
    cache->now_ms = given.now_ms == NULL ? rs_clock_ticking_ms : given.now_ms;
    cache->user_data = given.user_data;
    if (cache->n_shards > 256 || (cache->n_shards & (cache->n_shards - 1)) != 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_cache_create: n_shards is %u, must be a power of two up to 256",
                        cache->n_shards);
    if (cache->max_bytes > SIZE_MAX / 2 || cache->max_bytes / cache->n_shards < MIN_SHARD_BYTES)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_cache_create: %" PRIu64
                        " bytes are too few (or too many) for %u shards",
                        cache->max_bytes, cache->n_shards);
    return RECSYS_OK;
}

recsys_status recsys_cache_create(const recsys_cache_options *options, recsys_cache **out,
                                  recsys_error *err)
{
    recsys_cache *cache = NULL;
    uint32_t n_ready = 0;
    recsys_status status;

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_cache_create: out is NULL");
    *out = NULL;
    cache = rs_alloc_array(1, sizeof *cache);
    if (cache == NULL)
        return rs_error_nomem(err, "cache");
    status = read_options(options, cache, err);
    if (status != RECSYS_OK)
        goto fail;
    cache->seed = rs_hash_seed();
    cache->shards = rs_alloc_aligned(cache->n_shards, sizeof *cache->shards);
    if (cache->shards == NULL) {
        status = rs_error_nomem(err, "cache");
        goto fail;
    }
    for (; n_ready < cache->n_shards; n_ready++) {
        int result =
            rs_shard_init(&cache->shards[n_ready], (size_t)(cache->max_bytes / cache->n_shards));
        if (result != 0) {
            status = rs_error_sys(err, result, "cannot make a cache");
            goto fail;
        }
    }
    *out = cache;
    return RECSYS_OK;

fail:
    while (n_ready > 0)
        rs_shard_destroy(&cache->shards[--n_ready]);
    rs_free_aligned(cache->shards);
    rs_free(cache);
    return status;
}

void recsys_cache_destroy(recsys_cache *cache)
{
    if (cache == NULL)
        return;
    for (uint32_t i = 0; i < cache->n_shards; i++)
        rs_shard_destroy(&cache->shards[i]);
    rs_free_aligned(cache->shards);
    rs_free(cache);
}

static recsys_status check_key(const recsys_cache *cache, recsys_bytes key, const char *function,
                               recsys_error *err)
{
    if (cache == NULL || key.data == NULL || key.size == 0)
        return rs_error(err, RECSYS_E_INVALID, "%s: the cache is NULL, or the key is empty",
                        function);
    return RECSYS_OK;
}

recsys_status recsys_cache_get(recsys_cache *cache, recsys_bytes key, recsys_cache_entry **out,
                               recsys_error *err)
{
    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_cache_get: out is NULL");
    *out = NULL;
    recsys_status status = check_key(cache, key, "recsys_cache_get", err);
    if (status != RECSYS_OK)
        return status;
    rs_cache_find(cache, &key, 1, out);
    if (*out == NULL)
        return rs_error(err, RECSYS_E_NOT_FOUND, "cache: no such key");
    return RECSYS_OK;
}

recsys_status recsys_cache_set(recsys_cache *cache, recsys_bytes key, recsys_bytes value,
                               uint64_t ttl_ms, recsys_error *err)
{
    recsys_status status = check_key(cache, key, "recsys_cache_set", err);

    if (status != RECSYS_OK)
        return status;
    if (value.data == NULL && value.size > 0)
        return rs_error(err, RECSYS_E_INVALID, "recsys_cache_set: the value has no address");
    const struct rs_update update = {
        .key = key,
        .value = {value.data == NULL ? "" : value.data, value.size},
        .ttl_ms = ttl_ms == 0 ? cache->ttl_ms : ttl_ms,
    };
    return rs_cache_update(cache, &update, NULL, err);
}

recsys_status recsys_cache_remove(recsys_cache *cache, recsys_bytes key, recsys_error *err)
{
    recsys_cache_entry *dead = NULL;
    recsys_status status = check_key(cache, key, "recsys_cache_remove", err);

    if (status != RECSYS_OK)
        return status;
    uint64_t hash = rs_hash_bytes(key.data, key.size, cache->seed);
    uint64_t now = cache->now_ms(cache->user_data);
    struct rs_shard *shard = rs_cache_shard(cache, hash);

    rs_lock_take(&shard->lock);
    int was_here = rs_shard_remove(shard, key, hash, now, &dead);
    shard->removals += (uint64_t)was_here;
    rs_lock_give(&shard->lock);
    rs_shard_bury(dead);
    return was_here ? RECSYS_OK : rs_error(err, RECSYS_E_NOT_FOUND, "cache: no such key");
}

void recsys_cache_clear(recsys_cache *cache)
{
    if (cache == NULL)
        return;
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct rs_shard *shard = &cache->shards[i];
        recsys_cache_entry *dead = NULL;

        rs_lock_take(&shard->lock);
        shard->removals += shard->small.n + shard->main.n;
        rs_shard_clear(shard, &dead);
        rs_lock_give(&shard->lock);
        rs_shard_bury(dead);
    }
}

recsys_status recsys_cache_get_stats(recsys_cache *cache, recsys_cache_stats *out,
                                     recsys_error *err)
{
    recsys_cache_stats sum = RECSYS_CACHE_STATS_INIT;
    recsys_status status =
        rs_struct_begin(out, RECSYS_CACHE_STATS_SIZE_V1, "recsys_cache_get_stats: out", err);

    if (status != RECSYS_OK)
        return status;
    if (cache == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_cache_get_stats: cache is NULL");
    for (uint32_t i = 0; i < cache->n_shards; i++) {
        struct rs_shard *shard = &cache->shards[i];
        rs_lock_take(&shard->lock);
        sum.hits += shard->hits;
        sum.misses += shard->misses;
        sum.sets += shard->sets;
        sum.removals += shard->removals;
        sum.evictions += shard->evictions;
        sum.expirations += shard->expirations;
        sum.entries += shard->small.n + shard->main.n;
        sum.bytes += shard->small.bytes + shard->main.bytes;
        rs_lock_give(&shard->lock);
    }
    sum.max_bytes = cache->max_bytes;
    rs_struct_write(out, &sum, sizeof sum);
    return RECSYS_OK;
}
