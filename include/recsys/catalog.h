/* recsys/catalog.h - what is known about an item besides its vector, and filters on it. */
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
    uint32_t known;            /* 1 if the catalogue has this item; if 0, all fields above are empty */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_item;

#define RECSYS_ITEM_SIZE_V1 RECSYS_SIZE_TO(recsys_item, known)
#define RECSYS_ITEM_INIT \
    {(uint32_t)sizeof(recsys_item), 0u, NULL, NULL, NULL, NULL, 0, 0.0f, 0u, 0u}

/*
 * Look up one item.
 *
 * Fails with: E_NOT_FOUND (the model has no such item), E_INVALID (NULL,
 *   struct_size, or an id of the other kind). For an item without a catalogue
 *   entry the call succeeds and `known` is 0.
 * Thread-safety: any thread. Never allocates, never locks.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_catalog_get(const recsys_model *model,
                                                             recsys_id item, recsys_item *out,
                                                             recsys_error *err);

/*
 * The genres and languages that the catalogue has, page by page, as
 * recsys_model_get_user_ids() gives ids. A genre is spelled as where it first
 * appears (genres that differ only in case are one), languages are in lower
 * case. Both are in the order in which they first appear in the catalogue.
 *
 * Fails with: E_INVALID (NULL). `count` is then 0.
 * Ownership: texts are BORROWED until the caller's reference is given back.
 * Thread-safety: any thread. Never allocates.
 * Since: 0.2
 */
RECSYS_API recsys_status recsys_catalog_get_genres(const recsys_model *model, uint64_t offset,
                                                   const char **out, size_t capacity,
                                                   size_t *count, recsys_error *err);
RECSYS_API recsys_status recsys_catalog_get_languages(const recsys_model *model, uint64_t offset,
                                                      const char **out, size_t capacity,
                                                      size_t *count, recsys_error *err);

/*
 * The set of a model's items that a query may return: the items that meet all
 * conditions of the options. Opaque.
 *
 * A filter works for queries to the model that it was made for and to every
 * other model of the same fingerprint: the same content loaded again, by another
 * path, or in a version that was published without a change.
 *
 * Thread-safety: IMMUTABLE. A forked child may use it.
 * Ownership: SHARED, counted. recsys_filter_create() gives the caller one
 *   reference; every reference is given back with recsys_filter_unref(). A
 *   filter holds no reference to a model.
 */
typedef struct recsys_filter recsys_filter;

/*
 * The conditions of a filter. Zero means "no condition". The library reads all
 * pointers during recsys_filter_create() only. An item whose rating, language or
 * year is unknown does not meet a condition on it.
 */
typedef struct recsys_filter_options {
    uint32_t struct_size;         /* sizeof(recsys_filter_options) */
    uint32_t flags;               /* RECSYS_FILTER_* */
    float min_rating;             /* rating >= this; 0 = any */
    int32_t min_year;             /* release_year >= this; 0 = any */
    int32_t max_year;             /* release_year <= this; 0 = any */
    uint32_t n_languages;
    const char *const *languages; /* any of these, ASCII case ignored */
    const recsys_id *allow;       /* with RECSYS_FILTER_ALLOW: only these; ids the model does not
                                     have are ignored */
    size_t n_allow;               /* 0 = no item passes, whatever `allow` is */
    const recsys_id *exclude;     /* not these */
    size_t n_exclude;
    recsys_id seen_by;            /* with RECSYS_FILTER_EXCLUDE_SEEN: not the items this user has seen */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_filter_options;

#define RECSYS_FILTER_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_filter_options, seen_by)
#define RECSYS_FILTER_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_filter_options), 0u, 0.0f, 0, 0, 0u, NULL, NULL, 0u, NULL, 0u, \
     {NULL, 0u}}

#define RECSYS_FILTER_EXCLUDE_ADULT (1u << 0)
#define RECSYS_FILTER_ALLOW (1u << 1)        /* only items of the allow list pass; if the list is
                                                empty, no item. A list without this flag is
                                                E_INVALID */
#define RECSYS_FILTER_EXCLUDE_SEEN (1u << 2) /* items that `seen_by` has seen do not pass; an unknown
                                                user has seen nothing. `seen_by` without this flag
                                                is E_INVALID */

/*
 * Make a filter for `model`. This takes one pass over all items, so make a
 * filter once and use it for many queries.
 *
 * Fails with: E_INVALID (NULL, struct_size, an id of the other kind, not a
 *   number), E_UNSUPPORTED (newer options), E_NOMEM.
 * Ownership: the caller gets one reference. The filter holds none to the model.
 * Thread-safety: any thread.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_filter_create(const recsys_model *model,
                                                               const recsys_filter_options *options,
                                                               recsys_filter **out,
                                                               recsys_error *err);

/* Take one more reference. Returns its argument. NULL is allowed. Since: 0.2 */
RECSYS_API recsys_filter *recsys_filter_ref(recsys_filter *filter);

/* Give one reference back; the last one frees. NULL is allowed. Since: 0.2 */
RECSYS_API void recsys_filter_unref(recsys_filter *filter);

/* Number of items that pass; 0 for NULL. Cannot fail. Since: 0.1 */
RECSYS_API size_t recsys_filter_count(const recsys_filter *filter);

#ifdef __cplusplus
}
#endif

#endif
