/* lib/catalog/catalog.h - the items' attributes, by position, and conditions on them.
 *
 * The catalogue knows ids and positions and no vectors: a model owns a catalogue and is the layer
 * above (docs/decisions/0002). A position is an item's row in the model's scan order.
 */
#ifndef RS_CATALOG_CATALOG_H
#define RS_CATALOG_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/ids/ids.h"
#include "recsys/catalog.h"
#include "recsys/status.h"

struct rs_catalog {
    uint32_t n_items;        /* positions; every array below has as many */
    uint32_t n_known;        /* items that have an entry */
    const char **titles;     /* NULL = no entry */
    const char **posters;    /* NULL = unknown */
    float *ratings;          /* negative = unknown */
    int32_t *years;          /* 0 = unknown */
    uint16_t *languages;     /* 0 = unknown, else number in language_names + 1 */
    uint8_t *adult;          /* 0 or 1 */
    uint32_t *genre_offsets; /* n_items + 1, into the next two */
    uint16_t *genre_ids;     /* numbers in genre_names, in the line's order */
    const char **genres;     /* the same as texts */
    const char *
        *genre_names; /* every genre once, as first spelled; ASCII case makes no difference */
    uint32_t n_genres;
    const char **language_names; /* lower case */
    uint32_t n_languages;
    uint32_t n_adult;
    void *pool; /* memory of the texts; private to catalog.c */
};

/* No entries at all; the arrays may stay NULL when n_known is 0. */
recsys_status rs_catalog_create_empty(uint32_t n_items, struct rs_catalog **out, recsys_error *err);

/* Parse JSON Lines. `items` maps ids to positions; a line whose item the model
 * does not have, a second line for one item, and any field of the wrong type
 * or range are E_FORMAT, with `where` (the file's name) and the line's number. */
recsys_status rs_catalog_parse(const char *bytes, size_t size, const char *where,
                               const struct rs_ids *items, struct rs_catalog **out,
                               recsys_error *err);
void rs_catalog_destroy(struct rs_catalog *catalog);

/* Fill all but struct_size, which the caller has checked. */
void rs_catalog_fill(const struct rs_catalog *catalog, uint32_t position, recsys_item *out);

/* Number of the genre or language of this name (ASCII case ignored), or -1. */
int32_t rs_catalog_find_genre(const struct rs_catalog *catalog, const char *name);
int32_t rs_catalog_find_language(const struct rs_catalog *catalog, const char *name);

#define RS_CONDITION_MAX_LANGUAGES 64u

/* A conjunction of conditions on attributes, in the catalogue's own numbers. */
struct rs_condition {
    float min_rating; /* 0 = any */
    int32_t min_year; /* 0 = any */
    int32_t max_year; /* 0 = any */
    uint32_t exclude_adult;
    uint32_t asks_language; /* 1: must be one of the following, also if there are none */
    uint32_t n_languages;
    uint16_t languages[RS_CONDITION_MAX_LANGUAGES];
};

/* 1 if every item meets the condition, so that no item need be checked. */
int rs_condition_is_trivial(const struct rs_condition *condition, const struct rs_catalog *catalog);
int rs_condition_holds(const struct rs_condition *condition, const struct rs_catalog *catalog,
                       uint32_t position);

#endif
