/* lib/catalog/catalog.h - the items' attributes, by position, and conditions on them.
 *
 * Every attribute is a column: numbers as an array, texts as bytes and the places where they begin,
 * genres as numbers in a dictionary. A bundle has these columns in a file, where they are used
 * (catalog_columns.c); JSON Lines fill the same columns (catalog_lines.c).
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

/* Texts, each followed by a NUL. */
struct rs_text_column {
    const char *bytes;
    uint64_t n_bytes;
    const uint64_t *starts; /* text i begins at bytes + starts[i] */
};

/* Columns are in the memory of the file that has them, or the catalogue's own. */
struct rs_catalog {
    uint32_t n_items; /* positions; every column has as many rows */
    uint32_t n_known; /* items that have an entry; 0: the columns may be NULL */
    uint32_t n_adult;
    const uint8_t *known;          /* 1 = the item has an entry; of others everything is unknown */
    const uint8_t *adult;          /* 0 or 1 */
    struct rs_text_column titles;  /* "" = unknown */
    struct rs_text_column posters; /* "" = unknown */
    const float *ratings;          /* -1 = unknown */
    const int32_t *years;          /* 0 = unknown */
    const uint32_t *languages;     /* 0 = unknown, else number in language_names + 1 */
    const uint32_t *genre_lists;   /* number of its list of genres. Items share lists */
    uint32_t n_lists;
    const uint64_t *list_offsets; /* n_lists + 1, into the next two */
    const uint32_t *list_genres;  /* numbers in genre_names, in the line's order */
    const char **list_names;      /* the same as texts */
    const char *
        *genre_names; /* every genre once, as first spelled; ASCII case makes no difference */
    uint32_t n_genres;
    const char **language_names; /* lower case */
    uint32_t n_languages;
    struct rs_catalog_memory *memory; /* private to lib/catalog */
};

/* No entries at all; the columns stay NULL. */
recsys_status rs_catalog_create(uint32_t n_items, struct rs_catalog **out, recsys_error *err);

/* Parse JSON Lines. `items` maps ids to positions; a line whose item the model
 * does not have, a second line for one item, and any field of the wrong type
 * or range are E_FORMAT, with `where` (the file's name) and the line's number. */
recsys_status rs_catalog_parse(const char *bytes, size_t size, const char *where,
                               const struct rs_ids *items, struct rs_catalog **out,
                               recsys_error *err);

/* The columns of a catalogue in a file, in the order of the file's rows. */
struct rs_catalog_columns {
    const uint8_t *known, *adult;
    struct rs_text_column titles, posters, genre_names, language_names; /* starts: one more */
    const float *ratings;
    const int32_t *years;
    const uint32_t *languages, *genre_lists, *list_genres;
    const uint64_t *list_offsets;
    uint64_t n_lists, n_list_genres, n_genres, n_languages;
};

/* Check every value, then use the columns where they are; they must outlive the catalogue.
 * order[position] = row, NULL = they are the same; else what an item has is copied into the order
 * of positions. E_FORMAT: "<where>: <column>[<row>] ...". */
recsys_status rs_catalog_use(const struct rs_catalog_columns *columns, uint32_t n_items,
                             const uint32_t *order, const char *where, struct rs_catalog **out,
                             recsys_error *err);
void rs_catalog_destroy(struct rs_catalog *catalog);

/* Set what follows from the dictionaries and from the lists of numbers; 0 = no memory. For those
 * who fill the columns. */
int rs_catalog_name(struct rs_catalog *catalog);

/* Bytes that the catalogue has allocated. */
uint64_t rs_catalog_bytes(const struct rs_catalog *catalog);

/* The numbers of an item's genres; *n is 0 for an item without an entry. */
static inline const uint32_t *rs_catalog_genres(const struct rs_catalog *catalog, uint32_t position,
                                                uint32_t *n)
{
    if (catalog->n_known == 0) {
        *n = 0;
        return NULL;
    }
    const uint64_t *list = catalog->list_offsets + catalog->genre_lists[position];
    *n = (uint32_t)(list[1] - list[0]);
    return catalog->list_genres + list[0];
}

static inline int rs_catalog_has_genre(const struct rs_catalog *catalog, uint32_t position,
                                       uint32_t genre)
{
    uint32_t n;
    const uint32_t *genres = rs_catalog_genres(catalog, position, &n);

    for (uint32_t i = 0; i < n; i++)
        if (genres[i] == genre)
            return 1;
    return 0;
}

/* Fill all but struct_size, which the caller has checked. */
void rs_catalog_fill(const struct rs_catalog *catalog, uint32_t position, recsys_item *out);

/* Number of the genre or language of this name (ASCII case ignored), or -1. */
int32_t rs_catalog_find_genre(const struct rs_catalog *catalog, const char *name);
int32_t rs_catalog_find_language(const struct rs_catalog *catalog, const char *name);

#define RS_CONDITION_MAX_LANGUAGES 64u
#define RS_CONDITION_MAX_GENRES 64u

/* A conjunction of conditions on attributes, in the catalogue's own numbers. */
struct rs_condition {
    float min_rating; /* 0 = any */
    int32_t min_year; /* 0 = any */
    int32_t max_year; /* 0 = any */
    uint32_t exclude_adult;
    uint32_t asks_language; /* 1: must be one of the following, also if there are none */
    uint32_t n_languages;
    uint32_t languages[RS_CONDITION_MAX_LANGUAGES];
    uint32_t asks_genre; /* 1: must have one of the following, also if there are none */
    uint32_t n_genres;
    uint32_t genres[RS_CONDITION_MAX_GENRES];
};

/* 1 if every item meets the condition, so that no item need be checked. */
int rs_condition_is_trivial(const struct rs_condition *condition, const struct rs_catalog *catalog);
int rs_condition_holds(const struct rs_condition *condition, const struct rs_catalog *catalog,
                       uint32_t position);

#endif
