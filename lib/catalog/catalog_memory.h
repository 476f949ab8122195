/* lib/catalog/catalog_memory.h - what a catalogue has allocated. Private to lib/catalog. */
#ifndef RS_CATALOG_CATALOG_MEMORY_H
#define RS_CATALOG_CATALOG_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/catalog/pool.h"

#define RS_CATALOG_MAX_OWNED 16u

struct rs_catalog_memory {
    void *owned[RS_CATALOG_MAX_OWNED];
    uint32_t n_owned;
    uint64_t n_bytes;
    struct rs_pool pool; /* of names that are in no file */
    struct rs_names genres, languages;
};

/* Zeroed memory that is freed with the catalogue; NULL = there is none. */
void *rs_catalog_take(struct rs_catalog_memory *memory, size_t n, size_t size);
/* Free `array` with the catalogue. */
void rs_catalog_own(struct rs_catalog_memory *memory, void *array, uint64_t n_bytes);
void rs_catalog_memory_destroy(struct rs_catalog_memory *memory);

#endif
