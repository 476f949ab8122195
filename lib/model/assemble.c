/* lib/model/assemble.c - make the arrays of a model from tensors.
 *
 * Items are used where they are mapped if they stand in scan order, aligned and padded as the
 * scorer wants them, and need no conversion. Otherwise each row is copied once, from the file
 * straight to its position. Biases, ids and popularity of items follow the same order.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/bundle/factors.h"
#include "lib/bundle/layout.h"
#include "lib/bundle/matrix.h"
#include "lib/model/loading.h"

#define STRIDE_UNIT 16u /* floats: one cache line */

/* One of implicit's bias columns. */
static recsys_status load_bias_column(struct rs_loading *loading, const struct rs_matrix *factors,
                                      uint32_t from_end, const uint32_t *order, const char *what,
                                      const float **out)
{
    float *bias = rs_memory_take(loading->model->memory, factors->n_rows, sizeof *bias, 0);

    *out = bias;
    if (bias == NULL)
        return rs_error_nomem(loading->err, what);
    return rs_matrix_get_column(factors, factors->width - from_end, order, bias, what,
                                loading->err);
}

static recsys_status view_factors(struct rs_loading *loading, const char *name, const char *what,
                                  struct rs_matrix *out)
{
    const struct rs_tensor *tensor = rs_tensors_find(loading->tensors, name);

    if (tensor == NULL)
        return rs_factors_missing(loading->tensors, loading->file, name, loading->manifest != NULL,
                                  loading->err);
    recsys_status status = rs_matrix_view(tensor, what, out, loading->err);
    if (status != RECSYS_OK)
        return status;
    out->n_columns = out->width - loading->implicit.n_extra;
    if (loading->manifest != NULL && tensor->dtype != loading->manifest->dtype)
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: is not of the \"dtype\" that the manifest says", what);
    return RECSYS_OK;
}

static recsys_status check_shapes(struct rs_loading *loading, const struct rs_matrix *users,
                                  const struct rs_matrix *items)
{
    const struct rs_manifest *manifest = loading->manifest;
    const char *file = loading->file;

    if (items->n_rows < 1 || items->n_rows > UINT32_MAX || users->n_rows > UINT32_MAX)
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: %zu users and %zu items, want at most 4294967295 and at least one "
                        "item",
                        file, users->n_rows, items->n_rows);
    if (items->n_columns < 1 || items->n_columns > RS_MAX_DIMENSIONS)
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: item_factors: vectors of %zu numbers, want 1 to %u", file,
                        items->n_columns, RS_MAX_DIMENSIONS);
    if (users->n_columns != items->n_columns)
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: user_factors has vectors of %zu numbers, item_factors of %zu", file,
                        users->n_columns, items->n_columns);
    if (manifest != NULL &&
        (manifest->n_users != users->n_rows || manifest->n_items != items->n_rows ||
         manifest->dimensions != items->n_columns))
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: %zu users, %zu items, %zu dimensions; the manifest says %" PRIu32
                        ", %" PRIu32 ", %" PRIu32,
                        file, users->n_rows, items->n_rows, items->n_columns, manifest->n_users,
                        manifest->n_items, manifest->dimensions);
    return RECSYS_OK;
}

/* 1 if a cosine model's rows must be scaled to length 1: some row has neither this length nor
 * length 0. */
static int needs_normalising(const struct recsys_model *model, const double *norms, size_t n)
{
    if (model->metric == RECSYS_METRIC_COSINE)
        for (size_t i = 0; i < n; i++)
            if (norms[i] != 0 && fabs(norms[i] - 1) > RS_UNIT_TOLERANCE)
                return 1;
    return 0;
}

static void normalise(float *row, size_t dimensions, double norm)
{
    if (norm > 0)
        for (size_t j = 0; j < dimensions; j++)
            row[j] = (float)((double)row[j] / norm);
}

/* 1 if rows stand in scan order already, as the builder writes them. Equal keys keep their order.
 */
