/* Covers lib/model/load.c, files.c, assemble.c, seen.c, popularity.c,
 * genre_vectors.c, model.c and item.c: what a model holds after loading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/model/memory.h"
#include "lib/model/model.h"
#include "tests/support/bundle.h"

struct setup {
    char *parent;
    char path[4200];
    struct bundle bundle;
};

static void make(struct setup *setup, size_t n_users, size_t n_items, size_t d, uint32_t flags)
{
    setup->parent = bundle_make_directory();
    snprintf(setup->path, sizeof setup->path, "%s/movies", setup->parent);
    bundle_write(&setup->bundle, setup->path, n_users, n_items, d, 42, flags);
}

static void end(struct setup *setup)
{
    bundle_free(&setup->bundle);
    bundle_remove_directory(setup->parent);
    free(setup->parent);
}

static recsys_model *load_with(const char *path, const recsys_model_options *options)
{
    recsys_model *model = NULL;
    recsys_error err = {0};
    recsys_status status = recsys_model_load(path, options, &model, &err);

    assert_string_equal(err.message, "");
    assert_int_equal(status, RECSYS_OK);
    return model;
}

static recsys_model *load(const char *path)
{
    return load_with(path, NULL);
}

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
            struct setup setup;
            make(&setup, 20, 1500, dimensions[i], kinds[k]);
            recsys_model *model = load(setup.path);
            check_vectors(model, &setup.bundle);
            check_order_and_padding(model);
            check_seen(model, &setup.bundle);
            check_popular(model);
            recsys_model_unref(model);
            end(&setup);
        }
}

static int lies_in(const void *pointer, const struct rs_map *map)
{
    return (uintptr_t)pointer - (uintptr_t)map->bytes < map->size;
}

static void a_bundle_in_scan_order_is_used_where_it_is_mapped(void **state)
{
    struct setup setup;

    (void)state;
    make(&setup, 300, 3000, 64, BUNDLE_BIAS | BUNDLE_SEEN);
    recsys_model *model = load(setup.path);
    const struct rs_map *map = &model->memory->files[0].map;
    assert_true(lies_in(model->items, map));
    assert_true(lies_in(model->users, map));
    assert_true(lies_in(model->item_bias, map));
    assert_true(lies_in(model->user_bias, map));
    assert_true(lies_in(model->seen_items, &model->memory->files[1].map));
    assert_true(lies_in(model->seen_offsets, &model->memory->files[1].map));
    assert_int_equal(model->stride, 64);
    assert_true(model->private_bytes < 100000);
    assert_true(model->mapped_bytes > 3300 * 64 * 4);
    recsys_model_unref(model);
    end(&setup);
}

static void what_is_copied_is_copied_once_and_counted(void **state)
{
    struct setup setup;

    (void)state;
    make(&setup, 300, 3000, 64, BUNDLE_UNSORTED);
    recsys_model *model = load(setup.path);
    assert_false(lies_in(model->items, &model->memory->files[0].map));
    assert_true(lies_in(model->users, &model->memory->files[0].map));
    assert_true(model->private_bytes > 3000 * 64 * 4);
    assert_true(model->private_bytes < 3000 * 64 * 4 + 200000);
    recsys_model_unref(model);
    end(&setup);
}

static void huge_pages_hold_the_same_numbers(void **state)
{
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    struct setup setup;

    (void)state;
    options.flags = RECSYS_MODEL_HUGE_PAGES;
    make(&setup, 3, 3000, 64, 0);
    recsys_model *model = load_with(setup.path, &options);
    assert_false(lies_in(model->items, &model->memory->files[0].map));
    assert_int_equal((uintptr_t)model->items % (2u << 20), 0);
    check_vectors(model, &setup.bundle);
    check_order_and_padding(model);
    recsys_model_unref(model);
    end(&setup);
}

static void cosine_normalises_what_is_not_normalised(void **state)
{
    struct setup setup;

    (void)state;
    make(&setup, 30, 2000, 16, BUNDLE_COSINE | BUNDLE_UNSORTED);
    recsys_model *model = load(setup.path);
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
    end(&setup);
}

static void cosine_takes_unit_vectors_as_they_are(void **state)
{
    struct setup setup;

    (void)state;
    make(&setup, 30, 2000, 16, BUNDLE_COSINE | BUNDLE_UNIT);
    recsys_model *model = load(setup.path);
    assert_true(lies_in(model->items, &model->memory->files[0].map));
    check_vectors(model, &setup.bundle);
    check_order_and_padding(model);
    recsys_model_unref(model);
    end(&setup);
}

/* A bare file from a few tensors. */
static void write_single(struct setup *setup, const char *name, const struct bundle_tensor *tensors,
                         size_t n)
{
    size_t size;
    unsigned char *bytes = bundle_make_safetensors(tensors, n, 8, &size);

    setup->parent = bundle_make_directory();
    bundle_write_file(setup->parent, name, bytes, size);
    snprintf(setup->path, sizeof setup->path, "%s/%s", setup->parent, name);
    free(bytes);
}

