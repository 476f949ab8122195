/* lib/model/features.c - load the feature vectors, which preferences add to a user's vector, and
 * their names. */
#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/bundle/matrix.h"
#include "lib/model/loading.h"

static recsys_status load_feature_names(struct rs_loading *loading, size_t n)
{
    struct recsys_model *model = loading->model;
    const struct rs_tensor *names = rs_tensors_find(loading->tensors, "feature_names");
    char what[RS_WHAT_SIZE];

    rs_loading_what(loading->file, "feature_names", what);
    if (names == NULL || names->dtype != RECSYS_DTYPE_U8 || names->n_dims != 1)
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: must be there beside feature_factors, U8", what);
    recsys_status status =
        rs_load_texts(loading, &model->feature_ids, "feature_names", names, n, NULL);
    if (status != RECSYS_OK)
        return status;
    for (size_t i = 0; i < names->n_bytes; i++)
        if (model->feature_ids.texts[i] >= 'A' && model->feature_ids.texts[i] <= 'Z')
            return rs_error(loading->err, RECSYS_E_FORMAT, "%s: must be in lower case", what);
    return RECSYS_OK;
}

recsys_status rs_load_features(struct rs_loading *loading)
{
    struct recsys_model *model = loading->model;
    const struct rs_tensor *tensor = rs_tensors_find(loading->tensors, "feature_factors");
    struct rs_matrix features;
    char what[RS_WHAT_SIZE];

    if (tensor == NULL)
        return RECSYS_OK;
    rs_loading_what(loading->file, "feature_factors", what);
    recsys_status status = rs_matrix_view(tensor, what, &features, loading->err);
    if (status != RECSYS_OK)
        return status;
    if (features.n_columns != model->dimensions || features.n_rows > UINT32_MAX)
        return rs_error(loading->err, RECSYS_E_FORMAT,
                        "%s: has vectors of %zu numbers, item_factors of %" PRIu32, what,
                        features.n_columns, model->dimensions);
    double *norms = rs_alloc_array(features.n_rows, sizeof *norms);
    if (norms == NULL)
        return rs_error_nomem(loading->err, what);
    status = rs_matrix_norms(&features, norms, what, loading->err);
    rs_free(norms);
    if (status != RECSYS_OK)
        return status;
    model->features = rs_matrix_floats(&features);
    if (model->features == NULL) {
        size_t d = model->dimensions;
        float *copy = rs_memory_take(model->memory, features.n_rows, d * sizeof *copy, 0);
        if (copy == NULL)
            return rs_error_nomem(loading->err, what);
        for (size_t i = 0; i < features.n_rows; i++)
            rs_matrix_get_row(&features, i, copy + i * d);
        model->features = copy;
    }
    model->n_features = (uint32_t)features.n_rows;
    return load_feature_names(loading, features.n_rows);
}