static int is_in_order(const struct recsys_model *model, const double *norms, size_t n)
{
    int cosine = model->metric == RECSYS_METRIC_COSINE;

    for (size_t i = 1; i < n; i++)
        if (cosine ? norms[i - 1] == 0 && norms[i] > 0 : norms[i - 1] < norms[i])
            return 0;
    return 1;
}

/* Scan order, and the norms in it. With cosine all lengths but 0 count as equal: a file is in
 * scan order if its zero vectors come last. */
static recsys_status order_items(struct rs_loading *loading, double *norms, size_t n)
{
    int cosine = loading->model->metric == RECSYS_METRIC_COSINE;

    if (is_in_order(loading->model, norms, n))
        return RECSYS_OK;
    double *keys = rs_alloc_array(n, sizeof *keys);
    loading->order = rs_alloc_array(n, sizeof *loading->order);
    if (keys == NULL || loading->order == NULL) {
        rs_free(keys);
        return rs_error_nomem(loading->err, "order of items");
    }
    for (size_t i = 0; i < n; i++)
        keys[i] = cosine ? (double)(norms[i] > 0) : norms[i];
    recsys_status status = rs_layout_order(keys, n, loading->order, loading->err);
    memcpy(keys, norms, n * sizeof *keys);
    for (size_t p = 0; p < n && status == RECSYS_OK; p++)
        norms[p] = keys[loading->order[p]];
    rs_free(keys);
    return status;
}

static recsys_status copy_items(struct rs_loading *loading, const struct rs_matrix *items,
                                int normalised)
{
    struct recsys_model *model = loading->model;
    uint32_t huge = loading->flags & RECSYS_MODEL_HUGE_PAGES ? RS_MEMORY_HUGE : 0;

    model->stride = (model->dimensions + STRIDE_UNIT - 1) / STRIDE_UNIT * STRIDE_UNIT;
    float *copy =
        rs_memory_take(model->memory, model->n_items, model->stride * sizeof(float), huge);
    if (copy == NULL)
        return rs_error_nomem(loading->err, "item vectors");
    model->items = copy;
    for (size_t p = 0; p < model->n_items; p++) {
        float *row = copy + p * model->stride;
        rs_matrix_get_row(items, loading->order == NULL ? p : loading->order[p], row);
        if (normalised)
            normalise(row, model->dimensions, loading->norms[p]);
    }
    if (normalised)
        return rs_layout_norms(copy, model->n_items, model->dimensions, model->stride,
                               loading->norms, "item vectors", loading->err);
    return RECSYS_OK;
}

static recsys_status load_items(struct rs_loading *loading, const struct rs_matrix *items,
                                const char *what)
{
    struct recsys_model *model = loading->model;

    loading->norms = rs_alloc_array(items->n_rows, sizeof *loading->norms);
    if (loading->norms == NULL)
        return rs_error_nomem(loading->err, what);
    recsys_status status = rs_matrix_norms(items, loading->norms, what, loading->err);
    if (status == RECSYS_OK)
        status = order_items(loading, loading->norms, items->n_rows);
    if (status != RECSYS_OK)
        return status;

    int normalised = needs_normalising(model, loading->norms, items->n_rows);
    loading->as_in_file = loading->order == NULL && !normalised;
    const float *mapped = rs_matrix_floats(items);
    if (mapped != NULL && loading->as_in_file && model->dimensions % STRIDE_UNIT == 0 &&
        (uintptr_t)mapped % 64 == 0 && (loading->flags & RECSYS_MODEL_HUGE_PAGES) == 0) {
        model->items = mapped;
        model->stride = model->dimensions;
        return RECSYS_OK;
    }
    return copy_items(loading, items, normalised);
}

