/* lib/model/model.h - the model object as the rest of the library sees it.
 *
 * Items stand in scan order: by descending norm, so that a query can stop early and the items with
 * the best chances share cache lines. An item's place in this order is its position, 0..n_items-1.
 * Users stand in the file's order. Everything here is set while loading and never changes
 * afterwards, except for two lists, and the equations of new users, that are made when they are
 * first used.
 */
#ifndef RS_MODEL_MODEL_H
#define RS_MODEL_MODEL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bundle/codes.h"
#include "lib/bundle/layout.h"
#include "lib/bundle/short_codes.h"
#include "lib/catalog/catalog.h"
#include "lib/ids/ids.h"
#include "recsys/bytes.h"
#include "recsys/model.h"

struct rs_normal;

struct recsys_model {
    atomic_uint refs;

    uint32_t dimensions;
    uint32_t stride; /* floats from one item to the next; a multiple of 16 */
    uint32_t n_users;
    uint32_t n_items;       /* at least 1 */
    const float *users;     /* [n_users, dimensions]; unit length for cosine */
    const float *user_bias; /* NULL = none */
    const float *items;     /* [n_items, stride], 64-byte aligned, zeros from dimensions on */
    const float *item_bias; /* by position; NULL = none */
    struct rs_ids user_ids;
    struct rs_ids item_ids;          /* by position; rank breaks ties */
    _Atomic(int64_t *) user_numbers; /* integer ids without a gap as a list, */
    _Atomic(int64_t *) item_numbers; /* made by the first call that needs it (array.c) */
    struct rs_block *blocks;
    uint32_t n_blocks;
    const uint8_t *codes;               /* of item vectors: lib/bundle/codes.h; NULL = none */
    struct rs_code_bounds *code_bounds; /* one a block */
    struct rs_short_codes short_codes;  /* beside codes; NULL = none */

    uint32_t metric;     /* RECSYS_METRIC_* */
    uint32_t link;       /* RECSYS_LINK_* */
    uint32_t similar_by; /* RECSYS_SIMILAR_* */
    float link_min, link_max;

    uint32_t n_features;       /* 0 = none */
    const float *features;     /* [n_features, dimensions] */
    struct rs_ids feature_ids; /* texts, lower case */
    uint64_t *genre_begin;     /* the items of genre g are genre_items[genre_begin[g]] up to */
    uint32_t *genre_items;     /* genre_items[genre_begin[g + 1] - 1]: ascending positions; both are
                                  NULL if the catalogue has no genres */

    const uint64_t *seen_offsets; /* n_users + 1; NULL = no seen lists */
    const uint32_t *seen_items;   /* positions, ascending for each user */
    const float *seen_weights;    /* beside seen_items; NULL = none */

    uint32_t *popular;        /* every position, most popular first, ties by id */
    float *popularity;        /* by position, 0..1: share of the most popular item's */
    uint32_t popularity_kind; /* RECSYS_POPULARITY_* */

    double regularization,
        alpha; /* of ALS, by which new users get vectors; alpha 0: this is none */
    _Atomic(struct rs_normal *) normal; /* made by the first call that needs it */

    struct rs_catalog *catalog; /* never NULL */

    char *name, *version, *algorithm, *training_date, *item_name, *metadata;
    char fingerprint[65];
    uint64_t mapped_bytes, private_bytes;

    struct rs_model_memory *memory; /* maps and copies behind the pointers; private to lib/model */
};

/* Call the model as its registry does, whatever the manifest says, and put `description`, a JSON
 * object, into what recsys_model_info says of it as "registry". Only while no other thread has the
 * model. E_NOMEM: the model is as before. */
recsys_status rs_model_set_registered(struct recsys_model *model, const char *name,
                                      const char *version, recsys_bytes description,
                                      recsys_error *err);

#endif
