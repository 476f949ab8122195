/* lib/builder/builder_implicit.c - the Python package implicit's bias columns and settings.
 *
 * Factors with bias columns are copied, because their rows are wider than the vectors.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/builder/import_tensors.h"
#include "lib/builder/known_sources.h"
#include "lib/bundle/implicit.h"
#include "lib/bundle/matrix.h"

static recsys_status keep_floats(recsys_builder *builder, int part, float *floats, uint64_t rows,
                                 uint64_t columns, recsys_error *err)
{
    recsys_array array = RECSYS_ARRAY_2D(floats, RECSYS_DTYPE_F32, rows, columns);

    array.n_dims = rs_part_kinds[part].n_dims;
    recsys_status status = rs_part_set_array(builder, part, &array, err);
    builder->parts[part].is_chosen = status == RECSYS_OK;
    return status;
}

/* Floats that the builder owns. */
static float *take_memory(recsys_builder *builder, size_t rows, size_t columns)
{
    struct rs_builder_input *input = rs_builder_add_input(builder);
    size_t n;

    if (input == NULL || !rs_multiply(rows, columns, &n))
        return NULL;
    input->memory = rs_alloc_array(n, sizeof(float));
    return input->memory;
}

/* The vectors of users or items without the columns that implicit adds, and the bias from those
 * columns. */
static recsys_status split_factors(recsys_builder *builder, const struct rs_tensors *tensors,
                                   const char *file, int factors_part, int bias_part,
                                   uint32_t n_extra, uint32_t bias_column, recsys_error *err)
{
    const char *name = rs_part_kinds[factors_part].name;
    char origin[64];
    struct rs_matrix matrix;
    recsys_status status = rs_matrix_view(rs_tensors_find(tensors, name), name, &matrix, err);

    if (status != RECSYS_OK)
        return status;
    matrix.n_columns = matrix.width - n_extra;
    float *vectors = take_memory(builder, matrix.n_rows, matrix.n_columns);
    if (vectors == NULL)
        return rs_error_nomem(err, name);
    for (size_t i = 0; i < matrix.n_rows; i++)
        rs_matrix_get_row(&matrix, i, vectors + i * matrix.n_columns);
    status = keep_floats(builder, factors_part, vectors, matrix.n_rows, matrix.n_columns, err);
    snprintf(origin, sizeof origin, "%s without implicit's extra columns", name);
    if (status == RECSYS_OK)
        status = rs_part_set_origin(builder, factors_part, file, origin, err);
    if (status != RECSYS_OK || bias_column == 0)
        return status;
    float *bias = take_memory(builder, matrix.n_rows, 1);
    if (bias == NULL)
        return rs_error_nomem(err, name);
    status = rs_matrix_get_column(&matrix, matrix.width - bias_column, NULL, bias, name, err);
    if (status == RECSYS_OK)
        status = keep_floats(builder, bias_part, bias, matrix.n_rows, 0, err);
    snprintf(origin, sizeof origin, "a column of %s", name);
    return status == RECSYS_OK ? rs_part_set_origin(builder, bias_part, file, origin, err) : status;
}

static recsys_status take_settings(recsys_builder *builder, const struct rs_tensors *tensors,
                                   recsys_error *err)
{
    char *text = NULL;
    json_t *settings = NULL;
    recsys_status status = rs_implicit_settings(tensors, &text, err);

    if (status == RECSYS_OK)
        status = rs_json_parse(text, strlen(text), "hyperparameters", &settings, err);
    if (status == RECSYS_OK && json_object_update(builder->hyperparameters, settings) != 0)
        status = rs_error_nomem(err, "hyperparameters");
    json_decref(settings);
    rs_free(text);
    return status;
}

recsys_status rs_import_implicit(struct recsys_builder *builder, const struct rs_tensors *tensors,
                                 const char *file, recsys_error *err)
{
    struct rs_implicit implicit;
    recsys_status status = rs_implicit_detect(tensors, file, &implicit, err);

    if (status == RECSYS_OK && implicit.n_extra > 0)
        status = split_factors(builder, tensors, file, RS_PART_ITEM_FACTORS, RS_PART_ITEM_BIAS,
                               implicit.n_extra, implicit.item_bias_column, err);
    if (status == RECSYS_OK && implicit.n_extra > 0)
        status = split_factors(builder, tensors, file, RS_PART_USER_FACTORS, RS_PART_USER_BIAS,
                               implicit.n_extra, implicit.user_bias_column, err);
    if (status != RECSYS_OK || implicit.algorithm[0] == '\0')
        return status;
    if (!builder->source_is_given)
        builder->source = rs_known_source_find("implicit", implicit.algorithm);
    status = recsys_builder_set_field(builder, "algorithm", implicit.algorithm, err);
    if (status == RECSYS_OK && implicit.n_extra > 0)
        status = recsys_builder_set_field(builder, "similar_by",
                                          rs_similar_name(implicit.similar_by), err);
    return status == RECSYS_OK ? take_settings(builder, tensors, err) : status;
}
