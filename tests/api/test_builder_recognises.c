/* Covers what a builder understands of other libraries' arrays, and what it says about it. */
#include <math.h>

#include "tests/api/built_model.h"

static recsys_array matrix(const float *data, uint64_t rows, uint64_t columns)
{
    const recsys_array array = RECSYS_ARRAY_2D(data, RECSYS_DTYPE_F32, rows, columns);

    return array;
}

static const char *choices_of(recsys_builder *builder)
{
    const char *choices = NULL;

    check_ok(recsys_builder_get_choices(builder, &choices, &err));
    return choices;
}

static recsys_model *write_and_load(recsys_builder *builder, const char *name)
{
    recsys_model *model = NULL;

    check_ok(recsys_builder_write(builder, in_scratch(name), &err));
    recsys_builder_destroy(builder);
    check_ok(recsys_model_load(in_scratch(name), NULL, &model, &err));
    return model;
}

static void a_state_dict_is_understood_by_its_names(void **state)
{
    static const char *const names[] = {"user_emb.weight",  "item_emb.weight", "user_bias.weight",
                                        "item_bias.weight", "mlp.0.weight",    "global_bias"};
    const float mean = 3.5f;
    const recsys_array arrays[] = {
        matrix(user_factors, N_USERS, D), matrix(item_factors, N_ITEMS, D),
        matrix(user_bias, N_USERS, 1),    matrix(item_bias, 1, N_ITEMS),
        matrix(features, 2, D),           matrix(&mean, 1, 1)};
    recsys_builder *builder = NULL;

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_set_arrays(builder, "model.safetensors", names, arrays, 6, &err));
    assert_string_equal(choices_of(builder),
                        "user_factors: model.safetensors: user_emb.weight F32 [5,3]\n"
                        "item_factors: model.safetensors: item_emb.weight F32 [7,3]\n"
                        "user_bias: model.safetensors: user_bias.weight F32 [5,1]\n"
                        "item_bias: model.safetensors: item_bias.weight F32 [1,7]\n"
                        "global mean: 3.5, added to item_bias\n"
                        "link: sigmoid (nothing says what a score means; set source or link)\n"
                        "not used: model.safetensors: mlp.0.weight F32 [2,3]\n");
    recsys_model *model = write_and_load(builder, "torch");
    assert_int_equal(info_of(model).n_users, N_USERS);
    recsys_model_unref(model);
}

static void two_arrays_that_could_be_one_part_are_both_named(void **state)
{
    static const char *const names[] = {"item_emb.weight", "items.weight"};
    const recsys_array arrays[] = {matrix(item_factors, N_ITEMS, D), matrix(features, 2, D)};
    recsys_builder *builder = NULL;

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    assert_int_equal(recsys_builder_set_arrays(builder, "m", names, arrays, 2, &err),
                     RECSYS_E_FORMAT);
    assert_string_equal(err.message,
                        "m: item_factors could be item_emb.weight F32 [7,3] or items.weight F32 "
                        "[2,3]; say which: `recsysctl import` takes single arrays as "
                        "--item-factors FILE#NAME --user-factors FILE#NAME, instead of the model");
    recsys_builder_destroy(builder);
}

static void a_library_that_is_recognised_decides_the_link(void **state)
{
    static const char *const names[] = {"pu", "qi", "rating_scale"};
    const float scale[] = {0.5f, 5.0f};
    recsys_array arrays[] = {matrix(user_factors, N_USERS, D), matrix(item_factors, N_ITEMS, D),
                             RECSYS_ARRAY_1D(scale, RECSYS_DTYPE_F32, 2)};
    recsys_builder *builder = NULL;

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_set_arrays(builder, "svd.npz", names, arrays, 3, &err));
    assert_string_equal(choices_of(builder), "source: surprise (recognised)\n"
                                             "user_factors: svd.npz: pu F32 [5,3]\n"
                                             "item_factors: svd.npz: qi F32 [7,3]\n"
                                             "metric: inner_product\n"
                                             "link: linear from 0.5 to 5 (the file's "
                                             "rating_scale)\n");
    recsys_model *model = write_and_load(builder, "scaled");
    assert_int_equal(info_of(model).link, RECSYS_LINK_LINEAR);
    assert_true(info_of(model).link_min == 0.5f && info_of(model).link_max == 5.0f);
    recsys_model_unref(model);

    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_set_arrays(builder, "svd.npz", names, arrays, 2, &err));
    check_ok(recsys_builder_set_field(builder, "link", "clip", &err));
    assert_null(strstr(choices_of(builder), "link"));
    model = write_and_load(builder, "overridden");
    assert_int_equal(info_of(model).link, RECSYS_LINK_CLIP);
    assert_string_equal(info_of(model).algorithm, "svd");
    recsys_model_unref(model);
}

