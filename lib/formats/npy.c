/* lib/formats/npy.c - read .npy (described in numpy/lib/format.py).
 *
 * The header is a Python dictionary. NumPy writes it by a few rules, and this file reads it by the
 * same rules; nothing is evaluated. Types that the library does not use are recognised and their
 * data is not read: above all pickled objects, since reading them could run any program.
 */
#include "lib/formats/npy.h"

#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"

#define MAX_NESTING 32

struct cursor {
    const char *at, *end;
};

static void skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end && strchr(" \t\r\n", *cursor->at) != NULL && *cursor->at != 0)
        cursor->at++;
}

static int take(struct cursor *cursor, char c)
{
    skip_space(cursor);
    if (cursor->at == cursor->end || *cursor->at != c)
        return 0;
    cursor->at++;
    return 1;
}

/* Read a quoted text; *text points to it. NumPy writes no escapes here. */
static int take_text(struct cursor *cursor, const char **text, size_t *size)
{
    skip_space(cursor);
    if (cursor->at == cursor->end || (*cursor->at != '\'' && *cursor->at != '"'))
        return 0;
    char quote = *cursor->at++;
    *text = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != quote)
        if (*cursor->at++ == '\\')
            return 0;
    if (cursor->at == cursor->end)
        return 0;
    *size = (size_t)(cursor->at++ - *text);
    return 1;
}

static int take_number(struct cursor *cursor, uint64_t *number)
{
    const char *first;

    skip_space(cursor);
    first = cursor->at;
    for (*number = 0; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
         cursor->at++)
        if (__builtin_mul_overflow(*number, 10u, number) ||
            __builtin_add_overflow(*number, (uint64_t)(*cursor->at - '0'), number))
            return 0;
    if (cursor->at == first)
        return 0;
    if (cursor->at < cursor->end && *cursor->at == 'L') /* as Python 2 wrote it */
        cursor->at++;
    return 1;
}

static int take_word(struct cursor *cursor, const char *word)
{
    size_t size = strlen(word);

    skip_space(cursor);
    if ((size_t)(cursor->end - cursor->at) < size || memcmp(cursor->at, word, size) != 0)
        return 0;
    cursor->at += size;
    return 1;
}

/* Pass over the list that describes a structured type, which the library does not use. */
static int skip_list(struct cursor *cursor)
{
    const char *text;
    size_t size;
    int depth = 0;

    do {
        skip_space(cursor);
        if (cursor->at == cursor->end || depth > MAX_NESTING)
            return 0;
        if (*cursor->at == '\'' || *cursor->at == '"') {
            if (!take_text(cursor, &text, &size))
                return 0;
            continue;
        }
        if (*cursor->at == '[' || *cursor->at == '(')
            depth++;
        else if (*cursor->at == ']' || *cursor->at == ')')
            depth--;
        cursor->at++;
    } while (depth > 0);
    return 1;
}

static uint32_t find_dtype(const char *text, size_t size)
{
    static const struct {
        const char *name;
        uint32_t dtype;
    } names[] = {
        {"<f4", RECSYS_DTYPE_F32}, {"<f8", RECSYS_DTYPE_F64}, {"<f2", RECSYS_DTYPE_F16},
        {"<i4", RECSYS_DTYPE_I32}, {"<u4", RECSYS_DTYPE_U32}, {"<i8", RECSYS_DTYPE_I64},
        {"<u8", RECSYS_DTYPE_U64}, {"|u1", RECSYS_DTYPE_U8},
    };

    for (size_t i = 0; size == 3 && i < sizeof names / sizeof *names; i++) {
        int native = text[0] == '=' && names[i].name[0] == '<';
        if (memcmp(text + 1, names[i].name + 1, 2) == 0 && (native || text[0] == names[i].name[0]))
            return names[i].dtype;
    }
    return 0;
}

static int take_dtype(struct cursor *cursor, struct rs_npy_header *out)
{
    const char *text;
    size_t size;

    skip_space(cursor);
    if (cursor->at < cursor->end && *cursor->at == '[')
        return skip_list(cursor);
    if (!take_text(cursor, &text, &size))
        return 0;
    out->dtype = find_dtype(text, size);
    return 1;
}

/* 1, 0, or -1 for more dimensions than there is room for. */
static int take_shape(struct cursor *cursor, struct rs_npy_header *out)
{
    if (!take(cursor, '('))
        return 0;
    while (!take(cursor, ')')) {
        if (out->n_dims == 8)
            return -1;
        if (!take_number(cursor, &out->shape[out->n_dims]))
            return 0;
        out->n_dims++;
        if (!take(cursor, ',')) {
            /* One number in brackets is a tuple only with a comma; accepted without, since it
             * can mean nothing else. */
            if (!take(cursor, ')'))
                return 0;
            break;
        }
    }
    return 1;
}

