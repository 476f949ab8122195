/* lib/formats/safetensors.c - read .safetensors (github.com/huggingface/safetensors).
 *
 * 8 bytes that give the length of a JSON header, the header, the data. The header may claim
 * anything. So first the ranges of all tensors are sorted by offset and checked: together they must
 * cover the data without an overlap, a hole or a rest. Only then is the data read.
 *
 * Data is little-endian, and the machine must be, too. The format does not promise alignment: data
 * that is not aligned for its type is copied.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/radix.h"
#include "lib/formats/tensors.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "model files are little-endian; this machine would have to convert them"
#endif

#define MAX_HEADER 100000000u /* the format's own limit */
#define MAX_DIMS 8u

struct dtype_name {
    const char *name;
    uint32_t dtype; /* RECSYS_DTYPE_*, 0 = not used here */
    uint32_t bits;
};

static const struct dtype_name dtype_names[] = {
    {"F32", RECSYS_DTYPE_F32, 32},
    {"F64", RECSYS_DTYPE_F64, 64},
    {"F16", RECSYS_DTYPE_F16, 16},
    {"BF16", RECSYS_DTYPE_BF16, 16},
    {"I32", RECSYS_DTYPE_I32, 32},
    {"U32", RECSYS_DTYPE_U32, 32},
    {"I64", RECSYS_DTYPE_I64, 64},
    {"U64", RECSYS_DTYPE_U64, 64},
    {"U8", RECSYS_DTYPE_U8, 8},
    {"BOOL", 0, 8},
    {"I8", 0, 8},
    {"I16", 0, 16},
    {"U16", 0, 16},
    {"C64", 0, 64},
};

/* The range of one tensor in the data, as the header gives it. */
struct range {
    uint64_t begin, end;
};

struct reader {
    const char *file;
    const unsigned char *data;
    size_t data_size;
    struct range *ranges; /* beside out->list */
    struct rs_tensors *out;
    recsys_error *err;
};

static const char *shown(const char *name)
{
    return strlen(name) > 100 ? "(tensor with a long name)" : name;
}

static recsys_status bad(const struct reader *reader, const char *name, const char *reason)
{
    return rs_error(reader->err, RECSYS_E_FORMAT, "%s: %s: %s", reader->file, shown(name), reason);
}

static int get_unsigned(const json_t *json, uint64_t *out)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0)
        return 0;
    *out = (uint64_t)json_integer_value(json);
    return 1;
}

static recsys_status get_shape(const struct reader *reader, const json_t *shape,
                               struct rs_tensor *tensor, uint64_t *count)
{
    *count = 1;
    if (!json_is_array(shape))
        return bad(reader, tensor->name, "\"shape\" must be an array");
    if (json_array_size(shape) > MAX_DIMS)
        return rs_error(reader->err, RECSYS_E_UNSUPPORTED,
                        "%s: %s: has %zu dimensions, at most %u are supported", reader->file,
                        shown(tensor->name), json_array_size(shape), MAX_DIMS);
    tensor->n_dims = (uint32_t)json_array_size(shape);
    for (uint32_t i = 0; i < tensor->n_dims; i++) {
        if (!get_unsigned(json_array_get(shape, i), &tensor->shape[i]))
            return bad(reader, tensor->name, "\"shape\" must hold integers that are not negative");
        if (__builtin_mul_overflow(*count, tensor->shape[i], count))
            return bad(reader, tensor->name, "\"shape\" is too large");
    }
    return RECSYS_OK;
}

/* The range must have the size that dtype and shape need. */
static recsys_status check_size(const struct reader *reader, struct rs_tensor *tensor,
                                const char *dtype, uint64_t count, const struct range *range)
{
    uint64_t bits;

    snprintf(tensor->type, sizeof tensor->type, "%s", dtype);
    for (size_t i = 0; i < sizeof dtype_names / sizeof *dtype_names; i++) {
        if (strcmp(dtype_names[i].name, dtype) != 0)
            continue;
        tensor->dtype = dtype_names[i].dtype;
        if (__builtin_mul_overflow(count, (uint64_t)dtype_names[i].bits, &bits))
            return bad(reader, tensor->name, "\"shape\" is too large");
        if (bits / 8 != range->end - range->begin)
            return rs_error(
                reader->err, RECSYS_E_FORMAT,
                "%s: %s: shape and dtype ask for %" PRIu64 " bytes, data_offsets give %" PRIu64,
                reader->file, shown(tensor->name), (bits / 8), (range->end - range->begin));
    }
    return RECSYS_OK;
}

static recsys_status read_entry(const struct reader *reader, const char *name, const json_t *entry)
{
    struct rs_tensor *tensor = &reader->out->list[reader->out->n];
    struct range *range = &reader->ranges[reader->out->n];
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t count;

    tensor->name = rs_copy_text(name);
    if (tensor->name == NULL)
        return rs_error_nomem(reader->err, reader->file);
    reader->out->n++;
    if (dtype == NULL)
        return bad(reader, name, "\"dtype\" must be a string");
    recsys_status status = get_shape(reader, json_object_get(entry, "shape"), tensor, &count);
    if (status != RECSYS_OK)
        return status;
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !get_unsigned(json_array_get(offsets, 0), &range->begin) ||
        !get_unsigned(json_array_get(offsets, 1), &range->end))
        return bad(reader, name, "\"data_offsets\" must be two integers that are not negative");
    if (range->begin > range->end || range->end > reader->data_size)
        return rs_error(reader->err, RECSYS_E_FORMAT,
                        "%s: %s: data_offsets [%" PRIu64 ",%" PRIu64
                        "] do not lie in the file's %zu bytes of "
                        "data (truncated copy?)",
                        reader->file, shown(name), range->begin, range->end, reader->data_size);
    return check_size(reader, tensor, dtype, count, range);
}

