/* Covers lib/model/assemble.c, load_ids.c, features.c, seen.c, popularity.c and
 * genre_items.c: what a model holds after loading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/model.h"
#include "lib/model/model_memory.h"
#include "tests/support/model_setup.h"

static recsys_id make_id(const struct bundle *bundle, char prefix, int64_t number, char text[32])
{
    recsys_id id = RECSYS_ID_NUMBER((uint64_t)number);

    if (bundle->flags & BUNDLE_TEXT_IDS) {
        id.number = (uint64_t)snprintf(text, 32, "%c-%lld", prefix, (long long)number);
        id.text = text;
    }
    return id;
}

/* Where the item of this row of the file stands in the model. */
static uint32_t position_of(const recsys_model *model, const struct bundle *bundle, size_t row)
{
    char text[32];
    uint32_t position = UINT32_MAX;

    assert_true(rs_ids_find(&model->item_ids, make_id(bundle, 'i', bundle->item_numbers[row], text),
                            &position));
    return position;
}

static void check_vectors(const recsys_model *model, const struct bundle *bundle)
{
    size_t d = bundle->d;
    float *vector = malloc(d * sizeof *vector), bias;
    char text[32];

    for (size_t row = 0; row < bundle->n_items; row++) {
        recsys_id id = make_id(bundle, 'i', bundle->item_numbers[row], text);
        assert_int_equal(recsys_model_get_item(model, id, vector, &bias, NULL), RECSYS_OK);
        assert_memory_equal(vector, bundle->items + row * d, d * sizeof *vector);
        assert_true(bias == (bundle->item_bias == NULL ? 0 : bundle->item_bias[row]));
    }
    for (size_t row = 0; row < bundle->n_users; row++) {
        recsys_id id = make_id(bundle, 'u', bundle->user_numbers[row], text);
        assert_int_equal(recsys_model_get_user(model, id, vector, &bias, NULL), RECSYS_OK);
        assert_memory_equal(vector, bundle->users + row * d, d * sizeof *vector);
        assert_true(bias == (bundle->user_bias == NULL ? 0 : bundle->user_bias[row]));
    }
    free(vector);
}

static double norm_at(const recsys_model *model, size_t p)
{
    double sum = 0;

    for (size_t j = 0; j < model->dimensions; j++) {
        double x = (double)model->items[p * model->stride + j];
        sum += x * x;
    }
    return sqrt(sum);
}

static void check_order_and_padding(const recsys_model *model)
{
    assert_int_equal(model->stride % 16, 0);
    assert_int_equal((uintptr_t)model->items % 64, 0);
    for (size_t p = 0; p < model->n_items; p++) {
        const struct rs_block *block = &model->blocks[p / RS_BLOCK_ITEMS];
        double norm = norm_at(model, p);
        if (p > 0 && model->metric == RECSYS_METRIC_INNER_PRODUCT)
            assert_true(norm_at(model, p - 1) >= norm * (1 - 1e-12));
        assert_true(block->max_norm >= norm * (1 - 1e-15) && block->rest_norm >= block->max_norm);
        for (size_t j = model->dimensions; j < model->stride; j++)
            assert_true(model->items[p * model->stride + j] == 0);
    }
}

static void check_seen(const recsys_model *model, const struct bundle *bundle)
{
    if (!(bundle->flags & BUNDLE_SEEN)) {
        assert_null(model->seen_offsets);
        return;
    }
    for (size_t user = 0; user < bundle->n_users; user++) {
        uint64_t begin = model->seen_offsets[user], end_ = model->seen_offsets[user + 1];
        assert_int_equal(begin, bundle->seen_offsets[user]);
        for (uint64_t i = begin + 1; i < end_; i++)
            assert_true(model->seen_items[i - 1] < model->seen_items[i]);
        for (uint64_t i = begin; i < end_; i++) {
            uint32_t position = position_of(model, bundle, bundle->seen_items[i]);
            uint64_t at = begin;
            while (at < end_ && model->seen_items[at] != position)
                at++;
            assert_true(at < end_);
            assert_true(model->seen_weights[at] == bundle->seen_weights[i]);
        }
    }
}

static void check_popular(const recsys_model *model)
{
    for (uint32_t i = 1; i < model->n_items; i++) {
        uint32_t a = model->popular[i - 1], b = model->popular[i];
        float x = model->popularity[a], y = model->popularity[b];
        assert_true(x > y || (x == y &&
                              rs_ids_rank(&model->item_ids, a) < rs_ids_rank(&model->item_ids, b)));
    }
}

