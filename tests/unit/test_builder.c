/* Covers lib/model/builder*.c, folder.c, sink.c and safetensors_write.c from
 * inside: what the files of a bundle look like, byte by byte where it matters. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/base/json.h"
#include "lib/base/utf8.h"
#include "lib/bundle/digest.h"
#include "lib/builder/folder.h"
#include "lib/bundle/manifest.h"
#include "lib/builder/sink.h"
#include "lib/formats/tensors.h"
#include "recsys/builder.h"
#include "tests/support/bundle.h"
#include "tests/support/count_alloc.h"
#include "tests/support/scratch.h"

static recsys_error err;

static void check_ok(recsys_status status)
{
    if (status != RECSYS_OK)
        fail_msg("%s: %s", recsys_status_name(status), err.message);
}

static recsys_builder *create(void)
{
    recsys_builder *builder = NULL;

    check_ok(recsys_builder_create(&builder, &err));
    return builder;
}

static void set(recsys_builder *builder, const char *name, const void *data, uint32_t dtype,
                uint64_t rows, uint64_t columns)
{
    recsys_array array = RECSYS_ARRAY_2D(data, dtype, rows, columns);

    array.n_dims = columns == 0 ? 1u : 2u;
    check_ok(recsys_builder_set_array(builder, name, &array, &err));
}

static const float *floats_of(const struct rs_tensors *tensors, const char *name)
{
    const struct rs_tensor *tensor = rs_tensors_find(tensors, name);

    assert_non_null(tensor);
    assert_int_equal(tensor->dtype, RECSYS_DTYPE_F32);
    return tensor->data;
}

static void open_tensors(const char *bundle, const char *file, struct rs_tensors *out)
{
    char path[600];

    snprintf(path, sizeof path, "%s/%s", in_scratch(bundle), file);
    check_ok(rs_tensors_open(path, file, rs_safetensors_parse, out, &err));
}

/* Rows of length 1, 5, 3, 5. */
static const float four_items[8] = {1, 0, 3, 4, 0, 3, 4, 3};
static const float one_user[2] = {0.5f, -0.5f};

static recsys_builder *four_items_builder(void)
{
    recsys_builder *builder = create();

    set(builder, "item_factors", four_items, RECSYS_DTYPE_F32, 4, 2);
    set(builder, "user_factors", one_user, RECSYS_DTYPE_F32, 1, 2);
    return builder;
}

static void items_are_written_by_descending_norm_and_all_that_is_theirs_with_them(void **state)
{
    const float bias[4] = {10, 20, 30, 40}, popularity[4] = {1, 2, 3, 4};
    const int32_t ids[4] = {107, 103, 105, 101};
    const float want_items[8] = {3, 4, 4, 3, 0, 3, 1, 0};
    const float want_bias[4] = {20, 40, 30, 10}, want_popularity[4] = {2, 4, 3, 1};
    const int64_t want_ids[4] = {103, 101, 105, 107};
    struct rs_tensors tensors;
    recsys_builder *builder = four_items_builder();

    (void)state;
    set(builder, "item_bias", bias, RECSYS_DTYPE_F32, 4, 0);
    set(builder, "item_popularity", popularity, RECSYS_DTYPE_F32, 4, 0);
    set(builder, "item_ids", ids, RECSYS_DTYPE_I32, 4, 0);
    check_ok(recsys_builder_write(builder, in_scratch("order"), &err));
    open_tensors("order", "model.safetensors", &tensors);
    assert_memory_equal(floats_of(&tensors, "item_factors"), want_items, sizeof want_items);
    assert_memory_equal(floats_of(&tensors, "item_bias"), want_bias, sizeof want_bias);
    assert_memory_equal(floats_of(&tensors, "item_popularity"), want_popularity,
                        sizeof want_popularity);
    assert_memory_equal(rs_tensors_find(&tensors, "item_ids")->data, want_ids, sizeof want_ids);
    assert_int_equal(((const int64_t *)rs_tensors_find(&tensors, "user_ids")->data)[0], 0);
    rs_tensors_close(&tensors);
    recsys_builder_destroy(builder);
}