static void end_single(struct setup *setup)
{
    bundle_remove_directory(setup->parent);
    free(setup->parent);
}

static void zero_vectors_come_last_and_stay_zero(void **state)
{
    const float items[] = {0, 0, 3, 4, 0, 0, 1, 0}, users[] = {0, 0, 0, 2};
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {4, 2}, items, sizeof items},
        {"user_factors", "F32", 2, {2, 2}, users, sizeof users},
    };
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    struct setup setup;

    (void)state;
    options.metric = RECSYS_METRIC_COSINE;
    write_single(&setup, "m.safetensors", tensors, 2);
    recsys_model *model = load_with(setup.path, &options);
    assert_int_equal(rs_ids_get(&model->item_ids, 0).number, 2);
    assert_int_equal(rs_ids_get(&model->item_ids, 1).number, 4);
    assert_int_equal(rs_ids_get(&model->item_ids, 2).number, 1);
    assert_int_equal(rs_ids_get(&model->item_ids, 3).number, 3);
    assert_true(model->items[0] == 0.6f && model->items[1] == 0.8f);
    assert_true(norm_at(model, 2) == 0 && norm_at(model, 3) == 0);
    assert_true(model->users[0] == 0 && model->users[3] == 1);
    recsys_model_unref(model);
    end_single(&setup);
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
        const recsys_id second = RECSYS_ID_NUMBER(2);
        struct setup setup;
        float vector[2], bias;
        write_single(&setup, "m.safetensors", tensors, 3);
        recsys_model *model = load(setup.path);
        assert_int_equal(recsys_model_get_item(model, second, vector, &bias, NULL), RECSYS_OK);
        assert_true(vector[0] == 0.5f && vector[1] == 4 && bias == -2);
        assert_int_equal(recsys_model_get_user(model, second, vector, &bias, NULL), RECSYS_OK);
        assert_true(vector[0] == 0.5f && vector[1] == 4 && bias == 0);
        recsys_model_unref(model);
        end_single(&setup);
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
    struct setup setup;

    (void)state;
    write_single(&setup, "m.safetensors", tensors, 2);
    assert_int_equal(recsys_model_load(setup.path, NULL, &model, &err), RECSYS_E_FORMAT);
    assert_non_null(strstr(err.message, "m.safetensors: item_factors[1,0] is not a finite number"));
    end_single(&setup);
}

/* Seen lists in the model's own file, with the integers that other writers use. */
static void seen_lists_of_other_writers_are_sorted_and_translated(void **state)
{
    enum { N = 200 };
    float items[N], users[2] = {1, 1}, weights[N];
    int64_t rows[N];
    const int32_t offsets[] = {0, 0, N};
    uint64_t seed = 6;
    struct setup setup;

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
    write_single(&setup, "m.safetensors", tensors, 5);
    recsys_model *model = load(setup.path);
    assert_int_equal(model->seen_offsets[1], 0);
    assert_int_equal(model->seen_offsets[2], N);
    for (uint32_t p = 0; p < N; p++) {
        assert_int_equal(model->seen_items[p], p);
        assert_true(model->seen_weights[p] == (float)(rs_ids_get(&model->item_ids, p).number - 1));
    }
    recsys_model_unref(model);
    end_single(&setup);
}

