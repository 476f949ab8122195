/* Covers lib/formats/safetensors.c and tensors.c: what is read, and every check of the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/formats/tensors.h"
#include "tests/support/bundle.h"

/* A file with this header and `n_data` bytes 0, 1, 2, ... */
static unsigned char *make_file(const char *header, size_t n_data, size_t *size)
{
    uint64_t n = strlen(header);
    unsigned char *bytes = malloc(8 + n + n_data);

    assert_non_null(bytes);
    memcpy(bytes, &n, 8);
    memcpy(bytes + 8, header, n);
    for (size_t i = 0; i < n_data; i++)
        bytes[8 + n + i] = (unsigned char)i;
    *size = 8 + n + n_data;
    return bytes;
}

static void tensors_are_found_by_name_with_shape_and_data(void **state)
{
    const float numbers[] = {1, 2, 3, 4, 5, 6};
    const int64_t ids[] = {7, -8};
    const struct bundle_tensor given[] = {
        {"rows", "F32", 2, {2, 3}, numbers, sizeof numbers},
        {"scalar", "F32", 0, {0, 0}, numbers, 4},
        {"none", "I64", 1, {0, 0}, "", 0},
        {"ids", "I64", 1, {2, 0}, ids, sizeof ids},
        {"raw", "U8", 1, {3, 0}, "abc", 3},
    };
    struct rs_tensors tensors;
    size_t size;
    unsigned char *bytes = bundle_make_safetensors(given, 5, 64, &size);

    (void)state;
    assert_int_equal(rs_safetensors_parse(bytes, size, "f", &tensors, NULL), RECSYS_OK);
    assert_int_equal(tensors.n, 5);
    const struct rs_tensor *rows = rs_tensors_find(&tensors, "rows");
    assert_int_equal(rows->dtype, RECSYS_DTYPE_F32);
    assert_int_equal(rows->n_dims, 2);
    assert_int_equal(rows->shape[0], 2);
    assert_int_equal(rows->shape[1], 3);
    assert_memory_equal(rows->data, numbers, sizeof numbers);
    assert_null(rows->copy);
    const struct rs_tensor *scalar = rs_tensors_find(&tensors, "scalar");
    assert_int_equal(scalar->n_dims, 0);
    assert_int_equal(scalar->n_bytes, 4);
    /* 28 bytes behind an aligned beginning: not a place for 64-bit numbers. */
    const struct rs_tensor *copied = rs_tensors_find(&tensors, "ids");
    assert_non_null(copied->copy);
    assert_int_equal((uintptr_t)copied->data % 8, 0);
    assert_memory_equal(copied->data, ids, sizeof ids);
    assert_int_equal(rs_tensors_find(&tensors, "none")->n_bytes, 0);
    assert_memory_equal(rs_tensors_find(&tensors, "raw")->data, "abc", 3);
    assert_null(rs_tensors_find(&tensors, "row"));
    rs_tensors_close(&tensors);
    free(bytes);
}

static void metadata_padding_and_unknown_types_are_accepted(void **state)
{
    static const char *const headers[] = {
        "{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"U8\",\"shape\":[4],"
        "\"data_offsets\":[0,4]}}     ",
        "{\"a\":{\"data_offsets\":[0,4],\"dtype\":\"F6_E9M9\",\"shape\":[99]}}",
        "{\"b\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[3,4]},"
        "\"a\":{\"dtype\":\"U8\",\"shape\":[3,1,1],\"data_offsets\":[0,3],\"more\":null}}",
        "{\"z\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[4,4]},"
        "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
        "\"y\":{\"dtype\":\"F32\",\"shape\":[5,0],\"data_offsets\":[0,0]}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct rs_tensors tensors;
        recsys_error err = {0};
        size_t size;
        unsigned char *bytes = make_file(headers[i], 4, &size);
        recsys_status status = rs_safetensors_parse(bytes, size, "f", &tensors, &err);
        assert_string_equal(err.message, "");
        assert_int_equal(status, RECSYS_OK);
        const struct rs_tensor *a = rs_tensors_find(&tensors, "a");
        assert_int_equal(a->dtype, i == 1 ? 0 : RECSYS_DTYPE_U8);
        assert_int_equal(a->data == NULL, i == 1);
        rs_tensors_close(&tensors);
        free(bytes);
    }
}

