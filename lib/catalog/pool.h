/* lib/catalog/pool.h - the memory of a catalogue's texts. Private to lib/catalog.
 *
 * Texts are copied one behind the other into large chunks: they never move, need no memory besides
 * and are freed together. `rs_names` holds the texts that repeat, genres and languages: each is
 * kept once and numbered from 0.
 */
#ifndef RS_CATALOG_POOL_H
#define RS_CATALOG_POOL_H

#include <stddef.h>
#include <stdint.h>

#define RS_NAMES_MAX 65535u

struct rs_pool {
    struct rs_pool_chunk *chunks; /* the newest first */
    size_t used, room;            /* of the newest */
};

/* A NUL-terminated copy, valid until the pool is destroyed; NULL = out of memory. */
const char *rs_pool_add(struct rs_pool *pool, const char *text, size_t size);
void rs_pool_destroy(struct rs_pool *pool);

struct rs_names {
    const char **list;
    uint32_t n, room;
    uint32_t *slots;  /* number + 1, 0 = free; open addressing */
    uint32_t n_slots; /* a power of two, or 0 */
    uint64_t seed;
};

/* The number of `text`, ASCII case ignored, or -1. */
int32_t rs_names_find(const struct rs_names *names, const char *text);

/* The same, adding it if it is new: copied into the pool, or, without one, BORROWED. -1 = out of
 * memory, -2 = there are RS_NAMES_MAX already. */
int32_t rs_names_add(struct rs_names *names, struct rs_pool *pool, const char *text);
void rs_names_destroy(struct rs_names *names);

#endif