static void items_without_ids_keep_the_numbers_of_the_rows_they_were_given_in(void **state)
{
    const int64_t want_ids[4] = {1, 3, 2, 0};
    struct rs_tensors tensors;
    recsys_builder *builder = four_items_builder();

    (void)state;
    check_ok(recsys_builder_write(builder, in_scratch("rows"), &err));
    open_tensors("rows", "model.safetensors", &tensors);
    assert_memory_equal(rs_tensors_find(&tensors, "item_ids")->data, want_ids, sizeof want_ids);
    rs_tensors_close(&tensors);
    recsys_builder_destroy(builder);
}

static void ids_that_are_the_numbers_of_rows_take_no_space(void **state)
{
    const float items[4] = {4, 3, 2, 1};
    const int64_t ids[4] = {1, 2, 3, 4};
    struct rs_tensors tensors;
    recsys_builder *builder = create();

    (void)state;
    set(builder, "item_factors", items, RECSYS_DTYPE_F32, 4, 1);
    set(builder, "user_factors", NULL, RECSYS_DTYPE_F32, 0, 1);
    set(builder, "item_ids", ids, RECSYS_DTYPE_I64, 4, 0);
    check_ok(recsys_builder_write(builder, in_scratch("plain"), &err));
    open_tensors("plain", "model.safetensors", &tensors);
    assert_null(rs_tensors_find(&tensors, "item_ids"));
    assert_int_equal(tensors.n, 2);
    rs_tensors_close(&tensors);
    recsys_builder_destroy(builder);
}

static void seen_items_are_translated_and_sorted_with_their_weights(void **state)
{
    const uint32_t offsets[2] = {0, 3}; /* of another width than stored */
    const int64_t items[3] = {0, 3, 1};
    const double weights[3] = {1, 4, 2};
    const uint64_t want_offsets[2] = {0, 3};
    const uint32_t want_items[3] = {0, 1, 3};
    const float want_weights[3] = {2, 4, 1};
    struct rs_tensors tensors;
    recsys_builder *builder = four_items_builder();

    (void)state;
    set(builder, "seen_offsets", offsets, RECSYS_DTYPE_U32, 2, 0);
    set(builder, "seen_items", items, RECSYS_DTYPE_I64, 3, 0);
    set(builder, "seen_weights", weights, RECSYS_DTYPE_F64, 3, 0);
    check_ok(recsys_builder_write(builder, in_scratch("seen"), &err));
    open_tensors("seen", "seen.safetensors", &tensors);
    assert_memory_equal(rs_tensors_find(&tensors, "seen_offsets")->data, want_offsets,
                        sizeof want_offsets);
    assert_memory_equal(rs_tensors_find(&tensors, "seen_items")->data, want_items,
                        sizeof want_items);
    assert_memory_equal(floats_of(&tensors, "seen_weights"), want_weights, sizeof want_weights);
    rs_tensors_close(&tensors);
    recsys_builder_destroy(builder);
}

static void a_cosine_model_is_written_with_vectors_of_length_one_in_the_given_order(void **state)
{
    const float items[8] = {3, 4, 0, 0, 0, 2, -5, 12};
    const float want[8] = {0.6f, 0.8f, 0, 1, (float)(-5.0 / 13.0), (float)(12.0 / 13.0), 0, 0};
    const float user[2] = {0, -7}, want_user[2] = {0, -1};
    const int64_t want_ids[4] = {0, 2, 3, 1}; /* zero vectors come last */
    struct rs_tensors tensors;
    recsys_builder *builder = create();

    (void)state;
    set(builder, "item_factors", items, RECSYS_DTYPE_F32, 4, 2);
    set(builder, "user_factors", user, RECSYS_DTYPE_F32, 1, 2);
    check_ok(recsys_builder_set_field(builder, "metric", "cosine", &err));
    check_ok(recsys_builder_write(builder, in_scratch("cosine"), &err));
    open_tensors("cosine", "model.safetensors", &tensors);
    assert_memory_equal(floats_of(&tensors, "item_factors"), want, sizeof want);
    for (int i = 0; i < 2; i++)
        assert_true(floats_of(&tensors, "user_factors")[i] == want_user[i]);
    assert_memory_equal(rs_tensors_find(&tensors, "item_ids")->data, want_ids, sizeof want_ids);
    rs_tensors_close(&tensors);
    recsys_builder_destroy(builder);
}