static int key_number(const char *key, size_t size)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};

    for (int i = 0; i < 3; i++)
        if (size == strlen(keys[i]) && memcmp(key, keys[i], size) == 0)
            return i;
    return -1;
}

/* As take_shape(). */
static int take_dictionary(struct cursor *cursor, struct rs_npy_header *out)
{
    unsigned seen = 0;

    if (!take(cursor, '{'))
        return 0;
    while (!take(cursor, '}')) {
        const char *key;
        size_t size;
        if (!take_text(cursor, &key, &size) || !take(cursor, ':'))
            return 0;
        int number = key_number(key, size), good = 1;
        if (number < 0 || (seen & 1u << number) != 0)
            return 0;
        seen |= 1u << number;
        if (number == 0)
            good = take_dtype(cursor, out);
        else if (number == 1)
            good = (out->fortran = take_word(cursor, "True")) || take_word(cursor, "False");
        else
            good = take_shape(cursor, out);
        if (good != 1)
            return good;
        if (!take(cursor, ',')) {
            if (!take(cursor, '}'))
                return 0;
            break;
        }
    }
    skip_space(cursor);
    return seen == 7 && cursor->at == cursor->end;
}

recsys_status rs_npy_read_header(const unsigned char *bytes, size_t size, const char *what,
                                 struct rs_npy_header *out, recsys_error *err)
{
    memset(out, 0, sizeof *out);
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return rs_error(err, RECSYS_E_FORMAT, "%s: does not begin as .npy files do", what);
    if (bytes[6] < 1 || bytes[6] > 3)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s: .npy version %u is not known", what,
                        (unsigned)bytes[6]);
    size_t before = bytes[6] == 1 ? 10 : 12, header = bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1)
        header |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (header > RS_NPY_MAX_HEADER - 12 || header > size - before)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: .npy header claims %zu bytes (damaged, or a truncated copy?)", what,
                        header);
    struct cursor cursor = {(const char *)bytes + before, (const char *)bytes + before + header};
    int good = take_dictionary(&cursor, out);
    if (good < 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s: has more than 8 dimensions", what);
    if (good == 0)
        return rs_error(err, RECSYS_E_FORMAT, "%s: .npy header is damaged", what);
    out->size = before + header;
    return RECSYS_OK;
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

recsys_status rs_npy_take(const unsigned char *bytes, size_t size, const char *what,
                          const struct rs_npy_header *header, struct rs_tensor *tensor,
                          recsys_error *err)
{
    const unsigned char *data = bytes + header->size;
    size_t unit = rs_dtype_size(header->dtype), n_bytes = unit;

    tensor->dtype = header->dtype;
    tensor->n_dims = header->n_dims;
    memcpy(tensor->shape, header->shape, sizeof tensor->shape);
    if (header->dtype == 0)
        return RECSYS_OK;
    for (uint32_t k = 0; k < header->n_dims; k++)
        if (header->shape[k] > SIZE_MAX ||
            !rs_multiply(n_bytes, (size_t)header->shape[k], &n_bytes))
            return rs_error(err, RECSYS_E_FORMAT, "%s: shape is too large", what);
    if (n_bytes != size - header->size)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: shape and type ask for %zu bytes of data, there are %zu", what,
                        n_bytes, size - header->size);
    tensor->n_bytes = n_bytes;
    tensor->data = data;
    int transposed = header->fortran && header->n_dims > 1;
    if ((uintptr_t)data % unit == 0 && !transposed)
        return RECSYS_OK;
    tensor->copy = rs_alloc_aligned(n_bytes, 1);
    if (tensor->copy == NULL)
        return rs_error_nomem(err, what);
    tensor->data = tensor->copy;
    if (transposed)
        reorder(data, tensor->copy, header, unit, n_bytes);
    else
        memcpy(tensor->copy, data, n_bytes);
    return RECSYS_OK;
}

recsys_status rs_npy_parse(const unsigned char *bytes, size_t size, const char *name,
                           struct rs_tensors *out, recsys_error *err)
{
    struct rs_npy_header header;

    memset(out, 0, sizeof *out);
    recsys_status status = rs_npy_read_header(bytes, size, name, &header, err);
    if (status != RECSYS_OK)
        return status;
    out->list = rs_alloc_array(1, sizeof *out->list);
    if (out->list == NULL)
        return rs_error_nomem(err, name);
    out->n = 1;
    out->list[0].name = rs_copy_text("");
    if (out->list[0].name == NULL)
        status = rs_error_nomem(err, name);
    else
        status = rs_npy_take(bytes, size, name, &header, &out->list[0], err);
    if (status != RECSYS_OK)
        rs_tensors_close(out);
    return status;
}
