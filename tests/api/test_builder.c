/* recsys/builder.h: what goes in, from memory and from files, comes out of
 * recsys_model_load(). */
#include <math.h>

#include "tests/api/built_model.h"

static void a_model_with_every_part_comes_back_as_it_went_in(void **state)
{
    recsys_builder *builder = create_full();

    (void)state;
    check_ok(recsys_builder_write(builder, in_scratch("full"), &err));
    recsys_builder_destroy(builder);
    check_full("full");
}

static void the_smallest_model_numbers_its_rows_from_zero(void **state)
{
    recsys_builder *builder = create_small();

    (void)state;
    check_ok(recsys_builder_write(builder, in_scratch("small"), &err));
    recsys_builder_destroy(builder);
    recsys_model *model = load("small");
    recsys_model_info info = info_of(model);
    assert_string_equal(info.name, "small");
    assert_string_equal(info.version, "1");
    assert_int_equal(info.link, RECSYS_LINK_SIGMOID);
    assert_int_equal(info.n_seen, 0);
    for (uint32_t row = 0; row < N_USERS; row++)
        check_user(model, number(row), row, 0);
    for (uint32_t row = 0; row < N_ITEMS; row++)
        check_item(model, number(row), row, 0);
    recsys_model_unref(model);
}

static void text_ids_come_back_as_they_went_in(void **state)
{
    recsys_builder *builder = create_small();
    recsys_item item = {.struct_size = sizeof item};

    (void)state;
    check_ok(recsys_builder_set_texts(builder, "user_ids", user_texts, N_USERS, &err));
    check_ok(recsys_builder_set_texts(builder, "item_ids", item_texts, N_ITEMS, &err));
    put_seen(builder);
    add_item(builder, "{\"id\":\"f\",\"title\":\"Eff\"}");
    check_ok(recsys_builder_write(builder, in_scratch("texts"), &err));
    recsys_builder_destroy(builder);
    recsys_model *model = load("texts");
    assert_int_equal(info_of(model).item_id_kind, RECSYS_ID_KIND_TEXT);
    for (uint32_t row = 0; row < N_USERS; row++)
        check_user(model, text(user_texts[row]), row, 0);
    for (uint32_t row = 0; row < N_ITEMS; row++)
        check_item(model, text(item_texts[row]), row, 0);
    check_ok(recsys_catalog_get(model, text("f"), &item, &err));
    assert_string_equal(item.title, "Eff");
    recsys_model_unref(model);
}

static void a_model_may_be_without_users(void **state)
{
    recsys_builder *builder = create_small();

    (void)state;
    check_ok(put(builder, "user_factors", NULL, RECSYS_DTYPE_F32, 0, D));
    check_ok(recsys_builder_set_texts(builder, "user_ids", NULL, 0, &err));
    check_ok(recsys_builder_write(builder, in_scratch("no-users"), &err));
    recsys_builder_destroy(builder);
    recsys_model *model = load("no-users");
    assert_int_equal(info_of(model).n_users, 0);
    recsys_model_unref(model);
}

static void a_cosine_model_holds_vectors_of_length_one(void **state)
{
    recsys_builder *builder = create_small();
    float vector[D];

    (void)state;
    check_ok(recsys_builder_set_field(builder, "metric", "cosine", &err));
    check_ok(recsys_builder_write(builder, in_scratch("cosine"), &err));
    recsys_builder_destroy(builder);
    recsys_model *model = load("cosine");
    assert_int_equal(info_of(model).metric, RECSYS_METRIC_COSINE);
    for (uint32_t row = 0; row < N_ITEMS; row++) {
        const float *given = item_factors + row * D;
        double norm =
            sqrt((double)given[0] * (double)given[0] + (double)given[1] * (double)given[1] +
                 (double)given[2] * (double)given[2]);
        check_ok(recsys_model_get_item(model, number(row), vector, NULL, &err));
        for (uint32_t j = 0; j < D; j++)
            assert_true(fabs((double)vector[j] - (double)given[j] / norm) < 1e-7);
    }
    recsys_model_unref(model);
}

