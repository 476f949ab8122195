/* lib/cache/entry.h - one entry of a cache: a key and its value in one block, counted. */
#ifndef RS_CACHE_ENTRY_H
#define RS_CACHE_ENTRY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "recsys/cache.h"

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

#endif
