/* lib/builder/builder.c - collect the parts of a model.
 *
 * The builder keeps pointers to arrays and reads their numbers when the bundle is written, because
 * only then all parts are set and can be compared. Texts, fields and catalogue lines are copied, so
 * they are checked at once. Catalogue lines are kept in the form in which they will be written.
 */
#include "recsys/builder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/structs.h"
#include "lib/base/utf8.h"
#include "lib/builder/parts.h"
#include "lib/bundle/manifest.h"
#include "lib/catalog/parse.h"

#define MAX_CATALOG_BYTES ((size_t)1 << 40)

const struct rs_part_kind rs_part_kinds[RS_N_PARTS] = {
    [RS_PART_USER_FACTORS] = {"user_factors", 2, RS_HOLDS_REALS},
    [RS_PART_ITEM_FACTORS] = {"item_factors", 2, RS_HOLDS_REALS},
    [RS_PART_USER_BIAS] = {"user_bias", 1, RS_HOLDS_REALS},
    [RS_PART_ITEM_BIAS] = {"item_bias", 1, RS_HOLDS_REALS},
    [RS_PART_USER_IDS] = {"user_ids", 1, RS_HOLDS_INTEGERS | RS_HOLDS_TEXTS},
    [RS_PART_ITEM_IDS] = {"item_ids", 1, RS_HOLDS_INTEGERS | RS_HOLDS_TEXTS},
    [RS_PART_FEATURE_FACTORS] = {"feature_factors", 2, RS_HOLDS_REALS},
    [RS_PART_FEATURE_NAMES] = {"feature_names", 1, RS_HOLDS_TEXTS},
    [RS_PART_ITEM_POPULARITY] = {"item_popularity", 1, RS_HOLDS_REALS},
    [RS_PART_SEEN_OFFSETS] = {"seen_offsets", 1, RS_HOLDS_INTEGERS},
    [RS_PART_SEEN_ITEMS] = {"seen_items", 1, RS_HOLDS_INTEGERS},
    [RS_PART_SEEN_WEIGHTS] = {"seen_weights", 1, RS_HOLDS_REALS},
};

int rs_part_find(const char *name)
{
    for (int i = 0; i < RS_N_PARTS; i++)
        if (strcmp(rs_part_kinds[i].name, name) == 0)
            return i;
    return -1;
}

int rs_part_is_set(const struct rs_part *part)
{
    return part->array.dtype != 0 || part->texts != NULL;
}

void rs_part_clear(struct rs_part *part)
{
    rs_free(part->owned_texts);
    rs_free(part->owned_offsets);
    memset(part, 0, sizeof *part);
}

recsys_status recsys_builder_create(recsys_builder **out, recsys_error *err)
{
    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_create: out is NULL");
    *out = NULL;
    recsys_builder *builder = rs_alloc_array(1, sizeof *builder);
    if (builder == NULL)
        return rs_error_nomem(err, "builder");
    rs_buffer_init(&builder->catalog, MAX_CATALOG_BYTES);
    builder->fields = json_object();
    builder->metrics = json_object();
    builder->hyperparameters = json_object();
    builder->tags = json_object();
    if (builder->fields == NULL || builder->metrics == NULL || builder->hyperparameters == NULL ||
        builder->tags == NULL) {
        recsys_builder_destroy(builder);
        return rs_error_nomem(err, "builder");
    }
    *out = builder;
    return RECSYS_OK;
}

void recsys_builder_destroy(recsys_builder *builder)
{
    struct rs_builder_input *input;

    if (builder == NULL)
        return;
    for (int i = 0; i < RS_N_PARTS; i++)
        rs_part_clear(&builder->parts[i]);
    while ((input = builder->inputs) != NULL) {
        builder->inputs = input->next;
        rs_tensors_close(&input->tensors);
        rs_files_close(&input->files);
        rs_free(input->memory);
        rs_free(input);
    }
    json_decref(builder->fields);
    json_decref(builder->metrics);
    json_decref(builder->hyperparameters);
    json_decref(builder->tags);
    rs_buffer_destroy(&builder->catalog);
    rs_free(builder);
}

