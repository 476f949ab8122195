/* lib/catalog/pool.c - see pool.h.
 *
 * The table of names hashes a name in lower case (ASCII), with the process's random seed: names
 * come from files, and no file can be prepared so that all its names fall into one slot.
 */
#include "lib/catalog/pool.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/base/text.h"

#define CHUNK_BYTES 65536u

struct rs_pool_chunk {
    struct rs_pool_chunk *next;
    char bytes[];
};

const char *rs_pool_add(struct rs_pool *pool, const char *text, size_t size)
{
    if (size >= SIZE_MAX / 2)
        return NULL;
    if (pool->chunks == NULL || size + 1 > pool->room - pool->used) {
        size_t room = size + 1 > CHUNK_BYTES ? size + 1 : CHUNK_BYTES;
        struct rs_pool_chunk *chunk = rs_alloc(sizeof *chunk + room);
        if (chunk == NULL)
            return NULL;
        chunk->next = pool->chunks;
        pool->chunks = chunk;
        pool->used = 0;
        pool->room = room;
    }
    char *copy = pool->chunks->bytes + pool->used;
    memcpy(copy, text, size);
    copy[size] = '\0';
    pool->used += size + 1;
    return copy;
}

void rs_pool_destroy(struct rs_pool *pool)
{
    struct rs_pool_chunk *chunk;

    while ((chunk = pool->chunks) != NULL) {
        pool->chunks = chunk->next;
        rs_free(chunk);
    }
    memset(pool, 0, sizeof *pool);
}

static uint64_t hash_folded(const char *text, uint64_t seed)
{
    char folded[64];
    size_t n;

    /* A longer name is hashed in pieces, each seeded by the one before. */
    do {
        for (n = 0; n < sizeof folded && *text != '\0'; text++)
            folded[n++] = (char)(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text);
        seed = rs_hash_bytes(folded, n, seed);
    } while (n == sizeof folded);
    return seed;
}

/* The slot that holds `text`, or the free one where it belongs. */
static uint32_t find_slot(const struct rs_names *names, const char *text)
{
    uint32_t slot = (uint32_t)hash_folded(text, names->seed) & (names->n_slots - 1);

    while (names->slots[slot] != 0 && !rs_text_equal(names->list[names->slots[slot] - 1], text))
        slot = (slot + 1) & (names->n_slots - 1);
    return slot;
}

int32_t rs_names_find(const struct rs_names *names, const char *text)
{
    if (names->n == 0)
        return -1;
    return (int32_t)names->slots[find_slot(names, text)] - 1;
}

/* Room for one more name; the table is at most half full. */
static int grow(struct rs_names *names)
{
    if (names->n == names->room) {
        uint32_t room = names->room == 0 ? 32 : names->room * 2;
        const char **list = rs_resize_array(names->list, room, sizeof *list);
        if (list == NULL)
            return 0;
        names->list = list;
        names->room = room;
    }
    if ((names->n + 1) * 2 > names->n_slots) {
        uint32_t n_slots = names->n_slots == 0 ? 64 : names->n_slots * 2;
        uint32_t *slots = rs_alloc_array(n_slots, sizeof *slots);
        if (slots == NULL)
            return 0;
        rs_free(names->slots);
        names->slots = slots;
        names->n_slots = n_slots;
        names->seed = rs_hash_seed();
        for (uint32_t i = 0; i < names->n; i++)
            slots[find_slot(names, names->list[i])] = i + 1;
    }
    return 1;
}

int32_t rs_names_add(struct rs_names *names, struct rs_pool *pool, const char *text)
{
    int32_t found = rs_names_find(names, text);

    if (found >= 0)
        return found;
    if (names->n == RS_NAMES_MAX)
        return -2;
    if (!grow(names))
        return -1;
    const char *copy = pool != NULL ? rs_pool_add(pool, text, strlen(text)) : text;
    if (copy == NULL)
        return -1;
    names->slots[find_slot(names, text)] = names->n + 1;
    names->list[names->n] = copy;
    return (int32_t)names->n++;
}

void rs_names_destroy(struct rs_names *names)
{
    rs_free(names->list);
    rs_free(names->slots);
    memset(names, 0, sizeof *names);
}