static recsys_status read_entries(struct reader *reader, json_t *header)
{
    const char *name;
    json_t *entry;

    json_object_foreach(header, name, entry)
    {
        if (!json_is_object(entry))
            return bad(reader, name, "must be an object");
        if (strcmp(name, "__metadata__") != 0) {
            recsys_status status = read_entry(reader, name, entry);
            if (status != RECSYS_OK)
                return status;
            continue;
        }
        const char *key;
        json_t *value;
        json_object_foreach(entry, key, value)
        {
            if (!json_is_string(value))
                return bad(reader, name, "must hold strings only");
        }
    }
    return RECSYS_OK;
}

/* Go through the tensors in order of offset; an empty one comes before its neighbour. */
static recsys_status check_tiling(const struct reader *reader, const uint32_t *order)
{
    uint64_t at = 0;

    for (size_t i = 0; i < reader->out->n; i++) {
        const struct range *range = &reader->ranges[order[i]];
        if (range->begin != at)
            return bad(reader, reader->out->list[order[i]].name,
                       range->begin < at ? "overlaps the tensor before it"
                                         : "leaves a hole after the tensor before it");
        at = range->end;
    }
    if (at != reader->data_size)
        return rs_error(reader->err, RECSYS_E_FORMAT,
                        "%s: tensors end at byte %" PRIu64 " of the data, which has %zu",
                        reader->file, at, reader->data_size);
    return RECSYS_OK;
}

static recsys_status check_ranges(const struct reader *reader)
{
    size_t n = reader->out->n;
    uint64_t *keys = rs_alloc_array(n, sizeof *keys);
    uint32_t *order = rs_alloc_array(n, sizeof *order);
    uint32_t *spare = rs_alloc_array(n, sizeof *spare);
    recsys_status status;

    if (keys == NULL || order == NULL || spare == NULL) {
        status = rs_error_nomem(reader->err, reader->file);
    } else {
        for (uint32_t i = 0; i < n; i++) {
            const struct range *range = &reader->ranges[i];
            keys[i] = range->begin << 1 | (range->end > range->begin);
            order[i] = i;
        }
        rs_radix_sort(keys, order, spare, n);
        status = check_tiling(reader, order);
    }
    rs_free(spare);
    rs_free(order);
    rs_free(keys);
    return status;
}

static recsys_status take_data(const struct reader *reader)
{
    for (size_t i = 0; i < reader->out->n; i++) {
        struct rs_tensor *tensor = &reader->out->list[i];
        const unsigned char *data = reader->data + reader->ranges[i].begin;
        if (tensor->dtype == 0)
            continue;
        tensor->n_bytes = (size_t)(reader->ranges[i].end - reader->ranges[i].begin);
        tensor->data = data;
        if ((uintptr_t)data % rs_dtype_size(tensor->dtype) == 0)
            continue;
        tensor->copy = rs_alloc_aligned(tensor->n_bytes, 1);
        if (tensor->copy == NULL)
            return rs_error_nomem(reader->err, reader->file);
        memcpy(tensor->copy, data, tensor->n_bytes);
        tensor->data = tensor->copy;
    }
    return RECSYS_OK;
}

static recsys_status read_header(struct reader *reader, json_t *header)
{
    size_t n = json_object_size(header);

    if (!json_is_object(header))
        return rs_error(reader->err, RECSYS_E_FORMAT, "%s: header must be a JSON object",
                        reader->file);
    reader->out->list = rs_alloc_array(n, sizeof *reader->out->list);
    reader->ranges = rs_alloc_array(n, sizeof *reader->ranges);
    if (reader->out->list == NULL || reader->ranges == NULL)
        return rs_error_nomem(reader->err, reader->file);
    recsys_status status = read_entries(reader, header);
    if (status == RECSYS_OK)
        status = check_ranges(reader);
    return status == RECSYS_OK ? take_data(reader) : status;
}

recsys_status rs_safetensors_parse(const unsigned char *bytes, size_t size, const char *name,
                                   struct rs_tensors *out, recsys_error *err)
{
    uint64_t header_size = 0;
    json_t *header = NULL;
    char where[320];

    memset(out, 0, sizeof *out);
    if (size < 9)
        return rs_error(err, RECSYS_E_FORMAT, "%s: has %zu bytes, too few for safetensors", name,
                        size);
    memcpy(&header_size, bytes, 8);
    if (header_size > MAX_HEADER || header_size > size - 8)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: header claims %" PRIu64
                        " bytes, the file has %zu (not safetensors, or a "
                        "truncated copy?)",
                        name, header_size, size);
    if (bytes[8] != '{' || header_size == 0)
        return rs_error(err, RECSYS_E_FORMAT, "%s: header does not begin with '{'", name);

    struct reader reader = {
        name, bytes + 8 + header_size, size - 8 - (size_t)header_size, NULL, out, err};
    snprintf(where, sizeof where, "%s: header", name);
    recsys_status status =
        rs_json_parse((const char *)bytes + 8, (size_t)header_size, where, &header, err);
    if (status == RECSYS_OK)
        status = read_header(&reader, header);
    json_decref(header);
    rs_free(reader.ranges);
    if (status != RECSYS_OK)
        rs_tensors_close(out);
    return status;
}