static void other_types_of_numbers_are_stored_as_float(void **state)
{
    const double items[4] = {0.1, -2.5, 1e-60, 3e38};
    const uint16_t user[4] = {0x3C00, 0xC000, 0x0001, 0x7BFF}; /* 1, -2, 2^-24, 65504 */
    const float want_items[4] = {0.1f, -2.5f, 0.0f, 3e38f};
    const float want_user[4] = {1.0f, -2.0f, 0x1p-24f, 65504.0f};
    struct rs_tensors tensors;
    recsys_builder *builder = create();

    (void)state;
    set(builder, "item_factors", items, RECSYS_DTYPE_F64, 1, 4);
    set(builder, "user_factors", user, RECSYS_DTYPE_F16, 1, 4);
    check_ok(recsys_builder_write(builder, in_scratch("types"), &err));
    open_tensors("types", "model.safetensors", &tensors);
    assert_memory_equal(floats_of(&tensors, "item_factors"), want_items, sizeof want_items);
    assert_memory_equal(floats_of(&tensors, "user_factors"), want_user, sizeof want_user);
    rs_tensors_close(&tensors);
    recsys_builder_destroy(builder);
}

static void arrays_that_are_not_aligned_are_no_problem(void **state)
{
    char raw[sizeof four_items + 1];
    struct rs_tensors tensors;
    recsys_builder *builder = four_items_builder();

    (void)state;
    memcpy(raw + 1, four_items, sizeof four_items);
    set(builder, "item_factors", raw + 1, RECSYS_DTYPE_F32, 4, 2);
    check_ok(recsys_builder_write(builder, in_scratch("unaligned"), &err));
    open_tensors("unaligned", "model.safetensors", &tensors);
    assert_true(floats_of(&tensors, "item_factors")[1] == 4.0f);
    rs_tensors_close(&tensors);
    recsys_builder_destroy(builder);
}

/* Whatever the sizes are: the hard case is an odd number of floats before integers of 8 bytes. */
static void every_tensor_is_aligned_and_item_factors_at_64_bytes(void **state)
{
    const float numbers[64] = {1};
    const char *const texts[] = {"a", "bc", "def"};

    (void)state;
    for (uint64_t n_users = 0; n_users < 4; n_users++)
        for (uint64_t d = 1; d < 18; d++) {
            recsys_builder *builder = create();
            struct rs_tensors tensors;
            char name[32];
            snprintf(name, sizeof name, "aligned-%d-%d", (int)n_users, (int)d);
            set(builder, "item_factors", numbers, RECSYS_DTYPE_F32, 3, d);
            set(builder, "user_factors", numbers, RECSYS_DTYPE_F32, n_users, d);
            set(builder, "user_bias", numbers, RECSYS_DTYPE_F32, n_users, 0);
            check_ok(recsys_builder_set_texts(builder, "item_ids", texts, 3, &err));
            check_ok(recsys_builder_set_texts(builder, "user_ids", texts, n_users, &err));
            check_ok(recsys_builder_write(builder, in_scratch(name), &err));
            open_tensors(name, "model.safetensors", &tensors);
            for (size_t i = 0; i < tensors.n; i++)
                assert_null(tensors.list[i].copy); /* the reader had nothing to align */
            uintptr_t at = (uintptr_t)rs_tensors_find(&tensors, "item_factors")->data;
            assert_int_equal(at % 64, 0);
            rs_tensors_close(&tensors);
            recsys_builder_destroy(builder);
        }
}