static void every_kind_of_bundle_gives_back_what_was_put_in(void **state)
{
    static const uint32_t kinds[] = {
        0,
        BUNDLE_BIAS | BUNDLE_UNSORTED,
        BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG,
        BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_UNSORTED | BUNDLE_BIAS,
        BUNDLE_TEXT_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_UNSORTED | BUNDLE_FEATURES,
        BUNDLE_TEXT_IDS | BUNDLE_POPULARITY | BUNDLE_BIAS | BUNDLE_LINEAR,
    };
    static const size_t dimensions[] = {1, 7, 16, 33, 64};

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++) {
            struct model_setup setup;
            model_setup_bundle(&setup, 20, 1500, dimensions[i], kinds[k]);
            recsys_model *model = model_setup_load(setup.path, NULL);
            check_vectors(model, &setup.bundle);
            check_order_and_padding(model);
            check_seen(model, &setup.bundle);
            check_popular(model);
            recsys_model_unref(model);
            model_setup_end(&setup);
        }
}

static int lies_in(const void *pointer, const struct rs_map *map)
{
    return (uintptr_t)pointer - (uintptr_t)map->bytes < map->size;
}

static void a_bundle_in_scan_order_is_used_where_it_is_mapped(void **state)
{
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 300, 3000, 64, BUNDLE_BIAS | BUNDLE_SEEN);
    recsys_model *model = model_setup_load(setup.path, NULL);
    const struct rs_map *map = &model->memory->files[0].map;
    assert_true(lies_in(model->items, map));
    assert_true(lies_in(model->users, map));
    assert_true(lies_in(model->item_bias, map));
    assert_true(lies_in(model->user_bias, map));
    assert_true(lies_in(model->seen_items, &model->memory->files[1].map));
    assert_true(lies_in(model->seen_offsets, &model->memory->files[1].map));
    assert_int_equal(model->stride, 64);
    assert_true(model->private_bytes < 100000 + rs_codes_bytes(3000, 64));
    assert_true(model->mapped_bytes > 3300 * 64 * 4);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

static void what_is_copied_is_copied_once_and_counted(void **state)
{
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 300, 3000, 64, BUNDLE_UNSORTED);
    recsys_model *model = model_setup_load(setup.path, NULL);
    assert_false(lies_in(model->items, &model->memory->files[0].map));
    assert_true(lies_in(model->users, &model->memory->files[0].map));
    size_t copied = 3000 * 64 * 4 + rs_codes_bytes(3000, 64);
    assert_true(model->private_bytes > copied);
    assert_true(model->private_bytes < copied + 200000);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

/* 3000 items of 64 numbers of about 1, of which the first is `first` times as large. */
static uint64_t code_bytes_of(float first)
{
    enum { N_ITEMS = 3000, N_USERS = 20, D = 64 };
    struct model_setup setup;
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    float *numbers = malloc((N_ITEMS + N_USERS) * D * sizeof *numbers);
    uint64_t state = 7;

    for (size_t i = 0; i < (N_ITEMS + N_USERS) * D; i++)
        numbers[i] = ((float)bundle_random(&state, 2001) - 1000.0f) / 1000.0f;
    for (size_t i = 0; i < N_ITEMS; i++)
        numbers[i * D] *= first;
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {N_ITEMS, D}, numbers, N_ITEMS * D * sizeof *numbers},
        {"user_factors",
         "F32",
         2,
         {N_USERS, D},
         numbers + N_ITEMS * D,
         N_USERS * D * sizeof *numbers},
    };
    model_setup_file(&setup, "codes.safetensors", tensors, 2);
    recsys_model *model = model_setup_load(setup.path, NULL);
    assert_int_equal(recsys_model_get_info(model, &info, NULL), RECSYS_OK);
    recsys_model_unref(model);
    model_setup_end(&setup);
    free(numbers);
    return info.code_bytes;
}

static void codes_are_made_where_they_separate_the_items(void **state)
{
    (void)state;
    assert_int_equal(code_bytes_of(1), rs_codes_bytes(3000, 64));
    assert_int_equal(code_bytes_of(1000), 0);
}

