/* lib/model/array.c - a model's arrays as views, for callers that compute with them.
 *
 * A view is a pointer to the model's array. The exception: integer ids without a gap are not kept
 * as an array (ids/ids.h). The first call that needs one makes it; of two calls at the same time,
 * one frees its array again and uses the other's.
 */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/formats/tensors.h"
#include "lib/model/model.h"

static void set_rows(recsys_array *out, const float *data, uint64_t rows, uint64_t columns,
                     uint64_t stride)
{
    const recsys_array array = RECSYS_ARRAY_2D(data, RECSYS_DTYPE_F32, rows, columns);

    *out = array;
    out->strides[0] = (int64_t)(stride * sizeof *data);
    out->strides[1] = sizeof *data;
}

static void set_list(recsys_array *out, const void *data, uint32_t dtype, uint64_t n)
{
    const recsys_array array = RECSYS_ARRAY_1D(data, dtype, n);

    *out = array;
    out->strides[0] = out->strides[1] = (int64_t)rs_dtype_size(dtype);
}

static recsys_status set_numbers(recsys_array *out, const struct rs_ids *ids,
                                 _Atomic(int64_t *) *kept, recsys_error *err)
{
    int64_t *numbers = ids->numbers, *made;

    if (numbers == NULL)
        numbers = atomic_load_explicit(kept, memory_order_acquire);
    if (numbers == NULL) {
        made = rs_alloc_array(ids->n, sizeof *made);
        if (made == NULL)
            return rs_error_nomem(err, "recsys_model_get_array: ids");
        for (uint32_t row = 0; row < ids->n; row++)
            made[row] = (int64_t)rs_ids_get(ids, row).number;
        if (atomic_compare_exchange_strong_explicit(kept, &numbers, made, memory_order_acq_rel,
                                                    memory_order_acquire))
            numbers = made;
        else
            rs_free(made);
    }
    set_list(out, numbers, RECSYS_DTYPE_I64, ids->n);
    return RECSYS_OK;
}

static void set_texts(recsys_array *out, const struct rs_ids *ids, int offsets)
{
    static const uint64_t none[1] = {0};
    const uint64_t *begin = ids->offsets != NULL ? ids->offsets : none;

    if (offsets)
        set_list(out, begin, RECSYS_DTYPE_U64, (uint64_t)ids->n + 1);
    else
        set_list(out, ids->texts, RECSYS_DTYPE_U8, begin[ids->n]);
}

/* Arrays that need only a pointer, if the model has them. */
static int set_plain(const struct recsys_model *model, const char *name, recsys_array *out)
{
    const uint64_t *offsets = model->seen_offsets;
    uint64_t n_seen = offsets == NULL ? 0 : offsets[model->n_users];
    const struct {
        const char *name;
        const void *data;
        uint32_t dtype;
        uint64_t n;
        int is_there;
    } lists[] = {
        {"user_bias", model->user_bias, RECSYS_DTYPE_F32, model->n_users, model->user_bias != NULL},
        {"item_bias", model->item_bias, RECSYS_DTYPE_F32, model->n_items, model->item_bias != NULL},
        {"item_popularity", model->popularity, RECSYS_DTYPE_F32, model->n_items, 1},
        {"seen_offsets", offsets, RECSYS_DTYPE_U64, (uint64_t)model->n_users + 1, offsets != NULL},
        {"seen_items", model->seen_items, RECSYS_DTYPE_U32, n_seen, offsets != NULL},
        {"seen_weights", model->seen_weights, RECSYS_DTYPE_F32, n_seen,
         model->seen_weights != NULL},
    };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].name, name) == 0) {
            if (lists[i].is_there)
                set_list(out, lists[i].data, lists[i].dtype, lists[i].n);
            return 1;
        }
    return 0;
}

static int set_vectors(const struct recsys_model *model, const char *name, recsys_array *out)
{
    uint64_t d = model->dimensions;

    if (strcmp(name, "item_factors") == 0)
        set_rows(out, model->items, model->n_items, d, model->stride);
    else if (strcmp(name, "user_factors") == 0)
        set_rows(out, model->users, model->n_users, d, d);
    else if (strcmp(name, "feature_factors") != 0)
        return 0;
    else if (model->n_features > 0)
        set_rows(out, model->features, model->n_features, d, d);
    return 1;
}

/* "item_ids", "item_ids_offsets" and the like. */
static int set_ids(const struct recsys_model *model, const char *name, recsys_array *out,
                   recsys_status *status, recsys_error *err)
{
    struct recsys_model *owner = (struct recsys_model *)(uintptr_t)model;
    struct {
        const char *name, *offsets_name;
        const struct rs_ids *ids;
        _Atomic(int64_t *) *kept;
    } lists[] = {
        {"item_ids", "item_ids_offsets", &model->item_ids, &owner->item_numbers},
        {"user_ids", "user_ids_offsets", &model->user_ids, &owner->user_numbers},
        {"feature_names", "feature_names_offsets", &model->feature_ids, NULL},
    };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        int offsets = strcmp(lists[i].offsets_name, name) == 0;
        if (!offsets && strcmp(lists[i].name, name) != 0)
            continue;
        if (lists[i].ids->kind == RECSYS_ID_KIND_TEXT)
            set_texts(out, lists[i].ids, offsets);
        else if (!offsets && lists[i].kept != NULL)
            *status = set_numbers(out, lists[i].ids, lists[i].kept, err);
        return 1;
    }
    return 0;
}

recsys_status recsys_model_get_array(const recsys_model *model, const char *name, recsys_array *out,
                                     recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    if (out != NULL)
        memset(out, 0, sizeof *out);
    if (model == NULL || name == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_model_get_array: %s is NULL",
                        model == NULL  ? "model"
                        : name == NULL ? "name"
                                       : "out");
    if (!set_vectors(model, name, out) && !set_plain(model, name, out) &&
        !set_ids(model, name, out, &status, err))
        return rs_error(err, RECSYS_E_INVALID, "a model has no array called \"%.80s\"", name);
    if (status == RECSYS_OK && out->dtype == 0)
        return rs_error(err, RECSYS_E_NOT_FOUND, "this model has no %.80s", name);
    return status;
}