static void the_manifest_says_what_was_set_and_what_was_written(void **state)
{
    static const char line[] = "{\"id\": 3, \"x\": 1}";
    struct rs_manifest manifest;
    struct rs_map map;
    char path[600], *text, digest[RS_DIGEST_SIZE];
    recsys_builder *builder = four_items_builder();

    (void)state;
    check_ok(recsys_builder_set_field(builder, "name", "movies", &err));
    check_ok(recsys_builder_set_field(builder, "version", "3", &err));
    check_ok(recsys_builder_set_field(builder, "algorithm", "als", &err));
    check_ok(recsys_builder_set_field(builder, "training_date", "2026-11-21T03:00:00Z", &err));
    check_ok(recsys_builder_set_field(builder, "link", "linear", &err));
    check_ok(recsys_builder_set_field(builder, "link_min", "0.5", &err));
    check_ok(recsys_builder_set_field(builder, "link_max", "5", &err));
    check_ok(recsys_builder_set_field(builder, "metrics.recall@10", "0.1", &err));
    check_ok(recsys_builder_set_field(builder, "metrics.n", "12", &err));
    check_ok(recsys_builder_set_field(builder, "hyperparameters.dtype", "float32", &err));
    check_ok(recsys_builder_set_field(builder, "hyperparameters.list", "[1]", &err));
    check_ok(recsys_builder_set_field(builder, "hyperparameters.none", "null", &err));
    check_ok(recsys_builder_set_field(builder, "hyperparameters.cg", "true", &err));
    check_ok(recsys_builder_set_field(builder, "hyperparameters.quoted", "\"x\"", &err));
    check_ok(recsys_builder_add_item(builder, line, sizeof line - 1, &err));
    check_ok(recsys_builder_write(builder, in_scratch("manifest"), &err));

    check_ok(rs_map_open(in_scratch("manifest/recsys.json"), "recsys.json", 1 << 20, &map, &err));
    check_ok(rs_manifest_parse((const char *)map.bytes, map.size, "recsys.json", &manifest, &err));
    assert_string_equal(manifest.name, "movies");
    assert_string_equal(manifest.version, "3");
    assert_string_equal(manifest.algorithm, "als");
    assert_string_equal(manifest.training_date, "2026-11-21T03:00:00Z");
    assert_int_equal(manifest.dimensions, 2);
    assert_int_equal(manifest.n_users, 1);
    assert_int_equal(manifest.n_items, 4);
    assert_int_equal(manifest.metric, RECSYS_METRIC_INNER_PRODUCT);
    assert_int_equal(manifest.link, RECSYS_LINK_LINEAR);
    assert_true(manifest.link_min == 0.5f && manifest.link_max == 5.0f);
    check_ok(rs_manifest_dump(&manifest, "metrics", &text, &err));
    assert_string_equal(text, "{\"n\":12,\"recall@10\":0.1}");
    rs_free(text);
    check_ok(rs_manifest_dump(&manifest, "hyperparameters", &text, &err));
    assert_string_equal(text, "{\"cg\":true,\"dtype\":\"float32\",\"list\":\"[1]\",\"none\":null,"
                              "\"quoted\":\"\\\"x\\\"\"}");
    rs_free(text);
    assert_int_equal(manifest.n_files, 2);
    rs_map_close(&map);
    for (size_t i = 0; i < manifest.n_files; i++) {
        snprintf(path, sizeof path, "%s/%s", in_scratch("manifest"), manifest.files[i].name);
        check_ok(rs_map_open(path, "file", UINT64_MAX, &map, &err));
        check_ok(rs_digest(map.bytes, map.size, digest, &err));
        assert_string_equal(digest, manifest.files[i].sha256);
        assert_int_equal(map.size, manifest.files[i].size);
        rs_map_close(&map);
    }
    rs_manifest_destroy(&manifest);
    recsys_builder_destroy(builder);
}

static void fields_that_were_not_set_have_defaults(void **state)
{
    struct rs_manifest manifest;
    struct rs_map map;
    recsys_builder *builder = four_items_builder();

    (void)state;
    check_ok(recsys_builder_write(builder, in_scratch("defaults//"), &err));
    check_ok(rs_map_open(in_scratch("defaults/recsys.json"), "recsys.json", 1 << 20, &map, &err));
    check_ok(rs_manifest_parse((const char *)map.bytes, map.size, "recsys.json", &manifest, &err));
    assert_string_equal(manifest.name, "defaults");
    assert_string_equal(manifest.version, "1");
    assert_string_equal(manifest.algorithm, "");
    assert_string_equal(manifest.training_date, "");
    assert_int_equal(manifest.link, RECSYS_LINK_SIGMOID);
    rs_manifest_destroy(&manifest);
    rs_map_close(&map);
    recsys_builder_destroy(builder);
}

