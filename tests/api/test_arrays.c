/* Covers recsys_model_get_array(), the paged lists of model.h and catalog.h, and arrays with
 * strides on their way into a builder. */
#include "tests/api/reference.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#include <pthread.h>

#define N_USERS 12
#define N_ITEMS 90
#define D 20 /* no multiple of 16: rows of items are padded */
#define SEED 20261128u

static recsys_error err;

static const uint32_t everything = BUNDLE_CATALOG | BUNDLE_SEEN | BUNDLE_BIAS | BUNDLE_FEATURES |
                                   BUNDLE_POPULARITY | BUNDLE_UNSORTED;

static int set_up(void **state)
{
    printf("seed %u\n", SEED);
    return scratch_set_up(state);
}

static recsys_array array_of(const recsys_model *model, const char *name, uint32_t dtype,
                             uint32_t n_dims, uint64_t rows, uint64_t columns)
{
    recsys_array array;

    memset(&array, 0xa5, sizeof array);
    must(recsys_model_get_array(model, name, &array, &err), &err, name);
    if (array.dtype != dtype || array.n_dims != n_dims || array.shape[0] != rows ||
        (n_dims == 2 && array.shape[1] != columns))
        fail_msg("%s: type %u, %u dimensions, %llu rows", name, array.dtype, array.n_dims,
                 (unsigned long long)array.shape[0]);
    assert_true(array.reserved[0] == 0 && array.reserved[1] == 0);
    assert_true(array.strides[0] != 0 && array.strides[1] != 0);
    return array;
}

static const float *row_of(const recsys_array *array, uint64_t row)
{
    assert_int_equal(array->strides[1], sizeof(float));
    return (const float *)(const void *)((const char *)array->data +
                                         (ptrdiff_t)row * array->strides[0]);
}

/* The id of a row, from the arrays alone. */
static recsys_id id_at(const recsys_model *model, const char *name, uint64_t row)
{
    char offsets_name[64];
    recsys_array ids, offsets;
    recsys_id id = {NULL, 0};

    must(recsys_model_get_array(model, name, &ids, &err), &err, name);
    if (ids.dtype == RECSYS_DTYPE_I64) {
        id.number = (uint64_t)((const int64_t *)ids.data)[row];
        return id;
    }
    assert_int_equal(ids.dtype, RECSYS_DTYPE_U8);
    snprintf(offsets_name, sizeof offsets_name, "%s_offsets", name);
    must(recsys_model_get_array(model, offsets_name, &offsets, &err), &err, offsets_name);
    const uint64_t *begin = offsets.data;
    id.text = (const char *)ids.data + begin[row];
    id.number = begin[row + 1] - begin[row] - 1;
    assert_int_equal(id.text[id.number], 0);
    return id;
}

/* Vectors, biases and popularity of every row are those of the row's id. */
static void check_items(const recsys_model *model, int with_bias)
{
    recsys_array items = array_of(model, "item_factors", RECSYS_DTYPE_F32, 2, N_ITEMS, D);
    recsys_array popularity = array_of(model, "item_popularity", RECSYS_DTYPE_F32, 1, N_ITEMS, 0);
    recsys_array bias = RECSYS_ARRAY_INIT;
    float most = 0;

    assert_int_equal((uintptr_t)items.data % 64, 0);
    if (with_bias)
        bias = array_of(model, "item_bias", RECSYS_DTYPE_F32, 1, N_ITEMS, 0);
    for (uint64_t row = 0; row < N_ITEMS; row++) {
        float vector[D], want_bias;
        must(recsys_model_get_item(model, id_at(model, "item_ids", row), vector, &want_bias, &err),
             &err, "item");
        assert_memory_equal(row_of(&items, row), vector, sizeof vector);
        if (with_bias)
            assert_true(*row_of(&bias, row) == want_bias);
        float share = *row_of(&popularity, row);
        assert_true(share >= 0 && share <= 1);
        most = share > most ? share : most;
    }
    assert_true(most == 1);
}

