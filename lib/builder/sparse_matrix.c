/* lib/builder/sparse_matrix.c - seen lists from a sparse matrix that scipy.sparse.save_npz() wrote.
 *
 * The file has `format`, `shape` and `data`; CSR and CSC have `indptr` and `indices` beside them,
 * COO `row` and `col`. Indices are int32 or int64. Everything is checked before the first entry is
 * taken.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/builder/parts.h"
#include "lib/formats/describe.h"
#include "lib/formats/floats.h"

#define BATCH 4096u

enum { CSR, CSC, COO, N_FORMATS };

static const char *const formats[N_FORMATS] = {"csr", "csc", "coo"};

struct sparse {
    const char *file;
    struct rs_tensors tensors;
    int format;
    uint64_t shape[2];
    uint64_t n;           /* entries */
    recsys_array data;    /* dtype 0: all are 1 */
    recsys_array along;   /* COO: each entry's row. CSR, CSC: where each row or column begins */
    recsys_array indices; /* the other one */
};

static recsys_array as_array(const struct rs_tensor *tensor)
{
    recsys_array array = RECSYS_ARRAY_1D(tensor->data, tensor->dtype, tensor->shape[0]);

    array.strides[0] = (int64_t)rs_dtype_size(tensor->dtype);
    return array;
}

static int is_integer(uint32_t dtype)
{
    return dtype >= RECSYS_DTYPE_I32 && dtype <= RECSYS_DTYPE_U8;
}

static recsys_status get_integers(const struct sparse *matrix, const char *name, uint64_t n,
                                  recsys_array *out, recsys_error *err)
{
    const struct rs_tensor *tensor = rs_tensors_find(&matrix->tensors, name);

    if (tensor == NULL)
        return rs_error(err, RECSYS_E_FORMAT, "%s: has no member \"%s\"", matrix->file, name);
    if (!is_integer(tensor->dtype) || tensor->n_dims != 1 || tensor->shape[0] != n)
        return rs_error(err, RECSYS_E_FORMAT, "%s: \"%s\" must be %" PRIu64 " integers",
                        matrix->file, name, n);
    *out = as_array(tensor);
    return RECSYS_OK;
}

/* `format`: which of the three it is. */
static recsys_status get_format(struct sparse *matrix, recsys_error *err)
{
    const struct rs_tensor *tensor = rs_tensors_find(&matrix->tensors, "format");

    if (tensor == NULL || tensor->dtype != RECSYS_DTYPE_U8 || tensor->n_bytes < 1)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: has no member \"format\" as scipy.sparse.save_npz() writes it",
                        matrix->file);
    int size = (int)strnlen(tensor->data, tensor->n_bytes < 8 ? tensor->n_bytes : 8);
    for (int i = 0; i < N_FORMATS; i++)
        if (size == 3 && memcmp(tensor->data, formats[i], 3) == 0) {
            matrix->format = i;
            return RECSYS_OK;
        }
    return rs_error(err, RECSYS_E_UNSUPPORTED,
                    "%s: a matrix of the format \"%.*s\" (save M.tocsr(); csr, csc and coo can be "
                    "read)",
                    matrix->file, size, (const char *)tensor->data);
}

/* The users and items that there are, as rows and columns. */
static recsys_status get_shape(const recsys_builder *builder, struct sparse *matrix,
                               recsys_error *err)
{
    recsys_array shape;
    uint64_t want[2];
    uint32_t kind;
    recsys_status status = get_integers(matrix, "shape", 2, &shape, err);

    if (status == RECSYS_OK)
        status = recsys_builder_get_ids(builder, "user_ids", &want[0], &kind, err);
    if (status == RECSYS_OK)
        status = recsys_builder_get_ids(builder, "item_ids", &want[1], &kind, err);
    if (status != RECSYS_OK)
        return status;
    for (size_t i = 0; i < 2; i++) {
        int64_t value = 0;
        (void)rs_array_get_integer(&shape, i, &value);
        matrix->shape[i] = (uint64_t)value;
    }
    if (matrix->shape[0] == want[0] && matrix->shape[1] == want[1])
        return RECSYS_OK;
    int is_turned = matrix->shape[0] == want[1] && matrix->shape[1] == want[0];
    return rs_error(err, RECSYS_E_INVALID,
                    "%s: the matrix is %" PRIu64 " x %" PRIu64 ", but the model has %" PRIu64
                    " users and %" PRIu64 " items%s",
                    matrix->file, matrix->shape[0], matrix->shape[1], want[0], want[1],
                    is_turned ? " (save M.T.tocsr(): rows are users)" : "");
}

static recsys_status get_data(struct sparse *matrix, recsys_error *err)
{
    const struct rs_tensor *tensor = rs_tensors_find(&matrix->tensors, "data");

    if (tensor != NULL && tensor->dtype == 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s: \"data\" has %s (save M.astype('float32'))",
                        matrix->file, rs_tensor_refusal(tensor));
    if (tensor == NULL || tensor->n_dims != 1)
        return rs_error(err, RECSYS_E_FORMAT, "%s: has no member \"data\" of one dimension",
                        matrix->file);
    matrix->n = tensor->shape[0];
    matrix->data = as_array(tensor);
    return RECSYS_OK;
}

/* As floats: number i of `data`. */
static float get_weight(const struct sparse *matrix, uint64_t i)
{
    const recsys_array *data = &matrix->data;
    int64_t integer = 0;
    float weight;

    if (!is_integer(data->dtype)) {
        rs_floats_read((const unsigned char *)data->data + i * rs_dtype_size(data->dtype),
                       data->dtype, 1, &weight);
        return weight;
    }
    if (!rs_array_get_integer(data, (size_t)i, &integer))
        return (float)(uint64_t)integer;
    return (float)integer;
}

