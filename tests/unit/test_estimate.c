/* Covers lib/model/estimate.c: no bundle takes more than was estimated, and the estimate is of the
 * right order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/estimate.h"
#include "tests/support/bundle.h"

static char *root;
static recsys_error err;
static recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;

static int set_up(void **state)
{
    (void)state;
    root = bundle_make_directory();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bundle_remove_directory(root);
    free(root);
    return 0;
}

static void expect_bound(const char *path)
{
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    struct rs_estimate estimate;
    recsys_model *model;

    assert_int_equal(rs_model_estimate(path, &options, &estimate, &err), RECSYS_OK);
    assert_int_equal(recsys_model_load(path, &options, &model, &err), RECSYS_OK);
    assert_int_equal(recsys_model_get_info(model, &info, &err), RECSYS_OK);
    uint64_t real = info.mapped_bytes + info.private_bytes;
    uint64_t estimated = estimate.mapped_bytes + estimate.private_bytes;
    if (info.private_bytes > estimate.private_bytes || real > estimated ||
        estimated > 4 * real + (1u << 20))
        fail_msg("%s: %llu mapped and %llu private, estimated %llu and %llu", path,
                 (unsigned long long)info.mapped_bytes, (unsigned long long)info.private_bytes,
                 (unsigned long long)estimate.mapped_bytes,
                 (unsigned long long)estimate.private_bytes);
    recsys_model_unref(model);
}

static void no_bundle_takes_more_than_was_estimated(void **state)
{
    static const uint32_t kinds[] = {0,
                                     BUNDLE_UNSORTED | BUNDLE_SEEN,
                                     BUNDLE_BIAS | BUNDLE_NUMBER_IDS | BUNDLE_POPULARITY,
                                     BUNDLE_TEXT_IDS | BUNDLE_CATALOG | BUNDLE_SEEN,
                                     BUNDLE_COSINE | BUNDLE_UNSORTED | BUNDLE_CATALOG,
                                     BUNDLE_CATALOG | BUNDLE_FORMAT_2 | BUNDLE_SEEN,
                                     BUNDLE_CATALOG | BUNDLE_FORMAT_2 | BUNDLE_CODES |
                                         BUNDLE_TEXT_IDS | BUNDLE_FEATURES};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (size_t d = 8; d <= 64; d *= 8) {
            char path[PATH_MAX];
            struct bundle bundle;
            snprintf(path, sizeof path, "%s/%zu-%zu", root, i, d);
            bundle_write(&bundle, path, 3000, 20000, d, i + 1, kinds[i]);
            bundle_free(&bundle);
            expect_bound(path);
            bundle_remove_directory(path);
        }
}

/* A page of 2 MB is taken whole. */
static void huge_pages_are_counted_whole(void **state)
{
    static const char members[] =
        "\"format\": \"recsys-bundle\", \"format_version\": 1, \"dtype\": \"F32\", "
        "\"dimensions\": 4096, \"n_users\": 20, \"n_items\": 4112,";
    const uint64_t n = 4112, d = 4096, codes = UINT64_C(18) << 20; /* 16.1 MB of them */
    struct rs_estimate estimate;
    struct bundle bundle;
    char path[PATH_MAX];

    (void)state;
    snprintf(path, sizeof path, "%s/huge", root);
    bundle_write(&bundle, path, 300, 4200, 16, 1, BUNDLE_FORMAT_2);
    bundle_free(&bundle);
    options.flags = RECSYS_MODEL_HUGE_PAGES;
    expect_bound(path);
    options.flags = 0;
    bundle_write_file(root, "model.safetensors", "", 1); /* only the manifest is read */
    bundle_write_manifest(root, members);
    assert_int_equal(rs_model_estimate(root, &options, &estimate, &err), RECSYS_OK);
    assert_true(estimate.private_bytes >= n * d * 4 + codes + n * d / 2);
}

static void expect_bound_of(const char *dtype, size_t bytes, size_t n, size_t d)
{
    char path[PATH_MAX];
    void *numbers = calloc(n * d, bytes);
    size_t size;

    assert_non_null(numbers);
    const struct bundle_tensor tensors[] = {
        {"item_factors", dtype, 2, {n, d}, numbers, n * d * bytes},
        {"user_factors", dtype, 2, {10, d}, numbers, 10 * d * bytes},
    };
    unsigned char *file = bundle_make_safetensors(tensors, 2, 64, &size);
    bundle_write_file(root, "single.safetensors", file, size);
    free(file);
    free(numbers);
    snprintf(path, sizeof path, "%s/single.safetensors", root);
    expect_bound(path);
}

static void a_single_file_is_estimated_by_its_tensors(void **state)
{
    char path[PATH_MAX];
    struct bundle bundle;

    (void)state;
    snprintf(path, sizeof path, "%s/single", root);
    bundle_write(&bundle, path, 3000, 20000, 32, 1,
                 BUNDLE_UNSORTED | BUNDLE_TEXT_IDS | BUNDLE_BIAS | BUNDLE_POPULARITY);
    bundle_free(&bundle);
    snprintf(path, sizeof path, "%s/single/model.safetensors", root);
    expect_bound(path);
    expect_bound_of("F16", 2, 60000, 64); /* halves become floats */
    expect_bound_of("F32", 4, 60000, 8);  /* rows are filled up */
    const char *source = getenv("RECSYS_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/fixtures/npz/als.npz", source != NULL ? source : ".");
    expect_bound(path);
}

static void what_cannot_be_read_is_said(void **state)
{
    struct rs_estimate estimate;
    char path[PATH_MAX];

    (void)state;
    snprintf(path, sizeof path, "%s/nothing", root);
    assert_int_equal(rs_model_estimate(path, &options, &estimate, &err), RECSYS_E_IO);
    assert_int_equal(rs_model_estimate(root, &options, &estimate, &err), RECSYS_E_IO);
    bundle_write_file(root, "recsys.json", "{", 1);
    assert_int_equal(rs_model_estimate(root, &options, &estimate, &err), RECSYS_E_FORMAT);
    bundle_write_file(root, "x.npz", "PK nothing", 10);
    snprintf(path, sizeof path, "%s/x.npz", root);
    assert_int_equal(rs_model_estimate(path, &options, &estimate, &err), RECSYS_E_FORMAT);
    assert_int_equal(estimate.mapped_bytes, 10);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(no_bundle_takes_more_than_was_estimated),
        T(huge_pages_are_counted_whole),
        T(a_single_file_is_estimated_by_its_tensors),
        T(what_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