static void huge_pages_hold_the_same_numbers(void **state)
{
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    struct model_setup setup;

    (void)state;
    options.flags = RECSYS_MODEL_HUGE_PAGES;
    model_setup_bundle(&setup, 3, 3000, 64, 0);
    recsys_model *model = model_setup_load(setup.path, &options);
    assert_false(lies_in(model->items, &model->memory->files[0].map));
    assert_int_equal((uintptr_t)model->items % (2u << 20), 0);
    check_vectors(model, &setup.bundle);
    check_order_and_padding(model);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

static void cosine_normalises_what_is_not_normalised(void **state)
{
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 30, 2000, 16, BUNDLE_COSINE | BUNDLE_UNSORTED);
    recsys_model *model = model_setup_load(setup.path, NULL);
    assert_int_equal(model->metric, RECSYS_METRIC_COSINE);
    for (size_t p = 0; p < model->n_items; p++)
        assert_true(fabs(norm_at(model, p) - 1) < 1e-6);
    for (size_t row = 0; row < setup.bundle.n_items; row++) {
        const float *given = setup.bundle.items + row * 16;
        const float *held = model->items + position_of(model, &setup.bundle, row) * model->stride;
        double norm = 0;
        for (size_t j = 0; j < 16; j++)
            norm += (double)given[j] * (double)given[j];
        for (size_t j = 0; j < 16; j++)
            assert_true(fabs((double)held[j] - (double)given[j] / sqrt(norm)) < 1e-7);
    }
    check_order_and_padding(model);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

static void cosine_takes_unit_vectors_as_they_are(void **state)
{
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 30, 2000, 16, BUNDLE_COSINE | BUNDLE_UNIT);
    recsys_model *model = model_setup_load(setup.path, NULL);
    assert_true(lies_in(model->items, &model->memory->files[0].map));
    check_vectors(model, &setup.bundle);
    check_order_and_padding(model);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

static void zero_vectors_come_last_and_stay_zero(void **state)
{
    const float items[] = {0, 0, 3, 4, 0, 0, 1, 0}, users[] = {0, 0, 0, 2};
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {4, 2}, items, sizeof items},
        {"user_factors", "F32", 2, {2, 2}, users, sizeof users},
    };
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    struct model_setup setup;

    (void)state;
    options.metric = RECSYS_METRIC_COSINE;
    model_setup_file(&setup, "m.safetensors", tensors, 2);
    recsys_model *model = model_setup_load(setup.path, &options);
    assert_int_equal(rs_ids_get(&model->item_ids, 0).number, 1);
    assert_int_equal(rs_ids_get(&model->item_ids, 1).number, 3);
    assert_int_equal(rs_ids_get(&model->item_ids, 2).number, 0);
    assert_int_equal(rs_ids_get(&model->item_ids, 3).number, 2);
    assert_true(model->items[0] == 0.6f && model->items[1] == 0.8f);
    assert_true(norm_at(model, 2) == 0 && norm_at(model, 3) == 0);
    assert_true(model->users[0] == 0 && model->users[3] == 1);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

static void factors_of_every_real_type_are_converted(void **state)
{
    static const double f64[] = {1, -2, 0.5, 4};
    static const uint16_t f16[] = {0x3C00, 0xC000, 0x3800, 0x4400};
    static const uint16_t bf16[] = {0x3F80, 0xC000, 0x3F00, 0x4080};
    static const struct {
        const char *dtype;
        const void *data;
        size_t n_bytes;
    } cases[] = {{"F64", f64, sizeof f64}, {"F16", f16, sizeof f16}, {"BF16", bf16, sizeof bf16}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct bundle_tensor tensors[] = {
            {"item_factors", cases[i].dtype, 2, {2, 2}, cases[i].data, cases[i].n_bytes},
            {"user_factors", cases[i].dtype, 2, {2, 2}, cases[i].data, cases[i].n_bytes},
            {"item_bias", cases[i].dtype, 1, {2, 0}, cases[i].data, cases[i].n_bytes / 2},
        };
        const recsys_id second = RECSYS_ID_NUMBER(1);
        struct model_setup setup;
        float vector[2], bias;
        model_setup_file(&setup, "m.safetensors", tensors, 3);
        recsys_model *model = model_setup_load(setup.path, NULL);
        assert_int_equal(recsys_model_get_item(model, second, vector, &bias, NULL), RECSYS_OK);
        assert_true(vector[0] == 0.5f && vector[1] == 4 && bias == -2);
        assert_int_equal(recsys_model_get_user(model, second, vector, &bias, NULL), RECSYS_OK);
        assert_true(vector[0] == 0.5f && vector[1] == 4 && bias == 0);
        recsys_model_unref(model);
        model_setup_end(&setup);
    }
}

