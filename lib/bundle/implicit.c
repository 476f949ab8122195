/* lib/bundle/implicit.c - see implicit.h.
 *
 * An .npz does not name its algorithm, but each algorithm stores a setting that the others lack.
 * implicit gives BPR one extra column (users 1, items their bias) and LMF two (users 1 and their
 * bias, items their bias and 1). The columns are separated here, so that a scan can bound vectors
 * and biases apart; `similar_by` says how its similar_items() puts them together. A user without
 * data (an all-zero row) is then scored by the items' biases alone.
 */
#include "lib/bundle/implicit.h"
#include "lib/formats/floats.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/bundle/factors.h"
#include "lib/bundle/matrix.h"

/* Column `from_end` must hold ones, except in rows that are all zero. */
static recsys_status check_ones(const struct rs_tensors *tensors, const char *file,
                                const char *name, uint32_t n_extra, uint32_t from_end,
                                recsys_error *err)
{
    const struct rs_tensor *tensor = rs_tensors_find(tensors, name);
    struct rs_matrix matrix;
    char what[320];

    snprintf(what, sizeof what, "%s: %s", file, name);
    if (tensor == NULL)
        return rs_factors_missing(tensors, file, name, 0, err);
    recsys_status status = rs_matrix_view(tensor, what, &matrix, err);
    if (status != RECSYS_OK)
        return status;
    if (matrix.width <= n_extra)
        return rs_error(err, RECSYS_E_FORMAT, "%s: has %zu columns, want more than %" PRIu32, what,
                        matrix.width, n_extra);
    for (size_t row = 0; from_end != 0 && row < matrix.n_rows; row++) {
        size_t column = matrix.width - from_end;
        float one = rs_matrix_get(&matrix, row, column);
        int zero = one == 0;
        for (size_t j = 0; zero && j < matrix.width; j++)
            zero = rs_matrix_get(&matrix, row, j) == 0;
        if (one != 1 && !zero)
            return rs_error(err, RECSYS_E_FORMAT,
                            "%s[%zu,%zu] is %g, a model of implicit has a 1 there", what, row,
                            column, (double)one);
    }
    return RECSYS_OK;
}

recsys_status rs_implicit_detect(const struct rs_tensors *tensors, const char *file,
                                 struct rs_implicit *out, recsys_error *err)
{
    recsys_status status = RECSYS_OK;

    memset(out, 0, sizeof *out);
    out->algorithm = "";
    out->similar_by = RECSYS_SIMILAR_VECTOR;
    if (rs_tensors_find(tensors, "neg_prop") != NULL) {
        out->algorithm = "lmf";
        out->similar_by = RECSYS_SIMILAR_VECTOR_BIAS_ONE;
        out->n_extra = 2;
        out->item_bias_column = 2;
        out->user_bias_column = 1;
        status = check_ones(tensors, file, "user_factors", 2, 2, err);
        if (status == RECSYS_OK)
            status = check_ones(tensors, file, "item_factors", 2, 1, err);
    } else if (rs_tensors_find(tensors, "verify_negative_samples") != NULL) {
        out->algorithm = "bpr";
        out->similar_by = RECSYS_SIMILAR_VECTOR_BIAS;
        out->n_extra = 1;
        out->item_bias_column = 1;
        status = check_ones(tensors, file, "user_factors", 1, 1, err);
        if (status == RECSYS_OK)
            status = check_ones(tensors, file, "item_factors", 1, 0, err);
    } else if (rs_tensors_find(tensors, "regularization") != NULL &&
               rs_tensors_find(tensors, "learning_rate") == NULL) {
        out->algorithm = "als";
    }
    return status;
}

static json_t *scalar(const struct rs_tensor *tensor)
{
    int64_t integer;
    float real;

    switch (tensor->dtype) {
    case RECSYS_DTYPE_I64:
        memcpy(&integer, tensor->data, sizeof integer);
        return json_integer((json_int_t)integer);
    case RECSYS_DTYPE_F64: {
        double large;
        memcpy(&large, tensor->data, sizeof large);
        return isfinite(large) ? json_real(large) : json_null();
    }
    case RECSYS_DTYPE_F32:
        rs_floats_read(tensor->data, tensor->dtype, 1, &real);
        return isfinite(real) ? json_real((double)real) : json_null();
    default:
        return json_null();
    }
}

recsys_status rs_implicit_settings(const struct rs_tensors *tensors, char **out, recsys_error *err)
{
    static const char *const names[] = {"alpha",         "factors",  "iterations",
                                        "learning_rate", "neg_prop", "regularization"};
    const size_t flags = JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15);
    json_t *settings = json_object();
    int failed = settings == NULL;

    for (size_t i = 0; !failed && i < sizeof names / sizeof *names; i++) {
        const struct rs_tensor *tensor = rs_tensors_find(tensors, names[i]);
        if (tensor != NULL && tensor->n_dims == 0 && tensor->dtype != 0)
            failed = json_object_set_new(settings, names[i], scalar(tensor)) != 0;
    }
    *out = failed ? NULL : rs_json_write_text(settings, flags);
    json_decref(settings);
    return *out != NULL ? RECSYS_OK : rs_error_nomem(err, "settings of the model");
}
