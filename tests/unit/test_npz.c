/* Covers lib/formats/zip.c, npz.c, npy.c and implicit.c: files that numpy and
 * implicit wrote (tests/fixtures/npz), and what is done to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lib/bundle/implicit.h"
#include "lib/formats/tensors.h"
#include "recsys/model.h"
#include "recsys/scorer.h"
#include "tests/support/bundle.h"

static const char *fixtures(void)
{
    static char path[4096];
    const char *source = getenv("RECSYS_SOURCE_DIR");

    snprintf(path, sizeof path, "%s/tests/fixtures/npz", source != NULL ? source : ".");
    return path;
}

static const char *fixture(const char *name)
{
    static char path[4200];

    snprintf(path, sizeof path, "%s/%s", fixtures(), name);
    return path;
}

static double number_at(const struct rs_tensor *tensor, size_t i)
{
    switch (tensor->dtype) {
    case RECSYS_DTYPE_F32:
        return (double)((const float *)tensor->data)[i];
    case RECSYS_DTYPE_F64:
        return ((const double *)tensor->data)[i];
    case RECSYS_DTYPE_I32:
        return (double)((const int32_t *)tensor->data)[i];
    case RECSYS_DTYPE_U32:
        return (double)((const uint32_t *)tensor->data)[i];
    case RECSYS_DTYPE_I64:
        return (double)((const int64_t *)tensor->data)[i];
    case RECSYS_DTYPE_U64:
        return (double)((const uint64_t *)tensor->data)[i];
    default:
        return (double)((const uint8_t *)tensor->data)[i];
    }
}

/* The 3 x 4 numbers of make_npz_fixtures.py. */
static void check_grid(const struct rs_tensor *tensor, uint32_t dtype, double fraction)
{
    assert_non_null(tensor);
    assert_int_equal(tensor->dtype, dtype);
    assert_int_equal(tensor->n_dims, 2);
    assert_int_equal(tensor->shape[0], 3);
    assert_int_equal(tensor->shape[1], 4);
    assert_int_equal(tensor->n_bytes, 12 * rs_dtype_size(dtype));
    assert_int_equal((uintptr_t)tensor->data % rs_dtype_size(dtype), 0);
    for (size_t i = 0; i < 12; i++)
        assert_true(number_at(tensor, i) == 10.0 * (double)(i / 4) + (double)(i % 4) + fraction);
}

static void every_type_that_numpy_writes_is_read_or_left_alone(void **state)
{
    static const char *const files[] = {"types.npz", "types_compressed.npz"};
    static const struct {
        const char *name, *type;
    } unused[] = {
        {"complex", "<c16"}, {"unicode", "<U7"}, {"objects", "|O"}, {"structured", "record"}};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct rs_tensors tensors;
        recsys_error err = {0};
        recsys_status status =
            rs_tensors_open(fixture(files[f]), files[f], rs_npz_parse, &tensors, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(status, RECSYS_OK);
        assert_int_equal(tensors.n, 21); /* texts are two */
        check_grid(rs_tensors_find(&tensors, "f4_grid"), RECSYS_DTYPE_F32, 0.25);
        check_grid(rs_tensors_find(&tensors, "f8_grid"), RECSYS_DTYPE_F64, 0.25);
        check_grid(rs_tensors_find(&tensors, "i4_grid"), RECSYS_DTYPE_I32, 0);
        check_grid(rs_tensors_find(&tensors, "u4_grid"), RECSYS_DTYPE_U32, 0);
        check_grid(rs_tensors_find(&tensors, "i8_grid"), RECSYS_DTYPE_I64, 0);
        check_grid(rs_tensors_find(&tensors, "u8_grid"), RECSYS_DTYPE_U64, 0);
        check_grid(rs_tensors_find(&tensors, "u1_grid"), RECSYS_DTYPE_U8, 0);
        check_grid(rs_tensors_find(&tensors, "fortran_grid"), RECSYS_DTYPE_F32, 0.25);
        check_grid(rs_tensors_find(&tensors, "big_endian"), RECSYS_DTYPE_F32, 0.25);
        const struct rs_tensor *flags = rs_tensors_find(&tensors, "flags");
        assert_int_equal(flags->dtype, RECSYS_DTYPE_U8);
        assert_memory_equal(flags->data, "\1\0", 2);
        const struct rs_tensor *half = rs_tensors_find(&tensors, "f2_grid");
        assert_int_equal(half->dtype, RECSYS_DTYPE_F16);
        assert_int_equal(*(const uint16_t *)half->data, 0x3400); /* 0.25 */
        const struct rs_tensor *cube = rs_tensors_find(&tensors, "cube");
        assert_int_equal(cube->n_dims, 3);
        for (size_t i = 0; i < 24; i++)
            assert_true(number_at(cube, i) == (double)i);
        const struct rs_tensor *scalar = rs_tensors_find(&tensors, "scalar");
        assert_int_equal(scalar->n_dims, 0);
        assert_true(number_at(scalar, 0) == 7);
        assert_int_equal(rs_tensors_find(&tensors, "vector")->shape[0], 5);
        assert_int_equal(rs_tensors_find(&tensors, "empty")->n_bytes, 0);
        for (size_t i = 0; i < sizeof unused / sizeof *unused; i++) {
            const struct rs_tensor *tensor = rs_tensors_find(&tensors, unused[i].name);
            assert_non_null(tensor);
            assert_string_equal(tensor->type, unused[i].type);
            assert_int_equal(tensor->dtype, 0);
            assert_null(tensor->data);
        }
        rs_tensors_close(&tensors);
    }
}

