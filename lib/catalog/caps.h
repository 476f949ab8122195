/* lib/catalog/caps.h - at most so many items of each genre, decade or language.
 *
 * An item counts in each of its genres. One whose decade or language is unknown, or that has no
 * genre, counts in none and is never held back for it.
 */
#ifndef RS_CATALOG_CAPS_H
#define RS_CATALOG_CAPS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/catalog/catalog.h"

struct rs_caps {
    const struct rs_catalog *catalog;
    uint32_t per_genre, per_decade, per_language; /* 0 = any number */
    uint32_t *counts; /* of the chosen items: of each genre, decade and language */
};

/* How many counts there are. */
size_t rs_caps_count(const struct rs_catalog *catalog);

/* 1 if no cap keeps this item from being chosen, too. */
int rs_caps_allow(const struct rs_caps *caps, uint32_t position);
/* Count it as chosen. */
void rs_caps_take(const struct rs_caps *caps, uint32_t position);

#endif
