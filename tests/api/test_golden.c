/* Every bundle format version ever released is still read, and answers as it always has.
 *
 * The expectations were worked out by a script that knows the format and not the
 * library; scores are compared bit by bit. */
#include "tests/api/reference.h"

#include <inttypes.h>
#include <jansson.h>

static recsys_error err;
static recsys_model *model;
static json_t *expected;

static void set_up(const char *version)
{
    const char *source = getenv("RECSYS_SOURCE_DIR");
    char path[4096];
    json_error_t why;

    snprintf(path, sizeof path, "%s/tests/golden/expected-%s.json", source == NULL ? "." : source,
             version);
    expected = json_load_file(path, 0, &why);
    if (expected == NULL)
        fail_msg("%s:%d: %s", path, why.line, why.text);
    snprintf(path, sizeof path, "%s/tests/golden/%s", source == NULL ? "." : source, version);
    model = load_model(path);
}

static int set_up_v1(void **state)
{
    (void)state;
    set_up("v1");
    return 0;
}

static int set_up_v2(void **state)
{
    (void)state;
    set_up("v2");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_model_unref(model);
    json_decref(expected);
    return 0;
}

static uint64_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    assert_true(json_is_integer(value));
    return (uint64_t)json_integer_value(value);
}

static void the_model_is_what_it_was(void **state)
{
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};

    (void)state;
    must(recsys_model_get_info(model, &info, &err), &err, "info");
    assert_string_equal(info.name, json_string_value(json_object_get(expected, "name")));
    assert_string_equal(info.version, json_string_value(json_object_get(expected, "version")));
    assert_int_equal(info.n_users, number(expected, "n_users"));
    assert_int_equal(info.n_items, number(expected, "n_items"));
    assert_int_equal(info.dimensions, number(expected, "dimensions"));
    assert_int_equal(info.n_catalog, number(expected, "n_catalog"));
    assert_true(info.n_features > 0 && info.n_seen > 0);
}

static void check_list(const recsys_reply *reply, const json_t *want, const char *what)
{
    assert_int_equal(reply->status, RECSYS_OK);
    assert_int_equal(reply->count, json_array_size(want));
    assert_true(reply->count > 0);
    for (uint32_t i = 0; i < reply->count; i++) {
        const json_t *entry = json_array_get(want, i);
        char bits[9];
        uint32_t got;
        memcpy(&got, &recsys_reply_get_item(reply, i)->raw, sizeof got);
        snprintf(bits, sizeof bits, "%08" PRIx32, got);
        if (recsys_reply_get_item(reply, i)->item.number != number(entry, "id") ||
            strcmp(bits, json_string_value(json_object_get(entry, "bits"))) != 0)
            fail_msg("%s: place %u is item %" PRIu64 " with %s", what, i,
                     recsys_reply_get_item(reply, i)->item.number, bits);
    }
}

static void users_get_the_items_they_always_got(void **state)
{
    recsys_recommender *recommender = NULL;
    recsys_request request;
    recsys_reply reply = RECSYS_REPLY_INIT;
    size_t index;
    json_t *entry, *top = json_object_get(expected, "top");

    (void)state;
    assert_true(json_array_size(top) > 0);
    must(recsys_recommender_create(NULL, &recommender, &err), &err, "recommender");
    json_array_foreach(top, index, entry)
    {
        request = (recsys_request)RECSYS_REQUEST_INIT;
        request.user.number = number(entry, "user");
        request.flags = RECSYS_REQUEST_INCLUDE_ADULT;
        must(recsys_recommend(recommender, model, &request, 1, &reply, &err), &err, "unseen");
        check_list(&reply, json_object_get(entry, "unseen"), "unseen");
        request.flags |= RECSYS_REQUEST_INCLUDE_SEEN;
        must(recsys_recommend(recommender, model, &request, 1, &reply, &err), &err, "all");
        check_list(&reply, json_object_get(entry, "all"), "all");
    }
    recsys_recommender_destroy(recommender);
}

/* NULL and null are the same. */
static void check_text(const char *text, const json_t *entry, const char *key)
{
    const char *want = json_string_value(json_object_get(entry, key));

    if (want == NULL)
        assert_null(text);
    else
        assert_string_equal(text, want);
}

static void check_item(const recsys_item *item, const json_t *entry)
{
    const json_t *genres = json_object_get(entry, "genres");

    assert_int_equal(item->n_genres, json_array_size(genres));
    for (uint32_t i = 0; i < item->n_genres; i++)
        assert_string_equal(item->genres[i], json_string_value(json_array_get(genres, i)));
    check_text(item->title, entry, "title");
    check_text(item->poster_url, entry, "poster_url");
    check_text(item->language, entry, "language");
    assert_int_equal(item->release_year, number(entry, "release_year"));
    assert_true(item->rating == (float)json_number_value(json_object_get(entry, "rating")));
    assert_int_equal(item->adult, json_is_true(json_object_get(entry, "adult")));
}

static void items_have_the_entries_they_always_had(void **state)
{
    const json_t *items = json_object_get(expected, "items");
    size_t n_known = 0;

    (void)state;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *entry = json_array_get(items, i);
        const recsys_id id = {NULL, number(entry, "id")};
        recsys_item item = RECSYS_ITEM_INIT;
        must(recsys_catalog_get(model, id, &item, &err), &err, "item");
        assert_int_equal(item.known, json_is_string(json_object_get(entry, "title")));
        n_known += item.known;
        if (item.known)
            check_item(&item, entry);
    }
    assert_true(n_known > 20);
}

static void the_second_format_has_codes(void **state)
{
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;

    (void)state;
    must(recsys_model_get_info(model, &info, &err), &err, "info");
    assert_int_equal(info.code_bytes, 704 * 16);
}

int main(void)
{
    const struct CMUnitTest v1[] = {
        cmocka_unit_test(the_model_is_what_it_was),
        cmocka_unit_test(users_get_the_items_they_always_got),
        cmocka_unit_test(items_have_the_entries_they_always_had),
    };
    const struct CMUnitTest v2[] = {
        cmocka_unit_test(the_model_is_what_it_was),
        cmocka_unit_test(users_get_the_items_they_always_got),
        cmocka_unit_test(items_have_the_entries_they_always_had),
        cmocka_unit_test(the_second_format_has_codes),
    };
    int failed = cmocka_run_group_tests(v1, set_up_v1, tear_down);

    return cmocka_run_group_tests(v2, set_up_v2, tear_down) + failed;
}