static void a_source_can_be_given_and_algorithms_of_one_library_differ(void **state)
{
    recsys_builder *builder = create_small();

    (void)state;
    check_ok(recsys_builder_set_field(builder, "source", "implicit", &err));
    check_ok(recsys_builder_set_field(builder, "algorithm", "bpr", &err));
    recsys_model *model = write_and_load(builder, "bpr");
    assert_int_equal(info_of(model).link, RECSYS_LINK_SIGMOID);
    recsys_model_unref(model);
    builder = create_small();
    check_ok(recsys_builder_set_field(builder, "source", "gensim", &err));
    model = write_and_load(builder, "gensim");
    assert_int_equal(info_of(model).link, RECSYS_LINK_CLIP);
    assert_int_equal(info_of(model).metric, RECSYS_METRIC_COSINE);
    recsys_model_unref(model);
    builder = create_small();
    assert_int_equal(recsys_builder_set_field(builder, "source", "excel", &err), RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "field source must be implicit, surprise, "));
    recsys_builder_destroy(builder);
}

/* With an array beside the vectors of the items. */
static recsys_status import_beside(const char *name, const recsys_array *array,
                                   recsys_builder **out)
{
    const char *const names[] = {"item_factors", name};
    const recsys_array arrays[] = {matrix(item_factors, N_ITEMS, D), *array};

    check_ok(recsys_builder_create(out, &err));
    check_ok(recsys_builder_set_field(*out, "source", "surprise", &err));
    return recsys_builder_set_arrays(*out, "m", names, arrays, 2, &err);
}

