/* lib/builder/builder_import.c - collect parts from files.
 *
 * Arrays of a file are used where they are mapped; a builder keeps its files open until it is
 * destroyed. Only implicit's factors with bias columns are copied, because their rows are wider
 * than the vectors.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/builder/parts.h"
#include "lib/bundle/implicit.h"
#include "lib/bundle/manifest.h"
#include "lib/bundle/matrix.h"

/* Add an input for parts to point into; the builder frees it. */
static struct rs_builder_input *add_input(recsys_builder *builder)
{
    struct rs_builder_input *input = rs_alloc_array(1, sizeof *input);

    if (input != NULL) {
        input->next = builder->inputs;
        builder->inputs = input;
    }
    return input;
}

static int ends_in(const char *path, const char *end)
{
    size_t size = strlen(path), end_size = strlen(end);

    return size > end_size && strcmp(path + size - end_size, end) == 0;
}

const char *rs_last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

static recsys_status open_file(recsys_builder *builder, const char *path, rs_tensors_parse parse,
                               const struct rs_tensors **out, recsys_error *err)
{
    struct rs_builder_input *input = add_input(builder);

    if (input == NULL)
        return rs_error_nomem(err, path);
    *out = &input->tensors;
    return rs_tensors_open(path, rs_last_part(path), parse, &input->tensors, err);
}

/* Texts are bytes with offsets beside them. */
static recsys_status take_texts(recsys_builder *builder, int part, const struct rs_tensor *bytes,
                                const struct rs_tensor *offsets, recsys_error *err)
{
    if ((offsets->dtype != RECSYS_DTYPE_U64 && offsets->dtype != RECSYS_DTYPE_I64) ||
        offsets->n_dims != 1 || offsets->shape[0] < 1)
        return rs_error(err, RECSYS_E_INVALID, "%s must be U64 [n + 1]", offsets->name);
    rs_part_set_texts(builder, part, bytes->data, bytes->n_bytes, offsets->data,
                      (size_t)offsets->shape[0] - 1);
    return RECSYS_OK;
}

