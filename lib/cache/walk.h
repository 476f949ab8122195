/* lib/cache/walk.h - all entries of a cache, some at a time. Also for lib/store. */
#ifndef RS_CACHE_WALK_H
#define RS_CACHE_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/cache.h"

/* The number of buckets in all shards: a walk's positions go from 0 to it. Never changes. */
uint64_t rs_cache_positions(const recsys_cache *cache);
/* The position of an entry. */
uint64_t rs_cache_position(const recsys_cache *cache, const recsys_cache_entry *entry);

/*
 * Take references to the entries from *position on that `accept` accepts: of a few buckets, at most
 * `room` entries. Moves *position behind them and returns how many there are. If the next bucket
 * alone has more than `room`, takes none, leaves *position and returns their number. An entry that
 * is in the cache during the whole walk is found.
 */
size_t rs_cache_walk(recsys_cache *cache, uint64_t *position,
                     int (*accept)(void *arg, const recsys_cache_entry *entry), void *arg,
                     recsys_cache_entry **entries, size_t room);

#endif
