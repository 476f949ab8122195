/* lib/builder/builder_import.c - collect parts from files.
 *
 * Arrays of a file are used where they are mapped; a builder keeps its files open until it is
 * destroyed.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/builder/import_tensors.h"
#include "lib/bundle/manifest.h"
#include "lib/formats/describe.h"
#include "lib/formats/formats.h"

const char *rs_last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL || slash[1] == '\0' ? path : slash + 1;
}

/* The arrays of a file, which the builder keeps. */
static recsys_status open_file(recsys_builder *builder, const char *path, struct rs_tensors **out,
                               recsys_error *err)
{
    struct rs_builder_input *input = rs_builder_add_input(builder);
    rs_tensors_parse parse = NULL;
    struct rs_map map;

    if (input == NULL)
        return rs_error_nomem(err, path);
    *out = &input->tensors;
    recsys_status status = rs_map_open(path, rs_last_part(path), UINT64_MAX, &map, err);
    if (status != RECSYS_OK)
        return status;
    status = rs_formats_find(path, map.bytes, map.size, rs_last_part(path), &parse, err);
    if (status == RECSYS_OK)
        status = parse(map.bytes, map.size, rs_last_part(path), &input->tensors, err);
    if (status == RECSYS_OK)
        input->tensors.map = map;
    else
        rs_map_close(&map);
    return status;
}

static recsys_status choose_array(const struct rs_tensors *tensors, const char *file, int part,
                                  const char *member, const struct rs_tensor **out,
                                  recsys_error *err)
{
    char shown[300];

    if (member == NULL || (tensors->n > 0 && tensors->list[0].name[0] == '\0')) /* .npy */
        return rs_import_choose(tensors, file, part, out, err);
    *out = rs_tensors_find(tensors, member);
    if (*out != NULL)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_NOT_FOUND, "%.100s: has no array \"%.90s\"; it has %s", file,
                    member, rs_tensors_show(tensors, shown, sizeof shown));
}

recsys_status recsys_builder_import_array(recsys_builder *builder, const char *name,
                                          const char *path, const char *member, recsys_error *err)
{
    const struct rs_tensor *tensor = NULL;
    struct rs_tensors *tensors = NULL;

    if (builder == NULL || name == NULL || path == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_import_array: %s is NULL",
                        builder == NULL ? "builder"
                        : name == NULL  ? "name"
                                        : "path");
    int part = rs_part_find(name);
    if (part < 0)
        return rs_error(err, RECSYS_E_INVALID, "a model has no array called \"%.80s\"", name);
    recsys_status status = open_file(builder, path, &tensors, err);
    if (status == RECSYS_OK)
        status = choose_array(tensors, rs_last_part(path), part, member, &tensor, err);
    if (status != RECSYS_OK)
        return status;
    return rs_import_tensor(builder, part, rs_last_part(path), tensors, tensor, err);
}

/* 0: more than memory has. */
static int count_bytes(const recsys_array *array, size_t *out)
{
    *out = rs_dtype_size(array->dtype);
    for (uint32_t i = 0; i < array->n_dims; i++)
        if (array->shape[i] > SIZE_MAX || !rs_multiply(*out, (size_t)array->shape[i], out))
            return 0;
    return 1;
}

/* Why an array of the caller's is refused, behind "has"; NULL if it is not. */
static const char *find_fault(const char *name, const recsys_array *array)
{
    size_t n_bytes;

    if (name == NULL)
        return "no name";
    if (array->n_dims > 2)
        return "more than 2 dimensions";
    if (array->strides[0] != 0 || array->strides[1] != 0)
        return "strides, which must be 0 here";
    if (rs_dtype_size(array->dtype) == 0)
        return "a dtype that is none of RECSYS_DTYPE_*";
    if (!count_bytes(array, &n_bytes))
        return "a shape that is larger than memory";
    return array->data == NULL && n_bytes > 0 ? "no data" : NULL;
}

