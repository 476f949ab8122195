/* lib/formats/npy_data.c - the data of a .npy file as one of the library's types, rows first.
 *
 * Data that has that form already is used where it is. Otherwise it takes up to three steps, each
 * of which needs a copy once: rows first, little-endian, wide enough.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/formats/npy.h"

int rs_npy_is_used(const struct rs_npy_header *header)
{
    int texts = (header->kind == 'U' || header->kind == 'S') && header->n_dims == 1;

    return header->dtype != 0 || texts;
}

static size_t width_of(const struct rs_npy_header *header)
{
    return header->kind == 'U' ? (size_t)header->width * 4 : header->width;
}

/* From columns first to rows first: go through the output in order, and keep the place in the
 * input. */
static void reorder(const unsigned char *from, unsigned char *to,
                    const struct rs_npy_header *header, size_t unit, size_t n_bytes)
{
    size_t step[8], index[8] = {0}, at = 0;

    step[0] = unit;
    for (uint32_t k = 1; k < header->n_dims; k++)
        step[k] = step[k - 1] * (size_t)header->shape[k - 1];
    for (size_t done = 0; done < n_bytes; done += unit) {
        memcpy(to + done, from + at, unit);
        for (uint32_t k = header->n_dims; k-- > 0;) {
            at += step[k];
            if (++index[k] < header->shape[k])
                break;
            at -= step[k] * index[k];
            index[k] = 0;
        }
    }
}

static void swap_bytes(unsigned char *bytes, size_t unit, size_t n_bytes)
{
    for (size_t at = 0; at < n_bytes; at += unit)
        for (size_t low = at, high = at + unit - 1; low < high; low++, high--) {
            unsigned char byte = bytes[low];
            bytes[low] = bytes[high];
            bytes[high] = byte;
        }
}

/* Integers of 8 and 16 bits as 32 bits. */
static void widen(const unsigned char *from, const struct rs_npy_header *header, size_t n,
                  unsigned char *to)
{
    for (size_t i = 0; i < n; i++) {
        int32_t value;
        if (header->width == 1) {
            value = (int8_t)from[i];
        } else {
            uint16_t small;
            memcpy(&small, from + i * sizeof small, sizeof small);
            value = header->kind == 'i' ? (int16_t)small : (int32_t)small;
        }
        memcpy(to + i * sizeof value, &value, sizeof value);
    }
}

/* tensor->copy: the data, rows first and little-endian. */
static recsys_status arrange(const unsigned char *data, size_t n_bytes, const char *what,
                             const struct rs_npy_header *header, struct rs_tensor *tensor,
                             recsys_error *err)
{
    tensor->copy = rs_alloc_aligned(n_bytes, 1);
    if (tensor->copy == NULL)
        return rs_error_nomem(err, what);
    tensor->data = tensor->copy;
    if (header->fortran && header->n_dims > 1)
        reorder(data, tensor->copy, header, header->width, n_bytes);
    else if (n_bytes > 0)
        memcpy(tensor->copy, data, n_bytes);
    if (header->swapped)
        swap_bytes(tensor->copy, header->width, n_bytes);
    return RECSYS_OK;
}

static recsys_status make_wide(const char *what, const struct rs_npy_header *header,
                               struct rs_tensor *tensor, recsys_error *err)
{
    size_t n = tensor->n_bytes / header->width;
    void *wide = rs_alloc_aligned(n, rs_dtype_size(tensor->dtype));

    if (wide == NULL)
        return rs_error_nomem(err, what);
    widen(tensor->data, header, n, wide);
    rs_free_aligned(tensor->copy);
    tensor->data = tensor->copy = wide;
    tensor->n_bytes = n * rs_dtype_size(tensor->dtype);
    return RECSYS_OK;
}

static recsys_status take_numbers(const unsigned char *data, size_t n_bytes, const char *what,
                                  const struct rs_npy_header *header, struct rs_tensor *tensor,
                                  recsys_error *err)
{
    int is_narrow = header->width < rs_dtype_size(header->dtype);
    int is_arranged = !header->swapped && !(header->fortran && header->n_dims > 1);
    recsys_status status = RECSYS_OK;

    tensor->dtype = header->dtype;
    tensor->n_bytes = n_bytes;
    tensor->data = data;
    if (!is_arranged || (uintptr_t)data % header->width != 0)
        status = arrange(data, n_bytes, what, header, tensor, err);
    if (status == RECSYS_OK && is_narrow)
        status = make_wide(what, header, tensor, err);
    return status;
}

/* E_FORMAT, unless the data has the size that shape and type ask for. */
static recsys_status check_size(size_t size, const char *what, const struct rs_npy_header *header,
                                size_t *n_bytes, recsys_error *err)
{
    *n_bytes = width_of(header);
    for (uint32_t k = 0; k < header->n_dims; k++)
        if (header->shape[k] > SIZE_MAX ||
            !rs_multiply(*n_bytes, (size_t)header->shape[k], n_bytes))
            return rs_error(err, RECSYS_E_FORMAT, "%s: shape is too large", what);
    if (*n_bytes != size - header->size)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: shape and type ask for %zu bytes of data, there are %zu", what,
                        *n_bytes, size - header->size);
    return RECSYS_OK;
}

/* An empty tensor with this name at the list's end. */
static struct rs_tensor *add_tensor(struct rs_tensors *out, const char *name, const char *ending)
{
    char whole[RS_NAME_SIZE];
    struct rs_tensor *tensor = &out->list[out->n];

    snprintf(whole, sizeof whole, "%s%s", name, ending);
    tensor->name = rs_copy_text(whole);
    if (tensor->name == NULL)
        return NULL;
    out->n++;
    return tensor;
}

recsys_status rs_npy_take(const unsigned char *bytes, size_t size, const char *name,
                          const char *what, const struct rs_npy_header *header,
                          struct rs_tensors *out, recsys_error *err)
{
    struct rs_tensor *tensor = add_tensor(out, name, ""), *offsets;
    size_t n_bytes;

    if (tensor == NULL)
        return rs_error_nomem(err, what);
    tensor->n_dims = header->n_dims;
    memcpy(tensor->shape, header->shape, sizeof tensor->shape);
    memcpy(tensor->type, header->type, sizeof tensor->type);
    if (!rs_npy_is_used(header))
        return RECSYS_OK;
    recsys_status status = check_size(size, what, header, &n_bytes, err);
    if (status != RECSYS_OK)
        return status;
    if (header->dtype != 0)
        return take_numbers(bytes + header->size, n_bytes, what, header, tensor, err);
    offsets = add_tensor(out, name, "_offsets");
    if (offsets == NULL)
        return rs_error_nomem(err, what);
    return rs_npy_take_texts(bytes + header->size, what, header, tensor, offsets, err);
}