static void check_texts(const struct rs_tensors *tensors, const char *name,
                        const char *const *texts, size_t n)
{
    char offsets_name[40];
    const struct rs_tensor *bytes = rs_tensors_find(tensors, name), *offsets;

    snprintf(offsets_name, sizeof offsets_name, "%s_offsets", name);
    offsets = rs_tensors_find(tensors, offsets_name);
    assert_int_equal(bytes->dtype, RECSYS_DTYPE_U8);
    assert_int_equal(offsets->dtype, RECSYS_DTYPE_U64);
    assert_int_equal(offsets->shape[0], n + 1);
    for (size_t i = 0; i < n; i++) {
        const uint64_t *ends = offsets->data;
        assert_string_equal((const char *)bytes->data + ends[i], texts[i]);
        assert_int_equal(ends[i + 1] - ends[i], strlen(texts[i]) + 1);
    }
    assert_int_equal(((const uint64_t *)offsets->data)[n], bytes->n_bytes);
}

static void numbers_in_another_order_or_narrow_are_converted_and_texts_become_utf8(void **state)
{
    static const char *const files[] = {"orders.npz", "orders_compressed.npz"};
    static const char *const words[] = {"a", "", "h\u00e9llo", "\ud55c\uad6d", "\U0001f600 x"};
    static const char *const big_words[] = {"row-1", "\u20ac"}, *const bytes[] = {"abc", "\u00e9"};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        struct rs_tensors tensors;
        recsys_error err = {0};
        recsys_status status =
            rs_tensors_open(fixture(files[f]), files[f], rs_npz_parse, &tensors, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(status, RECSYS_OK);
        check_grid(rs_tensors_find(&tensors, "big_f4_grid"), RECSYS_DTYPE_F32, 0.25);
        check_grid(rs_tensors_find(&tensors, "big_f8_grid"), RECSYS_DTYPE_F64, 0.25);
        check_grid(rs_tensors_find(&tensors, "big_i8_grid"), RECSYS_DTYPE_I64, 0);
        check_grid(rs_tensors_find(&tensors, "i1_grid"), RECSYS_DTYPE_I32, 0);
        check_grid(rs_tensors_find(&tensors, "i2_grid"), RECSYS_DTYPE_I32, 0);
        check_grid(rs_tensors_find(&tensors, "big_u2_grid"), RECSYS_DTYPE_U32, 0);
        assert_int_equal(((const int32_t *)rs_tensors_find(&tensors, "negative")->data)[0], -1);
        assert_int_equal(((const int32_t *)rs_tensors_find(&tensors, "negative")->data)[1], -128);
        check_texts(&tensors, "words", words, 5);
        check_texts(&tensors, "big_words", big_words, 2);
        check_texts(&tensors, "bytes", bytes, 2);
        rs_tensors_close(&tensors);
    }
}