static recsys_status check_index(const struct sparse *matrix, const recsys_array *array,
                                 const char *name, uint64_t i, uint64_t limit, recsys_error *err)
{
    int64_t value;

    if (rs_array_get_integer(array, (size_t)i, &value) && value >= 0 && (uint64_t)value < limit)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_FORMAT,
                    "%s: \"%s\"[%" PRIu64 "] is %" PRId64 ", must be 0..%" PRIu64, matrix->file,
                    name, i, value, limit - 1);
}

static recsys_status check_entries(const struct sparse *matrix, recsys_error *err)
{
    uint64_t other = matrix->shape[matrix->format == CSC ? 0 : 1];
    const char *name = matrix->format == COO ? "col" : "indices";
    recsys_status status = RECSYS_OK;

    for (uint64_t i = 0; i < matrix->n && status == RECSYS_OK; i++) {
        status = check_index(matrix, &matrix->indices, name, i, other, err);
        if (status == RECSYS_OK && matrix->format == COO)
            status = check_index(matrix, &matrix->along, "row", i, matrix->shape[0], err);
        if (status == RECSYS_OK && !isfinite(get_weight(matrix, i)))
            status = rs_error(err, RECSYS_E_FORMAT,
                              "%s: \"data\"[%" PRIu64 "] is not a finite number", matrix->file, i);
    }
    return status;
}

/* `indptr` rises from 0 to the number of entries. */
static recsys_status check_offsets(const struct sparse *matrix, uint64_t n, recsys_error *err)
{
    int64_t before = 0, offset = 0;

    for (uint64_t i = 0; i <= n; i++, before = offset)
        if (!rs_array_get_integer(&matrix->along, (size_t)i, &offset) || offset < before ||
            (i == 0 && offset != 0) || (i == n && (uint64_t)offset != matrix->n))
            return rs_error(err, RECSYS_E_FORMAT,
                            "%s: \"indptr\"[%" PRIu64 "] is %" PRId64
                            "; it must rise from 0 to %" PRIu64,
                            matrix->file, i, offset, matrix->n);
    return RECSYS_OK;
}

static recsys_status read_matrix(const recsys_builder *builder, struct sparse *matrix,
                                 recsys_error *err)
{
    recsys_status status;

    if ((status = get_format(matrix, err)) != RECSYS_OK ||
        (status = get_shape(builder, matrix, err)) != RECSYS_OK ||
        (status = get_data(matrix, err)) != RECSYS_OK)
        return status;
    int is_coo = matrix->format == COO;
    uint64_t n_lists = matrix->shape[matrix->format == CSC ? 1 : 0];
    status = get_integers(matrix, is_coo ? "col" : "indices", matrix->n, &matrix->indices, err);
    if (status == RECSYS_OK)
        status = get_integers(matrix, is_coo ? "row" : "indptr", is_coo ? matrix->n : n_lists + 1,
                              &matrix->along, err);
    if (status == RECSYS_OK && !is_coo)
        status = check_offsets(matrix, n_lists, err);
    return status == RECSYS_OK ? check_entries(matrix, err) : status;
}

/* The next entry; `list` is the row or column it lies in. */
static void get_entry(const struct sparse *matrix, uint64_t i, uint64_t *list, uint32_t *user,
                      uint32_t *item)
{
    int64_t index, along;

    (void)rs_array_get_integer(&matrix->indices, (size_t)i, &index);
    if (matrix->format == COO)
        (void)rs_array_get_integer(&matrix->along, (size_t)i, &along);
    else
        for (;; ++*list) {
            (void)rs_array_get_integer(&matrix->along, (size_t)*list + 1, &along);
            if ((uint64_t)along > i) {
                along = (int64_t)*list;
                break;
            }
        }
    *user = (uint32_t)(matrix->format == CSC ? index : along);
    *item = (uint32_t)(matrix->format == CSC ? along : index);
}

static recsys_status add_entries(recsys_builder *builder, const struct sparse *matrix,
                                 recsys_error *err)
{
    uint32_t users[BATCH], items[BATCH];
    float weights[BATCH];
    const struct rs_seen_pairs before = builder->seen;
    uint64_t list = 0;
    recsys_status status = RECSYS_OK;

    for (uint64_t i = 0; (i < matrix->n || i == 0) && status == RECSYS_OK;) {
        size_t n = 0;
        for (; n < BATCH && i + n < matrix->n; n++) {
            get_entry(matrix, i + n, &list, &users[n], &items[n]);
            weights[n] = get_weight(matrix, i + n);
        }
        status = recsys_builder_add_seen(builder, users, items, weights, n, RECSYS_SEEN_SUM, err);
        i += n > 0 ? n : 1;
    }
    if (status != RECSYS_OK) { /* the memory may be another one by now */
        builder->seen.n = before.n;
        builder->seen.flags = before.flags;
        builder->seen.is_used = before.is_used;
        builder->seen.has_weights = before.has_weights;
    }
    return status;
}

recsys_status recsys_builder_import_seen(recsys_builder *builder, const char *path,
                                         recsys_error *err)
{
    struct sparse matrix;

    if (builder == NULL || path == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_import_seen: %s is NULL",
                        builder == NULL ? "builder" : "path");
    memset(&matrix, 0, sizeof matrix);
    matrix.file = rs_last_part(path);
    recsys_status status = rs_tensors_open(path, matrix.file, rs_npz_parse, &matrix.tensors, err);
    if (status == RECSYS_OK)
        status = read_matrix(builder, &matrix, err);
    if (status == RECSYS_OK)
        status = add_entries(builder, &matrix, err);
    rs_tensors_close(&matrix.tensors);
    return status;
}
