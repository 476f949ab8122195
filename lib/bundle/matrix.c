/* lib/bundle/matrix.c - see matrix.h. */
#include "lib/bundle/matrix.h"
#include "lib/formats/describe.h"
#include "lib/formats/floats.h"

#include <inttypes.h>
#include <math.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/bundle/layout.h"

static int is_real(uint32_t dtype)
{
    return dtype == RECSYS_DTYPE_F32 || dtype == RECSYS_DTYPE_F64 || dtype == RECSYS_DTYPE_F16 ||
           dtype == RECSYS_DTYPE_BF16;
}

static recsys_status check_dtype(const struct rs_tensor *tensor, const char *what,
                                 recsys_error *err)
{
    if (tensor->dtype == 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s: is %s, %s", what, tensor->type,
                        rs_tensor_refusal(tensor));
    if (!is_real(tensor->dtype))
        return rs_error(err, RECSYS_E_FORMAT, "%s: is %s, must be F32, F64, F16 or BF16", what,
                        tensor->type);
    return RECSYS_OK;
}

recsys_status rs_matrix_view(const struct rs_tensor *tensor, const char *what,
                             struct rs_matrix *out, recsys_error *err)
{
    recsys_status status = check_dtype(tensor, what, err);
    if (status != RECSYS_OK)
        return status;
    if (tensor->n_dims != 2)
        return rs_error(err, RECSYS_E_FORMAT, "%s: has %" PRIu32 " dimensions, want 2", what,
                        tensor->n_dims);
    out->data = tensor->data;
    out->dtype = tensor->dtype;
    out->n_rows = (size_t)tensor->shape[0];
    out->width = (size_t)tensor->shape[1];
    out->n_columns = out->width;
    return RECSYS_OK;
}

recsys_status rs_matrix_view_column(const struct rs_tensor *tensor, size_t n_rows, const char *what,
                                    struct rs_matrix *out, recsys_error *err)
{
    recsys_status status = check_dtype(tensor, what, err);
    if (status != RECSYS_OK)
        return status;
    if (tensor->n_dims != 1)
        return rs_error(err, RECSYS_E_FORMAT, "%s: has %" PRIu32 " dimensions, want 1", what,
                        tensor->n_dims);
    if (tensor->shape[0] != n_rows)
        return rs_error(err, RECSYS_E_FORMAT, "%s: has %" PRIu64 " numbers, want %zu", what,
                        tensor->shape[0], n_rows);
    out->data = tensor->data;
    out->dtype = tensor->dtype;
    out->n_rows = n_rows;
    out->width = 1;
    out->n_columns = 1;
    return RECSYS_OK;
}

const float *rs_matrix_floats(const struct rs_matrix *matrix)
{
    return matrix->dtype == RECSYS_DTYPE_F32 && matrix->width == matrix->n_columns
               ? (const float *)(const void *)matrix->data
               : NULL;
}

static const unsigned char *address(const struct rs_matrix *matrix, size_t row, size_t column)
{
    return matrix->data + (row * matrix->width + column) * rs_dtype_size(matrix->dtype);
}

void rs_matrix_get_row(const struct rs_matrix *matrix, size_t row, float *to)
{
    rs_floats_read(address(matrix, row, 0), matrix->dtype, matrix->n_columns, to);
}

float rs_matrix_get(const struct rs_matrix *matrix, size_t row, size_t column)
{
    float value;

    rs_floats_read(address(matrix, row, column), matrix->dtype, 1, &value);
    return value;
}

static recsys_status converted_norms(const struct rs_matrix *matrix, float *row, double *norms,
                                     const char *what, recsys_error *err)
{
    for (size_t i = 0; i < matrix->n_rows; i++) {
        rs_matrix_get_row(matrix, i, row);
        if (rs_layout_norms(row, 1, matrix->n_columns, matrix->n_columns, &norms[i], what, NULL) ==
            RECSYS_OK)
            continue;
        return rs_layout_refuse(row, i, what, err);
    }
    return RECSYS_OK;
}

recsys_status rs_matrix_norms(const struct rs_matrix *matrix, double *norms, const char *what,
                              recsys_error *err)
{
    if (matrix->dtype == RECSYS_DTYPE_F32)
        return rs_layout_norms((const float *)(const void *)matrix->data, matrix->n_rows,
                               matrix->n_columns, matrix->width, norms, what, err);
    float *row = rs_alloc_array(matrix->n_columns, sizeof *row);
    if (row == NULL)
        return rs_error_nomem(err, what);
    recsys_status status = converted_norms(matrix, row, norms, what, err);
    rs_free(row);
    return status;
}

recsys_status rs_matrix_get_column(const struct rs_matrix *matrix, size_t column,
                                   const uint32_t *order, float *to, const char *what,
                                   recsys_error *err)
{
    for (size_t p = 0; p < matrix->n_rows; p++) {
        size_t row = order == NULL ? p : order[p];
        to[p] = rs_matrix_get(matrix, row, column);
        if (!isfinite(to[p]))
            return rs_error(err, RECSYS_E_FORMAT, "%s[%zu] is not a finite number", what, row);
    }
    return RECSYS_OK;
}