static recsys_status set_from_tensor(recsys_builder *builder, int part,
                                     const struct rs_tensors *tensors,
                                     const struct rs_tensor *tensor, recsys_error *err)
{
    const struct rs_part_kind *kind = &rs_part_kinds[part];
    char offsets_name[320];

    if (tensor->dtype == 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s has a type that cannot be used", kind->name);
    snprintf(offsets_name, sizeof offsets_name, "%.300s_offsets", tensor->name);
    const struct rs_tensor *offsets = rs_tensors_find(tensors, offsets_name);
    if ((kind->holds & RS_HOLDS_TEXTS) != 0 && tensor->dtype == RECSYS_DTYPE_U8 &&
        tensor->n_dims == 1 && offsets != NULL)
        return take_texts(builder, part, tensor, offsets, err);
    recsys_array array = RECSYS_ARRAY_2D(tensor->data, tensor->dtype, 0, 0);
    array.n_dims = tensor->n_dims;
    for (uint32_t i = 0; i < 2 && i < tensor->n_dims; i++)
        array.shape[i] = tensor->shape[i];
    return rs_part_set_array(builder, part, &array, err);
}

/* The same, with errors that begin with the file's name. */
static recsys_status take_tensor(recsys_builder *builder, int part, const char *file,
                                 const struct rs_tensors *tensors, const struct rs_tensor *tensor,
                                 recsys_error *err)
{
    recsys_error inner;
    recsys_status status = set_from_tensor(builder, part, tensors, tensor, &inner);

    if (status == RECSYS_OK)
        return RECSYS_OK;
    return rs_error(err, status, "%s: %s", file, inner.message);
}

recsys_status recsys_builder_import_array(recsys_builder *builder, const char *name,
                                          const char *path, const char *member, recsys_error *err)
{
    const struct rs_tensors *tensors = NULL;
    rs_tensors_parse parse = NULL;

    if (builder == NULL || name == NULL || path == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_import_array: %s is NULL",
                        builder == NULL ? "builder"
                        : name == NULL  ? "name"
                                        : "path");
    int part = rs_part_find(name);
    if (part < 0)
        return rs_error(err, RECSYS_E_INVALID, "a model has no array called \"%.80s\"", name);
    if (member == NULL)
        member = name;
    if (ends_in(path, ".npy")) {
        parse = rs_npy_parse;
        member = "";
    } else if (ends_in(path, ".npz")) {
        parse = rs_npz_parse;
    } else if (ends_in(path, ".safetensors")) {
        parse = rs_safetensors_parse;
    } else {
        return rs_error(err, RECSYS_E_INVALID,
                        "%.300s: arrays come from .npy, .npz and .safetensors files", path);
    }
    recsys_status status = open_file(builder, path, parse, &tensors, err);
    if (status != RECSYS_OK)
        return status;
    const struct rs_tensor *tensor = rs_tensors_find(tensors, member);
    if (tensor == NULL)
        return rs_error(err, RECSYS_E_NOT_FOUND, "%.300s: has no member \"%.100s\"",
                        rs_last_part(path), member);
    return take_tensor(builder, part, rs_last_part(path), tensors, tensor, err);
}

/* Every tensor with a part's name. */
static recsys_status take_tensors(recsys_builder *builder, const struct rs_tensors *tensors,
                                  const char *file, recsys_error *err)
{
    for (int part = 0; part < RS_N_PARTS; part++) {
        const struct rs_tensor *tensor = rs_tensors_find(tensors, rs_part_kinds[part].name);
        if (tensor == NULL)
            continue;
        recsys_status status = take_tensor(builder, part, file, tensors, tensor, err);
        if (status == RECSYS_E_INVALID && err != NULL)
            err->status = RECSYS_E_FORMAT; /* E_FORMAT, since the caller has set no array: the file
                                              is wrong */
        if (status != RECSYS_OK)
            return status == RECSYS_E_INVALID ? RECSYS_E_FORMAT : status;
    }
    return RECSYS_OK;
}

/* A file without vectors is no model. Rows of a bundle without ids are numbered from 1, those of
 * other files from 0. */
static recsys_status take_model(recsys_builder *builder, const struct rs_files *files,
                                recsys_error *err)
{
    for (int part = RS_PART_USER_IDS; part <= RS_PART_ITEM_IDS; part++)
        if (rs_tensors_find(&files->model, rs_part_kinds[part].name) == NULL)
            builder->parts[part].first = files->is_bundle ? 1 : 0;
    for (int part = RS_PART_USER_FACTORS; part <= RS_PART_ITEM_FACTORS; part++)
        if (rs_tensors_find(&files->model, rs_part_kinds[part].name) == NULL)
            return rs_error(err, RECSYS_E_FORMAT, "%s: has no tensor %s", files->model_name,
                            rs_part_kinds[part].name);
    return take_tensors(builder, &files->model, files->model_name, err);
}

static recsys_status keep_floats(recsys_builder *builder, int part, float *floats, uint64_t rows,
                                 uint64_t columns, recsys_error *err)
{
    recsys_array array = RECSYS_ARRAY_2D(floats, RECSYS_DTYPE_F32, rows, columns);

    array.n_dims = rs_part_kinds[part].n_dims;
    return rs_part_set_array(builder, part, &array, err);
}

/* Floats that the builder owns. */
static float *take_memory(recsys_builder *builder, size_t rows, size_t columns)
{
    struct rs_builder_input *input = add_input(builder);
    size_t n;

    if (input == NULL || !rs_multiply(rows, columns, &n))
        return NULL;
    input->memory = rs_alloc_array(n, sizeof(float));
    return input->memory;
}

/* The vectors of users or items without the columns that implicit adds, and the bias from those
 * columns. */
static recsys_status split_factors(recsys_builder *builder, const struct rs_tensors *tensors,
                                   int factors_part, int bias_part, uint32_t n_extra,
                                   uint32_t bias_column, recsys_error *err)
{
    const char *name = rs_part_kinds[factors_part].name;
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
    if (status != RECSYS_OK || bias_column == 0)
        return status;
    float *bias = take_memory(builder, matrix.n_rows, 1);
    if (bias == NULL)
        return rs_error_nomem(err, name);
    status = rs_matrix_get_column(&matrix, matrix.width - bias_column, NULL, bias, name, err);
    return status == RECSYS_OK ? keep_floats(builder, bias_part, bias, matrix.n_rows, 0, err)
                               : status;
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

static recsys_status take_implicit(recsys_builder *builder, const struct rs_files *files,
                                   recsys_error *err)
{
    const struct rs_tensors *tensors = &files->model;
    struct rs_implicit implicit;
    recsys_status status = rs_implicit_detect(tensors, files->model_name, &implicit, err);

    if (status == RECSYS_OK && implicit.n_extra > 0)
        status = split_factors(builder, tensors, RS_PART_ITEM_FACTORS, RS_PART_ITEM_BIAS,
                               implicit.n_extra, implicit.item_bias_column, err);
    if (status == RECSYS_OK && implicit.n_extra > 0)
        status = split_factors(builder, tensors, RS_PART_USER_FACTORS, RS_PART_USER_BIAS,
                               implicit.n_extra, implicit.user_bias_column, err);
    if (status == RECSYS_OK && implicit.algorithm[0] != '\0')
        status = recsys_builder_set_field(builder, "algorithm", implicit.algorithm, err);
    return status == RECSYS_OK ? take_settings(builder, tensors, err) : status;
}

static recsys_status take_fields(recsys_builder *builder, const struct rs_manifest *manifest,
                                 recsys_error *err)
{
    const json_t *metrics = json_object_get(manifest->json, "metrics");
    const json_t *settings = json_object_get(manifest->json, "hyperparameters");
    const json_t *tags = json_object_get(manifest->json, "tags");
    const char *const fields[][2] = {{"name", manifest->name},
                                     {"version", manifest->version},
                                     {"algorithm", manifest->algorithm},
                                     {"training_date", manifest->training_date},
                                     {"item_name", manifest->item_name},
                                     {"metric", rs_metric_name(manifest->metric)},
                                     {"link", rs_link_name(manifest->link)}};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i][1][0] == '\0')
            continue;
        recsys_status status = recsys_builder_set_field(builder, fields[i][0], fields[i][1], err);
        if (status != RECSYS_OK)
            return status;
    }
    if (manifest->link == RECSYS_LINK_LINEAR) {
        json_t *link = json_object_get(manifest->json, "link");
        if (json_object_set(builder->fields, "link_min", json_object_get(link, "min")) != 0 ||
            json_object_set(builder->fields, "link_max", json_object_get(link, "max")) != 0)
            return rs_error_nomem(err, "link");
    }
    if ((json_is_object(metrics) && json_object_update(builder->metrics, (json_t *)metrics) != 0) ||
        (json_is_object(settings) &&
         json_object_update(builder->hyperparameters, (json_t *)settings) != 0) ||
        (json_is_object(tags) && json_object_update(builder->tags, (json_t *)tags) != 0))
        return rs_error_nomem(err, RS_FILE_MANIFEST);
    return RECSYS_OK;
}