static void a_model_may_have_no_users(void **state)
{
    struct setup setup;
    size_t count = 9;

    (void)state;
    make(&setup, 0, 5, 16, BUNDLE_NUMBER_IDS | BUNDLE_SEEN | BUNDLE_CATALOG);
    recsys_model *model = load(setup.path);
    assert_int_equal(model->n_users, 0);
    assert_int_equal(recsys_model_get_user_ids(model, 0, NULL, 0, &count, NULL), RECSYS_OK);
    assert_int_equal(count, 0);
    recsys_model_unref(model);
    end(&setup);
}

static void popularity_comes_from_the_best_source_there_is(void **state)
{
    struct setup setup;
    recsys_model *model;

    (void)state;
    make(&setup, 50, 40, 16, BUNDLE_POPULARITY | BUNDLE_SEEN | BUNDLE_BIAS | BUNDLE_CATALOG);
    model = load(setup.path);
    float most = 0;
    for (size_t i = 0; i < 40; i++)
        most = fmaxf(most, setup.bundle.popularity[i]);
    for (size_t i = 0; i < 40; i++)
        assert_true(model->popularity[position_of(model, &setup.bundle, i)] ==
                    (float)((double)setup.bundle.popularity[i] / (double)most));
    recsys_model_unref(model);
    end(&setup);

    make(&setup, 50, 40, 16, BUNDLE_SEEN | BUNDLE_BIAS | BUNDLE_CATALOG);
    model = load(setup.path);
    double counts[40] = {0}, largest = 0;
    for (size_t i = 0; i < setup.bundle.seen_offsets[50]; i++)
        counts[setup.bundle.seen_items[i]]++;
    for (size_t i = 0; i < 40; i++)
        largest = fmax(largest, counts[i]);
    for (size_t i = 0; i < 40; i++)
        assert_true(model->popularity[position_of(model, &setup.bundle, i)] ==
                    (float)(counts[i] / largest));
    recsys_model_unref(model);
    end(&setup);

    make(&setup, 50, 40, 16, BUNDLE_BIAS | BUNDLE_CATALOG);
    model = load(setup.path);
    uint32_t first = model->popular[0], last = model->popular[39];
    assert_true(model->popularity[first] == 1 && model->popularity[last] == 0);
    for (size_t p = 0; p < 40; p++)
        assert_true(model->item_bias[p] <= model->item_bias[first] &&
                    model->item_bias[p] >= model->item_bias[last]);
    recsys_model_unref(model);
    end(&setup);

    make(&setup, 50, 40, 16, BUNDLE_CATALOG);
    model = load(setup.path);
    for (size_t p = 0; p < 40; p++)
        assert_true(model->catalog->ratings[p] <= model->catalog->ratings[model->popular[0]]);
    recsys_model_unref(model);
    end(&setup);

    make(&setup, 50, 40, 16, BUNDLE_UNSORTED);
    model = load(setup.path);
    assert_int_equal(model->popular[0], 0); /* the longest vector */
    assert_int_equal(model->popular[39], 39);
    recsys_model_unref(model);
    end(&setup);
}

static void a_genres_vector_is_the_mean_of_its_items(void **state)
{
    struct setup setup;

    (void)state;
    make(&setup, 3, 200, 20, BUNDLE_NUMBER_IDS | BUNDLE_CATALOG | BUNDLE_UNSORTED);
    recsys_model *model = load(setup.path);
    assert_int_equal(model->catalog->n_genres, 6);
    for (uint32_t genre = 0; genre < 6; genre++)
        for (size_t j = 0; j < 20; j++) {
            double sum = 0, n = 0;
            for (size_t p = 0; p < 200; p++)
                for (uint32_t i = model->catalog->genre_offsets[p];
                     i < model->catalog->genre_offsets[p + 1]; i++)
                    if (model->catalog->genre_ids[i] == genre) {
                        sum += (double)model->items[p * model->stride + j];
                        n++;
                    }
            assert_true(n > 0);
            assert_true(fabs((double)model->genre_vectors[genre * 20 + j] - sum / n) < 1e-6);
        }
    recsys_model_unref(model);
    end(&setup);
}

