/* lib/builder/import_tensors.c - see import_tensors.h.
 *
 * A part is looked for by its own name first. Then the names that other libraries use are tried
 * (part_names.h), for arrays whose shape fits. If two arrays could be one part, neither is taken:
 * the caller has to say which.
 */
#include "lib/builder/import_tensors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/builder/known_sources.h"
#include "lib/builder/part_names.h"
#include "lib/bundle/factors.h"
#include "lib/formats/describe.h"
#include "lib/formats/floats.h"

#define SHOWN_SIZE 300u

/* A file's arrays, and which of them have become a part. */
struct arrival {
    struct recsys_builder *builder;
    const struct rs_tensors *tensors;
    const char *file;
    unsigned char *taken; /* beside tensors->list */
    recsys_error *err;
};

struct rs_builder_input *rs_builder_add_input(struct recsys_builder *builder)
{
    struct rs_builder_input *input = rs_alloc_array(1, sizeof *input);

    if (input != NULL) {
        input->next = builder->inputs;
        builder->inputs = input;
    }
    return input;
}

static const struct rs_tensor *find_offsets(const struct rs_tensors *tensors,
                                            const struct rs_tensor *texts)
{
    char name[RS_NAME_SIZE];

    snprintf(name, sizeof name, "%.300s_offsets", texts->name);
    return rs_tensors_find(tensors, name);
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

/* The tensor's numbers; a column or a row of a matrix counts as a vector where one is wanted. */
static recsys_array as_array(const struct rs_tensor *tensor, uint32_t n_dims)
{
    recsys_array array = RECSYS_ARRAY_2D(tensor->data, tensor->dtype, 0, 0);

    array.n_dims = tensor->n_dims;
    for (uint32_t i = 0; i < 2 && i < tensor->n_dims; i++)
        array.shape[i] = tensor->shape[i];
    if (n_dims == 1 && array.n_dims == 2 && (array.shape[0] == 1 || array.shape[1] == 1)) {
        array.n_dims = 1;
        array.shape[0] *= array.shape[1];
        array.shape[1] = 0;
    }
    return array;
}

static int is_real(const struct rs_tensor *tensor)
{
    return tensor->dtype == RECSYS_DTYPE_F32 || tensor->dtype == RECSYS_DTYPE_F64 ||
           tensor->dtype == RECSYS_DTYPE_F16 || tensor->dtype == RECSYS_DTYPE_BF16;
}

/* Refuse a type that the part cannot have, by the word that the file has for it. */
static recsys_status check_type(int part, const struct rs_tensor *tensor, int is_text,
                                recsys_error *err)
{
    const struct rs_part_kind *kind = &rs_part_kinds[part];
    int reals = (kind->holds & RS_HOLDS_REALS) != 0;

    if (is_text || (tensor->dtype != 0 && is_real(tensor) == reals))
        return RECSYS_OK;
    if (tensor->dtype == 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s is %s, %s", kind->name, tensor->type,
                        rs_tensor_refusal(tensor));
    return rs_error(err, RECSYS_E_INVALID, "%s is %s, but %s", kind->name, tensor->type,
                    reals ? "real numbers are needed (quantised? multiply by the scale and save "
                            "float32)"
                          : "integers or texts are needed (a column with gaps becomes real numbers "
                            "in pandas; save it with .astype(\"int64\"))");
}

static recsys_status set_from_tensor(recsys_builder *builder, int part,
                                     const struct rs_tensors *tensors,
                                     const struct rs_tensor *tensor, recsys_error *err)
{
    const struct rs_part_kind *kind = &rs_part_kinds[part];
    const struct rs_tensor *offsets = find_offsets(tensors, tensor);
    int is_text = (kind->holds & RS_HOLDS_TEXTS) != 0 && tensor->dtype == RECSYS_DTYPE_U8 &&
                  tensor->n_dims == 1 && offsets != NULL;
    recsys_status status = check_type(part, tensor, is_text, err);

    if (status != RECSYS_OK)
        return status;
    if (is_text)
        return take_texts(builder, part, tensor, offsets, err);
    const recsys_array array = as_array(tensor, kind->n_dims);
    return rs_part_set_array(builder, part, &array, err);
}

recsys_status rs_import_tensor(struct recsys_builder *builder, int part, const char *file,
                               const struct rs_tensors *tensors, const struct rs_tensor *tensor,
                               recsys_error *err)
{
    char shown[RS_TENSOR_SHOWN_SIZE];
    recsys_error inner;
    recsys_status status = set_from_tensor(builder, part, tensors, tensor, &inner);

    if (status != RECSYS_OK && strcmp(tensor->name, rs_part_kinds[part].name) != 0 &&
        tensor->name[0] != '\0')
        return rs_error(err, status, "%s: %.90s as %s", file, tensor->name, inner.message);
    if (status != RECSYS_OK)
        return rs_error(err, status, "%s: %s", file, inner.message);
    return rs_part_set_origin(builder, part, file, rs_tensor_show(tensor, shown), err);
}

static uint64_t count_of(const struct rs_tensor *tensor)
{
    uint64_t n = 1;

    for (uint32_t i = 0; i < tensor->n_dims; i++)
        n *= tensor->shape[i];
    return n;
}

static int is_vector(const struct rs_tensor *tensor)
{
    return tensor->n_dims == 1 ||
           (tensor->n_dims == 2 && (tensor->shape[0] == 1 || tensor->shape[1] == 1));
}

/* 1 if the shape and the type are those of what the name says. */
static int fits(const struct rs_tensors *tensors, const struct rs_tensor *tensor, int part)
{
    if (part >= RS_N_PARTS)
        return tensor->dtype != 0 && tensor->n_dims <= 2 &&
               count_of(tensor) == (part == RS_NAMED_MEAN ? 1u : 2u);
    if (rs_part_kinds[part].n_dims == 2)
        return tensor->n_dims == 2;
    if (part == RS_PART_USER_IDS || part == RS_PART_ITEM_IDS)
        return is_vector(tensor) &&
               (tensor->dtype != RECSYS_DTYPE_U8 || find_offsets(tensors, tensor) != NULL);
    return is_vector(tensor);
}

static recsys_status refuse_choice(const char *file, const char *what, const struct rs_tensor *one,
                                   const struct rs_tensor *other, recsys_error *err)
{
    char first[RS_TENSOR_SHOWN_SIZE], second[RS_TENSOR_SHOWN_SIZE];

    return rs_error(err, RECSYS_E_INVALID,
                    "%s: %s could be %s or %s; say which: `recsysctl import` takes single arrays "
                    "as --item-factors FILE#NAME --user-factors FILE#NAME, instead of the model",
                    file, what, rs_tensor_show(one, first), rs_tensor_show(other, second));
}

static const char *name_of(int part)
{
    return part == RS_NAMED_MEAN    ? "global_mean"
           : part == RS_NAMED_SCALE ? "rating_scale"
                                    : rs_part_kinds[part].name;
}

/* The mean or the scale, whose name is right. A part's own checks say more. */
static recsys_status check_named(const struct rs_tensors *tensors, const char *file, int part,
                                 const struct rs_tensor *tensor, recsys_error *err)
{
    char shown[RS_TENSOR_SHOWN_SIZE];

    if (part < RS_N_PARTS || fits(tensors, tensor, part))
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_FORMAT, "%s: %s must be %s", file, rs_tensor_show(tensor, shown),
                    part == RS_NAMED_MEAN ? "one number, the mean of the ratings"
                                          : "two numbers, the smallest and the largest rating");
}