static void check_users(const recsys_model *model, int with_bias)
{
    recsys_array users = array_of(model, "user_factors", RECSYS_DTYPE_F32, 2, N_USERS, D);
    recsys_array bias = RECSYS_ARRAY_INIT;

    if (with_bias)
        bias = array_of(model, "user_bias", RECSYS_DTYPE_F32, 1, N_USERS, 0);
    for (uint64_t row = 0; row < N_USERS; row++) {
        float vector[D], want_bias;
        must(recsys_model_get_user(model, id_at(model, "user_ids", row), vector, &want_bias, &err),
             &err, "user");
        assert_memory_equal(row_of(&users, row), vector, sizeof vector);
        if (with_bias)
            assert_true(*row_of(&bias, row) == want_bias);
    }
}

/* The arrays, the list and the file name the same seen items of a user. */
static void check_seen(const recsys_model *model, const struct bundle *bundle, int texts)
{
    uint64_t n_seen = bundle->seen_offsets[N_USERS];
    recsys_array offsets = array_of(model, "seen_offsets", RECSYS_DTYPE_U64, 1, N_USERS + 1, 0);
    recsys_array items = array_of(model, "seen_items", RECSYS_DTYPE_U32, 1, n_seen, 0);
    recsys_array weights = array_of(model, "seen_weights", RECSYS_DTYPE_F32, 1, n_seen, 0);

    for (uint64_t row = 0; row < N_USERS; row++) {
        const uint64_t *begin = (const uint64_t *)offsets.data + row;
        recsys_id user = id_at(model, "user_ids", row), seen[N_ITEMS];
        float got[N_ITEMS];
        size_t count = 0, left = 0;
        must(recsys_model_get_seen(model, user, 0, seen, got, N_ITEMS, &count, &err), &err, "seen");
        assert_int_equal(count, bundle->seen_offsets[row + 1] - bundle->seen_offsets[row]);
        assert_int_equal(count, begin[1] - begin[0]);
        must(recsys_model_get_seen(model, user, 1, NULL, NULL, 0, &left, &err), &err, "how many");
        assert_int_equal(left, count > 0 ? count - 1 : 0);
        for (size_t i = 0; i < count; i++) {
            recsys_id page;
            float weight;
            size_t one;
            uint32_t item = ((const uint32_t *)items.data)[begin[0] + i];
            assert_true(same_id(seen[i], id_at(model, "item_ids", item)));
            assert_true(got[i] == ((const float *)weights.data)[begin[0] + i]);
            must(recsys_model_get_seen(model, user, i, &page, &weight, 1, &one, &err), &err, "");
            assert_true(one == 1 && same_id(page, seen[i]) && weight == got[i]);
            int found = texts;
            for (uint64_t s = bundle->seen_offsets[row]; s < bundle->seen_offsets[row + 1]; s++)
                found |= (uint64_t)bundle->item_numbers[bundle->seen_items[s]] == seen[i].number &&
                         bundle->seen_weights[s] == got[i];
            assert_true(found);
        }
    }
}

static void rows_of_all_arrays_are_the_same_items_and_users(void **state)
{
    static const uint32_t kinds[] = {0, BUNDLE_NUMBER_IDS, BUNDLE_TEXT_IDS};

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        struct bundle bundle;
        char name[16];
        snprintf(name, sizeof name, "kind-%zu", k);
        recsys_model *model =
            make_model(scratch, name, &bundle, N_USERS, N_ITEMS, D, SEED, everything | kinds[k]);
        check_items(model, 1);
        check_users(model, 1);
        check_seen(model, &bundle, kinds[k] == BUNDLE_TEXT_IDS);
        recsys_array features = array_of(model, "feature_factors", RECSYS_DTYPE_F32, 2, 3, D);
        assert_memory_equal(row_of(&features, 2), bundle.features + 2 * D, D * sizeof(float));
        recsys_model_unref(model);
        bundle_free(&bundle);
    }
}

