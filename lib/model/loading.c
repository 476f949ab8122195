/* lib/model/loading.c - functions that several steps of loading use. See loading.h. */
#include "lib/model/loading.h"

#include <stdio.h>

#include "lib/base/error.h"
#include "lib/bundle/layout.h"
#include "lib/bundle/matrix.h"

const char *rs_loading_what(const char *file, const char *tensor, char out[RS_WHAT_SIZE])
{
    snprintf(out, RS_WHAT_SIZE, "%s: %s", file, tensor);
    return out;
}

recsys_status rs_load_column(struct rs_loading *loading, const struct rs_tensors *tensors,
                             const char *file, const char *name, size_t n, const uint32_t *order,
                             const float **out)
{
    const struct rs_tensor *tensor = rs_tensors_find(tensors, name);
    struct rs_matrix column;
    char what[RS_WHAT_SIZE];
    double norm;

    *out = NULL;
    if (tensor == NULL)
        return RECSYS_OK;
    rs_loading_what(file, name, what);
    recsys_status status = rs_matrix_view_column(tensor, n, what, &column, loading->err);
    if (status != RECSYS_OK)
        return status;
    const float *mapped = order == NULL ? rs_matrix_floats(&column) : NULL;
    if (mapped != NULL && rs_layout_norms(mapped, 1, n, n, &norm, what, NULL) == RECSYS_OK) {
        *out = mapped;
        return RECSYS_OK;
    }
    float *copy = rs_memory_take(loading->model->memory, n, sizeof *copy, 0);
    if (copy == NULL)
        return rs_error_nomem(loading->err, what);
    *out = copy;
    return rs_matrix_get_column(&column, 0, order, copy, what, loading->err);
}
