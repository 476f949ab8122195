/* lib/builder/parts.c - the parts of a model: their kinds, and setting one. See parts.h. */
#include "lib/builder/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"

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
    if (part->lookup != NULL)
        rs_ids_destroy(part->lookup);
    rs_free(part->lookup);
    rs_free(part->origin);
    memset(part, 0, sizeof *part);
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

recsys_status rs_part_set_origin(struct recsys_builder *builder, int part, const char *file,
                                 const char *text, recsys_error *err)
{
    char origin[RS_ORIGIN_SIZE];

    snprintf(origin, sizeof origin, "%.120s%s%s", file, text[0] == '\0' ? "" : ": ", text);
    char *copy = rs_copy_text(origin);
    if (copy == NULL)
        return rs_error_nomem(err, rs_part_kinds[part].name);
    rs_free(builder->parts[part].origin);
    builder->parts[part].origin = copy;
    return RECSYS_OK;
}

const char *rs_part_show_origin(const struct recsys_builder *builder, int part,
                                char out[RS_ORIGIN_SIZE])
{
    const char *origin = builder->parts[part].origin;

    snprintf(out, RS_ORIGIN_SIZE, "%s%.200s%s", origin == NULL ? "" : " (",
             origin == NULL ? "" : origin, origin == NULL ? "" : ")");
    return out;
}
