/* recsys/builder.h - write a model bundle, from arrays in memory or from files. */
#ifndef RECSYS_BUILDER_H
#define RECSYS_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "export.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Collects the parts of a model, then writes them as a bundle directory. These
 * are the arrays; docs/model-format.md explains them:
 *
 *   user_factors  F32 [n_users,d]      item_factors    F32 [n_items,d]      required
 *   user_bias     F32 [n_users]        item_bias       F32 [n_items]
 *   user_ids      I64 [n_users]        item_ids        I64 [n_items]        or texts
 *   feature_factors F32 [n_features,d] feature_names   texts
 *   item_popularity F32 [n_items]
 *   seen_offsets  U64 [n_users+1]      seen_items      U32 [nnz] rows of item_factors
 *   seen_weights  F32 [nnz]
 *
 * Users or items without ids get the numbers of their rows, from 0.
 *
 * Thread-safety: ONE THREAD AT A TIME.
 * Ownership: one owner; recsys_builder_destroy().
 */
typedef struct recsys_builder recsys_builder;

/*
 * Fails with: E_NOMEM, E_INVALID.
 * Ownership: the caller owns `*out`.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_create(recsys_builder **out,
                                                                recsys_error *err);

/* Does not write the bundle. NULL is allowed. */
RECSYS_API void recsys_builder_destroy(recsys_builder *builder);

/*
 * Set one array by its name above, replacing one that was set before. Real
 * numbers of every type are stored as F32. Integers of another width are
 * converted if every value fits. An array with strides is stored without gaps.
 *
 * Fails with: E_INVALID (unknown name, wrong dtype or number of dimensions),
 *   E_UNSUPPORTED (`reserved` is not 0), E_NOMEM. Whether the parts fit
 *   together is checked by _write.
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
 * training_date, item_name ("book": what one item is; since 0.2) (text); metric ("inner_product", "cosine"), link ("sigmoid",
 * "linear", "clip"), link_min, link_max; metrics.NAME, hyperparameters.NAME
 * where a text that is a JSON number, true, false or null is stored as such; or
 * tags.NAME (since 0.2), which are names of the caller's own (tags.mlflow_run_id),
 * are stored as text and do not change the fingerprint.
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
 * the bundle as directory `path`, which must not exist. The bundle appears
 * complete or not at all: it is written under another name beside `path`,
 * synced, then renamed.
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
