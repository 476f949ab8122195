/* recsys/builder.h: what does not fit together is refused with its name, and what
 * fails leaves nothing behind. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/api/built_model.h"

static size_t count_entries(void)
{
    DIR *directory = opendir(scratch);
    size_t n = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

/* Writing fails with this status and message, and the folder is as before. */
static void check_refused(recsys_builder *builder, recsys_status status, const char *message)
{
    size_t before = count_entries();

    assert_int_equal(recsys_builder_write(builder, in_scratch("refused"), &err), status);
    assert_string_equal(err.message, message);
    assert_int_equal(err.status, status);
    assert_int_equal(count_entries(), before);
    recsys_builder_destroy(builder);
}

static void a_missing_part_is_named(void **state)
{
    recsys_builder *builder = NULL;

    (void)state;
    check_ok(recsys_builder_create(&builder, &err));
    check_refused(builder, RECSYS_E_INVALID, "item_factors is missing; a model needs it");
    builder = create_small();
    check_ok(put(builder, "seen_items", seen_items, RECSYS_DTYPE_U32, 6, 0));
    check_refused(builder, RECSYS_E_INVALID,
                  "seen_offsets is missing; seen lists need seen_offsets and seen_items");
    builder = create_small();
    check_ok(put(builder, "seen_weights", seen_weights, RECSYS_DTYPE_F32, 6, 0));
    check_refused(builder, RECSYS_E_INVALID,
                  "seen_offsets is missing; seen lists need seen_offsets and seen_items");
    builder = create_small();
    check_ok(put(builder, "feature_factors", features, RECSYS_DTYPE_F32, 2, D));
    check_refused(builder, RECSYS_E_INVALID,
                  "feature_names is missing; it belongs to feature_factors");
    builder = create_small();
    check_ok(recsys_builder_set_texts(builder, "feature_names", feature_names, 2, &err));
    check_refused(builder, RECSYS_E_INVALID,
                  "feature_factors is missing; it belongs to feature_names");
}

