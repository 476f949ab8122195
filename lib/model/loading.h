/* lib/model/loading.h - a model while it is being put together. Private to lib/model.
 *
 * load.c opens and verifies files, then calls the steps in order; each fills its part of the model:
 *
 *   rs_load_factors     users, items, biases, ids, blocks    assemble.c
 *   rs_load_features    feature vectors and their names      features.c
 *   rs_load_catalog     what is known about items            load_catalog.c
 *   rs_load_seen        seen lists                           seen.c
 *   rs_load_popularity  popularity and its order             popularity.c
 *   rs_load_genre_items the items of each genre              genre_items.c
 */
#ifndef RS_MODEL_LOADING_H
#define RS_MODEL_LOADING_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bundle/files.h"
#include "lib/bundle/implicit.h"
#include "lib/bundle/manifest.h"
#include "lib/formats/tensors.h"
#include "lib/model/model.h"
#include "lib/model/model_memory.h"

#define RS_WHAT_SIZE 320u

struct rs_loading {
    struct recsys_model *model;
    uint32_t flags;                     /* RECSYS_MODEL_* */
    const struct rs_manifest *manifest; /* NULL for a single file */
    const struct rs_tensors *tensors;   /* of the model's file */
    const struct rs_tensors *seen;      /* of the file that may hold the seen lists */
    const struct rs_tensors *columns;   /* of the catalogue; NULL = none, or in lines */
    const struct rs_map *lines;         /* of the catalogue; empty = none, or in columns */
    const struct rs_tensors *codes;     /* NULL = the bundle has none */
    const char *file, *seen_file;       /* their names in errors */
    const char *catalog_file, *codes_file;
    int as_in_file;              /* items stand as in the file, and as long */
    struct rs_implicit implicit; /* bias columns; all zero if there are none */
    uint32_t *order;             /* order[position] = row; NULL = they are the same */
    double *norms;               /* of items, by position */
    recsys_error *err;
};

/* Read and check the options of `function`; NULL for the defaults. */
recsys_status rs_load_options(const recsys_model_options *options, recsys_model_options *own,
                              const char *function, recsys_error *err);
/* The model of files that are open; closes them, also if it fails. */
recsys_status rs_load_model(struct rs_files *files, const recsys_model_options *options,
                            recsys_model **out, recsys_error *err);

recsys_status rs_load_factors(struct rs_loading *loading);
recsys_status rs_load_codes(struct rs_loading *loading); /* of items; called by rs_load_factors */
recsys_status rs_load_features(struct rs_loading *loading);
recsys_status rs_load_catalog(struct rs_loading *loading);
recsys_status rs_load_seen(struct rs_loading *loading);
recsys_status rs_load_popularity(struct rs_loading *loading);
recsys_status rs_load_genre_items(struct rs_loading *loading);

/* "<file>: <tensor>", for errors. Returns `out`. */
const char *rs_loading_what(const char *file, const char *tensor, char out[RS_WHAT_SIZE]);

/* A tensor of n numbers as floats by position: in place if possible. NULL in
 * *out if there is no such tensor. */
recsys_status rs_load_column(struct rs_loading *loading, const struct rs_tensors *tensors,
                             const char *file, const char *name, size_t n, const uint32_t *order,
                             const float **out);

/* Ids by position: integers or texts. If the file has no such tensor, rows are numbered: from 1
 * in a bundle, as model-format.md says, else from 0. */
recsys_status rs_load_ids(struct rs_loading *loading, struct rs_ids *ids, const char *name,
                          size_t n, const uint32_t *order);
/* n texts from `bytes`, which is called `name`, and the offsets beside it. */
recsys_status rs_load_texts(struct rs_loading *loading, struct rs_ids *ids, const char *name,
                            const struct rs_tensor *bytes, size_t n, const uint32_t *order);

/* One number of a tensor of integers; 0 if it is negative or beyond INT64_MAX. */
int rs_tensor_is_integer(const struct rs_tensor *tensor);
int rs_tensor_get_integer(const struct rs_tensor *tensor, size_t i, int64_t *out);
/* The same for a message: as it stands in the file, whatever its size. */
void rs_tensor_show_integer(const struct rs_tensor *tensor, size_t i, char out[24]);

#endif