static void check_bad_text(const char *descr, const void *data, size_t size, const char *message)
{
    unsigned char file[200] = {0};
    char header[100];
    struct rs_tensors tensors;
    recsys_error err;

    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }",
             descr);
    memcpy(file, "\x93NUMPY\x01\x00", 8);
    file[8] = (unsigned char)strlen(header);
    memcpy(file + 10, header, strlen(header));
    memcpy(file + 10 + strlen(header), data, size);
    assert_int_equal(rs_npy_parse(file, 10 + strlen(header) + size, "f", &tensors, &err),
                     RECSYS_E_FORMAT);
    assert_string_equal(err.message, message);
}

static void texts_that_are_no_texts_are_refused(void **state)
{
    (void)state;
    check_bad_text("<U1", "\x00\xd8\x00\x00", 4, "f[0]: has U+D800, which a text cannot have");
    check_bad_text("<U1", "\x00\x00\x11\x00", 4, "f[0]: has U+110000, which a text cannot have");
    check_bad_text("<U2", "\0\0\0\0a\0\0", 8, "f[0]: has U+0000, which a text cannot have");
    check_bad_text("|S3", "\0ab", 3, "f[0]: has a zero byte");
    check_bad_text("<U2", "a\0\0", 4, "f: shape and type ask for 8 bytes of data, there are 4");
}

static void every_version_of_the_npy_header_is_read(void **state)
{
    static const char *const files[] = {"version1.npy", "version2.npy", "version3.npy"};
    struct rs_tensors tensors;

    (void)state;
    for (size_t f = 0; f < 3; f++) {
        assert_int_equal(rs_tensors_open(fixture(files[f]), "f", rs_npy_parse, &tensors, NULL),
                         RECSYS_OK);
        check_grid(rs_tensors_find(&tensors, ""), RECSYS_DTYPE_F32, 0.25);
        rs_tensors_close(&tensors);
    }
    assert_int_equal(rs_tensors_open(fixture("fortran.npy"), "f", rs_npy_parse, &tensors, NULL),
                     RECSYS_OK);
    check_grid(rs_tensors_find(&tensors, ""), RECSYS_DTYPE_F64, 0.25);
    rs_tensors_close(&tensors);
    assert_int_equal(rs_tensors_open(fixture("objects.npy"), "f", rs_npy_parse, &tensors, NULL),
                     RECSYS_OK);
    assert_int_equal(tensors.list[0].dtype, 0);
    rs_tensors_close(&tensors);
}

static void check_npy_header(const char *header, size_t n_data, recsys_status want,
                             const char *message)
{
    size_t length = strlen(header), size = 10 + length + n_data;
    unsigned char *bytes = calloc(size, 1);
    struct rs_tensors tensors;
    recsys_error err = {0};

    memcpy(bytes, "\x93NUMPY\1", 8);
    bytes[8] = (unsigned char)length;
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + 10, header, length);
    recsys_status status = rs_npy_parse(bytes, size, "f", &tensors, &err);
    assert_string_equal(err.message, message);
    assert_int_equal(status, want);
    rs_tensors_close(&tensors);
    free(bytes);
}

