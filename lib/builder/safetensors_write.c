/* lib/builder/safetensors_write.c - write .safetensors so that it can be used where it is mapped.
 *
 * The format allows no holes, so alignment comes from order: tensors of 8-byte elements, then of 4,
 * then of 1. The JSON header may end in spaces; spaces are added so that the tensor that asks for
 * it begins at a multiple of 64 bytes, or else the first one. The bytes before that one are a
 * multiple of 8, or the file has no wider elements: so all are aligned for their types.
 */
#include <inttypes.h>

#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/builder/safetensors_write.h"
#include "lib/builder/sink.h"
#include "lib/formats/tensors.h"

#define ALIGNMENT 64u
#define MAX_HEADER 65536u

static const char *dtype_name(uint32_t dtype)
{
    switch (dtype) {
    case RECSYS_DTYPE_F32:
        return "F32";
    case RECSYS_DTYPE_I64:
        return "I64";
    case RECSYS_DTYPE_U64:
        return "U64";
    case RECSYS_DTYPE_U32:
        return "U32";
    case RECSYS_DTYPE_I32:
        return "I32";
    default:
        return "U8";
    }
}

static size_t row_bytes(const struct rs_tensor_written *source)
{
    size_t bytes = rs_dtype_size(source->dtype);

    for (uint32_t i = 1; i < source->n_dims; i++)
        bytes *= (size_t)source->shape[i];
    return bytes;
}

/* Insertion sort: there are few tensors, and those of one width keep their order. */
static void sort_by_width(struct rs_tensor_written *sources, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct rs_tensor_written moving = sources[i];
        size_t at = i;
        for (; at > 0 && rs_dtype_size(sources[at - 1].dtype) < rs_dtype_size(moving.dtype); at--)
            sources[at] = sources[at - 1];
        sources[at] = moving;
    }
}

/* The header without padding; `ahead` is how many bytes come before the aligned tensor. */
static recsys_status make_header(struct rs_buffer *header, const struct rs_tensor_written *sources,
                                 size_t n, uint64_t *ahead, recsys_error *err)
{
    uint64_t at = 0;

    *ahead = 0;
    rs_buffer_add_text(header, "{");
    for (size_t i = 0; i < n; i++) {
        const struct rs_tensor_written *source = &sources[i];
        uint64_t end = at + source->shape[0] * row_bytes(source);
        if (source->is_aligned)
            *ahead = at;
        rs_buffer_format(header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%" PRIu64,
                         i == 0 ? "" : ",", source->name, dtype_name(source->dtype),
                         source->shape[0]);
        for (uint32_t k = 1; k < source->n_dims; k++)
            rs_buffer_format(header, ",%" PRIu64, source->shape[k]);
        rs_buffer_format(header, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", at, end);
        at = end;
    }
    rs_buffer_add_text(header, "}");
    return header->status == RECSYS_OK ? RECSYS_OK : rs_error_nomem(err, "safetensors header");
}

static recsys_status write_header(struct rs_sink *sink, const struct rs_tensor_written *sources,
                                  size_t n, recsys_error *err)
{
    struct rs_buffer header;
    uint64_t ahead, size;

    rs_buffer_init(&header, MAX_HEADER);
    recsys_status status = make_header(&header, sources, n, &ahead, err);
    if (status == RECSYS_OK) {
        while ((sizeof size + header.size + ahead) % ALIGNMENT != 0 && header.status == RECSYS_OK)
            rs_buffer_add_text(&header, " ");
        status = header.status == RECSYS_OK ? RECSYS_OK : rs_error_nomem(err, "safetensors header");
    }
    if (status == RECSYS_OK) {
        size = header.size; /* little-endian, as every supported machine is */
        status = rs_sink_write(sink, &size, sizeof size, err);
    }
    if (status == RECSYS_OK)
        status = rs_sink_write(sink, header.bytes, header.size, err);
    rs_buffer_destroy(&header);
    return status;
}

static recsys_status write_data(struct rs_sink *sink, const struct rs_tensor_written *source,
                                recsys_error *err)
{
    const unsigned char *data = source->data;
    size_t bytes = row_bytes(source);
    recsys_status status = RECSYS_OK;

    if (source->order == NULL)
        return rs_sink_write(sink, data, (size_t)source->shape[0] * bytes, err);
    for (size_t row = 0; row < source->shape[0] && status == RECSYS_OK; row++)
        status = rs_sink_write(sink, data + source->order[row] * bytes, bytes, err);
    return status;
}

recsys_status rs_safetensors_write(struct rs_sink *sink, struct rs_tensor_written *sources,
                                   size_t n, recsys_error *err)
{
    sort_by_width(sources, n);
    recsys_status status = write_header(sink, sources, n, err);
    for (size_t i = 0; i < n && status == RECSYS_OK; i++)
        status = write_data(sink, &sources[i], err);
    return status;
}
