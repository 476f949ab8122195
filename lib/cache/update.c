/* lib/cache/update.c - see update.h.
 *
 * Every function that stores a value uses it: a plain set, and the conditional operations of the
 * in-process store (lib/store). The new entry is made before the lock is taken, and the old one is
 * freed after the lock is released. Under the lock there are only a probe, a decision and some
 * links. If the decision does not want the new entry, it was made for nothing; that is cheaper than
 * looking twice.
 */
#include "lib/cache/update.h"

#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/cache/shard.h"

uint64_t rs_cache_expiry(uint64_t now, uint64_t ttl_ms)
{
    uint64_t expires;

    return __builtin_add_overflow(now, ttl_ms, &expires) ? UINT64_MAX : expires;
}

static recsys_status make_entry(const recsys_cache *cache, const struct rs_update *update,
                                uint64_t hash, uint64_t now, recsys_cache_entry **out,
                                recsys_error *err)
{
    size_t bytes = rs_entry_bytes(update->key.size, update->value.size);
    size_t room = rs_cache_shard(cache, hash)->max_bytes;

    if (update->value.size > cache->max_value_bytes || bytes > room)
        return rs_error(err, RECSYS_E_LIMIT,
                        "cache: a value of %zu bytes is larger than max_value_bytes or than a "
                        "shard, which holds %zu",
                        update->value.size, room);
    *out = rs_entry_create(update->key, update->value, hash, rs_cache_expiry(now, update->ttl_ms));
    return *out == NULL ? rs_error_nomem(err, "cache entry") : RECSYS_OK;
}

recsys_status rs_cache_update(recsys_cache *cache, const struct rs_update *update,
                              recsys_cache_entry **present, recsys_error *err)
{
    recsys_cache_entry *dead = NULL, *entry = NULL, *spare;
    recsys_status status = RECSYS_OK;
    uint64_t hash = rs_hash_bytes(update->key.data, update->key.size, cache->seed);
    uint64_t now = cache->now_ms(cache->user_data);
    struct rs_shard *shard = rs_cache_shard(cache, hash);
    int has_room = 1;

    if (update->value.data != NULL)
        status = make_entry(cache, update, hash, now, &entry, err);
    spare = entry;

    rs_lock_take(&shard->lock);
    recsys_cache_entry *here = rs_shard_find(shard, update->key, hash, now, &dead);
    enum rs_verdict verdict =
        update->decide == NULL ? RS_VERDICT_REPLACE : update->decide(update->arg, here, entry);
    if (verdict != RS_VERDICT_KEEP) {
        if (here != NULL)
            rs_shard_remove(shard, update->key, hash, now, &dead);
        shard->removals += verdict == RS_VERDICT_REMOVE && here != NULL;
    }
    if (verdict == RS_VERDICT_REPLACE && entry != NULL) {
        has_room = rs_shard_add(shard, entry, now, &dead);
        shard->sets += (uint64_t)has_room;
        if (has_room)
            spare = NULL;
    }
    rs_lock_give(&shard->lock);

    if (present != NULL) {
        *present = verdict == RS_VERDICT_KEEP ? here : NULL;
        here = verdict == RS_VERDICT_KEEP ? NULL : here;
    }
    recsys_cache_release(here);
    rs_shard_bury(dead);
    recsys_cache_release(spare);
    if (!has_room)
        status = rs_error(err, RECSYS_E_LIMIT,
                          "cache: no room for %zu bytes, everything in the shard is held",
                          rs_entry_bytes(update->key.size, update->value.size));
    return status;
}
