/* recsys/catalog.h - what is known about an item beside its vector, and filters on it. */
#ifndef RECSYS_CATALOG_H
#define RECSYS_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One item's entry. The catalogue is a part of the model: all pointers are
 * BORROWED from it and valid until the caller's reference is given back.
 */
typedef struct recsys_item {
    uint32_t struct_size;      /* in: sizeof(recsys_item) */
    uint32_t n_genres;
    const char *title;         /* never NULL; "" if unknown */
    const char *const *genres; /* n_genres strings in the catalogue's order; NULL if none */
    const char *poster_url;    /* NULL if unknown */
    const char *language;      /* NULL if unknown; lower case, as "en" */
    int32_t release_year;      /* 0 if unknown */
    float rating;              /* 0..10; negative if unknown */
    uint32_t adult;            /* 0 or 1 */
    uint32_t known;            /* 1 if the catalogue has this item; else all of the above is empty */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_item;

/*
 * Look up one item.
 *
 * Fails with: E_NOT_FOUND (the model has no such item), E_INVALID (NULL,
 *   struct_size, or an id of the other kind). An item without a catalogue
 *   entry is no failure: `known` is 0.
 * Thread-safety: any thread. Never allocates, never locks.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_catalog_get(const recsys_model *model,
                                                             recsys_id item, recsys_item *out,
                                                             recsys_error *err);

/*
 * A set of a model's items that a query may return: the conjunction of all
 * conditions of its options. Opaque.
 *
 * Thread-safety: IMMUTABLE.
 * Ownership: one owner; give back with recsys_filter_destroy(). It keeps a
 *   reference to its model.
 */
typedef struct recsys_filter recsys_filter;

/*
 * Conditions. Zero means "no condition". All pointers are read during
 * recsys_filter_create() only. Items whose rating, language or year is
 * unknown do not meet a condition on it.
 */
typedef struct recsys_filter_options {
    uint32_t struct_size;         /* sizeof(recsys_filter_options) */
    uint32_t flags;               /* RECSYS_FILTER_* */
    float min_rating;             /* rating >= this; 0 = any */
    int32_t min_year;             /* release_year >= this; 0 = any */
    int32_t max_year;             /* release_year <= this; 0 = any */
    uint32_t n_languages;
    const char *const *languages; /* any of these, ASCII case ignored */
    const recsys_id *allow;       /* only these; ids the model does not have are ignored */
    size_t n_allow;               /* 0 with allow == NULL = any; 0 with allow != NULL = nothing */
    const recsys_id *exclude;     /* not these */
    size_t n_exclude;
    recsys_id seen_by;            /* not what this user has seen; RECSYS_ID_NONE = nobody */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_filter_options;

#define RECSYS_FILTER_EXCLUDE_ADULT (1u << 0)

/* All zero but the size. */
RECSYS_API void recsys_filter_options_init(recsys_filter_options *options);

/*
 * Make a filter for `model`. Costs one pass over the items; make it once and
 * use it for many queries.
 *
 * Fails with: E_INVALID (NULL, struct_size, an id of the other kind, not a
 *   number), E_UNSUPPORTED (newer options), E_NOMEM.
 * Ownership: the caller owns `*out`.
 * Thread-safety: any thread.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_filter_create(recsys_model *model,
                                                               const recsys_filter_options *options,
                                                               recsys_filter **out,
                                                               recsys_error *err);

/* NULL is allowed. */
RECSYS_API void recsys_filter_destroy(recsys_filter *filter);

/* Number of items that pass. Cannot fail. */
RECSYS_API size_t recsys_filter_count(const recsys_filter *filter);

#ifdef __cplusplus
}
#endif

#endif