static void ids_are_shown_as_the_file_has_them(void **state)
{
    static const uint64_t good[] = {INT64_MAX, 0}, large[] = {7, 13811189083039875000u};
    static const int64_t negative[] = {7, -4635554990669676616};
    static const struct {
        const char *dtype;
        const void *ids;
        const char *message;
    } cases[] = {
        {"U64", good, NULL},
        {"U64", large, "item_ids[1] is 13811189083039875000, ids go from 0 to 9223372036854775807"},
        {"I64", negative,
         "item_ids[1] is -4635554990669676616, ids go from 0 to 9223372036854775807"}};
    static const float factors[] = {1, 2, 3, 4};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct bundle_tensor tensors[] = {
            {"item_factors", "F32", 2, {2, 2}, factors, sizeof factors},
            {"user_factors", "F32", 2, {2, 2}, factors, sizeof factors},
            {"item_ids", cases[i].dtype, 1, {2, 0}, cases[i].ids, 16},
        };
        const recsys_id zero = RECSYS_ID_NUMBER(0), last = RECSYS_ID_NUMBER(INT64_MAX);
        struct model_setup setup;
        recsys_model *model = NULL;
        recsys_error err = {0};
        model_setup_file(&setup, "m.safetensors", tensors, 3);
        recsys_status status = recsys_model_load(setup.path, NULL, &model, &err);
        assert_int_equal(status, cases[i].message == NULL ? RECSYS_OK : RECSYS_E_FORMAT);
        if (cases[i].message != NULL) {
            assert_non_null(strstr(err.message, cases[i].message));
        } else {
            assert_int_equal(recsys_model_get_item(model, zero, NULL, NULL, &err), RECSYS_OK);
            assert_int_equal(recsys_model_get_item(model, last, NULL, NULL, &err), RECSYS_OK);
        }
        recsys_model_unref(model);
        model_setup_end(&setup);
    }
}

static void a_number_too_large_for_a_float_is_refused(void **state)
{
    const double items[] = {1, 1e39};
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F64", 2, {2, 1}, items, sizeof items},
        {"user_factors", "F64", 2, {2, 1}, items, sizeof items},
    };
    recsys_model *model;
    recsys_error err;
    struct model_setup setup;

    (void)state;
    model_setup_file(&setup, "m.safetensors", tensors, 2);
    assert_int_equal(recsys_model_load(setup.path, NULL, &model, &err), RECSYS_E_FORMAT);
    assert_non_null(strstr(err.message, "m.safetensors: item_factors[1,0] is not a finite number"));
    model_setup_end(&setup);
}

/* Seen lists in the model's own file, with the integers that other writers use. */
static void seen_lists_of_other_writers_are_sorted_and_translated(void **state)
{
    enum { N = 200 };
    float items[N], users[2] = {1, 1}, weights[N];
    int64_t rows[N];
    const int32_t offsets[] = {0, 0, N};
    uint64_t seed = 6;
    struct model_setup setup;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        items[i] = (float)(1 + (i * 37) % N); /* no order */
        rows[i] = (int64_t)i;
        weights[i] = (float)i;
    }
    for (size_t i = N; i > 1; i--) {
        size_t j = (size_t)bundle_random(&seed, i);
        int64_t swap = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = swap;
        float weight = weights[i - 1];
        weights[i - 1] = weights[j];
        weights[j] = weight;
    }
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {N, 1}, items, sizeof items},
        {"user_factors", "F32", 2, {2, 1}, users, sizeof users},
        {"seen_items", "I64", 1, {N, 0}, rows, sizeof rows},
        {"seen_weights", "F32", 1, {N, 0}, weights, sizeof weights},
        {"seen_offsets", "I32", 1, {3, 0}, offsets, sizeof offsets},
    };
    model_setup_file(&setup, "m.safetensors", tensors, 5);
    recsys_model *model = model_setup_load(setup.path, NULL);
    assert_int_equal(model->seen_offsets[1], 0);
    assert_int_equal(model->seen_offsets[2], N);
    for (uint32_t p = 0; p < N; p++) {
        assert_int_equal(model->seen_items[p], p);
        assert_true(model->seen_weights[p] == (float)rs_ids_get(&model->item_ids, p).number);
    }
    recsys_model_unref(model);
    model_setup_end(&setup);
}