static recsys_status load_users(struct rs_loading *loading, const struct rs_matrix *users,
                                const char *what)
{
    struct recsys_model *model = loading->model;
    size_t d = model->dimensions;
    double *norms = rs_alloc_array(users->n_rows, sizeof *norms);
    recsys_status status;

    if (norms == NULL)
        return rs_error_nomem(loading->err, what);
    status = rs_matrix_norms(users, norms, what, loading->err);
    if (status != RECSYS_OK)
        goto done;
    int normalised = needs_normalising(model, norms, users->n_rows);
    model->users = rs_matrix_floats(users);
    if (model->users == NULL || normalised) {
        float *copy = rs_memory_take(model->memory, users->n_rows, d * sizeof *copy, 0);
        model->users = copy;
        if (copy == NULL) {
            status = rs_error_nomem(loading->err, what);
            goto done;
        }
        for (size_t i = 0; i < users->n_rows; i++) {
            rs_matrix_get_row(users, i, copy + i * d);
            if (normalised)
                normalise(copy + i * d, d, norms[i]);
        }
    }
done:
    rs_free(norms);
    return status;
}

static recsys_status load_biases(struct rs_loading *loading, const struct rs_matrix *users,
                                 const struct rs_matrix *items)
{
    struct recsys_model *model = loading->model;
    const struct rs_implicit *implicit = &loading->implicit;
    char what[RS_WHAT_SIZE];
    recsys_status status = rs_load_column(loading, loading->tensors, loading->file, "item_bias",
                                          model->n_items, loading->order, &model->item_bias);

    if (status == RECSYS_OK)
        status = rs_load_column(loading, loading->tensors, loading->file, "user_bias",
                                model->n_users, NULL, &model->user_bias);
    if (status == RECSYS_OK && implicit->item_bias_column != 0)
        status = load_bias_column(loading, items, implicit->item_bias_column, loading->order,
                                  rs_loading_what(loading->file, "bias of item_factors", what),
                                  &model->item_bias);
    if (status == RECSYS_OK && implicit->user_bias_column != 0)
        status = load_bias_column(loading, users, implicit->user_bias_column, NULL,
                                  rs_loading_what(loading->file, "bias of user_factors", what),
                                  &model->user_bias);
    if (status == RECSYS_OK && model->metric == RECSYS_METRIC_COSINE &&
        (model->item_bias != NULL || model->user_bias != NULL))
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: has biases, which the metric cosine does not allow", loading->file);
    return status;
}

static recsys_status make_blocks(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;

    model->n_blocks = (model->n_items - 1) / RS_BLOCK_ITEMS + 1;
    model->blocks = rs_alloc_array(model->n_blocks, sizeof *model->blocks);
    if (model->blocks == NULL)
        return rs_error_nomem(loading->err, "blocks");
    rs_memory_count(model->memory, model->n_blocks, sizeof *model->blocks);
    rs_layout_blocks(loading->norms, model->item_bias, model->n_items, model->blocks);
    return RECSYS_OK;
}

recsys_status rs_load_factors(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    struct rs_matrix users, items;
    char user_what[RS_WHAT_SIZE], item_what[RS_WHAT_SIZE];
    recsys_status status;

    rs_loading_what(loading->file, "item_factors", item_what);
    rs_loading_what(loading->file, "user_factors", user_what);
    if ((status = view_factors(loading, "item_factors", item_what, &items)) != RECSYS_OK ||
        (status = view_factors(loading, "user_factors", user_what, &users)) != RECSYS_OK ||
        (status = check_shapes(loading, &users, &items)) != RECSYS_OK)
        return status;
    model->dimensions = (uint32_t)items.n_columns;
    model->n_items = (uint32_t)items.n_rows;
    model->n_users = (uint32_t)users.n_rows;
    if ((status = load_items(loading, &items, item_what)) != RECSYS_OK ||
        (status = load_users(loading, &users, user_what)) != RECSYS_OK ||
        (status = load_biases(loading, &users, &items)) != RECSYS_OK ||
        (status = make_blocks(loading)) != RECSYS_OK ||
        (status = rs_load_codes(loading)) != RECSYS_OK ||
        (status = rs_load_ids(loading, &model->item_ids, "item_ids", model->n_items,
                              loading->order)) != RECSYS_OK ||
        (status = rs_load_ids(loading, &model->user_ids, "user_ids", model->n_users, NULL)) !=
            RECSYS_OK)
        return status;
    return RECSYS_OK;
}
