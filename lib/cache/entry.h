/* lib/cache/entry.h - one entry of a cache: a key and its value in one block, with a count of
 * references. */
#ifndef RS_CACHE_ENTRY_H
#define RS_CACHE_ENTRY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "recsys/cache.h"

/* Written under the shard's lock. Atomic, because a bucket's is also read without it, to ask early
 * for what it leads to (find.c). */
typedef _Atomic(struct recsys_cache_entry *) rs_link;

/* One block of memory: this, the key, padding to 16, the value. The members that a hit reads
 * stand together, followed by the key: two cache lines, seldom three. */
struct recsys_cache_entry {
    struct recsys_cache_entry *newer,
        *older;       /* protected by the shard's lock, like every member that changes */
    rs_link next;     /* in its bucket; then in a list of dead ones */
    atomic_uint refs; /* the callers' references and the shard's; see refs.h */
    uint8_t queue;
    uint8_t asked; /* hits since it came to its queue, at most 3 */
    uint16_t reserved;
    uint64_t hash;
    uint64_t expires_ms;
    size_t key_size; /* never changes; nor do value_size, key and value */
    size_t value_size;
};

/* With one reference. NULL: out of memory, or too large to be addressed. */
recsys_cache_entry *rs_entry_create(recsys_bytes key, recsys_bytes value, uint64_t hash,
                                    uint64_t expires_ms);
/* The size of an entry's block, which max_bytes counts. SIZE_MAX if not addressable. */
size_t rs_entry_bytes(size_t key_size, size_t value_size);

static inline recsys_cache_entry *rs_link_get(const rs_link *link)
{
    return atomic_load_explicit(link, memory_order_relaxed);
}

static inline void rs_link_set(rs_link *link, recsys_cache_entry *entry)
{
    atomic_store_explicit(link, entry, memory_order_relaxed);
}

static inline const unsigned char *rs_entry_key(const recsys_cache_entry *entry)
{
    return (const unsigned char *)(entry + 1);
}

/* Write to it only before the entry is in a shard, or under the shard's lock before others can
 * find it. */
void *rs_entry_value(recsys_cache_entry *entry);

#endif