static void a_part_of_another_size_is_named(void **state)
{
    static const struct {
        const char *name;
        uint64_t rows, columns;
        const char *message;
    } cases[] = {
        {"item_factors", 0, D, "item_factors has 0 rows, must have 1..4294967295"},
        {"item_factors", N_ITEMS, 0, "item_factors has 0 columns, must have 1..65536"},
        {"item_factors", 0, 65537, "item_factors has 65537 columns, must have 1..65536"},
        {"user_factors", N_USERS, 2, "user_factors has 2 columns, but item_factors has 3"},
        {"user_bias", 4, 0, "user_bias has 4 rows, but user_factors has 5"},
        {"item_bias", 6, 0, "item_bias has 6 rows, but item_factors has 7"},
        {"item_popularity", 6, 0, "item_popularity has 6 rows, but item_factors has 7"},
        {"feature_factors", 2, 2, "feature_factors has 2 columns, but item_factors has 3"},
        {"seen_weights", 5, 0, "seen_weights has 5 rows, but seen_items has 6"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        recsys_builder *builder = create_full();
        int flat = strstr(cases[i].name, "factors") == NULL;
        recsys_array array =
            RECSYS_ARRAY_2D(item_factors, RECSYS_DTYPE_F32, cases[i].rows, cases[i].columns);
        array.n_dims = flat ? 1u : 2u;
        check_ok(recsys_builder_set_array(builder, cases[i].name, &array, &err));
        check_refused(builder, RECSYS_E_INVALID, cases[i].message);
    }
    recsys_builder *builder = create_full();
    check_ok(put(builder, "item_ids", item_ids, RECSYS_DTYPE_I64, 6, 0));
    check_refused(builder, RECSYS_E_INVALID, "item_ids has 6 entries, but item_factors has 7 rows");
    builder = create_full();
    check_ok(recsys_builder_set_texts(builder, "user_ids", user_texts, 4, &err));
    check_refused(builder, RECSYS_E_INVALID, "user_ids has 4 entries, but user_factors has 5 rows");
    builder = create_full();
    check_ok(recsys_builder_set_texts(builder, "feature_names", feature_names, 1, &err));
    check_refused(builder, RECSYS_E_INVALID,
                  "feature_names has 1 entries, but feature_factors has 2 rows");
}

static void a_number_that_is_not_finite_is_named_with_its_place(void **state)
{
    float bad_items[N_ITEMS * D], bad_bias[N_ITEMS];
    double bad_users[N_USERS * D];

    (void)state;
    memcpy(bad_items, item_factors, sizeof bad_items);
    bad_items[5] = NAN;
    recsys_builder *builder = create_full();
    check_ok(put(builder, "item_factors", bad_items, RECSYS_DTYPE_F32, N_ITEMS, D));
    check_refused(builder, RECSYS_E_FORMAT, "item_factors[1,2] is not a finite number");

    for (uint32_t i = 0; i < N_USERS * D; i++)
        bad_users[i] = (double)user_factors[i];
    bad_users[3] = 1e39; /* finite, but not as the float that is stored */
    builder = create_full();
    check_ok(put(builder, "user_factors", bad_users, RECSYS_DTYPE_F64, N_USERS, D));
    check_refused(builder, RECSYS_E_FORMAT, "user_factors[1,0] is not a finite number");

    memcpy(bad_bias, item_bias, sizeof bad_bias);
    bad_bias[6] = -INFINITY;
    builder = create_full();
    put_floats(builder, "item_bias", bad_bias, N_ITEMS);
    check_refused(builder, RECSYS_E_FORMAT, "item_bias[6] is not a finite number");

    builder = create_full();
    put_floats(builder, "item_popularity", item_bias, N_ITEMS);
    check_refused(builder, RECSYS_E_FORMAT, "item_popularity[1] is negative");
}

static void ids_must_be_different_and_not_negative(void **state)
{
    int64_t ids[N_ITEMS];
    const uint64_t huge[N_USERS] = {1, 2, 3, UINT64_MAX, 5};
    const char *const twice[N_USERS] = {"a", "b", "c", "b", "d"};

    (void)state;
    memcpy(ids, item_ids, sizeof ids);
    ids[5] = ids[2];
    recsys_builder *builder = create_full();
    check_ok(put(builder, "item_ids", ids, RECSYS_DTYPE_I64, N_ITEMS, 0));
    check_refused(builder, RECSYS_E_FORMAT, "item_ids: id 106 is there twice, in rows 2 and 5");
    ids[5] = -1;
    builder = create_full();
    check_ok(put(builder, "item_ids", ids, RECSYS_DTYPE_I64, N_ITEMS, 0));
    check_refused(builder, RECSYS_E_INVALID,
                  "item_ids[5] is -1, must be 0..9223372036854775807 (-1 is pandas' code of a "
                  "missing value)");
    builder = create_full();
    check_ok(put(builder, "user_ids", huge, RECSYS_DTYPE_U64, N_USERS, 0));
    check_refused(builder, RECSYS_E_INVALID,
                  "user_ids[3] is 18446744073709551615, at most 9223372036854775807");
    builder = create_full();
    check_ok(recsys_builder_set_texts(builder, "user_ids", twice, N_USERS, &err));
    check_refused(builder, RECSYS_E_FORMAT, "user_ids: id \"b\" is there twice, in rows 1 and 3");
}

static void seen_lists_must_fit(void **state)
{
    const uint64_t late[N_USERS + 1] = {1, 2, 2, 5, 5, 6}, early[N_USERS + 1] = {0, 2, 1, 5, 5, 6};
    const uint64_t short_of[N_USERS + 1] = {0, 2, 2, 5, 5, 5};
    const uint32_t beyond[6] = {6, 0, 1, 7, 3, 5}, twice[6] = {6, 0, 1, 2, 1, 5};

    (void)state;
    recsys_builder *builder = create_full();
    check_ok(put(builder, "seen_offsets", late, RECSYS_DTYPE_U64, N_USERS + 1, 0));
    check_refused(builder, RECSYS_E_INVALID,
                  "seen_offsets goes from 1 to 6, must go from 0 to 6, the length of seen_items");
    builder = create_full();
    check_ok(put(builder, "seen_offsets", short_of, RECSYS_DTYPE_U64, N_USERS + 1, 0));
    check_refused(builder, RECSYS_E_INVALID,
                  "seen_offsets goes from 0 to 5, must go from 0 to 6, the length of seen_items");
    builder = create_full();
    check_ok(put(builder, "seen_offsets", early, RECSYS_DTYPE_U64, N_USERS + 1, 0));
    check_refused(builder, RECSYS_E_INVALID, "seen_offsets[2] is smaller than the one before");
    builder = create_full();
    check_ok(put(builder, "seen_offsets", seen_offsets, RECSYS_DTYPE_U64, N_USERS, 0));
    check_refused(builder, RECSYS_E_INVALID,
                  "seen_offsets has 5 entries, must have 6, one more than user_factors has rows");
    builder = create_full();
    check_ok(put(builder, "seen_items", beyond, RECSYS_DTYPE_U32, 6, 0));
    check_refused(builder, RECSYS_E_INVALID, "seen_items[3] is 7, but item_factors has 7 rows");
    builder = create_full();
    check_ok(put(builder, "seen_items", twice, RECSYS_DTYPE_U32, 6, 0));
    check_refused(builder, RECSYS_E_FORMAT,
                  "seen_items: row 1 is there twice for row 2 of user_factors");
}

static void the_catalogue_must_be_about_the_models_items(void **state)
{
    recsys_builder *builder = create_full();

    (void)state;
    add_item(builder, "{\"id\":999}");
    check_refused(builder, RECSYS_E_FORMAT, "catalogue line 3: item 999 is not in the model");
    builder = create_full();
    add_item(builder, "{\"id\":106}");
    check_refused(builder, RECSYS_E_FORMAT, "catalogue line 3: item 106 already has a line");
    builder = create_full();
    add_item(builder, "{\"id\":\"106\"}");
    check_refused(builder, RECSYS_E_FORMAT,
                  "catalogue line 3: \"id\" is a string, but the model's "
                  "item ids are integers");
}

static void fields_that_contradict_each_other_are_refused(void **state)
{
    recsys_builder *builder = create_full();

    (void)state;
    check_ok(recsys_builder_set_field(builder, "metric", "cosine", &err));
    check_refused(builder, RECSYS_E_INVALID, "user_bias: a cosine model has no biases");
    builder = create_full();
    check_ok(recsys_builder_set_field(builder, "link_max", "0.5", &err));
    check_refused(builder, RECSYS_E_INVALID,
                  "a linear link needs link_min and link_max with link_min < link_max");
    builder = create_small();
    check_ok(recsys_builder_set_field(builder, "link", "linear", &err));
    check_refused(builder, RECSYS_E_INVALID,
                  "a linear link needs link_min and link_max with link_min < link_max");
    const char *const upper[2] = {"pref_genre_Drama", "min_rating"};
    builder = create_full();
    check_ok(recsys_builder_set_texts(builder, "feature_names", upper, 2, &err));
    check_refused(builder, RECSYS_E_INVALID,
                  "feature_names[0] is \"pref_genre_Drama\", must be in lower case");
}

static void check_field(recsys_builder *builder, const char *field, const char *value,
                        const char *message)
{
    assert_int_equal(recsys_builder_set_field(builder, field, value, &err), RECSYS_E_INVALID);
    assert_string_equal(err.message, message);
}

static void a_field_that_cannot_have_a_value_says_so(void **state)
{
    recsys_builder *builder = create_small();
    char long_text[300];

    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    check_field(builder, "color", "red", "a model has no field called \"color\"");
    check_field(builder, "name", "", "field name must be 1 to 255 bytes of UTF-8");
    check_field(builder, "version", long_text, "field version must be 1 to 255 bytes of UTF-8");
    check_field(builder, "algorithm", "\xFF", "field algorithm must be at most 255 bytes of UTF-8");
    check_field(builder, "metric", "dot", "field metric must be inner_product or cosine");
    check_field(builder, "link", "tanh", "field link must be sigmoid, linear or clip");
    check_field(builder, "link_min", "low", "field link_min must be a number");
    check_field(builder, "link_min", "1e999", "field link_min must be a number");
    check_field(builder, "link_min", "NaN", "field link_min must be a number");
    check_field(builder, "metrics.", "1", "field metrics. must be followed by a name");
    check_field(builder, "metrics.a", "\xFF", "field metrics.a must be UTF-8 text");
    check_field(builder, NULL, "1", "recsys_builder_set_field: field is NULL");
    check_field(builder, "name", NULL, "recsys_builder_set_field: value is NULL");
    recsys_builder_destroy(builder);
}

static void check_texts(recsys_builder *builder, const char *name, const char *one,
                        const char *message)
{
    const char *const texts[2] = {"fine", one};

    assert_int_equal(recsys_builder_set_texts(builder, name, texts, 2, &err), RECSYS_E_INVALID);
    assert_string_equal(err.message, message);
}

static void arrays_and_texts_are_checked_when_they_are_set(void **state)
{
    recsys_builder *builder = create_small();
    char long_text[257];

    (void)state;
    memset(long_text, 'x', 256);
    long_text[256] = '\0';
    check_texts(builder, "item_ids", NULL, "item_ids[1] is NULL");
    check_texts(builder, "item_ids", "", "item_ids[1] is empty, must have 1..255 bytes");
    check_texts(builder, "item_ids", long_text, "item_ids[1] is too long, must have 1..255 bytes");
    check_texts(builder, "item_ids", "\xC0\xAF", "item_ids[1] is not UTF-8");
    check_texts(builder, "item_bias", "x",
                "\"item_bias\" cannot be texts; user_ids, item_ids and feature_names can");
    assert_int_equal(put(builder, "items", item_bias, RECSYS_DTYPE_F32, 7, 0), RECSYS_E_INVALID);
    assert_string_equal(err.message, "a model has no array called \"items\"");
    assert_int_equal(put(builder, "item_bias", item_ids, RECSYS_DTYPE_I64, 7, 0), RECSYS_E_INVALID);
    assert_string_equal(err.message,
                        "item_bias: dtype 7 does not fit, floating-point numbers are needed");
    assert_int_equal(put(builder, "item_ids", item_bias, RECSYS_DTYPE_F32, 7, 0), RECSYS_E_INVALID);
    assert_string_equal(err.message, "item_ids: dtype 1 does not fit, integers are needed");
    assert_int_equal(put(builder, "feature_names", item_ids, RECSYS_DTYPE_U8, 7, 0),
                     RECSYS_E_INVALID);
    assert_int_equal(put(builder, "item_bias", item_bias, 77, 7, 0), RECSYS_E_INVALID);
    assert_int_equal(put(builder, "item_bias", item_factors, RECSYS_DTYPE_F32, 7, D),
                     RECSYS_E_INVALID);
    assert_string_equal(err.message, "item_bias: the array has 2 dimensions, must have 1");
    assert_int_equal(put(builder, "item_bias", NULL, RECSYS_DTYPE_F32, 7, 0), RECSYS_E_INVALID);
    assert_string_equal(err.message, "item_bias: data is NULL");
    assert_int_equal(put(builder, "item_factors", item_factors, RECSYS_DTYPE_F32, (uint64_t)1 << 33,
                         (uint64_t)1 << 32),
                     RECSYS_E_INVALID);
    assert_string_equal(err.message, "item_factors: the shape is larger than memory");
    recsys_builder_destroy(builder);
}

static void a_catalogue_entry_is_checked_when_it_is_added(void **state)
{
    recsys_builder *builder = create_small();
    static const char bad[] = "{\"id\":1,\"genres\":{}}";

    (void)state;
    assert_int_equal(recsys_builder_add_item(builder, bad, sizeof bad - 1, &err), RECSYS_E_FORMAT);
    assert_string_equal(err.message, "catalogue entry: \"genres\" must be an array of strings");
    check_ok(recsys_builder_write(builder, in_scratch("without-it"), &err));
    recsys_builder_destroy(builder);
    recsys_model *model = load("without-it");
    assert_int_equal(info_of(model).n_catalog, 0);
    recsys_model_unref(model);
}

static void what_is_there_is_never_replaced(void **state)
{
    recsys_builder *builder = create_small();
    char want[600];

    (void)state;
    check_ok(recsys_builder_write(builder, in_scratch("taken"), &err));
    snprintf(want, sizeof want, "%s is there already; bundles are never replaced",
             in_scratch("taken"));
    size_t before = count_entries();
    assert_int_equal(recsys_builder_write(builder, in_scratch("taken"), &err), RECSYS_E_EXISTS);
    assert_string_equal(err.message, want);
    assert_int_equal(recsys_builder_write(builder, in_scratch("taken//"), &err), RECSYS_E_EXISTS);
    assert_int_equal(symlink("nowhere", in_scratch("link")), 0);
    assert_int_equal(recsys_builder_write(builder, in_scratch("link"), &err), RECSYS_E_EXISTS);
    assert_int_equal(count_entries(), before + 1);
    recsys_builder_destroy(builder);
}

static void a_path_that_cannot_be_written_fails_and_leaves_nothing(void **state)
{
    recsys_builder *builder = create_small();
    size_t before = count_entries();

    (void)state;
    assert_int_equal(recsys_builder_write(builder, in_scratch("no/such"), &err), RECSYS_E_IO);
    assert_true(err.sys_errno != 0);
    assert_int_equal(recsys_builder_write(builder, "", &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_write(builder, "/", &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_write(builder, in_scratch(".."), &err), RECSYS_E_INVALID);
    assert_int_equal(count_entries(), before);
    recsys_builder_destroy(builder);
}

static void a_disk_that_fills_up_in_the_middle_leaves_nothing(void **state)
{
    recsys_builder *builder = create_full();
    struct rlimit limit, small;
    size_t before = count_entries(), n_failed = 0;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    for (small.rlim_cur = 0;; small.rlim_cur += 50) {
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        recsys_status status = recsys_builder_write(builder, in_scratch("full-disk"), &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        if (status == RECSYS_OK)
            break;
        assert_int_equal(status, RECSYS_E_IO);
        assert_int_equal(err.sys_errno, EFBIG);
        assert_int_equal(count_entries(), before);
        n_failed++;
    }
    assert_true(n_failed > 10);
    recsys_builder_destroy(builder);
    check_full("full-disk");
}

static void null_arguments_are_refused(void **state)
{
    recsys_builder *builder = create_small();
    recsys_array array = RECSYS_ARRAY_1D(item_bias, RECSYS_DTYPE_F32, N_ITEMS);

    (void)state;
    assert_int_equal(recsys_builder_create(NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_set_array(NULL, "item_bias", &array, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_set_array(builder, NULL, &array, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_set_array(builder, "item_bias", NULL, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_set_texts(builder, "item_ids", NULL, 1, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_import_array(builder, "item_bias", NULL, NULL, NULL),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_import_model(builder, NULL, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_import_catalog(NULL, "x", NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_add_item(builder, NULL, 0, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_write(NULL, "x", NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_builder_write(builder, NULL, NULL), RECSYS_E_INVALID);
    recsys_builder_destroy(NULL);
    recsys_builder_destroy(builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_part_is_named),
        cmocka_unit_test(a_part_of_another_size_is_named),
        cmocka_unit_test(a_number_that_is_not_finite_is_named_with_its_place),
        cmocka_unit_test(ids_must_be_different_and_not_negative),
        cmocka_unit_test(seen_lists_must_fit),
        cmocka_unit_test(the_catalogue_must_be_about_the_models_items),
        cmocka_unit_test(fields_that_contradict_each_other_are_refused),
        cmocka_unit_test(a_field_that_cannot_have_a_value_says_so),
        cmocka_unit_test(arrays_and_texts_are_checked_when_they_are_set),
        cmocka_unit_test(a_catalogue_entry_is_checked_when_it_is_added),
        cmocka_unit_test(what_is_there_is_never_replaced),
        cmocka_unit_test(a_path_that_cannot_be_written_fails_and_leaves_nothing),
        cmocka_unit_test(a_disk_that_fills_up_in_the_middle_leaves_nothing),
        cmocka_unit_test(null_arguments_are_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
