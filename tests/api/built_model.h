/* tests/api/built_model.h - the model that tests of builder.h build, with every
 * part that a model can have, and a folder to write it to. */
#ifndef BUILT_MODEL_H
#define BUILT_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/builder.h"
#include "recsys/catalog.h"
#include "recsys/model.h"
#include "tests/support/bundle.h"
#include "tests/support/scratch.h"

#define N_USERS 5u
#define N_ITEMS 7u
#define D 3u

static recsys_error err;

static float user_factors[N_USERS * D], item_factors[N_ITEMS * D];
static float user_bias[N_USERS], item_bias[N_ITEMS], popularity[N_ITEMS];
static const int64_t user_ids[N_USERS] = {50, 40, 30, 20, INT64_MAX};
static const int64_t item_ids[N_ITEMS] = {107, 101, 106, 102, 105, 103, 104};
static const char *const user_texts[N_USERS] = {"eva", "dan", "c\xC3\xA9line", "bob", "ann"};
static const char *const item_texts[N_ITEMS] = {"g", "a", "f", "b", "e", "c", "d"};
static const float features[2 * D] = {1, 2, 3, 4, 5, 6};
static const char *const feature_names[2] = {"pref_genre_drama", "min_rating"};
static const uint64_t seen_offsets[N_USERS + 1] = {0, 2, 2, 5, 5, 6};
static const uint32_t seen_items[6] = {6, 0, 1, 2, 3, 5};
static const float seen_weights[6] = {1, 2, 3, 4, 5, 6};

static inline int set_up(void **state)
{
    scratch_set_up(state);
    for (uint32_t i = 0; i < N_USERS * D; i++)
        user_factors[i] = (float)i * 0.25f - 1.0f;
    for (uint32_t i = 0; i < N_ITEMS * D; i++)
        item_factors[i] = (float)((i * 7) % 11) - 4.0f;
    for (uint32_t i = 0; i < N_USERS; i++)
        user_bias[i] = (float)i / 3.0f;
    for (uint32_t i = 0; i < N_ITEMS; i++) {
        item_bias[i] = -(float)i / 7.0f;
        popularity[i] = (float)(i * i);
    }
    return 0;
}

static inline int tear_down(void **state)
{
    return scratch_tear_down(state);
}

static inline void check_ok(recsys_status status)
{
    if (status != RECSYS_OK)
        fail_msg("%s: %s", recsys_status_name(status), err.message);
}

static inline recsys_status put(recsys_builder *builder, const char *name, const void *data,
                                uint32_t dtype, uint64_t rows, uint64_t columns)
{
    recsys_array array = RECSYS_ARRAY_2D(data, dtype, rows, columns);

    array.n_dims = columns == 0 ? 1u : 2u;
    return recsys_builder_set_array(builder, name, &array, &err);
}

static inline void put_floats(recsys_builder *builder, const char *name, const float *data,
                              uint64_t rows)
{
    check_ok(put(builder, name, data, RECSYS_DTYPE_F32, rows, 0));
}

/* Only what a model must have. */
static inline recsys_builder *create_small(void)
{
    recsys_builder *builder = NULL;

    check_ok(recsys_builder_create(&builder, &err));
    check_ok(put(builder, "user_factors", user_factors, RECSYS_DTYPE_F32, N_USERS, D));
    check_ok(put(builder, "item_factors", item_factors, RECSYS_DTYPE_F32, N_ITEMS, D));
    return builder;
}

static inline void add_item(recsys_builder *builder, const char *json)
{
    check_ok(recsys_builder_add_item(builder, json, strlen(json), &err));
}

static inline void put_seen(recsys_builder *builder)
{
    check_ok(put(builder, "seen_offsets", seen_offsets, RECSYS_DTYPE_U64, N_USERS + 1, 0));
    check_ok(put(builder, "seen_items", seen_items, RECSYS_DTYPE_U32, 6, 0));
    put_floats(builder, "seen_weights", seen_weights, 6);
}