recsys_status recsys_builder_import_model(recsys_builder *builder, const char *path,
                                          recsys_error *err)
{
    if (builder == NULL || path == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_import_model: %s is NULL",
                        builder == NULL ? "builder" : "path");
    struct rs_builder_input *input = add_input(builder);
    if (input == NULL)
        return rs_error_nomem(err, path);
    struct rs_files *files = &input->files;
    recsys_status status = rs_files_open(path, 0, 0, files, err);
    if (status == RECSYS_OK && files->is_bundle)
        status = take_fields(builder, &files->manifest, err);
    if (status == RECSYS_OK)
        status = take_model(builder, files, err);
    if (status == RECSYS_OK && files->is_npz)
        status = take_implicit(builder, files, err);
    if (status == RECSYS_OK && files->has_seen)
        status = take_tensors(builder, &files->seen, files->seen_name, err);
    if (status == RECSYS_OK)
        status = rs_builder_add_lines(builder, (const char *)files->catalog.bytes,
                                      files->catalog.size, files->catalog_name, err);
    return status;
}

recsys_status recsys_builder_import_catalog(recsys_builder *builder, const char *path,
                                            recsys_error *err)
{
    struct rs_map map;

    if (builder == NULL || path == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_import_catalog: %s is NULL",
                        builder == NULL ? "builder" : "path");
    recsys_status status = rs_map_open(path, rs_last_part(path), UINT64_MAX, &map, err);
    if (status != RECSYS_OK)
        return status;
    status =
        rs_builder_add_lines(builder, (const char *)map.bytes, map.size, rs_last_part(path), err);
    rs_map_close(&map);
    return status;
}
