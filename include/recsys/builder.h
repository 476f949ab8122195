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
 *   user_factors  F32 [n_users,d]      item_factors    F32 [n_items,d] is needed
 *   user_bias     F32 [n_users]        item_bias       F32 [n_items]
 *   user_ids      I64 [n_users]        item_ids        I64 [n_items]        or texts
 *   feature_factors F32 [n_features,d] feature_names   texts
 *   item_popularity F32 [n_items]
 *   seen_offsets  U64 [n_users+1]      seen_items      U32 [nnz] rows of item_factors
 *   seen_weights  F32 [nnz]
 *
 * Users or items without ids get the numbers of their rows, from 0. Without
 * user_factors the model has no users.
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
 * Read one array from a file. `.npy` files have one, `.npz` and `.safetensors`
 * files several; `member` names one of them. NULL: the array called `name`, else
 * the only one whose name means it (`user_emb.weight`, `qi`), else the only one
 * of the file. Biases may have the shape [n,1] or [1,n]; big-endian numbers,
 * integers of 8 and 16 bits and NumPy's texts are converted.
 *
 * Fails with: as _set_array; E_IO, E_FORMAT (damaged; message says where),
 *   E_UNSUPPORTED (pickled or complex data), E_NOT_FOUND (member; the message
 *   lists the file's arrays).
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_import_array(recsys_builder *builder,
                                                                      const char *name,
                                                                      const char *path,
                                                                      const char *member,
                                                                      recsys_error *err);

/*
 * Set `user_ids`, `item_ids` or `feature_names` from a text file: one a line,
 * LF or CRLF, a byte order mark is skipped.
 *
 * Fails with: as _set_texts; E_IO, E_FORMAT (an empty line or a NUL; the message
 *   has the number of the line).
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_import_texts(recsys_builder *builder,
                                                                      const char *name,
                                                                      const char *path,
                                                                      recsys_error *err);

/*
 * Take over every array of a whole model file that can be understood: an .npz of
 * the Python package `implicit` (the bias columns of BPR and LMF become biases),
 * an .npz or .safetensors whose arrays have the names above or those that other
 * libraries use (docs/models.md); a file of word2vec or fastText, whose words are
 * the items; or a bundle directory. Users may be missing.
 * A global mean and a rating scale are used as _set_field describes.
 *
 * Fails with: as recsys_model_load(). E_FORMAT if no array is `item_factors`, or
 *   several could be one part; the message lists them.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_import_model(recsys_builder *builder,
                                                                      const char *path,
                                                                      recsys_error *err);

/*
 * The same for arrays in memory, as another library calls them.
 *
 * where    the file or the model that they are from, for messages. COPIED.
 * names    `n` of them. COPIED.
 * arrays   at most 2 dimensions, without strides (0). Texts are two arrays: U8,
 *          in which each text ends in a NUL, and U64 [n + 1] of the same name with
 *          `_offsets` behind it: where they begin, and the end.
 *
 * Fails with: as _import_model and _set_array.
 * Ownership: the arrays' data is kept, not copied, as by _set_array.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_set_arrays(recsys_builder *builder,
                                                                    const char *where,
                                                                    const char *const *names,
                                                                    const recsys_array *arrays,
                                                                    size_t n, recsys_error *err);

/*
 * The choices that the builder has made itself, a line each: the source, which
 * array has become which part, metric, link, arrays that were not used.
 * Call it after everything is set: metric and link stay as they are then.
 *
 * out      text of lines that end in LF. BORROWED until the next call with this
 *          builder.
 *
 * Fails with: E_INVALID (NULL), E_NOMEM.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_get_choices(recsys_builder *builder,
                                                                     const char **out,
                                                                     recsys_error *err);

/*
 * How many users (or items) there are among the parts set so far, and the kind
 * of their ids. `name` is "user_ids" or "item_ids".
 *
 * count    rows of user_factors (or item_factors).
 * kind     RECSYS_ID_KIND_*; integer if no ids are set, as rows are numbered.
 *
 * Fails with: E_INVALID (NULL, another name), E_STATE (the factors are not set).
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_get_ids(const recsys_builder *builder,
                                                                 const char *name, uint64_t *count,
                                                                 uint32_t *kind, recsys_error *err);

/*
 * Find the row that an id has among the parts set so far: for readers of files
 * that name users and items by their ids. `name` is "user_ids" or "item_ids".
 * The first call after ids or factors were set makes a table of the ids.
 *
 * Fails with: E_NOT_FOUND (no such id), E_INVALID (NULL, another name, an id of
 *   the other kind, numbers of ids and rows differ), E_STATE (the factors are
 *   not set), E_FORMAT (an id is there twice, or is none), E_NOMEM.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_find(recsys_builder *builder,
                                                              const char *name, recsys_id id,
                                                              uint64_t *row, recsys_error *err);

/*
 * Remove a part: an array by its name above, "catalog" (every line added so
 * far) or "seen" (the seen lists, however they were given). Removing what is not
 * there succeeds.
 *
 * Fails with: E_INVALID (NULL, another name).
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_remove(recsys_builder *builder,
                                                                const char *name,
                                                                recsys_error *err);

/*
 * Add user-item pairs to the seen lists, in any order, in as many calls as it
 * takes: the way without seen_offsets and seen_items, which may not be set as
 * well. The builder takes 12 bytes for each pair.
 *
 * users, items  `n` rows of user_factors and of item_factors.
 * weights  `n` finite numbers; NULL = 1 each.
 * flags    RECSYS_SEEN_* below; the same in every call.
 *
 * Fails with: E_INVALID (NULL, a weight that is not finite, other flags than
 *   before), E_UNSUPPORTED (unknown flags), E_NOMEM. Whether the rows exist is
 *   checked by _write.
 * Ownership: COPIED.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_builder_add_seen(recsys_builder *builder, const uint32_t *users, const uint32_t *items,
                        const float *weights, size_t n, uint32_t flags, recsys_error *err);

/* A pair that is added again adds its weight to the former one, as a number of times does; without
 * this flag the new weight replaces it, as a newer rating does. */
#define RECSYS_SEEN_SUM (1u << 0)

/*
 * Add the entries of a sparse matrix of users and items to the seen lists, as
 * RECSYS_SEEN_SUM does: an .npz that scipy.sparse.save_npz() has written, of the
 * format CSR, CSC or COO. Its rows are those of user_factors, its columns those
 * of item_factors, and its values are the weights; an explicit zero is an entry.
 *
 * Fails with: as _add_seen; E_INVALID (the matrix has another shape), E_STATE
 *   (the factors are not set), E_IO, E_FORMAT, E_UNSUPPORTED (another format, or
 *   values that are no real numbers). Then no entry was added.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_builder_import_seen(recsys_builder *builder,
                                                                     const char *path,
                                                                     recsys_error *err);

/*
 * Set a field. `field` is one of name, version, algorithm, training_date,
 * item_name ("book": what one item is; since 0.2) (text); similar_by ("vector",
 * "vector_bias", "vector_bias_one": RECSYS_SIMILAR_* of model.h; since 0.2); metric
 * ("inner_product", "cosine"), link ("sigmoid", "linear", "clip"), link_min,
 * link_max; metrics.NAME, hyperparameters.NAME where a text that is a JSON
 * number, true, false or null is stored as such; or tags.NAME (since 0.2), which
 * are names of the caller's own (tags.mlflow_run_id), are stored as text and do
 * not change the fingerprint.
 *
 * Two fields of how a score is meant (since 0.2): source, the library that the
 * model was trained with ("surprise"; docs/models.md has all), decides metric,
 * link and algorithm unless they are set; global_mean, a number that the model
 * adds to every score, becomes a part of item_bias.
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
                                                               const char *path, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