static void a_model_may_have_no_users(void **state)
{
    struct model_setup setup;
    size_t count = 9;

    (void)state;
    model_setup_bundle(&setup, 0, 5, 16, BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG);
    recsys_model *model = model_setup_load(setup.path, NULL);
    assert_int_equal(model->n_users, 0);
    assert_int_equal(recsys_model_get_user_ids(model, 0, NULL, 0, &count, NULL), RECSYS_OK);
    assert_int_equal(count, 0);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

static void popularity_comes_from_the_best_source_there_is(void **state)
{
    struct model_setup setup;
    recsys_model *model;

    (void)state;
    model_setup_bundle(&setup, 50, 40, 16,
                       BUNDLE_POPULARITY | BUNDLE_SEEN | BUNDLE_BIAS | BUNDLE_CATALOG);
    model = model_setup_load(setup.path, NULL);
    float most = 0;
    for (size_t i = 0; i < 40; i++)
        most = fmaxf(most, setup.bundle.popularity[i]);
    for (size_t i = 0; i < 40; i++)
        assert_true(model->popularity[position_of(model, &setup.bundle, i)] ==
                    (float)((double)setup.bundle.popularity[i] / (double)most));
    recsys_model_unref(model);
    model_setup_end(&setup);

    model_setup_bundle(&setup, 50, 40, 16, BUNDLE_SEEN | BUNDLE_BIAS | BUNDLE_CATALOG);
    model = model_setup_load(setup.path, NULL);
    double counts[40] = {0}, largest = 0;
    for (size_t i = 0; i < setup.bundle.seen_offsets[50]; i++)
        counts[setup.bundle.seen_items[i]]++;
    for (size_t i = 0; i < 40; i++)
        largest = fmax(largest, counts[i]);
    for (size_t i = 0; i < 40; i++)
        assert_true(model->popularity[position_of(model, &setup.bundle, i)] ==
                    (float)(counts[i] / largest));
    recsys_model_unref(model);
    model_setup_end(&setup);

    model_setup_bundle(&setup, 50, 40, 16, BUNDLE_BIAS | BUNDLE_CATALOG);
    model = model_setup_load(setup.path, NULL);
    uint32_t first = model->popular[0], last = model->popular[39];
    assert_true(model->popularity[first] == 1 && model->popularity[last] == 0);
    for (size_t p = 0; p < 40; p++)
        assert_true(model->item_bias[p] <= model->item_bias[first] &&
                    model->item_bias[p] >= model->item_bias[last]);
    recsys_model_unref(model);
    model_setup_end(&setup);

    model_setup_bundle(&setup, 50, 40, 16, BUNDLE_CATALOG);
    model = model_setup_load(setup.path, NULL);
    for (size_t p = 0; p < 40; p++)
        assert_true(model->catalog->ratings[p] <= model->catalog->ratings[model->popular[0]]);
    recsys_model_unref(model);
    model_setup_end(&setup);

    model_setup_bundle(&setup, 50, 40, 16, BUNDLE_UNSORTED);
    model = model_setup_load(setup.path, NULL);
    assert_int_equal(model->popular[0], 0); /* the longest vector */
    assert_int_equal(model->popular[39], 39);
    recsys_model_unref(model);
    model_setup_end(&setup);
}

static void every_genre_has_the_list_of_its_items(void **state)
{
    struct model_setup setup;

    (void)state;
    model_setup_bundle(&setup, 3, 200, 20, BUNDLE_NUMBER_IDS | BUNDLE_CATALOG | BUNDLE_UNSORTED);
    recsys_model *model = model_setup_load(setup.path, NULL);
    assert_int_equal(model->catalog->n_genres, 6);
    for (uint32_t genre = 0; genre < 6; genre++) {
        uint64_t at = model->genre_begin[genre];
        for (uint32_t p = 0; p < 200; p++)
            if (rs_catalog_has_genre(model->catalog, p, genre))
                assert_int_equal(model->genre_items[at++], p);
        assert_true(at > model->genre_begin[genre]);
        assert_int_equal(at, model->genre_begin[genre + 1]);
    }
    recsys_model_unref(model);
    model_setup_end(&setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_bundle_gives_back_what_was_put_in),
        cmocka_unit_test(a_bundle_in_scan_order_is_used_where_it_is_mapped),
        cmocka_unit_test(what_is_copied_is_copied_once_and_counted),
        cmocka_unit_test(codes_are_made_where_they_separate_the_items),
        cmocka_unit_test(huge_pages_hold_the_same_numbers),
        cmocka_unit_test(cosine_normalises_what_is_not_normalised),
        cmocka_unit_test(cosine_takes_unit_vectors_as_they_are),
        cmocka_unit_test(zero_vectors_come_last_and_stay_zero),
        cmocka_unit_test(factors_of_every_real_type_are_converted),
        cmocka_unit_test(ids_are_shown_as_the_file_has_them),
        cmocka_unit_test(a_number_too_large_for_a_float_is_refused),
        cmocka_unit_test(seen_lists_of_other_writers_are_sorted_and_translated),
        cmocka_unit_test(a_model_may_have_no_users),
        cmocka_unit_test(popularity_comes_from_the_best_source_there_is),
        cmocka_unit_test(every_genre_has_the_list_of_its_items),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
