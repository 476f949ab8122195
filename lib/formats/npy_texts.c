/* lib/formats/npy_texts.c - NumPy's arrays of texts (<U7, |S7) as UTF-8 bytes with offsets.
 *
 * NumPy gives each text the same width and fills it up with zeros, so a text cannot end in one. A
 * "U" holds one code point in four bytes, an "S" bytes, which have to be UTF-8. The size is counted
 * first and filled in then, so that the memory is what the texts need and not what they may need.
 */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/formats/npy.h"

struct text_reader {
    const unsigned char *data;
    const struct rs_npy_header *header;
    const char *what;
    recsys_error *err;
};

static size_t encode(uint32_t point, unsigned char out[4])
{
    if (point < 0x80u) {
        out[0] = (unsigned char)point;
        return 1;
    }
    size_t n = point < 0x800u ? 2 : point < 0x10000u ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, point >>= 6)
        out[i] = (unsigned char)(0x80u | (point & 0x3Fu));
    out[0] = (unsigned char)((0xF00u >> n) | point);
    return n;
}

static uint32_t code_point(const struct text_reader *reader, const unsigned char *at)
{
    if (reader->header->swapped)
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

/* Bytes of text `row` in UTF-8, which are written to `to` unless it is NULL. */
static recsys_status read_wide(const struct text_reader *reader, size_t row, unsigned char *to,
                               size_t *size)
{
    size_t width = reader->header->width, used = width;
    const unsigned char *at = reader->data + row * width * 4;
    unsigned char bytes[4];

    while (used > 0 && code_point(reader, at + (used - 1) * 4) == 0)
        used--;
    *size = 0;
    for (size_t i = 0; i < used; i++) {
        uint32_t point = code_point(reader, at + i * 4);
        if (point == 0 || point > 0x10FFFFu || (point >= 0xD800u && point < 0xE000u))
            return rs_error(reader->err, RECSYS_E_FORMAT,
                            "%s[%zu]: has U+%04X, which a text cannot have", reader->what, row,
                            (unsigned)point);
        size_t n = encode(point, bytes);
        if (to != NULL)
            memcpy(to + *size, bytes, n);
        *size += n;
    }
    return RECSYS_OK;
}

static recsys_status read_text(const struct text_reader *reader, size_t row, unsigned char *to,
                               size_t *size)
{
    size_t width = reader->header->width;
    const unsigned char *at = reader->data + row * width;

    if (reader->header->kind == 'U')
        return read_wide(reader, row, to, size);
    for (*size = width; *size > 0 && at[*size - 1] == 0;)
        --*size;
    if (memchr(at, 0, *size) != NULL)
        return rs_error(reader->err, RECSYS_E_FORMAT, "%s[%zu]: has a zero byte", reader->what,
                        row);
    if (to != NULL && *size > 0)
        memcpy(to, at, *size);
    return RECSYS_OK;
}

recsys_status rs_npy_take_texts(const unsigned char *data, const char *what,
                                const struct rs_npy_header *header, struct rs_tensor *texts,
                                struct rs_tensor *offsets, recsys_error *err)
{
    const struct text_reader reader = {data, header, what, err};
    size_t n = (size_t)header->shape[0], size = 0;
    uint64_t *ends = rs_alloc_aligned(n + 1, sizeof *ends);

    offsets->data = offsets->copy = ends;
    if (ends == NULL)
        return rs_error_nomem(err, what);
    ends[0] = 0;
    for (size_t row = 0; row < n; row++) {
        recsys_status status = read_text(&reader, row, NULL, &size);
        if (status != RECSYS_OK)
            return status;
        ends[row + 1] = ends[row] + size + 1;
    }
    offsets->dtype = RECSYS_DTYPE_U64;
    offsets->n_dims = 1;
    offsets->shape[0] = n + 1;
    offsets->n_bytes = (n + 1) * sizeof *ends;
    memcpy(offsets->type, "U64", sizeof "U64");
    unsigned char *bytes = rs_alloc_aligned((size_t)ends[n], 1);
    texts->data = texts->copy = bytes;
    if (bytes == NULL)
        return rs_error_nomem(err, what);
    for (size_t row = 0; row < n; row++) {
        (void)(read_text(&reader, row, bytes + ends[row], &size) == RECSYS_OK);
        bytes[ends[row + 1] - 1] = 0;
    }
    texts->dtype = RECSYS_DTYPE_U8;
    texts->n_dims = 1;
    texts->shape[0] = ends[n];
    texts->n_bytes = (size_t)ends[n];
    return RECSYS_OK;
}