static void a_cosine_models_factors_are_the_ones_that_it_scores_with(void **state)
{
    struct bundle bundle;
    recsys_model *model =
        make_model(scratch, "cosine", &bundle, N_USERS, N_ITEMS, D, SEED, BUNDLE_COSINE);
    recsys_array items = array_of(model, "item_factors", RECSYS_DTYPE_F32, 2, N_ITEMS, D);

    (void)state;
    check_items(model, 0);
    check_users(model, 0);
    for (uint64_t row = 0; row < N_ITEMS; row++) {
        double norm = 0;
        for (size_t j = 0; j < D; j++)
            norm += (double)row_of(&items, row)[j] * (double)row_of(&items, row)[j];
        assert_true(fabs(norm - 1) < 1e-6);
    }
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void what_is_not_there_is_not_found_and_what_never_is_is_invalid(void **state)
{
    static const char *const absent[] = {"user_bias",        "item_bias",
                                         "user_ids_offsets", "seen_offsets",
                                         "seen_items",       "seen_weights",
                                         "feature_names",    "item_ids_offsets",
                                         "feature_factors",  "feature_names_offsets"};
    struct bundle bundle;
    recsys_array array, zero;
    recsys_model *model = make_model(scratch, "bare", &bundle, N_USERS, N_ITEMS, D, SEED, 0);
    const recsys_id user = RECSYS_ID_NUMBER(1);
    size_t count = 7;

    (void)state;
    memset(&zero, 0, sizeof zero);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        memset(&array, 0xa5, sizeof array);
        expect(recsys_model_get_array(model, absent[i], &array, &err), RECSYS_E_NOT_FOUND, &err,
               absent[i]);
        assert_memory_equal(&array, &zero, sizeof array);
    }
    expect(recsys_model_get_array(model, "factors", &array, &err), RECSYS_E_INVALID, &err, "name");
    assert_string_equal(err.message, "a model has no array called \"factors\"");
    expect(recsys_model_get_array(model, NULL, &array, &err), RECSYS_E_INVALID, &err, "no name");
    expect(recsys_model_get_array(NULL, "item_bias", &array, &err), RECSYS_E_INVALID, &err, "");
    expect(recsys_model_get_array(model, "item_bias", NULL, &err), RECSYS_E_INVALID, &err, "");
    must(recsys_model_get_seen(model, user, 0, NULL, NULL, 0, &count, &err), &err, "no lists");
    assert_int_equal(count, 0);
    count = 7;
    must(recsys_model_get_features(model, 0, NULL, 0, &count, &err), &err, "no features");
    assert_int_equal(count, 0);
    count = 7;
    must(recsys_catalog_get_genres(model, 0, NULL, 0, &count, &err), &err, "no genres");
    assert_int_equal(count, 0);
    recsys_model_unref(model);
    bundle_free(&bundle);
}

