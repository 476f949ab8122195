/* Every bundle format version ever released is still read, and answers as it always has.
 *
 * expected.json was worked out by a script that knows the format and not the
 * library; scores are compared bit by bit. */
#include "tests/api/reference.h"

#include <inttypes.h>
#include <jansson.h>

static recsys_error err;
static recsys_model *model;
static json_t *expected;

static int set_up(void **state)
{
    const char *source = getenv("RECSYS_SOURCE_DIR");
    char path[4096];
    json_error_t why;

    (void)state;
    snprintf(path, sizeof path, "%s/tests/golden/expected.json", source == NULL ? "." : source);
    expected = json_load_file(path, 0, &why);
    if (expected == NULL)
        fail_msg("%s:%d: %s", path, why.line, why.text);
    snprintf(path, sizeof path, "%s/tests/golden/v1", source == NULL ? "." : source);
    model = load_model(path);
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
    assert_true(info.n_features > 0 && info.n_seen > 0 && info.n_catalog > 0);
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

static void every_item_has_its_entry(void **state)
{
    recsys_id ids[200];
    size_t count = 0, n_posters = 0, n_adult = 0;

    (void)state;
    must(recsys_model_get_item_ids(model, 0, ids, 200, &count, &err), &err, "ids");
    for (size_t i = 0; i < count; i++) {
        recsys_item item = {.struct_size = (uint32_t)sizeof item};
        must(recsys_catalog_get(model, ids[i], &item, &err), &err, "item");
        if (item.known)
            assert_true(item.title[0] != '\0');
        n_posters += item.poster_url != NULL;
        n_adult += item.adult;
    }
    assert_true(n_posters > 0 && n_adult > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_is_what_it_was),
        cmocka_unit_test(users_get_the_items_they_always_got),
        cmocka_unit_test(every_item_has_its_entry),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
