/* recsys/builder.h - write a model bundle, from arrays in memory or from files. */
#ifndef RECSYS_BUILDER_H
#define RECSYS_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Collects the parts of a model, then writes them as a bundle directory. The
 * arrays have the names that docs/model-format.md gives them:
 *
 *   user_factors  F32 [n_users,d]      item_factors    F32 [n_items,d]      required
 *   user_bias     F32 [n_users]        item_bias       F32 [n_items]
 *   user_ids      I64 [n_users]        item_ids        I64 [n_items]        or texts
 *   feature_factors F32 [n_features,d] feature_names   texts
 *   item_popularity F32 [n_items]
 *   seen_offsets  U64 [n_users+1]      seen_items      U32 [nnz] rows of item_factors
 *   seen_weights  F32 [nnz]
 *
 * Thread-safety: ONE THREAD AT A TIME.
 * Ownership: one owner; recsys_builder_destroy().
 */
typedef struct recsys_builder recsys_builder;

enum {
    RECSYS_DTYPE_F32 = 1,
    RECSYS_DTYPE_F64 = 2, /* stored as F32 */
    RECSYS_DTYPE_F16 = 3, /* stored as F32 */
    RECSYS_DTYPE_BF16 = 4, /* stored as F32 */
    RECSYS_DTYPE_I32 = 5,
    RECSYS_DTYPE_U32 = 6,
    RECSYS_DTYPE_I64 = 7,
    RECSYS_DTYPE_U64 = 8,
    RECSYS_DTYPE_U8 = 9
};

/* An array in memory: C order, native byte order. Frozen. */
typedef struct recsys_array {
    const void *data;
    uint32_t dtype;    /* RECSYS_DTYPE_* */
    uint32_t n_dims;   /* 1 or 2 */
    uint64_t shape[2]; /* shape[1] is not read when n_dims is 1 */
} recsys_array;

/*
 * Fails with: E_NOMEM, E_INVALID.
 * Ownership: the caller owns `*out`.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_create(recsys_builder **out,
                                                                recsys_error *err);

/* Writes nothing. NULL is allowed. */
RECSYS_API void recsys_builder_destroy(recsys_builder *builder);

/*
 * Set one array by its name above, replacing one set before. Integers of
 * another width are converted when every value fits.
 *
 * Fails with: E_INVALID (unknown name, wrong dtype or number of dimensions),
 *   E_NOMEM. Whether the parts fit together is checked by _write.
 * Ownership: array->data is kept, not copied, and must stay until _write has
 *   returned or the builder is destroyed.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_set_array(recsys_builder *builder,
                                                                   const char *name,
                                                                   const recsys_array *array,
                                                                   recsys_error *err);

/*
 * Set `user_ids`, `item_ids` or `feature_names` as strings.
 *
 * Fails with: E_INVALID (another name, a NULL, empty, too long or non-UTF-8
 *   string), E_NOMEM.
 * Ownership: COPIED.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_set_texts(recsys_builder *builder,
                                                                   const char *name,
                                                                   const char *const *texts,
                                                                   size_t n_texts,
                                                                   recsys_error *err);

/*
 * Read one array from a file: `.npy`, or a member of an `.npz` or a tensor of
 * a `.safetensors` called `member` (NULL: the same as `name`).
 *
 * Fails with: as _set_array; E_IO, E_FORMAT (damaged; message says where),
 *   E_UNSUPPORTED (pickled, complex or big-endian data), E_NOT_FOUND (member).
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_import_array(recsys_builder *builder,
                                                                      const char *name,
                                                                      const char *path,
                                                                      const char *member,
                                                                      recsys_error *err);

/*
 * Take over every array of a whole model file: an .npz of the Python package
 * `implicit` (the bias columns of BPR and LMF become biases) or a .safetensors
 * whose tensors have the names above; or a bundle directory.
 *
 * Fails with: as recsys_model_load().
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_import_model(recsys_builder *builder,
                                                                      const char *path,
                                                                      recsys_error *err);

/*
 * Set a field of the manifest. `field` is one of name, version, algorithm,
 * training_date (text); metric ("inner_product", "cosine"), link ("sigmoid",
 * "linear", "clip"), link_min, link_max; or metrics.NAME, hyperparameters.NAME
 * where a text that is a JSON number, true, false or null is stored as such.
 *
 * Fails with: E_INVALID (unknown field, or a value it cannot have), E_NOMEM.
 * Ownership: COPIED.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_set_field(recsys_builder *builder,
                                                                   const char *field,
                                                                   const char *value,
                                                                   recsys_error *err);

/*
 * Add one item's line to the catalogue: a JSON object with id, title, genres,
 * release_year, rating, poster_url, language, adult (all but id optional).
 *
 * Fails with: E_FORMAT (not such an object; the message says why), E_NOMEM.
 * Ownership: COPIED.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_add_item(recsys_builder *builder,
                                                                  const char *json,
                                                                  size_t json_size,
                                                                  recsys_error *err);

/* The same for every line of a JSON Lines file. Also fails with: E_IO. */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_import_catalog(recsys_builder *builder,
                                                                        const char *path,
                                                                        recsys_error *err);

/*
 * Check that the parts fit together, order the items for scanning and write
 * the bundle as directory `path`, which must not exist. It appears complete
 * or not at all: written beside it, synced, then renamed.
 *
 * Fails with: E_INVALID (a part is missing or does not fit; message says
 *   which), E_FORMAT (numbers not finite, duplicate ids), E_EXISTS, E_IO,
 *   E_NOMEM.
 * Thread-safety: blocks on disk.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_write(recsys_builder *builder,
                                                               const char *path,
                                                               recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