#define A(shape, offsets)                                                                          \
    "\"a\":{\"dtype\":\"U8\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define B(shape, offsets)                                                                          \
    "\"b\":{\"dtype\":\"U8\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void every_lie_of_a_header_is_found(void **state)
{
    static const struct {
        const char *header, *message;
        recsys_status status;
    } cases[] = {
        {"[]", "f: header does not begin with '{'", 0},
        {" {}", "f: header does not begin with '{'", 0},
        {"{}", "f: tensors end at byte 0 of the data, which has 4", 0},
        {"{" A("[3]", "[0,3]") "}", "f: tensors end at byte 3 of the data, which has 4", 0},
        {"{" A("[5]", "[0,5]") "}",
         "f: a: data_offsets [0,5] do not lie in the file's 4 bytes of data (truncated copy?)", 0},
        {"{" A("[1]", "[1,0]") "}",
         "f: a: data_offsets [1,0] do not lie in the file's 4 bytes of data (truncated copy?)", 0},
        {"{" A("[3]", "[1,4]") "}", "f: a: leaves a hole after the tensor before it", 0},
        {"{" A("[1]", "[0,1]") "," B("[2]", "[2,4]") "}",
         "f: b: leaves a hole after the tensor before it", 0},
        {"{" A("[3]", "[0,3]") "," B("[2]", "[2,4]") "}", "f: b: overlaps the tensor before it", 0},
        {"{" A("[4]", "[0,4]") "," B("[0]", "[2,2]") "}", "f: b: overlaps the tensor before it", 0},
        {"{" A("[4]", "[0,4]") "," B("[4]", "[0,4]") "}", "f: b: overlaps the tensor before it", 0},
        {"{" A("[3]", "[0,4]") "}", "f: a: shape and dtype ask for 3 bytes, data_offsets give 4",
         0},
        {"{" A("[4294967296,4294967296]", "[0,4]") "}", "f: a: \"shape\" is too large", 0},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[576460752303423488],\"data_offsets\":[0,4]}}",
         "f: a: \"shape\" is too large", 0},
        {"{" A("[-4]", "[0,4]") "}", "f: a: \"shape\" must hold integers that are not negative", 0},
        {"{" A("[4.0]", "[0,4]") "}", "f: a: \"shape\" must hold integers that are not negative",
         0},
        {"{" A("4", "[0,4]") "}", "f: a: \"shape\" must be an array", 0},
        {"{" A("[1,1,1,1,1,1,1,1,4]", "[0,4]") "}",
         "f: a: has 9 dimensions, at most 8 are supported", RECSYS_E_UNSUPPORTED},
        {"{" A("[4]", "[0]") "}",
         "f: a: \"data_offsets\" must be two integers that are not negative", 0},
        {"{" A("[4]", "[-1,3]") "}",
         "f: a: \"data_offsets\" must be two integers that are not negative", 0},
        {"{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", "f: a: \"dtype\" must be a string", 0},
        {"{\"a\":{\"dtype\":7,\"shape\":[4],\"data_offsets\":[0,4]}}",
         "f: a: \"dtype\" must be a string", 0},
        {"{\"a\":[]}", "f: a: must be an object", 0},
        {"{\"__metadata__\":{\"a\":1}," A("[4]", "[0,4]") "}",
         "f: __metadata__: must hold strings only", 0},
        {"{\"__metadata__\":null," A("[4]", "[0,4]") "}", "f: __metadata__: must be an object", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rs_tensors tensors;
        recsys_error err = {0};
        size_t size;
        unsigned char *bytes = make_file(cases[i].header, 4, &size);
        recsys_status status = rs_safetensors_parse(bytes, size, "f", &tensors, &err);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(status, cases[i].status == 0 ? RECSYS_E_FORMAT : cases[i].status);
        assert_int_equal(tensors.n, 0);
        assert_null(tensors.list);
        free(bytes);
    }
}

static void json_that_is_no_json_is_reported_with_its_place(void **state)
{
    static const char *const headers[] = {
        "{\"a\":1,\"a\":2}",
        "{\"a\":",
        "{} {}",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}",
        "{\"\xFF\":1}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct rs_tensors tensors;
        recsys_error err = {0};
        size_t size;
        unsigned char *bytes = make_file(headers[i], 4, &size);
        assert_int_equal(rs_safetensors_parse(bytes, size, "f", &tensors, &err), RECSYS_E_FORMAT);
        assert_memory_equal(err.message, "f: header: not valid JSON at line 1, column ", 44);
        free(bytes);
    }
}

