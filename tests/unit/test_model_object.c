/* Covers lib/model/load.c, files.c, model.c and item.c: what can be loaded, with
 * which options, and what a model says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/model/model.h"
#include "tests/support/model_setup.h"

static void ids_come_in_pages_in_ascending_order(void **state)
{
    static const uint32_t kinds[] = {0, BUNDLE_NUMBER_IDS, BUNDLE_TEXT_IDS};

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct model_setup setup;
        recsys_id before = {NULL, 0}, page[7];
        size_t total = 0, count;
        model_setup_bundle(&setup, 5, 100, 16, kinds[k] | BUNDLE_UNSORTED);
        recsys_model *model = model_setup_load(setup.path, NULL);
        for (;;) {
            assert_int_equal(recsys_model_get_item_ids(model, total, page, 7, &count, NULL),
                             RECSYS_OK);
            if (count == 0)
                break;
            for (size_t i = 0; i < count; i++) {
                if (total + i > 0 && page[i].text != NULL)
                    assert_true(strcmp(before.text, page[i].text) < 0);
                else if (total + i > 0)
                    assert_true(before.number < page[i].number);
                before = page[i];
            }
            total += count;
        }
        assert_int_equal(total, 100);
        assert_int_equal(recsys_model_get_item_ids(model, UINT64_MAX, page, 7, &count, NULL),
                         RECSYS_OK);
        assert_int_equal(count, 0);
        recsys_model_unref(model);
        model_setup_end(&setup);
    }
}

static void questions_about_an_id_fail_in_the_documented_ways(void **state)
{
    const recsys_id absent = RECSYS_ID_NUMBER(999999), present = RECSYS_ID_NUMBER(5);
    const recsys_id text = {"5", 1};
    recsys_item item = {.struct_size = sizeof item};
    recsys_error err;
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 5, 10, 16, BUNDLE_NUMBER_IDS | BUNDLE_CATALOG);
    recsys_model *model = model_setup_load(setup.path, NULL);
    assert_int_equal(recsys_model_get_user(model, absent, NULL, NULL, &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_model_get_user(model, text, NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_model_get_user(NULL, present, NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_model_get_user(model, present, NULL, NULL, &err), RECSYS_OK);
    assert_int_equal(recsys_model_get_item(model, absent, NULL, NULL, &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_model_get_item(model, text, NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_model_get_item(NULL, present, NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_catalog_get(model, absent, &item, &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_catalog_get(model, text, &item, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_catalog_get(NULL, present, &item, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_catalog_get(model, present, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_catalog_get(model, present, &item, &err), RECSYS_OK);
    assert_string_equal(item.title, "Film 5");
    item.struct_size = 8;
    assert_int_equal(recsys_catalog_get(model, present, &item, &err), RECSYS_E_INVALID);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

static void a_model_describes_itself(void **state)
{
    recsys_model_info info = {.struct_size = sizeof info};
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 6, 100, 16,
                       BUNDLE_TEXT_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_LINEAR);
    recsys_model *model = model_setup_load(setup.path, NULL);
    assert_int_equal(recsys_model_get_info(model, &info, NULL), RECSYS_OK);
    assert_string_equal(info.name, "demo");
    assert_string_equal(info.version, "3");
    assert_string_equal(info.algorithm, "als");
    assert_string_equal(info.training_date, "2026-11-21T03:00:00Z");
    assert_string_equal(info.metadata,
                        "{\"metrics\":{\"recall@10\":0.25},"
                        "\"hyperparameters\":{\"regularization\":0.05},\"tags\":{}}");
    assert_int_equal(info.n_seen, setup.bundle.seen_offsets[6]);
    assert_int_equal(info.n_catalog, 100 - 14);
    assert_int_equal(info.item_id_kind, RECSYS_ID_KIND_TEXT);
    assert_int_equal(info.link, RECSYS_LINK_LINEAR);
    assert_true(info.link_min == -3 && info.link_max == 3);
    assert_int_equal(strlen(info.fingerprint), 64);
    info.struct_size = 4;
    assert_int_equal(recsys_model_get_info(model, &info, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_model_get_info(NULL, &info, NULL), RECSYS_E_INVALID);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

/* Write the manifest again with one text replaced by another, and load. */
static void get_fingerprint(const struct model_setup *setup, const char *from, const char *to,
                            char fingerprint[65])
{
    char *members = bundle_manifest_members(&setup->bundle), changed[4096];
    char *at = strstr(members, from);

    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - members), members, to,
             at + strlen(from));
    bundle_write_manifest(setup->path, changed);
    free(members);
    recsys_model *model = model_setup_load(setup->path, NULL);
    memcpy(fingerprint, model->fingerprint, 65);
    recsys_model_unref(model);
}