static void lists_come_in_pages(void **state)
{
    struct bundle bundle;
    recsys_model *model =
        make_model(scratch, "lists", &bundle, N_USERS, N_ITEMS, D, SEED, everything);
    const char *names[40], *page[3];
    const recsys_id huge = RECSYS_ID_NUMBER(UINT64_MAX), unknown = RECSYS_ID_NUMBER(12345);
    recsys_id ids[4];
    size_t count = 0, all = 0;

    (void)state;
    must(recsys_model_get_features(model, 0, names, 40, &count, &err), &err, "features");
    assert_int_equal(count, 3);
    assert_string_equal(names[0], "pref_genre_drama");
    assert_string_equal(names[2], "min_rating");
    must(recsys_catalog_get_languages(model, 0, names, 40, &count, &err), &err, "languages");
    CHECK_BETWEEN(count, 2, 39);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz"), strlen(names[i]));
    must(recsys_catalog_get_genres(model, 0, NULL, 0, &all, &err), &err, "number of genres");
    must(recsys_catalog_get_genres(model, 0, names, 40, &count, &err), &err, "genres");
    assert_int_equal(all, count);
    for (size_t offset = 0; offset <= all; offset += 3) {
        must(recsys_catalog_get_genres(model, offset, page, 3, &count, &err), &err, "page");
        assert_int_equal(count, all - offset < 3 ? all - offset : 3);
        for (size_t i = 0; i < count; i++)
            assert_ptr_equal(page[i], names[offset + i]);
    }
    must(recsys_model_get_item_ids(model, 10, NULL, 0, &count, &err), &err, "how many");
    assert_int_equal(count, N_ITEMS - 10);
    count = 7;
    expect(recsys_catalog_get_genres(NULL, 0, page, 3, &count, &err), RECSYS_E_INVALID, &err, "");
    assert_int_equal(count, 0);
    expect(recsys_catalog_get_languages(model, 0, NULL, 3, &count, &err), RECSYS_E_INVALID, &err,
           "");
    expect(recsys_model_get_features(model, 0, page, 3, NULL, &err), RECSYS_E_INVALID, &err, "");
    count = 7;
    expect(recsys_model_get_seen(model, unknown, 0, ids, NULL, 4, &count, &err), RECSYS_E_NOT_FOUND,
           &err, "");
    assert_int_equal(count, 0);
    expect(recsys_model_get_seen(model, huge, 0, ids, NULL, 4, &count, &err), RECSYS_E_INVALID,
           &err, "");
    expect(recsys_model_get_seen(NULL, huge, 0, ids, NULL, 4, &count, &err), RECSYS_E_INVALID, &err,
           "");
    recsys_model_unref(model);
    bundle_free(&bundle);
}

/* Long enough to make that several threads are at it together. */
#define MANY_ITEMS 400000

static pthread_barrier_t barrier;

static void *read_ids(void *model)
{
    recsys_array array;

    (void)pthread_barrier_wait(&barrier);
    return recsys_model_get_array(model, "item_ids", &array, NULL) == RECSYS_OK
               ? (void *)(uintptr_t)array.data
               : NULL;
}

static void threads_that_ask_first_at_once_get_the_same_list(void **state)
{
    struct bundle bundle;
    char path[1024];

    (void)state;
    recsys_model_unref(make_model(scratch, "race", &bundle, 2, MANY_ITEMS, 2, SEED, 0));
    bundle_free(&bundle);
    snprintf(path, sizeof path, "%s/race", scratch);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 8), 0);
    for (int round = 0; round < 8; round++) {
        pthread_t threads[8];
        void *data[8];
        recsys_model *model = load_model(path);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, read_ids, model), 0);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(pthread_join(threads[i], &data[i]), 0);
        for (size_t i = 0; i < 8; i++)
            assert_true(data[i] != NULL && data[i] == data[0]);
        recsys_model_unref(model);
    }
    assert_int_equal(pthread_barrier_destroy(&barrier), 0);
}

static void put(recsys_builder *builder, const char *name, recsys_array array)
{
    must(recsys_builder_set_array(builder, name, &array, &err), &err, name);
}

/* The model that these arrays make, as text that says all of it. */
static void describe(const char *name, recsys_array users, recsys_array items, recsys_array ids,
                     recsys_array bias, char fingerprint[65])
{
    char path[1024];
    recsys_builder *builder = NULL;
    recsys_model_info info = {.struct_size = sizeof info};

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    must(recsys_builder_create(&builder, &err), &err, "builder");
    put(builder, "user_factors", users);
    put(builder, "item_factors", items);
    put(builder, "item_ids", ids);
    put(builder, "item_bias", bias);
    must(recsys_builder_write(builder, path, &err), &err, name);
    recsys_builder_destroy(builder);
    recsys_model *model = load_model(path);
    must(recsys_model_get_info(model, &info, &err), &err, "info");
    memcpy(fingerprint, info.fingerprint, 65);
    recsys_model_unref(model);
}

static recsys_array strided(recsys_array array, int64_t first, int64_t second)
{
    array.strides[0] = first;
    array.strides[1] = second;
    return array;
}