static void a_header_that_reaches_beyond_the_file_is_refused(void **state)
{
    static const uint64_t lengths[] = {
        0, 15, 16, 100000001, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 7, UINT64_MAX};
    unsigned char bytes[23] = {0};
    struct rs_tensors tensors;
    recsys_error err;

    (void)state;
    memcpy(bytes + 8, "{}             ", 15);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memcpy(bytes, &lengths[i], 8);
        recsys_status status = rs_safetensors_parse(bytes, 23, "f", &tensors, &err);
        assert_int_equal(status, i == 1 ? RECSYS_OK : RECSYS_E_FORMAT);
        rs_tensors_close(&tensors);
    }
    assert_string_equal(err.message, "f: header claims 18446744073709551615 bytes, the file has 23 "
                                     "(not safetensors, or a truncated copy?)");
    assert_int_equal(rs_safetensors_parse(bytes, 8, "f", &tensors, &err), RECSYS_E_FORMAT);
    assert_string_equal(err.message, "f: has 8 bytes, too few for safetensors");
}

static void deep_nesting_is_refused_without_harm(void **state)
{
    enum { DEPTH = 100000 };
    char *header = malloc(DEPTH + 8);
    struct rs_tensors tensors;
    size_t size;

    (void)state;
    memcpy(header, "{\"a\":", 5);
    memset(header + 5, '[', DEPTH);
    header[5 + DEPTH] = '\0';
    unsigned char *bytes = make_file(header, 0, &size);
    assert_int_equal(rs_safetensors_parse(bytes, size, "f", &tensors, NULL), RECSYS_E_FORMAT);
    free(bytes);
    free(header);
}

static void every_truncation_of_a_good_file_is_refused(void **state)
{
    const float numbers[] = {1, 2, 3};
    const struct bundle_tensor given[] = {
        {"x", "F32", 1, {3, 0}, numbers, sizeof numbers},
        {"y", "U8", 1, {2, 0}, "ab", 2},
    };
    struct rs_tensors tensors;
    size_t size;
    unsigned char *bytes = bundle_make_safetensors(given, 2, 8, &size);

    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *part = malloc(cut == 0 ? 1 : cut); /* its end is watched by ASan */
        memcpy(part, bytes, cut);
        assert_int_equal(rs_safetensors_parse(part, cut, "f", &tensors, NULL), RECSYS_E_FORMAT);
        free(part);
    }
    free(bytes);
}

static void files_are_mapped_and_what_is_no_file_is_refused(void **state)
{
    char *directory = bundle_make_directory(), path[4200];
    const struct bundle_tensor given = {"y", "U8", 1, {2, 0}, "ab", 2};
    struct rs_tensors tensors;
    struct rs_map map;
    recsys_error err;
    size_t size;
    unsigned char *bytes = bundle_make_safetensors(&given, 1, 8, &size);

    (void)state;
    bundle_write_file(directory, "x", bytes, size);
    bundle_write_file(directory, "empty", "", 0);
    snprintf(path, sizeof path, "%s/x", directory);
    assert_int_equal(rs_tensors_open(path, "x", rs_safetensors_parse, &tensors, &err), RECSYS_OK);
    assert_int_equal(tensors.map.size, size);
    assert_memory_equal(rs_tensors_find(&tensors, "y")->data, "ab", 2);
    rs_tensors_close(&tensors);
    assert_int_equal(rs_map_open(path, "x", size - 1, &map, &err), RECSYS_E_LIMIT);
    assert_null(map.bytes);
    snprintf(path, sizeof path, "%s/empty", directory);
    assert_int_equal(rs_map_open(path, "empty", 0, &map, &err), RECSYS_OK);
    assert_int_equal(map.size, 0);
    rs_map_close(&map);
    assert_int_equal(rs_tensors_open(path, "empty", rs_safetensors_parse, &tensors, &err),
                     RECSYS_E_FORMAT);
    assert_int_equal(rs_tensors_open(directory, "dir", rs_safetensors_parse, &tensors, &err),
                     RECSYS_E_FORMAT);
    assert_string_equal(err.message, "dir: not a regular file");
    snprintf(path, sizeof path, "%s/absent", directory);
    assert_int_equal(rs_tensors_open(path, "absent", rs_safetensors_parse, &tensors, &err),
                     RECSYS_E_IO);
    assert_string_equal(err.message, "cannot open absent: No such file or directory");
    free(bytes);
    bundle_remove_directory(directory);
    free(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_found_by_name_with_shape_and_data),
        cmocka_unit_test(metadata_padding_and_unknown_types_are_accepted),
        cmocka_unit_test(every_lie_of_a_header_is_found),
        cmocka_unit_test(json_that_is_no_json_is_reported_with_its_place),
        cmocka_unit_test(a_header_that_reaches_beyond_the_file_is_refused),
        cmocka_unit_test(deep_nesting_is_refused_without_harm),
        cmocka_unit_test(every_truncation_of_a_good_file_is_refused),
        cmocka_unit_test(files_are_mapped_and_what_is_no_file_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