static void a_mean_and_a_scale_that_do_not_fit_are_refused(void **state)
{
    static const double numbers[] = {3, NAN, 5, INFINITY};
    static const struct {
        const char *name;
        recsys_array array;
        const char *message;
    } cases[] = {
        {"global_mean", RECSYS_ARRAY_1D(numbers, RECSYS_DTYPE_F64, 0),
         "m: global_mean F64 [0] must be one number, the mean of the ratings"},
        {"global_mean", RECSYS_ARRAY_1D(numbers, RECSYS_DTYPE_F64, 2),
         "m: global_mean F64 [2] must be one number, the mean of the ratings"},
        {"rating_scale", RECSYS_ARRAY_1D(numbers, RECSYS_DTYPE_F64, 0),
         "m: rating_scale F64 [0] must be two numbers, the smallest and the largest rating"},
        {"rating_scale", RECSYS_ARRAY_1D(numbers, RECSYS_DTYPE_I64, 1),
         "m: rating_scale I64 [1] must be two numbers, the smallest and the largest rating"},
        {"rating_scale", RECSYS_ARRAY_2D(numbers, RECSYS_DTYPE_F64, 2, 2),
         "m: rating_scale F64 [2,2] must be two numbers, the smallest and the largest rating"},
        {"global_mean", RECSYS_ARRAY_1D(numbers + 1, RECSYS_DTYPE_F64, 1),
         "m: global_mean is nan, must be finite"},
        {"mu", RECSYS_ARRAY_1D(numbers + 3, RECSYS_DTYPE_F64, 1), "m: mu is inf, must be finite"},
        {"rating_scale", RECSYS_ARRAY_1D(numbers, RECSYS_DTYPE_F64, 2),
         "m: rating_scale is nan, must be finite"},
        {"rating_scale", RECSYS_ARRAY_1D(numbers + 2, RECSYS_DTYPE_F64, 2),
         "m: rating_scale is inf, must be finite"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        recsys_builder *builder = NULL;
        assert_int_equal(import_beside(cases[i].name, &cases[i].array, &builder), RECSYS_E_FORMAT);
        assert_string_equal(err.message, cases[i].message);
        recsys_builder_destroy(builder);
    }
}

static void a_scale_and_a_mean_may_be_integers_of_every_type(void **state)
{
    static const int32_t i32[] = {-10, 10};
    static const int64_t i64[] = {-10, 10};
    static const uint32_t u32[] = {0, 3000000000};
    static const uint8_t u8[] = {1, 200};
    static const struct {
        recsys_array array;
        const char *link, *mean;
    } cases[] = {
        {RECSYS_ARRAY_1D(i32, RECSYS_DTYPE_I32, 2), "linear from -10 to 10 ", "mean: -10,"},
        {RECSYS_ARRAY_1D(i64, RECSYS_DTYPE_I64, 2), "linear from -10 to 10 ", "mean: -10,"},
        {RECSYS_ARRAY_1D(u32, RECSYS_DTYPE_U32, 2), "linear from 0 to 3e+09 ", NULL},
        {RECSYS_ARRAY_1D(u8, RECSYS_DTYPE_U8, 2), "linear from 1 to 200 ", "mean: 1,"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        recsys_array one = cases[i].array;
        recsys_builder *builder = NULL;
        check_ok(import_beside("rating_scale", &cases[i].array, &builder));
        assert_non_null(strstr(choices_of(builder), cases[i].link));
        recsys_builder_destroy(builder);
        one.shape[0] = 1;
        check_ok(import_beside("global_mean", &one, &builder));
        assert_true(cases[i].mean == NULL || strstr(choices_of(builder), cases[i].mean) != NULL);
        recsys_builder_destroy(builder);
    }
}

static float bias_at(const recsys_model *model, uint64_t row)
{
    recsys_array array = RECSYS_ARRAY_INIT;

    check_ok(recsys_model_get_array(model, "item_bias", &array, &err));
    return ((const float *)array.data)[row];
}

static void the_global_mean_becomes_a_part_of_the_items_biases(void **state)
{
    static const float one_item[D] = {1, 2, 3};
    recsys_builder *builder = NULL;

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(put(builder, "item_factors", one_item, RECSYS_DTYPE_F32, 1, D));
    put_floats(builder, "item_bias", item_bias + 1, 1);
    check_ok(recsys_builder_set_field(builder, "global_mean", "3.25", &err));
    recsys_model *model = write_and_load(builder, "mean");
    assert_true(bias_at(model, 0) == (float)(3.25 + (double)item_bias[1]));
    assert_non_null(strstr(info_of(model).metadata, "\"global_mean\":3.25"));
    recsys_model_unref(model);

    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_import_model(builder, in_scratch("mean"), &err));
    model = write_and_load(builder, "again"); /* not added twice */
    assert_true(bias_at(model, 0) == (float)(3.25 + (double)item_bias[1]));
    recsys_model_unref(model);

    builder = create_small();
    assert_int_equal(recsys_builder_set_field(builder, "global_mean", "1e999", &err),
                     RECSYS_E_INVALID);
    check_ok(recsys_builder_set_field(builder, "global_mean", "1", &err));
    check_ok(recsys_builder_set_field(builder, "metric", "cosine", &err));
    assert_int_equal(recsys_builder_write(builder, in_scratch("cosine"), &err), RECSYS_E_INVALID);
    assert_string_equal(err.message, "global_mean: a cosine model has no biases");
    recsys_builder_destroy(builder);
}

static void items_without_users_are_a_model(void **state)
{
    recsys_builder *builder = NULL;

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(put(builder, "item_factors", item_factors, RECSYS_DTYPE_F32, N_ITEMS, D));
    assert_non_null(strstr(choices_of(builder), "users: none, "));
    recsys_model *model = write_and_load(builder, "items");
    assert_int_equal(info_of(model).n_users, 0);
    assert_int_equal(info_of(model).n_items, N_ITEMS);
    recsys_model_unref(model);
}

static void counts_that_differ_name_both_files(void **state)
{
    static const char ids[] = "\xEF\xBB\xBF"
                              "a\r\nb\r\nc";
    static const char *const names[] = {"item_emb.weight"};
    const recsys_array arrays[] = {matrix(item_factors, N_ITEMS, D)};
    recsys_builder *builder = NULL;
    char path[600];

    (void)state;
    bundle_write_file(scratch, "ids.txt", ids, sizeof ids - 1);
    snprintf(path, sizeof path, "%s", in_scratch("ids.txt"));
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_set_arrays(builder, "m.safetensors", names, arrays, 1, &err));
    check_ok(recsys_builder_import_texts(builder, "item_ids", path, &err));
    assert_int_equal(recsys_builder_write(builder, in_scratch("x"), &err), RECSYS_E_INVALID);
    assert_string_equal(err.message,
                        "item_ids (ids.txt) has 3 entries, but item_factors (m.safetensors: "
                        "item_emb.weight F32 [7,3]) has 7 rows");
    recsys_builder_destroy(builder);
}

static void a_text_file_is_refused_by_the_number_of_its_line(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        recsys_status status;
        const char *message;
    } cases[] = {
        {"a\n\nb\n", 5, RECSYS_E_FORMAT, "t.txt:2: an empty line; every line is one name"},
        {"a\nb\0c\n", 6, RECSYS_E_FORMAT, "t.txt:2: a zero byte"},
    };
    recsys_builder *builder = NULL;

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bundle_write_file(scratch, "t.txt", cases[i].text, cases[i].size);
        assert_int_equal(
            recsys_builder_import_texts(builder, "item_ids", in_scratch("t.txt"), &err),
            cases[i].status);
        assert_string_equal(err.message, cases[i].message);
    }
    assert_int_equal(recsys_builder_import_texts(builder, "item_ids", in_scratch("none"), &err),
                     RECSYS_E_IO);
    assert_int_equal(recsys_builder_import_texts(builder, "item_bias", in_scratch("t.txt"), &err),
                     RECSYS_E_FORMAT);
    recsys_builder_destroy(builder);
}