static uint32_t what_it_holds(uint32_t dtype)
{
    switch (dtype) {
    case RECSYS_DTYPE_F32:
    case RECSYS_DTYPE_F64:
    case RECSYS_DTYPE_F16:
    case RECSYS_DTYPE_BF16:
        return RS_HOLDS_REALS;
    case RECSYS_DTYPE_I32:
    case RECSYS_DTYPE_U32:
    case RECSYS_DTYPE_I64:
    case RECSYS_DTYPE_U64:
    case RECSYS_DTYPE_U8:
        return RS_HOLDS_INTEGERS;
    default:
        return 0;
    }
}

/* Fill in the strides; 0 if the address of some number would overflow. */
static int fill_strides(recsys_array *array)
{
    uint64_t unit = rs_dtype_size(array->dtype);
    uint64_t n_columns = array->n_dims == 2 ? array->shape[1] : 1, size, reach[2] = {0, 0};

    if (array->n_dims == 1 || array->strides[1] == 0)
        array->strides[1] = (int64_t)unit;
    if (array->shape[0] == 0 || n_columns == 0)
        return 1;
    if (__builtin_mul_overflow(n_columns, unit, &size) || size > INT64_MAX)
        return 0;
    if (array->strides[0] == 0)
        array->strides[0] = (int64_t)size;
    for (int i = 0; i < 2; i++) {
        int64_t stride = array->strides[i];
        uint64_t step = stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
        uint64_t n = i == 0 ? array->shape[0] : n_columns;
        if (__builtin_mul_overflow(step, n - 1, &reach[i]) || reach[i] > SIZE_MAX / 4)
            return 0;
    }
    return 1;
}

recsys_status rs_part_set_array(struct recsys_builder *builder, int part, const recsys_array *array,
                                recsys_error *err)
{
    const struct rs_part_kind *kind = &rs_part_kinds[part];
    recsys_array filled = *array;
    size_t n_bytes;

    recsys_status status = rs_reserved(array->reserved[0] | array->reserved[1],
                                       "recsys_builder_set_array: array->reserved", err);
    if (status != RECSYS_OK)
        return status;
    if ((what_it_holds(array->dtype) & kind->holds) == 0)
        return rs_error(err, RECSYS_E_INVALID, "%s: dtype %" PRIu32 " does not fit, %s", kind->name,
                        array->dtype,
                        kind->holds & RS_HOLDS_REALS      ? "floating-point numbers are needed"
                        : kind->holds & RS_HOLDS_INTEGERS ? "integers are needed"
                                                          : "use recsys_builder_set_texts()");
    if (array->n_dims != kind->n_dims)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: the array has %" PRIu32 " dimensions, must have %" PRIu32, kind->name,
                        array->n_dims, kind->n_dims);
    uint64_t columns = kind->n_dims == 2 ? array->shape[1] : 1;
    if (array->shape[0] > SIZE_MAX || columns > SIZE_MAX ||
        !rs_multiply((size_t)array->shape[0], (size_t)columns, &n_bytes) ||
        !rs_multiply(n_bytes, rs_dtype_size(array->dtype), &n_bytes) || !fill_strides(&filled))
        return rs_error(err, RECSYS_E_INVALID, "%s: the shape is larger than memory", kind->name);
    if (array->data == NULL && n_bytes > 0)
        return rs_error(err, RECSYS_E_INVALID, "%s: data is NULL", kind->name);
    rs_part_clear(&builder->parts[part]);
    builder->parts[part].array = filled;
    return RECSYS_OK;
}

recsys_status recsys_builder_set_array(recsys_builder *builder, const char *name,
                                       const recsys_array *array, recsys_error *err)
{
    if (builder == NULL || name == NULL || array == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_set_array: %s is NULL",
                        builder == NULL ? "builder"
                        : name == NULL  ? "name"
                                        : "array");
    int part = rs_part_find(name);
    if (part < 0)
        return rs_error(err, RECSYS_E_INVALID, "a model has no array called \"%.80s\"", name);
    return rs_part_set_array(builder, part, array, err);
}

void rs_part_set_texts(struct recsys_builder *builder, int part, const char *texts, size_t n_bytes,
                       const uint64_t *offsets, size_t n_texts)
{
    struct rs_part *at = &builder->parts[part];

    rs_part_clear(at);
    at->texts = n_bytes > 0 ? texts : "";
    at->n_bytes = n_bytes;
    at->offsets = offsets;
    at->n_texts = n_texts;
}