static void a_fingerprint_differs_exactly_if_answers_could(void **state)
{
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    char first[65], other[65];
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 6, 100, 16, BUNDLE_CATALOG);
    get_fingerprint(&setup, "demo", "demo", first);
    get_fingerprint(&setup, "demo", "other", other);
    assert_string_equal(first, other);
    get_fingerprint(&setup, "\"version\": \"3\"", "\"version\": \"4\"", other);
    assert_string_equal(first, other);
    get_fingerprint(&setup, "0.25", "0.5", other);
    assert_string_equal(first, other);
    get_fingerprint(&setup, "2026-11-21", "2026-11-22", other);
    assert_string_equal(first, other);
    get_fingerprint(&setup, "0.05", "0.06", other); /* regularization: folding in */
    assert_string_not_equal(first, other);
    get_fingerprint(&setup, "\"als\"", "\"bpr\"", other);
    assert_string_not_equal(first, other);
    get_fingerprint(&setup, "\"name\": \"demo\"", "\"link\": {\"kind\": \"clip\"}", other);
    assert_string_not_equal(first, other);
    get_fingerprint(&setup, "\"name\": \"demo\"", "\"metric\": \"cosine\"", other);
    assert_string_not_equal(first, other);

    get_fingerprint(&setup, "demo", "demo", other);
    options.flags = RECSYS_MODEL_SKIP_HASHES;
    recsys_model *model = model_setup_load(setup.path, &options);
    assert_string_equal(model->fingerprint, first);
    recsys_model_unref(model);
    bundle_write_file(setup.path, "catalog.jsonl", "\n", 1);
    get_fingerprint(&setup, "demo", "demo", other);
    assert_string_not_equal(first, other);
    model_setup_end(&setup);
}

static void a_single_files_fingerprint_covers_its_options(void **state)
{
    const float numbers[] = {1, 2, 3, 4};
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {2, 2}, numbers, sizeof numbers},
        {"user_factors", "F32", 2, {2, 2}, numbers, sizeof numbers},
    };
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    struct model_setup setup, again;

    (void)state;
    model_setup_file(&setup, "a.safetensors", tensors, 2);
    model_setup_file(&again, "b.safetensors", tensors, 2);
    recsys_model *plain = model_setup_load(setup.path, NULL),
                 *same = model_setup_load(again.path, NULL);
    assert_string_equal(plain->name, "a");
    assert_string_equal(plain->version, "0");
    assert_string_equal(plain->fingerprint, same->fingerprint);
    options.link = RECSYS_LINK_LINEAR;
    options.link_max = 5;
    recsys_model *linear = model_setup_load(setup.path, &options);
    assert_string_not_equal(plain->fingerprint, linear->fingerprint);
    options.link_max = 6;
    recsys_model *wider = model_setup_load(setup.path, &options);
    assert_string_not_equal(wider->fingerprint, linear->fingerprint);
    recsys_model_unref(wider);
    recsys_model_unref(linear);
    recsys_model_unref(same);
    recsys_model_unref(plain);
    model_setup_end(&again);
    model_setup_end(&setup);
}

static void check_refusal(const char *path, const recsys_model_options *options, recsys_status want,
                          const char *message)
{
    recsys_model *model = (recsys_model *)(uintptr_t)1;
    recsys_error err = {0};

    assert_int_equal(recsys_model_load(path, options, &model, &err), want);
    assert_null(model);
    if (message != NULL)
        assert_ptr_equal(strstr(err.message, message), err.message); /* may go on */
    assert_int_equal(recsys_model_load(path, options, &model, NULL), want);
}