/* *out = NULL if no name says so. */
static recsys_status choose(const struct rs_tensors *tensors, const char *file, int part,
                            const struct rs_tensor **out, recsys_error *err)
{
    *out = rs_tensors_find(tensors, name_of(part));
    if (*out != NULL)
        return check_named(tensors, file, part, *out, err);
    for (size_t i = 0; i < tensors->n; i++) {
        const struct rs_tensor *tensor = &tensors->list[i];
        if (rs_part_of_name(tensor->name) != part || !fits(tensors, tensor, part))
            continue;
        if (*out != NULL)
            return refuse_choice(file, name_of(part), *out, tensor, err);
        *out = tensor;
    }
    return RECSYS_OK;
}

/* The file's only array, of which texts have two tensors; NULL if there are several. */
static const struct rs_tensor *only_array(const struct rs_tensors *tensors)
{
    if (tensors->n == 1 ||
        (tensors->n == 2 && find_offsets(tensors, &tensors->list[0]) == &tensors->list[1]))
        return &tensors->list[0];
    return NULL;
}

recsys_status rs_import_choose(const struct rs_tensors *tensors, const char *file, int part,
                               const struct rs_tensor **out, recsys_error *err)
{
    char shown[SHOWN_SIZE];
    recsys_status status = choose(tensors, file, part, out, err);

    if (status != RECSYS_OK || *out != NULL)
        return status;
    *out = only_array(tensors);
    if (*out != NULL)
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_NOT_FOUND, "%s: has no array %s; it has %s. Name one: FILE#NAME",
                    file, name_of(part), rs_tensors_show(tensors, shown, sizeof shown));
}

recsys_status rs_import_exact(struct recsys_builder *builder, const struct rs_tensors *tensors,
                              const char *file, recsys_error *err)
{
    for (int part = 0; part < RS_N_PARTS; part++) {
        const struct rs_tensor *tensor = rs_tensors_find(tensors, rs_part_kinds[part].name);
        if (tensor == NULL)
            continue;
        recsys_status status = rs_import_tensor(builder, part, file, tensors, tensor, err);
        if (status == RECSYS_E_INVALID && err != NULL)
            err->status = RECSYS_E_FORMAT; /* E_FORMAT, since the caller has set no array: the file
                                              is wrong */
        if (status != RECSYS_OK)
            return status == RECSYS_E_INVALID ? RECSYS_E_FORMAT : status;
    }
    return RECSYS_OK;
}

