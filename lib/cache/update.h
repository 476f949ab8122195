/* lib/cache/update.h - read a key's value and change it in one step. Also for lib/store. */
#ifndef RS_CACHE_UPDATE_H
#define RS_CACHE_UPDATE_H

#include <stdint.h>

#include "recsys/cache.h"

/* When a value that is stored at `now` expires. Never, for RECSYS_NEVER and for a sum that is
 * too large. */
uint64_t rs_cache_expiry(uint64_t now, uint64_t ttl_ms);

/* A decision about a key's value. */
enum rs_verdict { RS_VERDICT_KEEP, RS_VERDICT_REPLACE, RS_VERDICT_REMOVE };

/*
 * Decide. Called under the shard's lock, so that no other thread changes the value in between.
 *
 * present  the key's entry; NULL if it has none
 * fresh    the entry that replaces it; its value and expiry may still be changed. NULL if no value
 *          was given, or if the entry could not be made
 */
typedef enum rs_verdict (*rs_decide)(void *arg, const recsys_cache_entry *present,
                                     recsys_cache_entry *fresh);

struct rs_update {
    recsys_bytes key;
    recsys_bytes value; /* without an address: `decide` never returns RS_VERDICT_REPLACE */
    uint64_t ttl_ms;    /* not 0 */
    rs_decide decide;   /* NULL: replace, whatever is there */
    void *arg;
};

/*
 * Decide about one key and carry the decision out, atomically.
 *
 * present  receives the entry that was kept, with a reference, or NULL. May itself be NULL.
 *
 * Fails with: E_NOMEM, E_LIMIT, when the new entry could not be made or kept. The decision is taken
 *   nevertheless, and to replace by nothing is to remove.
 */
recsys_status rs_cache_update(recsys_cache *cache, const struct rs_update *update,
                              recsys_cache_entry **present, recsys_error *err);

#endif