static void a_bundle_can_be_imported_changed_and_written_again(void **state)
{
    recsys_builder *builder = create_full();

    (void)state;
    check_ok(recsys_builder_write(builder, in_scratch("first"), &err));
    recsys_builder_destroy(builder);
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_import_model(builder, in_scratch("first"), &err));
    check_ok(recsys_builder_write(builder, in_scratch("second"), &err));
    check_full("second");
    check_ok(recsys_builder_set_field(builder, "version", "4", &err));
    check_ok(recsys_builder_write(builder, in_scratch("third"), &err));
    recsys_builder_destroy(builder);
    recsys_model *first = load("first"), *second = load("second"), *third = load("third");
    assert_string_equal(info_of(first).fingerprint, info_of(second).fingerprint);
    assert_string_equal(info_of(third).version, "4");
    recsys_model_unref(first);
    recsys_model_unref(second);
    recsys_model_unref(third);
}

static void tags_are_free_and_do_not_change_the_fingerprint(void **state)
{
    recsys_builder *builder = create_full();

    (void)state;
    check_ok(recsys_builder_write(builder, in_scratch("untagged"), &err));
    check_ok(
        recsys_builder_set_field(builder, "tags.mlflow_run_id", "1234567890123456789012", &err));
    check_ok(recsys_builder_set_field(builder, "tags.a b", "", &err));
    assert_int_equal(recsys_builder_set_field(builder, "tags.", "x", &err), RECSYS_E_INVALID);
    assert_string_equal(err.message, "field tags. must be followed by a name");
    assert_int_equal(recsys_builder_set_field(builder, "tags.x", "\xff", &err), RECSYS_E_INVALID);
    check_ok(recsys_builder_write(builder, in_scratch("tagged"), &err));
    recsys_builder_destroy(builder);
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_import_model(builder, in_scratch("tagged"), &err));
    check_ok(recsys_builder_write(builder, in_scratch("tagged again"), &err));
    recsys_builder_destroy(builder);
    recsys_model *without = load("untagged"), *with = load("tagged"), *again = load("tagged again");
    assert_string_equal(info_of(without).fingerprint, info_of(with).fingerprint);
    assert_non_null(strstr(info_of(without).metadata, "\"tags\":{}}"));
    assert_non_null(strstr(info_of(with).metadata,
                           "\"tags\":{\"a b\":\"\","
                           "\"mlflow_run_id\":\"1234567890123456789012\"}}"));
    assert_string_equal(info_of(with).metadata, info_of(again).metadata);
    recsys_model_unref(without);
    recsys_model_unref(with);
    recsys_model_unref(again);
}

static void a_damaged_bundle_is_not_imported(void **state)
{
    recsys_builder *builder = create_full();
    char path[600];

    (void)state;
    check_ok(recsys_builder_write(builder, in_scratch("damaged"), &err));
    recsys_builder_destroy(builder);
    snprintf(path, sizeof path, "%s/seen.safetensors", in_scratch("damaged"));
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    assert_int_equal(fputc(77, file), 77);
    fclose(file);
    check_ok(recsys_builder_create(&builder, &err));
    assert_int_equal(recsys_builder_import_model(builder, in_scratch("damaged"), &err),
                     RECSYS_E_FORMAT);
    assert_non_null(strstr(err.message, "seen.safetensors"));
    assert_int_equal(recsys_builder_import_model(builder, in_scratch("nowhere"), &err),
                     RECSYS_E_IO);
    recsys_builder_destroy(builder);
}

static const char *fixture(const char *name)
{
    static char path[1024];
    const char *source = getenv("RECSYS_SOURCE_DIR");

    snprintf(path, sizeof path, "%s/tests/fixtures/npz/%s", source == NULL ? "." : source, name);
    return path;
}

/* Vector and bias of user or item `id` are the same bits in both. */
static void check_same(recsys_status (*get)(const recsys_model *, recsys_id, float *, float *,
                                            recsys_error *),
                       const recsys_model *a, const recsys_model *b, recsys_id id, size_t d)
{
    float vector_a[16], vector_b[16], bias_a, bias_b;

    check_ok(get(a, id, vector_a, &bias_a, &err));
    check_ok(get(b, id, vector_b, &bias_b, &err));
    assert_memory_equal(vector_a, vector_b, d * sizeof *vector_a);
    assert_true(bias_a == bias_b);
}