static void equal_parts_give_equal_bytes(void **state)
{
    static const char *const files[] = {"recsys.json", "model.safetensors"};
    recsys_builder *builder = four_items_builder();

    (void)state;
    check_ok(recsys_builder_set_field(builder, "name", "same", &err));
    check_ok(recsys_builder_write(builder, in_scratch("twin-a"), &err));
    check_ok(recsys_builder_write(builder, in_scratch("twin-b"), &err));
    for (size_t i = 0; i < 2; i++) {
        struct rs_map a, b;
        char path[600];
        snprintf(path, sizeof path, "%s/%s", in_scratch("twin-a"), files[i]);
        check_ok(rs_map_open(path, "a", UINT64_MAX, &a, &err));
        snprintf(path, sizeof path, "%s/%s", in_scratch("twin-b"), files[i]);
        check_ok(rs_map_open(path, "b", UINT64_MAX, &b, &err));
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.bytes, b.bytes, a.size);
        rs_map_close(&a);
        rs_map_close(&b);
    }
    recsys_builder_destroy(builder);
}

static void a_sink_hashes_what_it_writes_however_it_comes(void **state)
{
    const size_t sizes[] = {0, 1, 63, 1u << 20, (1u << 20) - 1, 3, (5u << 20) + 7, 1u << 19};
    unsigned char *bytes = malloc(6u << 20);
    size_t total = 0;
    struct rs_sink sink;
    struct rs_map map;
    char digest[RS_DIGEST_SIZE], want[RS_DIGEST_SIZE];
    int folder = open(scratch, O_RDONLY | O_DIRECTORY);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < (6u << 20); i++)
        bytes[i] = (unsigned char)(i * 7 >> 3);
    check_ok(rs_sink_open(&sink, folder, "sink", &err));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_ok(rs_sink_write(&sink, bytes, sizes[i], &err));
        total += sizes[i];
    }
    assert_int_equal(sink.size, total);
    check_ok(rs_sink_close(&sink, digest, &err));
    check_ok(rs_map_open(in_scratch("sink"), "sink", UINT64_MAX, &map, &err));
    assert_int_equal(map.size, total);
    check_ok(rs_digest(map.bytes, map.size, want, &err));
    assert_string_equal(digest, want);
    rs_map_close(&map);

    assert_int_equal(rs_sink_open(&sink, folder, "sink", &err), RECSYS_E_IO);
    assert_string_equal(err.message, "cannot create sink: File exists");
    rs_sink_abandon(&sink);
    close(folder);
    free(bytes);
}

static void a_folder_never_replaces_what_came_in_the_meantime(void **state)
{
    static const char *const names[] = {"file", NULL};
    struct rs_folder folder;
    struct stat info;

    (void)state;
    check_ok(rs_folder_open(&folder, in_scratch("late"), &err));
    close(openat(folder.folder, "file", O_CREAT | O_WRONLY, 0600));
    assert_int_equal(mkdir(in_scratch("late"), 0700), 0); /* rename() would replace this */
    assert_int_equal(rs_folder_publish(&folder, &err), RECSYS_E_EXISTS);
    char temporary[600];
    snprintf(temporary, sizeof temporary, "%s/%s", scratch, folder.temporary);
    assert_int_equal(access(temporary, F_OK), 0);
    rs_folder_close(&folder, names);
    assert_int_equal(access(temporary, F_OK), -1);
    assert_int_equal(stat(in_scratch("late/file"), &info), -1);
}

/* Everything a builder does, with memory for `n` allocations. */
static recsys_status build_with(unsigned long n)
{
    static const char line[] = "{\"id\": \"b\", \"genres\": [\"x\"], \"language\": \"en\"}";
    static const char *const texts[4] = {"a", "b", "c", "d"};
    static const uint64_t offsets[2] = {0, 2};
    static const uint32_t items[2] = {3, 1};
    static const double weights[2] = {1, 2};
    const recsys_array parts[5] = {RECSYS_ARRAY_2D(four_items, RECSYS_DTYPE_F32, 4, 2),
                                   RECSYS_ARRAY_2D(one_user, RECSYS_DTYPE_F32, 1, 2),
                                   RECSYS_ARRAY_1D(offsets, RECSYS_DTYPE_U64, 2),
                                   RECSYS_ARRAY_1D(items, RECSYS_DTYPE_U32, 2),
                                   RECSYS_ARRAY_1D(weights, RECSYS_DTYPE_F64, 2)};
    static const char *const names[5] = {"item_factors", "user_factors", "seen_offsets",
                                         "seen_items", "seen_weights"};
    recsys_builder *builder = NULL;

    count_alloc.n_allowed = n;
    recsys_status status = recsys_builder_create(&builder, &err);
    for (size_t i = 0; i < 5 && status == RECSYS_OK; i++)
        status = recsys_builder_set_array(builder, names[i], &parts[i], &err);
    if (status == RECSYS_OK)
        status = recsys_builder_set_texts(builder, "item_ids", texts, 4, &err);
    if (status == RECSYS_OK)
        status = recsys_builder_set_field(builder, "metric", "cosine", &err);
    if (status == RECSYS_OK)
        status = recsys_builder_add_item(builder, line, sizeof line - 1, &err);
    if (status == RECSYS_OK)
        status = recsys_builder_write(builder, in_scratch("memory/bundle"), &err);
    recsys_builder_destroy(builder);
    count_alloc.n_allowed = ULONG_MAX;
    return status;
}

