/* lib/cache/find.h - look up several keys, so that their memory is fetched at once. Also for
 * lib/store. */
#ifndef RS_CACHE_FIND_H
#define RS_CACHE_FIND_H

#include <stddef.h>

#include "recsys/cache.h"

/* For each key, receives its entry, held, or NULL if the cache does not have it. Keys are not
 * empty. Each key is looked up by itself: together they are no snapshot. */
void rs_cache_find(recsys_cache *cache, const recsys_bytes *keys, size_t n,
                   recsys_cache_entry **entries);

#endif