/* Sum of the texts' sizes with their NULs. */
static recsys_status check_texts(const char *name, const char *const *texts, size_t n_texts,
                                 size_t *n_bytes, recsys_error *err)
{
    *n_bytes = 0;
    for (size_t i = 0; i < n_texts; i++) {
        if (texts[i] == NULL)
            return rs_error(err, RECSYS_E_INVALID, "%s[%zu] is NULL", name, i);
        size_t size = strnlen(texts[i], RECSYS_ID_MAX_TEXT + 1u);
        if (size < 1 || size > RECSYS_ID_MAX_TEXT)
            return rs_error(err, RECSYS_E_INVALID, "%s[%zu] %s, must have 1..%u bytes", name, i,
                            size == 0 ? "is empty" : "is too long", RECSYS_ID_MAX_TEXT);
        if (!rs_utf8_is_valid(texts[i], size))
            return rs_error(err, RECSYS_E_INVALID, "%s[%zu] is not UTF-8", name, i);
        *n_bytes += size + 1;
    }
    return RECSYS_OK;
}

recsys_status recsys_builder_set_texts(recsys_builder *builder, const char *name,
                                       const char *const *texts, size_t n_texts, recsys_error *err)
{
    size_t n_bytes, at = 0;

    if (builder == NULL || name == NULL || (texts == NULL && n_texts > 0))
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_set_texts: %s is NULL",
                        builder == NULL ? "builder"
                        : name == NULL  ? "name"
                                        : "texts");
    int part = rs_part_find(name);
    if (part < 0 || (rs_part_kinds[part].holds & RS_HOLDS_TEXTS) == 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "\"%.80s\" cannot be texts; user_ids, item_ids and feature_names can",
                        name);
    recsys_status status = check_texts(name, texts, n_texts, &n_bytes, err);
    if (status != RECSYS_OK)
        return status;
    char *bytes = rs_alloc(n_bytes);
    uint64_t *offsets = n_texts < SIZE_MAX ? rs_alloc_array(n_texts + 1, sizeof *offsets) : NULL;
    if (bytes == NULL || offsets == NULL) {
        rs_free(bytes);
        rs_free(offsets);
        return rs_error_nomem(err, name);
    }
    for (size_t i = 0; i < n_texts; i++) {
        size_t size = strlen(texts[i]) + 1;
        memcpy(bytes + at, texts[i], size);
        at += size;
        offsets[i + 1] = at;
    }
    rs_part_set_texts(builder, part, bytes, n_bytes, offsets, n_texts);
    builder->parts[part].owned_texts = bytes;
    builder->parts[part].owned_offsets = offsets;
    return RECSYS_OK;
}

static recsys_status bad_field(const char *field, const char *want, recsys_error *err)
{
    return rs_error(err, RECSYS_E_INVALID, "field %.80s must be %s", field, want);
}

static recsys_status store(json_t *object, const char *key, json_t *value, recsys_error *err)
{
    if (json_object_set_new(object, key, value) != 0)
        return rs_error_nomem(err, key);
    return RECSYS_OK;
}

/* tags.NAME: always text, also if it has only digits. */
static recsys_status set_tag(json_t *object, const char *field, const char *key, const char *value,
                             recsys_error *err)
{
    if (key[0] == '\0')
        return bad_field(field, "followed by a name", err);
    if (!rs_utf8_is_valid(key, strlen(key)) || !rs_utf8_is_valid(value, strlen(value)))
        return bad_field(field, "UTF-8 text", err);
    return store(object, key, json_string(value), err);
}

/* metrics.NAME and hyperparameters.NAME. */
static recsys_status set_member(json_t *object, const char *field, const char *key,
                                const char *value, recsys_error *err)
{
    json_t *json = NULL;

    if (key[0] == '\0')
        return bad_field(field, "followed by a name", err);
    if (!rs_utf8_is_valid(key, strlen(key)) || !rs_utf8_is_valid(value, strlen(value)))
        return bad_field(field, "UTF-8 text", err);
    if (rs_json_parse(value, strlen(value), field, &json, NULL) == RECSYS_E_NOMEM)
        return rs_error_nomem(err, field);
    if (json_is_string(json) || json_is_object(json) || json_is_array(json)) {
        json_decref(json);
        json = NULL;
    }
    return store(object, key, json != NULL ? json : json_string(value), err);
}