static void the_npy_header_is_read_by_its_own_rules(void **state)
{
    static const char damaged[] = "f: .npy header is damaged";

    (void)state;
    check_npy_header("{'shape': (2,), 'fortran_order': False, 'descr': '<f4', }\n", 8, RECSYS_OK,
                     "");
    check_npy_header("{\"descr\":\"=f4\",\"fortran_order\":True,\"shape\":(2L,1L)}", 8, RECSYS_OK,
                     "");
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4, RECSYS_OK, "");
    check_npy_header("{'descr': [('a', '<f4'), ('b', [('c', '|O')])], 'fortran_order': False, "
                     "'shape': (9,)}",
                     1, RECSYS_OK, "");
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", 8, RECSYS_E_FORMAT,
                     damaged);
    check_npy_header("{'descr': '<f4', 'fortran_order': False}", 8, RECSYS_E_FORMAT, damaged);
    check_npy_header("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8,
                     RECSYS_E_FORMAT, damaged);
    check_npy_header("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, RECSYS_E_FORMAT,
                     damaged);
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", 8, RECSYS_E_FORMAT,
                     damaged);
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}", 8,
                     RECSYS_E_FORMAT, damaged);
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", 8,
                     RECSYS_E_FORMAT, damaged);
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                     8, RECSYS_E_FORMAT, damaged);
    check_npy_header("{'descr': [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 8, RECSYS_E_FORMAT,
                     damaged);
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4,
                     RECSYS_E_UNSUPPORTED, "f: has more than 8 dimensions");
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 8, RECSYS_E_FORMAT,
                     "f: shape and type ask for 12 bytes of data, there are 8");
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 8, RECSYS_E_FORMAT,
                     "f: shape and type ask for 4 bytes of data, there are 8");
    check_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
                     8, RECSYS_E_FORMAT, "f: shape is too large");
}

/* The number of the place where `mark` first stands. */
static size_t find_mark(const unsigned char *bytes, size_t size, const char *mark, size_t mark_size)
{
    for (size_t i = 0; i + mark_size <= size; i++)
        if (memcmp(bytes + i, mark, mark_size) == 0)
            return i;
    fail_msg("mark not found");
    return 0;
}

#define CENTRAL "PK\1\2"
#define END "PK\5\6"