static void a_model_of_implicit_becomes_the_bundle_that_it_is_when_loaded(void **state)
{
    static const char *const algorithms[] = {"als", "bpr", "lmf"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        recsys_builder *builder = NULL;
        recsys_model *direct = NULL;
        char file[16];
        snprintf(file, sizeof file, "%s.npz", algorithms[i]);
        check_ok(recsys_builder_create(&builder, &err));
        check_ok(recsys_builder_import_model(builder, fixture(file), &err));
        check_ok(recsys_builder_write(builder, in_scratch(algorithms[i]), &err));
        recsys_builder_destroy(builder);
        check_ok(recsys_model_load(fixture(file), NULL, &direct, &err));
        recsys_model *bundle = load(algorithms[i]);
        recsys_model_info a = info_of(direct), b = info_of(bundle);
        assert_string_equal(b.algorithm, algorithms[i]);
        assert_string_equal(a.metadata, b.metadata);
        assert_int_equal(a.n_users, b.n_users);
        assert_int_equal(a.n_items, b.n_items);
        assert_int_equal(a.dimensions, b.dimensions);
        assert_true(b.dimensions <= 16);
        for (uint64_t id = 0; id < a.n_users; id++)
            check_same(recsys_model_get_user, direct, bundle, number((int64_t)id), a.dimensions);
        for (uint64_t id = 0; id < a.n_items; id++)
            check_same(recsys_model_get_item, direct, bundle, number((int64_t)id), a.dimensions);
        recsys_model_unref(direct);
        recsys_model_unref(bundle);
    }
}

/* Version 0.1 left ids out of a bundle if they were 1..n in the order of rows. */
static void a_bundle_without_ids_numbers_its_rows_from_one_wherever_it_goes(void **state)
{
    const int64_t plain[N_ITEMS] = {1, 2, 3, 4, 5, 6, 7};
    recsys_builder *builder = create_small();

    (void)state;
    check_ok(put(builder, "user_ids", plain, RECSYS_DTYPE_I64, N_USERS, 0));
    check_ok(recsys_builder_write(builder, in_scratch("plain"), &err));
    recsys_builder_destroy(builder);
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_import_model(builder, in_scratch("plain"), &err));
    check_ok(recsys_builder_write(builder, in_scratch("plain again"), &err));
    recsys_builder_destroy(builder);
    recsys_model *model = load("plain"), *again = load("plain again");
    check_user(model, number(1), 0, 0);
    check_user(again, number(N_USERS), N_USERS - 1, 0);
    assert_string_equal(info_of(model).fingerprint, info_of(again).fingerprint);
    assert_int_equal(recsys_model_get_user(again, number(0), NULL, NULL, &err), RECSYS_E_NOT_FOUND);
    recsys_model_unref(model);
    recsys_model_unref(again);
}

static void an_array_comes_from_an_npy_file(void **state)
{
    recsys_builder *builder = NULL;
    recsys_array users = RECSYS_ARRAY_2D(user_factors, RECSYS_DTYPE_F32, 1, 15);

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_import_array(builder, "item_factors", fixture("als_scores.npy"),
                                         "ignored", &err));
    check_ok(recsys_builder_set_array(builder, "user_factors", &users, &err));
    check_ok(recsys_builder_write(builder, in_scratch("npy"), &err));
    recsys_builder_destroy(builder);
    recsys_model *model = load("npy");
    assert_int_equal(info_of(model).n_items, 12);
    assert_int_equal(info_of(model).dimensions, 15);
    recsys_model_unref(model);
}

static void a_file_that_holds_no_model_is_not_imported_as_one(void **state)
{
    recsys_builder *builder = NULL;
    char path[600];

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    assert_int_equal(recsys_builder_import_model(builder, fixture("types.npz"), &err),
                     RECSYS_E_FORMAT);
    assert_non_null(
        strstr(err.message, "types.npz: has no tensor item_factors; it has f4_grid <f4 [3,4], "));
    recsys_builder_destroy(builder);

    builder = create_full();
    check_ok(recsys_builder_write(builder, in_scratch("parts"), &err));
    recsys_builder_destroy(builder);
    snprintf(path, sizeof path, "%s/seen.safetensors", in_scratch("parts"));
    check_ok(recsys_builder_create(&builder, &err));
    assert_int_equal(recsys_builder_import_model(builder, path, &err), RECSYS_E_FORMAT);
    assert_non_null(
        strstr(err.message, "seen.safetensors: has no tensor item_factors; it has seen_"));
    recsys_builder_destroy(builder);
}