static void ids_come_in_pages_in_ascending_order(void **state)
{
    static const uint32_t kinds[] = {0, BUNDLE_NUMBER_IDS, BUNDLE_TEXT_IDS};

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct setup setup;
        recsys_id before = RECSYS_ID_NONE, page[7];
        size_t total = 0, count;
        make(&setup, 5, 100, 16, kinds[k] | BUNDLE_UNSORTED);
        recsys_model *model = load(setup.path);
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
        end(&setup);
    }
}

static void questions_about_an_id_fail_in_the_documented_ways(void **state)
{
    const recsys_id absent = RECSYS_ID_NUMBER(999999), present = RECSYS_ID_NUMBER(5);
    const recsys_id text = {"5", 1};
    recsys_item item = {.struct_size = sizeof item};
    recsys_error err;
    struct setup setup;

    (void)state;
    make(&setup, 5, 10, 16, BUNDLE_NUMBER_IDS | BUNDLE_CATALOG);
    recsys_model *model = load(setup.path);
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
    end(&setup);
}

static void a_model_describes_itself(void **state)
{
    recsys_model_info info = {.struct_size = sizeof info};
    struct setup setup;

    (void)state;
    make(&setup, 6, 100, 16, BUNDLE_TEXT_IDS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_LINEAR);
    recsys_model *model = load(setup.path);
    assert_int_equal(recsys_model_get_info(model, &info, NULL), RECSYS_OK);
    assert_string_equal(info.name, "demo");
    assert_string_equal(info.version, "3");
    assert_string_equal(info.algorithm, "als");
    assert_string_equal(info.training_date, "2026-11-21T03:00:00Z");
    assert_string_equal(info.metadata, "{\"metrics\":{\"recall@10\":0.25},"
                                       "\"hyperparameters\":{\"regularization\":0.05}}");
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
    end(&setup);
}

/* Write the manifest anew with one text replaced by another, and load. */
static void get_fingerprint(const struct setup *setup, const char *from, const char *to,
                            char fingerprint[65])
{
    char *members = bundle_manifest_members(&setup->bundle), changed[4096];
    char *at = strstr(members, from);

    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - members), members, to,
             at + strlen(from));
    bundle_write_manifest(setup->path, changed);
    free(members);
    recsys_model *model = load(setup->path);
    memcpy(fingerprint, model->fingerprint, 65);
    recsys_model_unref(model);
}

static void a_fingerprint_differs_exactly_if_answers_could(void **state)
{
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    char first[65], other[65];
    struct setup setup;

    (void)state;
    make(&setup, 6, 100, 16, BUNDLE_CATALOG);
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
    recsys_model *model = load_with(setup.path, &options);
    assert_string_equal(model->fingerprint, first);
    recsys_model_unref(model);
    bundle_write_file(setup.path, "catalog.jsonl", "\n", 1);
    get_fingerprint(&setup, "demo", "demo", other);
    assert_string_not_equal(first, other);
    end(&setup);
}

static void a_single_files_fingerprint_covers_its_options(void **state)
{
    const float numbers[] = {1, 2, 3, 4};
    const struct bundle_tensor tensors[] = {
        {"item_factors", "F32", 2, {2, 2}, numbers, sizeof numbers},
        {"user_factors", "F32", 2, {2, 2}, numbers, sizeof numbers},
    };
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    struct setup setup, again;

    (void)state;
    write_single(&setup, "a.safetensors", tensors, 2);
    write_single(&again, "b.safetensors", tensors, 2);
    recsys_model *plain = load(setup.path), *same = load(again.path);
    assert_string_equal(plain->name, "a");
    assert_string_equal(plain->version, "0");
    assert_string_equal(plain->fingerprint, same->fingerprint);
    options.link = RECSYS_LINK_LINEAR;
    options.link_max = 5;
    recsys_model *linear = load_with(setup.path, &options);
    assert_string_not_equal(plain->fingerprint, linear->fingerprint);
    options.link_max = 6;
    recsys_model *wider = load_with(setup.path, &options);
    assert_string_not_equal(wider->fingerprint, linear->fingerprint);
    recsys_model_unref(wider);
    recsys_model_unref(linear);
    recsys_model_unref(same);
    recsys_model_unref(plain);
    end_single(&again);
    end_single(&setup);
}