/* The same for one that takes a bundle over. */
static recsys_status import_with(unsigned long n)
{
    const char *source = getenv("RECSYS_SOURCE_DIR");
    recsys_builder *builder = NULL;
    char path[1024];

    snprintf(path, sizeof path, "%s/tests/golden/v1", source == NULL ? "." : source);
    count_alloc.n_allowed = n;
    recsys_status status = recsys_builder_create(&builder, &err);
    if (status == RECSYS_OK)
        status = recsys_builder_import_model(builder, path, &err);
    strcat(path, "/model.safetensors");
    if (status == RECSYS_OK)
        status = recsys_builder_import_array(builder, "item_bias", path, NULL, &err);
    if (status == RECSYS_OK)
        status = recsys_builder_write(builder, in_scratch("memory/bundle"), &err);
    recsys_builder_destroy(builder);
    count_alloc.n_allowed = ULONG_MAX;
    return status;
}

static void check_without_memory(recsys_status (*work)(unsigned long n))
{
    recsys_status status;
    unsigned long n = 0;

    assert_int_equal(mkdir(in_scratch("memory"), 0700), 0);
    check_ok(recsys_alloc_set(&count_alloc_functions, &err));
    while ((status = work(n)) != RECSYS_OK) {
        assert_int_equal(status, RECSYS_E_NOMEM);
        assert_int_equal(err.status, RECSYS_E_NOMEM);
        assert_int_equal(rmdir(in_scratch("memory")), 0); /* works for an empty one only */
        assert_int_equal(mkdir(in_scratch("memory"), 0700), 0);
        n++;
    }
    check_ok(recsys_alloc_set(NULL, &err));
    assert_true(n > 30);
    bundle_remove_directory(in_scratch("memory"));
}

static void memory_that_runs_out_anywhere_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    check_without_memory(build_with);
    check_without_memory(import_with);
}

static void utf8_is_told_from_what_only_looks_like_it(void **state)
{
    static const char *const good[] = {"",
                                       "abc",
                                       "\xC2\x80",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xC2x",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFF",
                                      "a\xE2\x82"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(rs_utf8_is_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(rs_utf8_is_valid(bad[i], strlen(bad[i])));
    assert_false(rs_utf8_is_valid("a\0b", 3));
    assert_int_equal(rs_utf8_count(""), 0);
    assert_int_equal(rs_utf8_count("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_written_by_descending_norm_and_all_that_is_theirs_with_them),
        cmocka_unit_test(items_without_ids_keep_the_numbers_of_the_rows_they_were_given_in),
        cmocka_unit_test(ids_that_are_the_numbers_of_rows_take_no_space),
        cmocka_unit_test(seen_items_are_translated_and_sorted_with_their_weights),
        cmocka_unit_test(a_cosine_model_is_written_with_vectors_of_length_one_in_the_given_order),
        cmocka_unit_test(other_types_of_numbers_are_stored_as_float),
        cmocka_unit_test(arrays_that_are_not_aligned_are_no_problem),
        cmocka_unit_test(every_tensor_is_aligned_and_item_factors_at_64_bytes),
        cmocka_unit_test(the_manifest_says_what_was_set_and_what_was_written),
        cmocka_unit_test(fields_that_were_not_set_have_defaults),
        cmocka_unit_test(equal_parts_give_equal_bytes),
        cmocka_unit_test(a_sink_hashes_what_it_writes_however_it_comes),
        cmocka_unit_test(a_folder_never_replaces_what_came_in_the_meantime),
        cmocka_unit_test(memory_that_runs_out_anywhere_is_an_error_and_leaves_nothing),
        cmocka_unit_test(utf8_is_told_from_what_only_looks_like_it),
    };

    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