static void arrays_with_strides_make_the_same_model_as_without(void **state)
{
    static const float rows[3][2] = {{1, 2}, {3, 4}, {5, 6}};  /* C order */
    static const float columns[2][3] = {{1, 3, 5}, {2, 4, 6}}; /* Fortran order */
    static const double wide[3][4] = {{1, -1, 2, -1}, {3, -1, 4, -1}, {5, -1, 6, -1}};
    static const float backwards[3][2] = {{5, 6}, {3, 4}, {1, 2}};
    static const int64_t ids[3] = {7, 0, 9};
    static const uint32_t pairs[3][2] = {{7, 1}, {0, 1}, {9, 1}};
    static const float bias[3] = {0.5f, 1, 2};
    unsigned char odd[1 + sizeof bias];
    const recsys_array plain = RECSYS_ARRAY_2D(rows, RECSYS_DTYPE_F32, 3, 2),
                       fortran = RECSYS_ARRAY_2D(columns, RECSYS_DTYPE_F32, 3, 2),
                       slices = RECSYS_ARRAY_2D(wide, RECSYS_DTYPE_F64, 3, 2),
                       reversed = RECSYS_ARRAY_2D(backwards[2], RECSYS_DTYPE_F32, 3, 2),
                       id_list = RECSYS_ARRAY_1D(ids, RECSYS_DTYPE_I64, 3),
                       id_pairs = RECSYS_ARRAY_1D(pairs, RECSYS_DTYPE_U32, 3),
                       biases = RECSYS_ARRAY_1D(bias, RECSYS_DTYPE_F32, 3),
                       unaligned = RECSYS_ARRAY_1D(odd + 1, RECSYS_DTYPE_F32, 3);
    char want[65], got[65];

    (void)state;
    memcpy(odd + 1, bias, sizeof bias);
    describe("plain", plain, plain, id_list, biases, want);
    describe("stated", strided(plain, 8, 4), plain, strided(id_list, 8, 0), biases, got);
    assert_string_equal(got, want);
    describe("fortran", strided(fortran, 4, 12), strided(fortran, 4, 12), id_list, unaligned, got);
    assert_string_equal(got, want);
    describe("slices", strided(slices, 32, 16), strided(slices, 32, 16), strided(id_pairs, 8, 0),
             biases, got);
    assert_string_equal(got, want);
    describe("reversed", plain, strided(reversed, -8, 4), id_list, biases, got);
    assert_string_equal(got, want);
}

static void arrays_that_reach_beyond_memory_or_into_the_future_are_refused(void **state)
{
    static const float numbers[4] = {1, 2, 3, 4};
    recsys_array array = RECSYS_ARRAY_2D(numbers, RECSYS_DTYPE_F32, 2, 2);
    recsys_builder *builder = NULL;

    (void)state;
    must(recsys_builder_create(&builder, &err), &err, "builder");
    array.strides[0] = INT64_MIN;
    expect(recsys_builder_set_array(builder, "item_factors", &array, &err), RECSYS_E_INVALID, &err,
           "stride");
    array.strides[0] = 0;
    array.shape[1] = UINT64_MAX / 2;
    expect(recsys_builder_set_array(builder, "item_factors", &array, &err), RECSYS_E_INVALID, &err,
           "shape");
    array.shape[1] = 2;
    array.reserved[1] = 1;
    expect(recsys_builder_set_array(builder, "item_factors", &array, &err), RECSYS_E_UNSUPPORTED,
           &err, "reserved");
    recsys_builder_destroy(builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_all_arrays_are_the_same_items_and_users),
        cmocka_unit_test(a_cosine_models_factors_are_the_ones_that_it_scores_with),
        cmocka_unit_test(what_is_not_there_is_not_found_and_what_never_is_is_invalid),
        cmocka_unit_test(lists_come_in_pages),
        cmocka_unit_test(threads_that_ask_first_at_once_get_the_same_list),
        cmocka_unit_test(arrays_with_strides_make_the_same_model_as_without),
        cmocka_unit_test(arrays_that_reach_beyond_memory_or_into_the_future_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, scratch_tear_down);
}
