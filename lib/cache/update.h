/* lib/cache/update.h - look at a key's value and change it in one step. Also for lib/store. */
#ifndef RS_CACHE_UPDATE_H
#define RS_CACHE_UPDATE_H

#include <stdint.h>

#include "recsys/cache.h"

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

#endif
