/* lib/model/load_ids.c - load ids of users and items and names of features from tensors. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/model/loading.h"

int rs_tensor_is_integer(const struct rs_tensor *tensor)
{
    return tensor->dtype == RECSYS_DTYPE_I64 || tensor->dtype == RECSYS_DTYPE_U64 ||
           tensor->dtype == RECSYS_DTYPE_I32 || tensor->dtype == RECSYS_DTYPE_U32;
}

int rs_tensor_get_integer(const struct rs_tensor *tensor, size_t i, int64_t *out)
{
    switch (tensor->dtype) {
    case RECSYS_DTYPE_I32:
        *out = ((const int32_t *)tensor->data)[i];
        break;
    case RECSYS_DTYPE_U32:
        *out = ((const uint32_t *)tensor->data)[i];
        break;
    default: /* a U64 beyond INT64_MAX becomes negative */
        *out = ((const int64_t *)tensor->data)[i];
    }
    return *out >= 0;
}

void rs_tensor_show_integer(const struct rs_tensor *tensor, size_t i, char out[24])
{
    int64_t value = 0;

    (void)rs_tensor_get_integer(tensor, i, &value);
    if (tensor->dtype == RECSYS_DTYPE_U64)
        snprintf(out, 24, "%" PRIu64, (uint64_t)value);
    else
        snprintf(out, 24, "%" PRId64, value);
}

static void count_ids(struct rs_model_memory *memory, const struct rs_ids *ids)
{
    size_t n = ids->n;

    rs_memory_count(memory, ids->numbers != NULL ? n : 0, sizeof *ids->numbers);
    rs_memory_count(memory, ids->texts != NULL ? (size_t)ids->offsets[n] : 0, 1);
    rs_memory_count(memory, ids->offsets != NULL ? n + 1 : 0, sizeof *ids->offsets);
    rs_memory_count(memory, ids->n_slots, sizeof *ids->slots);
    rs_memory_count(memory, ids->sorted != NULL ? n : 0, sizeof *ids->sorted);
    rs_memory_count(memory, ids->rank != NULL ? n : 0, sizeof *ids->rank);
}

recsys_status rs_load_texts(struct rs_loading *loading, struct rs_ids *ids, const char *name,
                            const struct rs_tensor *bytes, size_t n, const uint32_t *order)
{
    char offsets_name[64], what[RS_WHAT_SIZE];

    snprintf(offsets_name, sizeof offsets_name, "%s_offsets", name);
    const struct rs_tensor *offsets = rs_tensors_find(loading->tensors, offsets_name);
    rs_loading_what(loading->file, offsets_name, what);
    if (offsets == NULL)
        return rs_error(loading->err, RECSYS_E_FORMAT, "%s: is missing beside %s", what, name);
    if ((offsets->dtype != RECSYS_DTYPE_U64 && offsets->dtype != RECSYS_DTYPE_I64) ||
        offsets->n_dims != 1 || offsets->shape[0] != (uint64_t)n + 1)
        return rs_error(loading->err, RECSYS_E_FORMAT, "%s: must be U64 [%zu]", what, n + 1);
    /* Offsets may be I64: a negative one is very large as U64, and so out of order. */
    recsys_status status =
        rs_ids_from_texts(ids, bytes->data, bytes->n_bytes, offsets->data, n, order,
                          rs_loading_what(loading->file, name, what), loading->err);
    if (status == RECSYS_OK)
        count_ids(loading->model->memory, ids);
    return status;
}

static recsys_status load_numbers(struct rs_loading *loading, struct rs_ids *ids,
                                  const struct rs_tensor *tensor, size_t n, const uint32_t *order,
                                  const char *what)
{
    if (tensor->dtype == RECSYS_DTYPE_I64)
        return rs_ids_from_numbers(ids, tensor->data, n, order, what, loading->err);
    int64_t *numbers = rs_alloc_array(n, sizeof *numbers);
    if (numbers == NULL)
        return rs_error_nomem(loading->err, what);
    recsys_status status = RECSYS_OK;
    for (size_t i = 0; i < n && status == RECSYS_OK; i++) {
        char shown[24];
        if (rs_tensor_get_integer(tensor, i, &numbers[i]))
            continue;
        rs_tensor_show_integer(tensor, i, shown);
        status = rs_error(loading->err, RECSYS_E_FORMAT, "%s[%zu] is %s, ids go from 0 to %" PRId64,
                          what, i, shown, INT64_MAX);
    }
    if (status == RECSYS_OK)
        status = rs_ids_from_numbers(ids, numbers, n, order, what, loading->err);
    rs_free(numbers);
    return status;
}

recsys_status rs_load_ids(struct rs_loading *loading, struct rs_ids *ids, const char *name,
                          size_t n, const uint32_t *order)
{
    const struct rs_tensor *tensor = rs_tensors_find(loading->tensors, name);
    char what[RS_WHAT_SIZE];
    recsys_status status;

    rs_loading_what(loading->file, name, what);
    if (tensor == NULL)
        status = rs_ids_from_rows(ids, n, loading->manifest != NULL, order, loading->err);
    else if (tensor->dtype == RECSYS_DTYPE_U8 && tensor->n_dims == 1)
        return rs_load_texts(loading, ids, name, tensor, n, order);
    else if (!rs_tensor_is_integer(tensor) || tensor->n_dims != 1 || tensor->shape[0] != n)
        status = rs_error(loading->err, RECSYS_E_FORMAT,
                          "%s: must be I64 [%zu], or U8 with offsets", what, n);
    else
        status = load_numbers(loading, ids, tensor, n, order, what);
    if (status == RECSYS_OK)
        count_ids(loading->model->memory, ids);
    return status;
}