static void check_refusal(const char *path, const recsys_model_options *options, recsys_status want,
                          const char *message)
{
    recsys_model *model = (recsys_model *)(uintptr_t)1;
    recsys_error err = {0};

    assert_int_equal(recsys_model_load(path, options, &model, &err), want);
    assert_null(model);
    if (message != NULL)
        assert_string_equal(err.message, message);
    assert_int_equal(recsys_model_load(path, options, &model, NULL), want);
}

static void options_are_checked(void **state)
{
    recsys_model_options init = RECSYS_MODEL_OPTIONS_INIT, options;
    struct setup setup;

    (void)state;
    recsys_model_options_init(&options);
    assert_memory_equal(&options, &init, sizeof init);
    recsys_model_options_init(NULL);
    make(&setup, 5, 10, 16, BUNDLE_CATALOG);
    options.flags = 1u << 31;
    check_refusal(setup.path, &options, RECSYS_E_UNSUPPORTED,
                  "recsys_model_load: flags 0x80000000 are newer than this library");
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
                  "recsys_model_load: metric and link are for single files; a bundle's manifest "
                  "says them");
    options = init;
    options.struct_size = 0;
    check_refusal(setup.path, &options, RECSYS_E_INVALID, NULL);
    options = init;
    options.max_bytes = 1000;
    check_refusal(setup.path, &options, RECSYS_E_LIMIT, NULL);
    options.max_bytes = 1u << 20;
    recsys_model_unref(load_with(setup.path, &options));
    check_refusal(NULL, NULL, RECSYS_E_INVALID, NULL);
    check_refusal("", NULL, RECSYS_E_INVALID, NULL);
    assert_int_equal(recsys_model_load(setup.path, NULL, NULL, NULL), RECSYS_E_INVALID);
    end(&setup);
}

static void a_path_may_be_an_alias_or_end_in_a_slash(void **state)
{
    char path[4300];
    struct setup setup;

    (void)state;
    make(&setup, 5, 10, 16, 0);
    char *members = bundle_manifest_members(&setup.bundle);
    char *name = strstr(members, "\"name\": \"demo\",");
    memset(name, ' ', strlen("\"name\": \"demo\","));
    bundle_write_manifest(setup.path, members);
    free(members);
    snprintf(path, sizeof path, "%s/alias", setup.parent);
    assert_int_equal(symlink("movies", path), 0);
    recsys_model *model = load(path);
    assert_string_equal(model->name, "movies");
    recsys_model_unref(model);
    unlink(path);
    snprintf(path, sizeof path, "%s///", setup.path);
    recsys_model_unref(load(path));
    end(&setup);
}

static void what_is_no_model_is_refused(void **state)
{
    char path[4300], want[9000];
    struct setup setup;

    (void)state;
    make(&setup, 5, 10, 16, 0);
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
    end(&setup);
}

static void a_model_outlives_its_files(void **state)
{
    struct setup setup;

    (void)state;
    make(&setup, 20, 1500, 16, BUNDLE_SEEN | BUNDLE_CATALOG);
    recsys_model *model = load(setup.path);
    bundle_remove_directory(setup.path);
    assert_ptr_equal(recsys_model_ref(model), model);
    recsys_model_unref(model);
    check_vectors(model, &setup.bundle);
    recsys_model_unref(model);
    assert_null(recsys_model_ref(NULL));
    recsys_model_unref(NULL);
    end(&setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_bundle_gives_back_what_was_put_in),
        cmocka_unit_test(a_bundle_in_scan_order_is_used_where_it_is_mapped),
        cmocka_unit_test(what_is_copied_is_copied_once_and_counted),
        cmocka_unit_test(huge_pages_hold_the_same_numbers),
        cmocka_unit_test(cosine_normalises_what_is_not_normalised),
        cmocka_unit_test(cosine_takes_unit_vectors_as_they_are),
        cmocka_unit_test(zero_vectors_come_last_and_stay_zero),
        cmocka_unit_test(factors_of_every_real_type_are_converted),
        cmocka_unit_test(a_number_too_large_for_a_float_is_refused),
        cmocka_unit_test(seen_lists_of_other_writers_are_sorted_and_translated),
        cmocka_unit_test(a_model_may_have_no_users),
        cmocka_unit_test(popularity_comes_from_the_best_source_there_is),
        cmocka_unit_test(a_genres_vector_is_the_mean_of_its_items),
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
