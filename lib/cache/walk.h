/* lib/cache/walk.h - all entries of a cache, some at a time. Also for lib/store. */
#ifndef RS_CACHE_WALK_H
#define RS_CACHE_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/cache.h"

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