static recsys_status set_limit(json_t *fields, const char *field, const char *value,
                               recsys_error *err)
{
    json_t *json = NULL;
    recsys_status status = rs_json_parse(value, strlen(value), field, &json, NULL);

    if (status == RECSYS_E_NOMEM)
        return rs_error_nomem(err, field);
    if (status == RECSYS_OK && json_is_number(json)) {
        double number = json_number_value(json);
        json_decref(json);
        return store(fields, field, json_real(number), err);
    }
    json_decref(json);
    return bad_field(field, "a number", err);
}

static recsys_status set_text(json_t *fields, const char *field, const char *value,
                              recsys_error *err)
{
    size_t size = strlen(value);
    int needed = strcmp(field, "name") == 0 || strcmp(field, "version") == 0;

    if (size > RS_MANIFEST_MAX_TEXT || !rs_utf8_is_valid(value, size) || (needed && size == 0))
        return bad_field(field, needed ? "1 to 255 bytes of UTF-8" : "at most 255 bytes of UTF-8",
                         err);
    return store(fields, field, json_string(value), err);
}

recsys_status recsys_builder_set_field(recsys_builder *builder, const char *field,
                                       const char *value, recsys_error *err)
{
    static const char *const texts[] = {"name", "version", "algorithm", "training_date"};

    if (builder == NULL || field == NULL || value == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_set_field: %s is NULL",
                        builder == NULL ? "builder"
                        : field == NULL ? "field"
                                        : "value");
    if (strncmp(field, "metrics.", 8) == 0)
        return set_member(builder->metrics, field, field + 8, value, err);
    if (strncmp(field, "hyperparameters.", 16) == 0)
        return set_member(builder->hyperparameters, field, field + 16, value, err);
    if (strncmp(field, "tags.", 5) == 0)
        return set_tag(builder->tags, field, field + 5, value, err);
    if (strcmp(field, "link_min") == 0 || strcmp(field, "link_max") == 0)
        return set_limit(builder->fields, field, value, err);
    if (strcmp(field, "metric") == 0 && rs_metric_find(value) == 0)
        return bad_field(field, "inner_product or cosine", err);
    if (strcmp(field, "link") == 0 && rs_link_find(value) == 0)
        return bad_field(field, "sigmoid, linear or clip", err);
    if (strcmp(field, "metric") == 0 || strcmp(field, "link") == 0)
        return store(builder->fields, field, json_string(value), err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(field, texts[i]) == 0)
            return set_text(builder->fields, field, value, err);
    return rs_error(err, RECSYS_E_INVALID, "a model has no field called \"%.80s\"", field);
}

/* Remove the lines that were added before the failure. */
static void take_back(struct rs_buffer *catalog, size_t size)
{
    catalog->size = size;
    catalog->status = RECSYS_OK;
}

static recsys_status add_line(recsys_builder *builder, const char *bytes, size_t size,
                              const char *where, recsys_error *err)
{
    struct rs_line line;
    size_t before = builder->catalog.size;
    recsys_status status = rs_line_parse(bytes, size, where, &line, err);

    if (status == RECSYS_OK)
        status = rs_line_write(&line, &builder->catalog, err);
    if (status != RECSYS_OK)
        take_back(&builder->catalog, before);
    rs_line_destroy(&line);
    return status;
}

recsys_status rs_builder_add_lines(struct recsys_builder *builder, const char *bytes, size_t size,
                                   const char *where, recsys_error *err)
{
    struct rs_lines lines = {bytes, size, 0};
    const char *line;
    size_t length, before = builder->catalog.size;
    recsys_status status = RECSYS_OK;

    while (status == RECSYS_OK && rs_lines_next(&lines, &line, &length)) {
        char here[160];
        snprintf(here, sizeof here, "%.100s line %" PRIu64, where, lines.number);
        status = add_line(builder, line, length, here, err);
    }
    if (status != RECSYS_OK)
        take_back(&builder->catalog, before);
    return status;
}

recsys_status recsys_builder_add_item(recsys_builder *builder, const char *json, size_t json_size,
                                      recsys_error *err)
{
    if (builder == NULL || json == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_builder_add_item: %s is NULL",
                        builder == NULL ? "builder" : "json");
    return add_line(builder, json, json_size, "catalogue entry", err);
}