static void arrays_come_from_members_of_files_too(void **state)
{
    recsys_builder *builder = create_full();
    char path[600];

    (void)state;
    check_ok(recsys_builder_set_texts(builder, "user_ids", user_texts, N_USERS, &err));
    check_ok(recsys_builder_write(builder, in_scratch("source"), &err));
    recsys_builder_destroy(builder);
    snprintf(path, sizeof path, "%s/model.safetensors", in_scratch("source"));
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_import_array(builder, "user_factors", path, NULL, &err));
    check_ok(recsys_builder_import_array(builder, "item_factors", path, "user_factors", &err));
    check_ok(recsys_builder_import_array(builder, "user_ids", path, NULL, &err));
    check_ok(recsys_builder_import_array(builder, "item_ids", path, "user_ids", &err));
    assert_int_equal(recsys_builder_import_array(builder, "item_bias", path, "none", &err),
                     RECSYS_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "model.safetensors: has no array \"none\"; it has "));
    assert_int_equal(recsys_builder_import_array(builder, "item_bias", path, "user_ids", &err),
                     RECSYS_E_INVALID);
    assert_string_equal(err.message, "model.safetensors: user_ids as item_bias is U8, but real "
                                     "numbers are needed (quantised? multiply by the scale and "
                                     "save float32)");
    assert_int_equal(recsys_builder_import_array(builder, "item_bias", "x.csv", NULL, &err),
                     RECSYS_E_IO);
    check_ok(recsys_builder_write(builder, in_scratch("target"), &err));
    recsys_builder_destroy(builder);
    recsys_model *model = load("target");
    for (uint32_t row = 0; row < N_USERS; row++)
        check_user(model, text(user_texts[row]), row, 0);
    recsys_model_unref(model);
}

static void a_catalogue_file_is_taken_whole_or_not_at_all(void **state)
{
    recsys_builder *builder = create_small();
    static const char good[] = "{\"id\":1,\"title\":\"One\"}\r\n\n{\"id\":2}\n";
    static const char bad[] = "{\"id\":3,\"title\":\"Three\"}\n{\"id\":4,\"rating\":11}\n";
    recsys_item item = {.struct_size = sizeof item};

    (void)state;
    bundle_write_file(scratch, "good.jsonl", good, sizeof good - 1);
    bundle_write_file(scratch, "bad.jsonl", bad, sizeof bad - 1);
    check_ok(recsys_builder_import_catalog(builder, in_scratch("good.jsonl"), &err));
    assert_int_equal(recsys_builder_import_catalog(builder, in_scratch("bad.jsonl"), &err),
                     RECSYS_E_FORMAT);
    assert_string_equal(err.message, "bad.jsonl line 2: \"rating\" is 11, must be 0..10");
    assert_int_equal(recsys_builder_import_catalog(builder, in_scratch("none.jsonl"), &err),
                     RECSYS_E_IO);
    check_ok(recsys_builder_write(builder, in_scratch("lines"), &err));
    recsys_builder_destroy(builder);
    recsys_model *model = load("lines");
    assert_int_equal(info_of(model).n_catalog, 2);
    check_ok(recsys_catalog_get(model, number(1), &item, &err));
    assert_string_equal(item.title, "One");
    recsys_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_with_every_part_comes_back_as_it_went_in),
        cmocka_unit_test(the_smallest_model_numbers_its_rows_from_zero),
        cmocka_unit_test(text_ids_come_back_as_they_went_in),
        cmocka_unit_test(a_model_may_be_without_users),
        cmocka_unit_test(a_cosine_model_holds_vectors_of_length_one),
        cmocka_unit_test(a_bundle_can_be_imported_changed_and_written_again),
        cmocka_unit_test(tags_are_free_and_do_not_change_the_fingerprint),
        cmocka_unit_test(a_damaged_bundle_is_not_imported),
        cmocka_unit_test(a_model_of_implicit_becomes_the_bundle_that_it_is_when_loaded),
        cmocka_unit_test(a_bundle_without_ids_numbers_its_rows_from_one_wherever_it_goes),
        cmocka_unit_test(an_array_comes_from_an_npy_file),
        cmocka_unit_test(a_file_that_holds_no_model_is_not_imported_as_one),
        cmocka_unit_test(arrays_come_from_members_of_files_too),
        cmocka_unit_test(a_catalogue_file_is_taken_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