/* The caller's arrays, which have no fault, as tensors, which point to them. */
static recsys_status list_arrays(const char *const *names, const recsys_array *arrays, size_t n,
                                 struct rs_tensors *out, recsys_error *err)
{
    out->list = rs_alloc_array(n, sizeof *out->list);
    if (out->list == NULL)
        return rs_error_nomem(err, "arrays");
    for (; out->n < n; out->n++) {
        struct rs_tensor *tensor = &out->list[out->n];
        tensor->name = rs_copy_text(names[out->n]);
        if (tensor->name == NULL)
            return rs_error_nomem(err, "arrays");
        tensor->dtype = arrays[out->n].dtype;
        tensor->n_dims = arrays[out->n].n_dims;
        tensor->data = arrays[out->n].data;
        (void)count_bytes(&arrays[out->n], &tensor->n_bytes);
        memcpy(tensor->shape, arrays[out->n].shape, sizeof arrays[out->n].shape);
        rs_dtype_show(tensor->dtype, tensor->type);
    }
    return RECSYS_OK;
}

recsys_status recsys_builder_set_arrays(recsys_builder *builder, const char *where,
                                        const char *const *names, const recsys_array *arrays,
                                        size_t n, recsys_error *err)
{
    if (builder == NULL || where == NULL || names == NULL || arrays == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_set_arrays: %s is NULL",
                        builder == NULL ? "builder"
                        : where == NULL ? "where"
                        : names == NULL ? "names"
                                        : "arrays");
    for (size_t i = 0; i < n; i++) {
        const char *fault = find_fault(names[i], &arrays[i]);
        if (fault != NULL)
            return rs_error(err, RECSYS_E_INVALID, "recsys_builder_set_arrays: array %zu has %s", i,
                            fault);
    }
    struct rs_builder_input *input = rs_builder_add_input(builder);
    if (input == NULL)
        return rs_error_nomem(err, where);
    recsys_status status = list_arrays(names, arrays, n, &input->tensors, err);
    return status == RECSYS_OK ? rs_import_all(builder, &input->tensors, where, err) : status;
}

/* Rows of a bundle without ids are numbered from 1, those of other files from 0. */
static recsys_status take_model(recsys_builder *builder, const struct rs_files *files,
                                recsys_error *err)
{
    const struct rs_tensors *tensors = &files->model;

    for (int part = RS_PART_USER_IDS; part <= RS_PART_ITEM_IDS; part++)
        if (rs_tensors_find(tensors, rs_part_kinds[part].name) == NULL)
            builder->parts[part].first = files->is_bundle ? 1 : 0;
    if (files->is_bundle)
        return rs_import_exact(builder, tensors, files->model_name, err);
    recsys_status status = rs_import_all(builder, tensors, files->model_name, err);
    if (status == RECSYS_OK && files->is_npz)
        status = rs_import_implicit(builder, tensors, files->model_name, err);
    return status;
}

/* Members that neither this library nor the format knows belong to somebody else: kept. */
static int take_others(recsys_builder *builder, const json_t *manifest)
{
    static const char *const known[] = {
        "format",          "format_version", "name",      "version",    "algorithm",
        "dtype",           "dimensions",     "n_users",   "n_items",    "link",
        "metric",          "metrics",        "codes_pay", "files",      "tags",
        "hyperparameters", "training_date",  "item_name", "similar_by",
    };

    if (json_object_update(builder->others, (json_t *)manifest) != 0)
        return 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        json_object_del(builder->others, known[i]);
    return 1;
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
                                     {"similar_by", rs_similar_name(manifest->similar_by)},
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
        (json_is_object(tags) && json_object_update(builder->tags, (json_t *)tags) != 0) ||
        !take_others(builder, manifest->json))
        return rs_error_nomem(err, RS_FILE_MANIFEST);
    return RECSYS_OK;
}

recsys_status recsys_builder_import_model(recsys_builder *builder, const char *path,
                                          recsys_error *err)
{
    if (builder == NULL || path == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_import_model: %s is NULL",
                        builder == NULL ? "builder" : "path");
    struct rs_builder_input *input = rs_builder_add_input(builder);
    if (input == NULL)
        return rs_error_nomem(err, path);
    struct rs_files *files = &input->files;
    recsys_status status = rs_files_open(path, 0, 0, 1, files, err);
    if (status == RECSYS_OK)
        status = rs_files_verify(files, RECSYS_OK, err);
    if (status == RECSYS_OK && files->is_bundle)
        status = take_fields(builder, &files->manifest, err);
    if (status == RECSYS_OK)
        status = take_model(builder, files, err);
    if (status == RECSYS_OK && files->has_seen)
        status = rs_import_exact(builder, &files->seen, files->seen_name, err);
    if (status == RECSYS_OK)
        status = rs_builder_take_catalog(builder, files, err);
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