static void put(unsigned char *at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

/* Set `n` bytes at `offset` behind the first `mark` of a fixture, then read it. */
static void check_mutation(const char *file, const char *mark, size_t offset, uint64_t value,
                           size_t n, recsys_status want, const char *message)
{
    struct rs_tensors tensors;
    recsys_error err = {0};
    size_t size;
    unsigned char *bytes = bundle_read_file(fixtures(), file, &size);

    put(bytes + find_mark(bytes, size, mark, 4) + offset, value, n);
    recsys_status status = rs_npz_parse(bytes, size, "f", &tensors, &err);
    assert_string_equal(err.message, message);
    assert_int_equal(status, want);
    rs_tensors_close(&tensors);
    free(bytes);
}

static void damaged_archives_are_refused_with_the_members_name(void **state)
{
    static const char types[] = "types.npz", packed[] = "types_compressed.npz";
    const recsys_status format = RECSYS_E_FORMAT, unsupported = RECSYS_E_UNSUPPORTED;

    (void)state;
    check_mutation(types, END, 0, 0, 1, format, "f: is no ZIP archive, or a truncated one");
    check_mutation(types, END, 20, 1, 2, format, "f: is no ZIP archive, or a truncated one");
    check_mutation(types, END, 4, 1, 2, unsupported, "f: archive of several disks");
    check_mutation(types, END, 10, 21, 2, unsupported, "f: archive of several disks");
    check_mutation(types, END, 16, 5, 4, format,
                   "f: central directory does not end where the archive says");
    check_mutation(types, END, 16, UINT32_MAX, 4, format,
                   "f: ZIP64 locator is missing (damaged archive?)");
    check_mutation(types, END, 8, 0x00130013, 4, format,
                   "f: central directory holds more than its members");
    check_mutation(types, END, 8, 0x00150015, 4, format, "f: central directory is damaged");
    check_mutation(types, END, 8, 0x04010401, 4, RECSYS_E_LIMIT,
                   "f: has 1025 members, at most 1024 are read");
    check_mutation(types, CENTRAL, 0, 0, 1, format, "f: central directory is damaged");
    check_mutation(types, CENTRAL, 28, 0, 2, format, "f: central directory is damaged");
    check_mutation(types, CENTRAL, 28, 0xFFFF, 2, format, "f: central directory is damaged");
    check_mutation(types, CENTRAL, 46, 0, 1, format, "f: central directory is damaged");
    check_mutation(types, CENTRAL, 8, 1, 2, unsupported, "f: f4_grid.npy: is encrypted");
    check_mutation(types, CENTRAL, 34, 1, 2, unsupported, "f: f4_grid.npy: lies on another disk");
    check_mutation(types, CENTRAL, 10, 12, 2, unsupported,
                   "f: f4_grid.npy: is packed by method 12; only stored and deflated are read");
    check_mutation(types, CENTRAL, 20, 177, 4, format,
                   "f: f4_grid.npy: 176 bytes cannot come from 177");
    check_mutation(types, CENTRAL, 24, UINT32_MAX, 4, format,
                   "f: f4_grid.npy: ZIP64 field is damaged");
    check_mutation(types, CENTRAL, 42, 1, 4, format,
                   "f: f4_grid.npy: its header is not where it should be");
    check_mutation(types, CENTRAL, 42, 0xFFFFFFF0, 4, format,
                   "f: f4_grid.npy: its header is not where it should be");
    check_mutation(types, "PK\3\4", 30, 'x', 1, format,
                   "f: f4_grid.npy: its header bears another name");
    check_mutation(types, "PK\3\4", 28, 0xFFFF, 2, format,
                   "f: f4_grid.npy: reaches beyond the archive's data");
    check_mutation(types, CENTRAL, 16, 0x12345678, 4, format,
                   "f: f4_grid: CRC is a78a9e28, the archive says 12345678");
    check_mutation(types, "NUMP", 4, 'x', 1, format, "f: f4_grid: does not begin as .npy files do");
    check_mutation(types, "NUMP", 5, 4, 1, unsupported, "f: f4_grid: .npy version 4 is not known");
    check_mutation(types, "NUMP", 7, 0xFFFF, 2, format,
                   "f: f4_grid: .npy header claims 65535 bytes (damaged, or a truncated copy?)");
    check_mutation(packed, CENTRAL, 16, 0x12345678, 4, format,
                   "f: f4_grid: CRC is a78a9e28, the archive says 12345678");
    check_mutation(packed, "PK\3\4", 61, 0xFFFFFF, 3, format,
                   "f: f4_grid: compressed data is damaged");
    check_mutation(packed, CENTRAL, 24, 177, 4, format, "f: f4_grid: compressed data is damaged");
    check_mutation(packed, CENTRAL, 24, 175, 4, format, "f: f4_grid: compressed data is damaged");
    check_mutation(packed, CENTRAL, 24, 0x10000000, 4, format,
                   "f: f4_grid.npy: 268435456 bytes cannot come from 108");
}

/* Two entries of the directory, and the second claims the first one's data. */
static void members_that_overlap_are_refused(void **state)
{
    struct rs_tensors tensors;
    recsys_error err;
    size_t size;
    unsigned char *bytes = bundle_read_file(fixtures(), "types.npz", &size);
    size_t first = find_mark(bytes, size, CENTRAL, 4);
    size_t second = first + 4 + find_mark(bytes + first + 4, size - first - 4, CENTRAL, 4);

    (void)state;
    put(bytes + second + 42, 0, 4);
    memcpy(bytes + second + 46, "f4_grid.npy", 11);
    assert_int_equal(rs_npz_parse(bytes, size, "f", &tensors, &err), RECSYS_E_FORMAT);
    assert_string_equal(err.message, "f: f4_grid.npy: overlaps the member before it");
    free(bytes);
}

static void two_members_of_one_name_are_refused(void **state)
{
    struct rs_tensors tensors;
    recsys_error err;
    size_t size;
    unsigned char *bytes = bundle_read_file(fixtures(), "types.npz", &size);

    (void)state;
    for (size_t i = 0; i + 11 < size; i++) /* in the directory and in the member's own header */
        if (memcmp(bytes + i, "f8_grid.npy", 11) == 0)
            bytes[i + 1] = '4';
    assert_int_equal(rs_npz_parse(bytes, size, "f", &tensors, &err), RECSYS_E_FORMAT);
    assert_string_equal(err.message, "f: f4_grid: is there twice");
    free(bytes);
}

static void every_truncation_of_an_archive_is_refused(void **state)
{
    static const char *const files[] = {"types.npz", "types_compressed.npz", "version2.npy"};

    (void)state;
    for (size_t f = 0; f < 3; f++) {
        size_t size;
        unsigned char *bytes = bundle_read_file(fixtures(), files[f], &size);
        for (size_t cut = 0; cut < size; cut += f == 2 ? 1 : 7) {
            struct rs_tensors tensors;
            unsigned char *part = malloc(cut == 0 ? 1 : cut);
            memcpy(part, bytes, cut);
            recsys_status status = f == 2 ? rs_npy_parse(part, cut, "f", &tensors, NULL)
                                          : rs_npz_parse(part, cut, "f", &tensors, NULL);
            assert_int_equal(status, RECSYS_E_FORMAT);
            free(part);
        }
        free(bytes);
    }
}

static void archives_beyond_4_gb_say_so_in_fields_that_are_read(void **state)
{
    struct rs_tensors tensors;
    recsys_error err = {0};
    size_t size;
    unsigned char *bytes = bundle_read_file(fixtures(), "zip64.npz", &size);
    size_t record = find_mark(bytes, size, "PK\6\6", 4);

    (void)state;
    for (int needed = 0; needed < 2; needed++) { /* Python writes them even if nothing needs them */
        recsys_status status = rs_npz_parse(bytes, size, "f", &tensors, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(status, RECSYS_OK);
        check_grid(rs_tensors_find(&tensors, "f4_grid"), RECSYS_DTYPE_F32, 0.25);
        check_grid(rs_tensors_find(&tensors, "i8_grid"), RECSYS_DTYPE_I64, 0);
        rs_tensors_close(&tensors);
        put(bytes + find_mark(bytes, size, END, 4) + 16, UINT32_MAX, 4);
    }
    for (size_t at = 24; at < 56; at += 8) { /* number of members, size and place of the list */
        unsigned char *copy = malloc(size);
        memcpy(copy, bytes, size);
        put(copy + record + at, UINT64_MAX - 3, 8);
        assert_int_equal(rs_npz_parse(copy, size, "f", &tensors, &err), RECSYS_E_FORMAT);
        assert_string_equal(err.message,
                            "f: central directory does not end where the archive says");
        free(copy);
    }
    free(bytes);
}

/* An archive of one deflated member: `n` zeros. Returns its size. */
static size_t pack_zeros(unsigned char *to, size_t room, size_t n)
{
    static const char name[] = "x.npy";
    unsigned char zeros[65536] = {0};
    z_stream stream = {0};
    size_t data = 30 + 5, at;

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = to + data;
    stream.avail_out = (uInt)(room - data - 128);
    for (size_t left = n; left > 0; left -= sizeof zeros) {
        stream.next_in = zeros;
        stream.avail_in = sizeof zeros;
        assert_int_equal(deflate(&stream, left == sizeof zeros ? Z_FINISH : Z_NO_FLUSH),
                         left == sizeof zeros ? Z_STREAM_END : Z_OK);
    }
    size_t packed = stream.total_out;
    deflateEnd(&stream);
    at = data + packed;
    memset(to, 0, 30);
    memcpy(to, "PK\3\4", 4);
    put(to + 26, 5, 2);
    memcpy(to + 30, name, 5);
    memset(to + at, 0, 46 + 5 + 22);
    memcpy(to + at, CENTRAL, 4);
    put(to + at + 10, 8, 2);
    put(to + at + 20, packed, 4);
    put(to + at + 24, n, 4);
    put(to + at + 28, 5, 2);
    memcpy(to + at + 46, name, 5);
    memcpy(to + at + 51, END, 4);
    put(to + at + 51 + 8, 0x00010001, 4);
    put(to + at + 51 + 12, 51, 4);
    put(to + at + 51 + 16, at, 4);
    return at + 51 + 22;
}

static void what_would_unpack_to_far_more_than_the_archive_is_refused(void **state)
{
    const size_t room = 1u << 20;
    unsigned char *bytes = malloc(room);
    struct rs_tensors tensors;
    recsys_error err;

    (void)state;
    size_t size = pack_zeros(bytes, room, 16u << 20);
    assert_int_equal(rs_npz_parse(bytes, size, "f", &tensors, &err), RECSYS_E_FORMAT);
    assert_string_equal(err.message, "f: x: does not begin as .npy files do");
    size = pack_zeros(bytes, room, 80u << 20);
    assert_int_equal(rs_npz_parse(bytes, size, "f", &tensors, &err), RECSYS_E_LIMIT);
    assert_non_null(
        strstr(err.message, "bytes would unpack to 83886080; store the arrays unpacked"));
    free(bytes);
}

static recsys_model *load(const char *file)
{
    recsys_model *model = NULL;
    recsys_error err = {0};
    recsys_status status = recsys_model_load(fixture(file), NULL, &model, &err);

    assert_string_equal(err.message, "");
    assert_int_equal(status, RECSYS_OK);
    return model;
}

/* Every score that implicit computes, from vectors and biases taken apart. */
static void check_scores(const recsys_model *model, const char *scores_file, size_t d)
{
    struct rs_tensors scores;

    assert_int_equal(rs_tensors_open(fixture(scores_file), "s", rs_npy_parse, &scores, NULL),
                     RECSYS_OK);
    for (size_t u = 0; u < 12; u++)
        for (size_t i = 0; i < 15; i++) {
            const recsys_id user = RECSYS_ID_NUMBER(u), item = RECSYS_ID_NUMBER(i);
            float a[8], b[8], bias_a, bias_b;
            assert_int_equal(recsys_model_get_user(model, user, a, &bias_a, NULL), RECSYS_OK);
            assert_int_equal(recsys_model_get_item(model, item, b, &bias_b, NULL), RECSYS_OK);
            double score = (double)bias_a + (double)bias_b;
            for (size_t j = 0; j < d; j++)
                score += (double)a[j] * (double)b[j];
            double want = number_at(&scores.list[0], u * 15 + i);
            assert_true(fabs(score - want) < 1e-5);
        }
    rs_tensors_close(&scores);
}

/* implicit's similar_items(): the cosine of the rows as they are stored, biases and ones included.
 */
static double stored_cosine(const struct rs_tensor *factors, size_t a, size_t b)
{
    size_t width = (size_t)factors->shape[1];
    double product = 0, square_a = 0, square_b = 0;

    for (size_t j = 0; j < width; j++) {
        double x = number_at(factors, a * width + j), y = number_at(factors, b * width + j);
        product += x * y;
        square_a += x * x;
        square_b += y * y;
    }
    return product / sqrt(square_a * square_b);
}

/* An item without data is a row of zeros, which is similar to none. */
static uint32_t count_similar(const struct rs_tensor *factors, size_t item)
{
    uint32_t n = 0;

    for (size_t other = 0; other < 15; other++)
        n += other != item && isfinite(stored_cosine(factors, item, other));
    return n;
}

static void check_similar(const struct recsys_model *model, const char *file)
{
    recsys_scorer *scorer = NULL;
    struct rs_tensors tensors;

    assert_int_equal(recsys_scorer_create(NULL, &scorer, NULL), RECSYS_OK);
    assert_int_equal(rs_tensors_open(fixture(file), "f", rs_npz_parse, &tensors, NULL), RECSYS_OK);
    const struct rs_tensor *factors = rs_tensors_find(&tensors, "item_factors");
    for (size_t i = 0; i < 15; i++) {
        const recsys_id item = RECSYS_ID_NUMBER(i);
        recsys_scored found[15];
        uint32_t n = 0;
        assert_int_equal(recsys_scorer_similar(scorer, model, item, NULL, 15, found, &n, NULL),
                         RECSYS_OK);
        assert_int_equal(n, count_similar(factors, i));
        for (uint32_t j = 0; j < n; j++) {
            double want = stored_cosine(factors, i, (size_t)found[j].item.number);
            assert_true(fabs((double)found[j].score - want) < 1e-6);
            assert_true(j == 0 || found[j].score <= found[j - 1].score);
        }
    }
    rs_tensors_close(&tensors);
    recsys_scorer_destroy(scorer);
}

static void models_of_implicit_load_with_the_scores_that_implicit_gives(void **state)
{
    static const struct {
        const char *name, *file, *scores, *algorithm, *metadata;
        uint32_t similar_by;
    } cases[] = {
        {"als", "als.npz", "als_scores.npy", "als",
         "{\"metrics\":{},\"hyperparameters\":{\"alpha\":2.0,\"factors\":4,\"iterations\":5,"
         "\"regularization\":0.05},\"tags\":{}}",
         RECSYS_SIMILAR_VECTOR},
        {"bpr", "bpr.npz", "bpr_scores.npy", "bpr",
         "{\"metrics\":{},\"hyperparameters\":{\"factors\":4,\"iterations\":5,"
         "\"learning_rate\":0.01,\"regularization\":0.01},\"tags\":{}}",
         RECSYS_SIMILAR_VECTOR_BIAS},
        {"lmf", "lmf.npz", "lmf_scores.npy", "lmf",
         "{\"metrics\":{},\"hyperparameters\":{\"factors\":4,\"iterations\":5,"
         "\"learning_rate\":1.0,\"neg_prop\":30,\"regularization\":0.6},\"tags\":{}}",
         RECSYS_SIMILAR_VECTOR_BIAS_ONE},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        recsys_model *model = load(cases[i].file);
        recsys_model_info info = {.struct_size = sizeof info};
        assert_int_equal(recsys_model_get_info(model, &info, NULL), RECSYS_OK);
        assert_int_equal(info.n_users, 12);
        assert_int_equal(info.n_items, 15);
        assert_int_equal(info.dimensions, 4);
        assert_string_equal(info.name, cases[i].name);
        assert_string_equal(info.version, "0");
        assert_string_equal(info.algorithm, cases[i].algorithm);
        assert_string_equal(info.metadata, cases[i].metadata);
        check_scores(model, cases[i].scores, 4);
        assert_int_equal(info.similar_by, cases[i].similar_by);
        check_similar(model, cases[i].file);
        recsys_model_unref(model);
    }
}

static void a_column_that_should_hold_ones_is_checked(void **state)
{
    const float users[] = {1, 2, 1, 3, 4, 0.5f}, items[] = {1, 2, 7};
    struct rs_tensor list[] = {
        {"user_factors", RECSYS_DTYPE_F32, 2, {2, 3}, users, sizeof users, NULL, ""},
        {"item_factors", RECSYS_DTYPE_F32, 2, {1, 3}, items, sizeof items, NULL, ""},
        {"verify_negative_samples", 0, 0, {0}, NULL, 0, NULL, ""},
    };
    const struct rs_tensors tensors = {.list = list, .n = 3};
    struct rs_implicit implicit;
    recsys_error err;

    (void)state;
    assert_int_equal(rs_implicit_detect(&tensors, "f", &implicit, &err), RECSYS_E_FORMAT);
    assert_string_equal(err.message,
                        "f: user_factors[1,2] is 0.5, a model of implicit has a 1 there");
    list[0].shape[1] = list[1].shape[1] = 1;
    assert_int_equal(rs_implicit_detect(&tensors, "f", &implicit, &err), RECSYS_E_FORMAT);
    assert_string_equal(err.message, "f: user_factors: has 1 columns, want more than 1");
    list[2].name = (char *)(uintptr_t) "learning_rate";
    assert_int_equal(rs_implicit_detect(&tensors, "f", &implicit, &err), RECSYS_OK);
    assert_int_equal(implicit.n_extra, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_that_numpy_writes_is_read_or_left_alone),
        cmocka_unit_test(numbers_in_another_order_or_narrow_are_converted_and_texts_become_utf8),
        cmocka_unit_test(texts_that_are_no_texts_are_refused),
        cmocka_unit_test(every_version_of_the_npy_header_is_read),
        cmocka_unit_test(the_npy_header_is_read_by_its_own_rules),
        cmocka_unit_test(damaged_archives_are_refused_with_the_members_name),
        cmocka_unit_test(members_that_overlap_are_refused),
        cmocka_unit_test(two_members_of_one_name_are_refused),
        cmocka_unit_test(every_truncation_of_an_archive_is_refused),
        cmocka_unit_test(archives_beyond_4_gb_say_so_in_fields_that_are_read),
        cmocka_unit_test(what_would_unpack_to_far_more_than_the_archive_is_refused),
        cmocka_unit_test(models_of_implicit_load_with_the_scores_that_implicit_gives),
        cmocka_unit_test(a_column_that_should_hold_ones_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