/* Everything that a model can have, with integer ids. */
static inline recsys_builder *create_full(void)
{
    recsys_builder *builder = create_small();

    check_ok(put(builder, "user_ids", user_ids, RECSYS_DTYPE_I64, N_USERS, 0));
    check_ok(put(builder, "item_ids", item_ids, RECSYS_DTYPE_I64, N_ITEMS, 0));
    put_floats(builder, "user_bias", user_bias, N_USERS);
    put_floats(builder, "item_bias", item_bias, N_ITEMS);
    put_floats(builder, "item_popularity", popularity, N_ITEMS);
    check_ok(put(builder, "feature_factors", features, RECSYS_DTYPE_F32, 2, D));
    check_ok(recsys_builder_set_texts(builder, "feature_names", feature_names, 2, &err));
    put_seen(builder);
    check_ok(recsys_builder_set_field(builder, "name", "movies", &err));
    check_ok(recsys_builder_set_field(builder, "version", "3", &err));
    check_ok(recsys_builder_set_field(builder, "algorithm", "als", &err));
    check_ok(recsys_builder_set_field(builder, "training_date", "2026-11-21", &err));
    check_ok(recsys_builder_set_field(builder, "item_name", "book", &err));
    check_ok(recsys_builder_set_field(builder, "link", "linear", &err));
    check_ok(recsys_builder_set_field(builder, "link_min", "0.5", &err));
    check_ok(recsys_builder_set_field(builder, "link_max", "5", &err));
    check_ok(recsys_builder_set_field(builder, "metrics.recall@10", "0.12", &err));
    add_item(builder, "{\"id\":106,\"title\":\"Six\",\"genres\":[\"Drama\",\"Crime\"],"
                      "\"release_year\":1994,\"rating\":8.9,\"poster_url\":\"https://x/6\","
                      "\"language\":\"EN\",\"adult\":true}");
    add_item(builder, "{\"id\":101,\"title\":\"One\\nline\"}");
    return builder;
}

static inline recsys_model *load(const char *name)
{
    recsys_model *model = NULL;

    check_ok(recsys_model_load(in_scratch(name), NULL, &model, &err));
    return model;
}

static inline recsys_model_info info_of(const recsys_model *model)
{
    recsys_model_info info = {.struct_size = sizeof info};

    check_ok(recsys_model_get_info(model, &info, &err));
    return info;
}

static inline recsys_id number(int64_t value)
{
    recsys_id id = RECSYS_ID_NUMBER((uint64_t)value);

    return id;
}

static inline recsys_id text(const char *value)
{
    recsys_id id = {value, strlen(value)};

    return id;
}

static inline void check_user(const recsys_model *model, recsys_id id, uint32_t row, int with_bias)
{
    float vector[D], bias = -1.0f;

    check_ok(recsys_model_get_user(model, id, vector, &bias, &err));
    assert_memory_equal(vector, user_factors + row * D, sizeof vector);
    assert_true(bias == (with_bias ? user_bias[row] : 0.0f));
}

static inline void check_item(const recsys_model *model, recsys_id id, uint32_t row, int with_bias)
{
    float vector[D], bias = -1.0f;

    check_ok(recsys_model_get_item(model, id, vector, &bias, &err));
    assert_memory_equal(vector, item_factors + row * D, sizeof vector);
    assert_true(bias == (with_bias ? item_bias[row] : 0.0f));
}

/* The bundle of create_full(), however it was written. */
static inline void check_full(const char *name)
{
    recsys_model *model = load(name);
    recsys_model_info info = info_of(model);
    recsys_item item = {.struct_size = sizeof item};

    assert_int_equal(info.dimensions, D);
    assert_int_equal(info.n_users, N_USERS);
    assert_int_equal(info.n_items, N_ITEMS);
    assert_int_equal(info.n_features, 2);
    assert_int_equal(info.n_seen, 6);
    assert_int_equal(info.n_catalog, 2);
    assert_int_equal(info.user_id_kind, RECSYS_ID_KIND_INTEGER);
    assert_int_equal(info.metric, RECSYS_METRIC_INNER_PRODUCT);
    assert_int_equal(info.link, RECSYS_LINK_LINEAR);
    assert_true(info.link_min == 0.5f && info.link_max == 5.0f);
    assert_string_equal(info.name, "movies");
    assert_string_equal(info.version, "3");
    assert_string_equal(info.algorithm, "als");
    assert_string_equal(info.training_date, "2026-11-21");
    assert_string_equal(info.item_name, "book");
    assert_non_null(strstr(info.metadata, "\"recall@10\":0.12"));
    for (uint32_t row = 0; row < N_USERS; row++)
        check_user(model, number(user_ids[row]), row, 1);
    for (uint32_t row = 0; row < N_ITEMS; row++)
        check_item(model, number(item_ids[row]), row, 1);
    assert_int_equal(recsys_model_get_item(model, number(3), NULL, NULL, &err), RECSYS_E_NOT_FOUND);

    check_ok(recsys_catalog_get(model, number(106), &item, &err));
    assert_string_equal(item.title, "Six");
    assert_int_equal(item.n_genres, 2);
    assert_string_equal(item.genres[0], "Drama");
    assert_string_equal(item.genres[1], "Crime");
    assert_int_equal(item.release_year, 1994);
    assert_true(item.rating == 8.9f);
    assert_string_equal(item.poster_url, "https://x/6");
    assert_string_equal(item.language, "en");
    assert_int_equal(item.adult, 1);
    check_ok(recsys_catalog_get(model, number(101), &item, &err));
    assert_string_equal(item.title, "One\nline");
    check_ok(recsys_catalog_get(model, number(105), &item, &err));
    assert_int_equal(item.known, 0);
    recsys_model_unref(model);
}

#endif