static void texts_in_memory_are_bytes_with_offsets(void **state)
{
    static const char *const names[] = {"item_emb", "item_ids", "item_ids_offsets"};
    static const char texts[] = "a\0b\0c\0dddd\0e\0f\0g";
    static const uint64_t offsets[] = {0, 2, 4, 6, 11, 13, 15, 17};
    const recsys_array arrays[] = {matrix(item_factors, N_ITEMS, D),
                                   RECSYS_ARRAY_1D(texts, RECSYS_DTYPE_U8, sizeof texts),
                                   RECSYS_ARRAY_1D(offsets, RECSYS_DTYPE_U64, N_ITEMS + 1)};
    recsys_builder *builder = NULL;
    uint64_t row = 0;

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    check_ok(recsys_builder_set_arrays(builder, "m", names, arrays, 3, &err));
    check_ok(recsys_builder_find(builder, "item_ids", (recsys_id){"dddd", 4}, &row, &err));
    assert_int_equal(row, 3);
    recsys_builder_destroy(builder);
}

static void wrong_arrays_are_refused(void **state)
{
    static const char *const names[] = {"item_ids", "item_ids_offsets"};
    static const struct {
        recsys_array array;
        const char *message;
    } cases[] = {
        {RECSYS_ARRAY_1D(NULL, RECSYS_DTYPE_U64, 2),
         "recsys_builder_set_arrays: array 1 has no data"},
        {RECSYS_ARRAY_1D(user_factors, 77, 2),
         "recsys_builder_set_arrays: array 1 has a dtype that is none of RECSYS_DTYPE_*"},
        {RECSYS_ARRAY_2D(user_factors, RECSYS_DTYPE_F32, UINT64_MAX / 2, 3),
         "recsys_builder_set_arrays: array 1 has a shape that is larger than memory"},
    };
    recsys_builder *builder = create_small();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const recsys_array arrays[] = {RECSYS_ARRAY_1D("abc", RECSYS_DTYPE_U8, 3), cases[i].array};
        assert_int_equal(recsys_builder_set_arrays(builder, "m", names, arrays, 2, &err),
                         RECSYS_E_INVALID);
        assert_string_equal(err.message, cases[i].message);
    }
    recsys_builder_destroy(builder);
}

static void wrong_arguments_are_refused(void **state)
{
    static const char *const names[] = {"item_emb", NULL};
    recsys_array arrays[] = {matrix(item_factors, N_ITEMS, D), matrix(item_factors, N_ITEMS, D)};
    const char *choices = "x";
    recsys_builder *builder = create_small();

    (void)state;
    assert_int_equal(recsys_builder_set_arrays(builder, "m", names, arrays, 2, &err),
                     RECSYS_E_INVALID);
    assert_string_equal(err.message, "recsys_builder_set_arrays: array 1 has no name");
    arrays[0].strides[0] = 4;
    assert_int_equal(recsys_builder_set_arrays(builder, "m", names, arrays, 1, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_set_arrays(builder, NULL, names, arrays, 1, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_set_arrays(builder, "m", names, arrays, 0, &err),
                     RECSYS_E_FORMAT);
    assert_non_null(strstr(err.message, "it has no arrays"));
    assert_int_equal(recsys_builder_get_choices(NULL, &choices, &err), RECSYS_E_INVALID);
    assert_null(choices);
    assert_int_equal(recsys_builder_get_choices(builder, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_import_texts(builder, NULL, "x", &err), RECSYS_E_INVALID);
    recsys_builder_destroy(builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_dict_is_understood_by_its_names),
        cmocka_unit_test(two_arrays_that_could_be_one_part_are_both_named),
        cmocka_unit_test(a_library_that_is_recognised_decides_the_link),
        cmocka_unit_test(a_source_can_be_given_and_algorithms_of_one_library_differ),
        cmocka_unit_test(a_mean_and_a_scale_that_do_not_fit_are_refused),
        cmocka_unit_test(a_scale_and_a_mean_may_be_integers_of_every_type),
        cmocka_unit_test(the_global_mean_becomes_a_part_of_the_items_biases),
        cmocka_unit_test(items_without_users_are_a_model),
        cmocka_unit_test(counts_that_differ_name_both_files),
        cmocka_unit_test(a_text_file_is_refused_by_the_number_of_its_line),
        cmocka_unit_test(texts_in_memory_are_bytes_with_offsets),
        cmocka_unit_test(wrong_arrays_are_refused),
        cmocka_unit_test(wrong_arguments_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
