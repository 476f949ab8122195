/* lib/cache/entry.c - make, read and free an entry.
 *
 * The value begins at a multiple of 16 bytes behind the key, so that a caller can read numbers in
 * it where they are. The last reference frees the entry: one of the callers' or the shard's.
 */
#include "lib/cache/entry.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/refs.h"

#define VALUE_ALIGNMENT 16u

static size_t value_offset(size_t key_size)
{
    return (sizeof(recsys_cache_entry) + key_size + VALUE_ALIGNMENT - 1) / VALUE_ALIGNMENT *
           VALUE_ALIGNMENT;
}

size_t rs_entry_bytes(size_t key_size, size_t value_size)
{
    size_t bytes;

    if (key_size > SIZE_MAX / 2 ||
        __builtin_add_overflow(value_offset(key_size), value_size, &bytes))
        return SIZE_MAX;
    return bytes;
}

recsys_cache_entry *rs_entry_create(recsys_bytes key, recsys_bytes value, uint64_t hash,
                                    uint64_t expires_ms)
{
    size_t bytes = rs_entry_bytes(key.size, value.size);
    recsys_cache_entry *entry = bytes == SIZE_MAX ? NULL : rs_alloc(bytes);

    if (entry == NULL)
        return NULL;
    memset(entry, 0, sizeof *entry);
    atomic_init(&entry->refs, 1u);
    atomic_init(&entry->next, NULL);
    entry->hash = hash;
    entry->key_size = key.size;
    entry->value_size = value.size;
    entry->expires_ms = expires_ms;
    memcpy(entry + 1, key.data, key.size);
    if (value.size > 0)
        memcpy((unsigned char *)entry + value_offset(key.size), value.data, value.size);
    return entry;
}

const void *recsys_cache_entry_get(const recsys_cache_entry *entry, size_t *size)
{
    if (size != NULL)
        *size = entry == NULL ? 0 : entry->value_size;
    return entry == NULL ? NULL : (const unsigned char *)entry + value_offset(entry->key_size);
}

void *rs_entry_value(recsys_cache_entry *entry)
{
    return (unsigned char *)entry + value_offset(entry->key_size);
}

void recsys_cache_release(recsys_cache_entry *entry)
{
    if (entry != NULL && rs_refs_drop(&entry->refs))
        rs_free(entry);
}
