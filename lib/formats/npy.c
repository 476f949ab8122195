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

/* Digits only, and few enough of them. */
static int read_width(const char *text, size_t size, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || *out > RS_NPY_MAX_WIDTH)
            return 0;
        *out = *out * 10u + (uint32_t)(text[i] - '0');
    }
    return size > 0;
}

/* NumPy's letter and width as one of ours; numbers of 8 and 16 bits are widened when they are
 * taken. 0 for all others. */
static uint32_t find_dtype(char kind, uint32_t width)
{
    static const struct {
        char kind;
        uint32_t width, dtype;
    } known[] = {
        {'f', 4, RECSYS_DTYPE_F32}, {'f', 8, RECSYS_DTYPE_F64}, {'f', 2, RECSYS_DTYPE_F16},
        {'i', 4, RECSYS_DTYPE_I32}, {'u', 4, RECSYS_DTYPE_U32}, {'i', 8, RECSYS_DTYPE_I64},
        {'u', 8, RECSYS_DTYPE_U64}, {'u', 1, RECSYS_DTYPE_U8},  {'i', 1, RECSYS_DTYPE_I32},
        {'i', 2, RECSYS_DTYPE_I32}, {'u', 2, RECSYS_DTYPE_U32}, {'b', 1, RECSYS_DTYPE_U8},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].kind == kind && known[i].width == width)
            return known[i].dtype;
    return 0;
}

/* "<f4": byte order, kind, bytes (of a text "U": characters). */
static void read_descr(const char *text, size_t size, struct rs_npy_header *out)
{
    if (size < 3 || strchr("<>=|", text[0]) == NULL ||
        !read_width(text + 2, size - 2, &out->width) || out->width == 0)
        return;
    out->kind = text[1];
    out->swapped = text[0] == '>';
    out->dtype = find_dtype(out->kind, out->width);
}

static int take_dtype(struct cursor *cursor, struct rs_npy_header *out)
{
    const char *text;
    size_t size;

    skip_space(cursor);
    if (cursor->at < cursor->end && *cursor->at == '[') {
        memcpy(out->type, "record", sizeof "record");
        return skip_list(cursor);
    }
    if (!take_text(cursor, &text, &size))
        return 0;
    memcpy(out->type, text, size < sizeof out->type ? size : sizeof out->type - 1);
    read_descr(text, size, out);
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
    if (out->kind == 'S' && out->n_dims == 0) { /* so scipy says the format of a matrix */
        out->n_dims = 1;
        out->shape[0] = 1;
    }
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
    out->list = rs_alloc_array(RS_NPY_MAX_TENSORS, sizeof *out->list);
    if (out->list == NULL)
        return rs_error_nomem(err, name);
    status = rs_npy_take(bytes, size, "", name, &header, out, err);
    if (status != RECSYS_OK)
        rs_tensors_close(out);
    return status;
}