static double integer_at(const unsigned char *at, uint32_t dtype)
{
    union {
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
        uint8_t u8;
    } number;

    memcpy(&number, at, rs_dtype_size(dtype)); /* `at` need not be aligned */
    switch (dtype) {
    case RECSYS_DTYPE_I32:
        return number.i32;
    case RECSYS_DTYPE_U32:
        return number.u32;
    case RECSYS_DTYPE_I64:
        return (double)number.i64;
    case RECSYS_DTYPE_U64:
        return (double)number.u64;
    default: /* U8 */
        return number.u8;
    }
}

static double number_at(const struct rs_tensor *tensor, size_t i)
{
    const unsigned char *at =
        (const unsigned char *)tensor->data + i * rs_dtype_size(tensor->dtype);
    float small;
    double large;

    if (tensor->dtype == RECSYS_DTYPE_F64) {
        memcpy(&large, at, sizeof large);
        return large;
    }
    if (!is_real(tensor))
        return integer_at(at, tensor->dtype);
    rs_floats_read(at, tensor->dtype, 1, &small);
    return (double)small;
}

/* The `n` numbers of a tensor that fits. */
static recsys_status take_numbers(const struct arrival *arrival, const struct rs_tensor *tensor,
                                  size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = number_at(tensor, i);
        if (!isfinite(out[i]))
            return rs_error(arrival->err, RECSYS_E_FORMAT, "%s: %.90s is %g, must be finite",
                            arrival->file, tensor->name, out[i]);
    }
    return RECSYS_OK;
}

static void mark(const struct arrival *arrival, const struct rs_tensor *tensor)
{
    if (tensor != NULL)
        arrival->taken[tensor - arrival->tensors->list] = 1;
}

static recsys_status take_part(const struct arrival *arrival, int part)
{
    const struct rs_tensor *tensor;
    recsys_status status = choose(arrival->tensors, arrival->file, part, &tensor, arrival->err);

    if (status != RECSYS_OK || tensor == NULL)
        return status;
    mark(arrival, tensor);
    mark(arrival, find_offsets(arrival->tensors, tensor));
    if (part == RS_NAMED_MEAN)
        return take_numbers(arrival, tensor, 1, &arrival->builder->mean);
    if (part == RS_NAMED_SCALE)
        return take_numbers(arrival, tensor, 2, arrival->builder->scale);
    status = rs_import_tensor(arrival->builder, part, arrival->file, arrival->tensors, tensor,
                              arrival->err);
    arrival->builder->parts[part].is_chosen = status == RECSYS_OK;
    return status;
}

/* Arrays that are left over may be a part of the score that a product does not have. Settings,
 * which are single values, are not. */
static void note_rest(const struct arrival *arrival)
{
    struct rs_buffer *notes = &arrival->builder->notes;
    char shown[RS_TENSOR_SHOWN_SIZE];

    for (size_t i = 0; i < arrival->tensors->n; i++) {
        const struct rs_tensor *tensor = &arrival->tensors->list[i];
        if (arrival->taken[i] || tensor->n_dims == 0)
            continue;
        rs_buffer_format(notes, "not used: %.120s: %s\n", arrival->file,
                         rs_tensor_show(tensor, shown));
    }
}

static recsys_status take_all(const struct arrival *arrival)
{
    const struct rs_tensor *items;
    recsys_status status =
        choose(arrival->tensors, arrival->file, RS_PART_ITEM_FACTORS, &items, arrival->err);

    if (status == RECSYS_OK && items == NULL)
        return rs_factors_missing(arrival->tensors, arrival->file, "item_factors", 0, arrival->err);
    for (int part = 0; part < RS_N_NAMED && status == RECSYS_OK; part++)
        status = take_part(arrival, part);
    if (status == RECSYS_E_INVALID && arrival->err != NULL)
        arrival->err->status = RECSYS_E_FORMAT; /* as in rs_import_exact() */
    return status == RECSYS_E_INVALID ? RECSYS_E_FORMAT : status;
}

recsys_status rs_import_all(struct recsys_builder *builder, const struct rs_tensors *tensors,
                            const char *file, recsys_error *err)
{
    const struct arrival arrival = {builder, tensors, file, rs_alloc_array(tensors->n, 1), err};

    if (arrival.taken == NULL)
        return rs_error_nomem(err, file);
    recsys_status status = take_all(&arrival);
    if (status == RECSYS_OK && !builder->source_is_given)
        builder->source = rs_known_source_recognise(tensors);
    if (status == RECSYS_OK)
        note_rest(&arrival);
    rs_free(arrival.taken);
    return status;
}
