/* The bundles in tests/golden load and answer as they always did. What they
 * should answer was computed by tests/golden/expect.py, without the library. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/recsys.h"

static recsys_error err;

static void check_ok(recsys_status status)
{
    if (status != RECSYS_OK)
        fail_msg("%s: %s", recsys_status_name(status), err.message);
}

static const char *golden(const char *name)
{
    static char path[1024];
    const char *source = getenv("RECSYS_SOURCE_DIR");

    snprintf(path, sizeof path, "%s/tests/golden/%s", source == NULL ? "." : source, name);
    return path;
}

static json_int_t get_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void check_answer(recsys_scorer *scorer, recsys_model *model, uint64_t user, int unseen,
                         const json_t *want)
{
    recsys_filter_options options;
    recsys_filter *filter = NULL;
    recsys_scored out[10];
    float vector[16], bias;
    uint32_t count = 0;
    recsys_id id = RECSYS_ID_NUMBER(user);

    recsys_filter_options_init(&options);
    if (unseen)
        options.seen_by = id;
    check_ok(recsys_filter_create(model, &options, &filter, &err));
    check_ok(recsys_model_get_user(model, id, vector, &bias, &err));
    recsys_query query = {vector, filter, (double)bias, 10, 0, 0};
    check_ok(recsys_scorer_top_k(scorer, model, &query, 1, out, 10, &count, &err));
    assert_int_equal(count, json_array_size(want));
    for (uint32_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(want, i);
        uint32_t bits;
        char hex[9];
        memcpy(&bits, &out[i].score, sizeof bits);
        snprintf(hex, sizeof hex, "%08x", bits);
        assert_int_equal(out[i].item.number, get_number(entry, "id"));
        assert_string_equal(hex, json_string_value(json_object_get(entry, "bits")));
    }
    recsys_filter_destroy(filter);
}

static void the_bundle_of_format_version_1_answers_as_ever(void **state)
{
    json_error_t problem;
    json_t *expected = json_load_file(golden("expected.json"), 0, &problem);
    const json_t *top = json_object_get(expected, "top");
    recsys_model_info info = {.struct_size = sizeof info};
    recsys_model *model = NULL;
    recsys_scorer *scorer = NULL;

    (void)state;
    assert_non_null(expected);
    check_ok(recsys_model_load(golden("v1"), NULL, &model, &err));
    check_ok(recsys_model_get_info(model, &info, &err));
    assert_string_equal(info.name, json_string_value(json_object_get(expected, "name")));
    assert_int_equal(info.n_users, get_number(expected, "n_users"));
    assert_int_equal(info.n_items, get_number(expected, "n_items"));
    assert_int_equal(info.dimensions, get_number(expected, "dimensions"));
    assert_int_equal(info.n_features, 4);
    assert_true(info.n_seen > 100);
    assert_true(info.n_catalog > 50);
    check_ok(recsys_scorer_create(NULL, &scorer, &err));
    assert_int_equal(json_array_size(top), 5);
    for (size_t i = 0; i < json_array_size(top); i++) {
        const json_t *answer = json_array_get(top, i);
        uint64_t user = (uint64_t)get_number(answer, "user");
        check_answer(scorer, model, user, 0, json_object_get(answer, "all"));
        check_answer(scorer, model, user, 1, json_object_get(answer, "unseen"));
    }
    recsys_scorer_destroy(scorer);
    recsys_model_unref(model);
    json_decref(expected);
}

static void its_catalogue_is_read_as_ever(void **state)
{
    recsys_model *model = NULL;
    recsys_item item = {.struct_size = sizeof item};
    recsys_id id = RECSYS_ID_NUMBER(116);

    (void)state;
    check_ok(recsys_model_load(golden("v1"), NULL, &model, &err));
    check_ok(recsys_catalog_get(model, id, &item, &err));
    assert_string_equal(item.title, "Film \"1\" \xE2\x80\x93 B");
    assert_int_equal(item.n_genres, 2);
    assert_string_equal(item.genres[1], "Drama");
    assert_int_equal(item.release_year, 1951);
    assert_string_equal(item.language, "fr");
    assert_string_equal(item.poster_url, "https://img.example.org/1.jpg");
    recsys_model_unref(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bundle_of_format_version_1_answers_as_ever),
        cmocka_unit_test(its_catalogue_is_read_as_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