static void options_are_checked(void **state)
{
    recsys_model_options init = RECSYS_MODEL_OPTIONS_INIT, options;
    struct model_setup setup;

    (void)state;
    options = (recsys_model_options)RECSYS_MODEL_OPTIONS_INIT;
    assert_memory_equal(&options, &init, sizeof init);
    model_setup_bundle(&setup, 5, 10, 16, BUNDLE_CATALOG);
    options.flags = 1u << 31;
    check_refusal(setup.path, &options, RECSYS_E_UNSUPPORTED,
                  "recsys_model_load: options->flags is 0x80000000: not known to this library");
    options = init;
    options.metric = 3;
    check_refusal(setup.path, &options, RECSYS_E_INVALID,
                  "recsys_model_load: metric 3 is not known");
    options = init;
    options.link = 4;
    check_refusal(setup.path, &options, RECSYS_E_INVALID, "recsys_model_load: link 4 is not known");
    options = init;
    options.link = RECSYS_LINK_LINEAR;
    check_refusal(setup.path, &options, RECSYS_E_INVALID, NULL);
    options = init;
    options.link_max = 1;
    check_refusal(setup.path, &options, RECSYS_E_INVALID, NULL);
    options = init;
    options.metric = RECSYS_METRIC_COSINE;
    check_refusal(setup.path, &options, RECSYS_E_INVALID,
                  "metric and link are options for single files; a bundle's manifest "
                  "says them");
    options = init;
    options.struct_size = 0;
    check_refusal(setup.path, &options, RECSYS_E_INVALID, NULL);
    options = init;
    options.max_bytes = 1000;
    check_refusal(setup.path, &options, RECSYS_E_LIMIT, NULL);
    options.max_bytes = 1u << 20;
    recsys_model_unref(model_setup_load(setup.path, &options));
    check_refusal(NULL, NULL, RECSYS_E_INVALID, NULL);
    check_refusal("", NULL, RECSYS_E_INVALID, NULL);
    assert_int_equal(recsys_model_load(setup.path, NULL, NULL, NULL), RECSYS_E_INVALID);
    model_setup_end(&setup);
}

static void a_path_may_be_an_alias_or_end_in_a_slash(void **state)
{
    char path[4300];
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 5, 10, 16, 0);
    char *members = bundle_manifest_members(&setup.bundle);
    char *name = strstr(members, "\"name\": \"demo\",");
    memset(name, ' ', strlen("\"name\": \"demo\","));
    bundle_write_manifest(setup.path, members);
    free(members);
    snprintf(path, sizeof path, "%s/alias", setup.parent);
    assert_int_equal(symlink("movies", path), 0);
    recsys_model *model = model_setup_load(path, NULL);
    assert_string_equal(model->name, "movies");
    recsys_model_unref(model);
    unlink(path);
    snprintf(path, sizeof path, "%s///", setup.path);
    recsys_model_unref(model_setup_load(path, NULL));
    model_setup_end(&setup);
}

static void what_is_no_model_is_refused(void **state)
{
    char path[4300], want[9000];
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 5, 10, 16, 0);
    snprintf(path, sizeof path, "%s/absent", setup.path);
    snprintf(want, sizeof want, "cannot open %s: No such file or directory", path);
    check_refusal(path, NULL, RECSYS_E_IO, want);
    bundle_write_file(setup.path, "model.pkl", "\x80\x04\x95....", 7);
    snprintf(path, sizeof path, "%s/model.pkl", setup.path);
    check_refusal(path, NULL, RECSYS_E_UNSUPPORTED, NULL);
    bundle_write_file(setup.path, "notes.txt", "hello, world", 12);
    snprintf(path, sizeof path, "%s/notes.txt", setup.path);
    snprintf(want, sizeof want, "%s: is neither a bundle directory nor a .safetensors or .npz file",
             path);
    check_refusal(path, NULL, RECSYS_E_FORMAT, want);
    bundle_write_file(setup.path, "empty", "", 0);
    snprintf(path, sizeof path, "%s/empty", setup.path);
    check_refusal(path, NULL, RECSYS_E_FORMAT, NULL);
    model_setup_end(&setup);
}

static void a_model_outlives_its_files(void **state)
{
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 20, 1500, 16, BUNDLE_SEEN | BUNDLE_CATALOG);
    recsys_model *model = model_setup_load(setup.path, NULL);
    bundle_remove_directory(setup.path);
    assert_ptr_equal(recsys_model_ref(model), model);
    recsys_model_unref(model);
    for (size_t row = 0; row < setup.bundle.n_items; row++) {
        const recsys_id id = RECSYS_ID_NUMBER((uint64_t)setup.bundle.item_numbers[row]);
        float vector[16];
        assert_int_equal(recsys_model_get_item(model, id, vector, NULL, NULL), RECSYS_OK);
        assert_memory_equal(vector, setup.bundle.items + row * 16, sizeof vector);
    }
    recsys_model_unref(model);
    assert_null(recsys_model_ref(NULL));
    recsys_model_unref(NULL);
    model_setup_end(&setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_come_in_pages_in_ascending_order),
        cmocka_unit_test(questions_about_an_id_fail_in_the_documented_ways),
        cmocka_unit_test(a_model_describes_itself),
        cmocka_unit_test(a_fingerprint_differs_exactly_if_answers_could),
        cmocka_unit_test(a_single_files_fingerprint_covers_its_options),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(a_path_may_be_an_alias_or_end_in_a_slash),
        cmocka_unit_test(what_is_no_model_is_refused),
        cmocka_unit_test(a_model_outlives_its_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
