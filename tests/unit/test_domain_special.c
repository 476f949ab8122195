/* Everything that domains do beyond reading, over in-process stores and a database that is a
 * function: members of a profile, keywords, results of tasks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "recsys/recycling.h"
#include "tests/support/check.h"
#include "tests/support/fake_source.h"

static struct fake_source fake;
static recsys_source *source;
static recsys_store *tasks;
static recsys_domains *domains;
static recsys_error err;
static char asked[4096]; /* the first parameter of the last statement */
static char second[4096];
static int n_found;

static recsys_status answer(void *user_data, const char *statement, const recsys_datum *parameters,
                            size_t n, recsys_rows *rows, recsys_error *error)
{
    (void)user_data;
    (void)statement;
    (void)error;
    fake_source_text(&parameters[0], asked, sizeof asked);
    second[0] = '\0';
    if (n > 1)
        fake_source_text(&parameters[1], second, sizeof second);
    fake_source_columns(rows, "id", "about", NULL);
    for (int i = 0; i < n_found; i++) {
        fake_source_add(rows, recsys_datum_integer(i));
        fake_source_add(rows, parameters[0]);
    }
    return RECSYS_OK;
}

static int set_up(void **state)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;
    recsys_store *stores[10] = {NULL};

    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.answer = answer;
    n_found = 1;
    source = fake_source_create(&fake);
    CHECK_OK(recsys_store_create_memory("tasks", NULL, &tasks, &err), &err);
    options.source = source;
    stores[9] = tasks;
    options.stores = stores;
    options.n_stores = 10;
    CHECK_OK(recsys_domains_create(&options, &domains, &err), &err);
    CHECK_OK(recsys_recycling_add_domains(domains, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    recsys_domains_destroy(domains);
    recsys_store_unref(tasks);
    recsys_source_unref(source);
    return 0;
}

static void expect_update(const char *members, recsys_status want, const char *says)
{
    recsys_value json;
    recsys_status status = recsys_recycling_update_user(
        domains, "1", (recsys_bytes){members, strlen(members)}, &json, &err);

    if (status != want || (want != RECSYS_OK && strstr(err.message, says) == NULL))
        fail_msg("%.60s: %s, \"%s\"", members, recsys_status_name(status), err.message);
    if (status != RECSYS_OK)
        assert_null(json.data);
    recsys_value_release(&json);
}

static void members_of_a_profile_are_a_closed_list(void **state)
{
    static char long_name[512] = "{\"name\":\"";

    (void)state;
    expect_update("[]", RECSYS_E_FORMAT, "must be an object");
    expect_update("{", RECSYS_E_FORMAT, "not valid JSON");
    expect_update("", RECSYS_E_FORMAT, "not valid JSON");
    expect_update("{}", RECSYS_E_FORMAT, "nothing");
    expect_update("{\"user_id\":\"2\"}", RECSYS_E_FORMAT, "\"user_id\" cannot be changed");
    expect_update("{\"name\":\"x\",\"updated_at\":null}", RECSYS_E_FORMAT, "\"updated_at\"");
    expect_update("{\"name = 'x', user_id\":\"x\"}", RECSYS_E_FORMAT, "cannot be changed");
    expect_update("{\"name\":\"x\",\"name\":\"y\"}", RECSYS_E_FORMAT, "duplicate");
    expect_update("{\"name\":1}", RECSYS_E_FORMAT, "\"name\" must be a string");
    expect_update("{\"name\":null}", RECSYS_E_FORMAT, "\"name\" must be a string");
    expect_update("{\"name\":\"\"}", RECSYS_E_FORMAT, "1..100");
    expect_update("{\"name\":\"a\\u0000b\"}", RECSYS_E_FORMAT, "not valid JSON");
    expect_update("{\"email\":\"x\"}", RECSYS_E_FORMAT, "\"email\"");
    expect_update("{\"email\":\"@x\"}", RECSYS_E_FORMAT, "\"email\"");
    expect_update("{\"phone\":[]}", RECSYS_E_FORMAT, "\"phone\" must be a string or null");
    expect_update("{\"preferences\":[]}", RECSYS_E_FORMAT, "\"preferences\" must be an object");
    expect_update("{\"preferences\":null}", RECSYS_E_FORMAT, "\"preferences\"");
    assert_int_equal(fake.calls, 0);
    /* Lengths are in characters. */
    for (unsigned n = 100; n <= 101; n++) {
        long_name[9] = '\0';
        for (unsigned i = 0; i < n; i++)
            strcat(long_name, "é");
        strcat(long_name, "\"}");
        expect_update(long_name, n == 100 ? RECSYS_OK : RECSYS_E_FORMAT, "1..100");
    }
    expect_update("{\"email\":null,\"preferences\":{}}", RECSYS_OK, "");
    assert_string_equal(asked, "1");
    assert_string_equal(second, "{\"email\":null,\"preferences\":{}}");
    n_found = 0;
    expect_update("{\"name\":\"x\"}", RECSYS_E_NOT_FOUND, "no user \"1\"");
}

static uint32_t search(const char *keyword)
{
    recsys_value json;
    uint32_t outcome;

    CHECK_OK(recsys_recycling_search_guides(domains, keyword, &json, &outcome, &err), &err);
    recsys_value_release(&json);
    return outcome;
}

static void the_case_of_a_keyword_never_splits_the_cache(void **state)
{
    static const char *const same[][3] = {
        {"Paper", "PAPER", "pApEr"}, {"Ökö", "öKÖ", "ÖKÖ"},
        {"ΣΟΦΟΣ", "σοφος", "σοφοσ"}, {"Ⱥ", "ⱥ", "Ⱥ"},
        {"종이", "종이", "종이"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_int_equal(search(same[i][0]), RECSYS_ASIDE_MISS);
        assert_int_equal(search(same[i][1]), RECSYS_ASIDE_HIT);
        assert_int_equal(search(same[i][2]), RECSYS_ASIDE_HIT);
        assert_int_equal(fake.calls, i + 1);
    }
    assert_int_equal(search("paper "), RECSYS_ASIDE_MISS);
}

static void wildcards_in_a_keyword_mean_themselves(void **state)
{
    (void)state;
    search("50%_a\\B");
    assert_string_equal(asked, "%50\\%\\_a\\\\b%");
}

static void keywords_have_one_to_a_hundred_characters(void **state)
{
    const recsys_error untouched = {RECSYS_E_BUSY, 3, "as it was"};
    char keyword[1024] = "";
    recsys_value json;

    (void)state;
    assert_int_equal(recsys_recycling_search_guides(domains, "", &json, NULL, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_search_guides(domains, NULL, &json, NULL, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_search_guides(domains, "\xc3", &json, NULL, &err),
                     RECSYS_E_INVALID);
    for (unsigned i = 0; i < 100; i++)
        strcat(keyword, "이");
    /* Too long for a key, but a keyword nevertheless. */
    err = untouched;
    assert_int_equal(search(keyword), RECSYS_ASIDE_MISS);
    assert_memory_equal(&err, &untouched, sizeof err);
    assert_int_equal(search(keyword), RECSYS_ASIDE_MISS);
    assert_int_equal(fake.calls, 2);
    strcat(keyword, "x");
    assert_int_equal(recsys_recycling_search_guides(domains, keyword, &json, NULL, &err),
                     RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "100"));
    memset(keyword, 'y', 100);
    keyword[100] = '\0';
    assert_int_equal(search(keyword), RECSYS_ASIDE_MISS);
    assert_int_equal(search(keyword), RECSYS_ASIDE_HIT);
}

static void put_task(const char *id, const char *bytes, size_t size)
{
    char key[300];
    recsys_bytes name = {key, 0};

    name.size = (size_t)snprintf(key, sizeof key, "celery-task-meta-%s", id);
    CHECK_OK(
        recsys_store_set(tasks, name, (recsys_bytes){bytes, size}, 0, RECSYS_STORE_ALWAYS, &err),
        &err);
}

static void expect_task(const char *written, recsys_status want, const char *says)
{
    recsys_value json;

    put_task("t-1", written, strlen(written));
    recsys_status status = recsys_recycling_get_task(domains, "t-1", &json, &err);
    if (status != want)
        fail_msg("%s: %s: %s", written, recsys_status_name(status), err.message);
    if (status == RECSYS_OK) {
        assert_string_equal(json.data, says);
        assert_int_equal(json.size, strlen(says));
    } else if (strstr(err.message, says) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", written, err.message, says);
    recsys_value_release(&json);
}

static void a_tasks_result_is_handed_on_as_it_stands(void **state)
{
    (void)state;
    expect_task("{\"status\": \"SUCCESS\", \"result\": [0.1, 123456789012345678901234567890], "
                "\"traceback\": null, \"children\": [[\"a\"]], \"date_done\": \"x\", "
                "\"task_id\": \"t-1\"}",
                RECSYS_OK,
                "{\"task_id\":\"t-1\",\"status\":\"SUCCESS\",\"ready\":true,\"successful\":true,"
                "\"result\":[0.1, 123456789012345678901234567890],\"traceback\":null,"
                "\"date_done\":\"x\",\"children\":[[\"a\"]]}");
    expect_task("{\"status\":\"FAILURE\",\"result\":{\"exc_type\":\"E\"},\"traceback\":\"a\\nb\"}",
                RECSYS_OK,
                "{\"task_id\":\"t-1\",\"status\":\"FAILURE\",\"ready\":true,\"successful\":false,"
                "\"result\":{\"exc_type\":\"E\"},\"traceback\":\"a\\nb\",\"date_done\":null}");
    expect_task("{\"status\":\"REVOKED\"}", RECSYS_OK,
                "{\"task_id\":\"t-1\",\"status\":\"REVOKED\",\"ready\":true,\"successful\":false,"
                "\"result\":null,\"traceback\":null,\"date_done\":null}");
    expect_task("{\"result\":\"status\",\"status\":\"STARTED\"}", RECSYS_OK,
                "{\"task_id\":\"t-1\",\"status\":\"STARTED\",\"ready\":false,\"successful\":false,"
                "\"result\":\"status\",\"traceback\":null,\"date_done\":null}");
}

#define HEAD "{\"task_id\":\"t-1\",\"status\":\"SUCCESS\",\"ready\":true,\"successful\":true,"

static void numbers_that_json_does_not_have_cost_the_value_alone(void **state)
{
    (void)state;
    expect_task("{\"status\":\"SUCCESS\",\"result\":[NaN,-Infinity,Infinity,-1,\"NaN\\\"NaN\"]}",
                RECSYS_OK,
                HEAD "\"result\":[null,null,null,-1,\"NaN\\\"NaN\"],\"traceback\":null,"
                     "\"date_done\":null}");
}

static void extended_members_are_handed_on_and_stamps_come_out_as_such(void **state)
{
    (void)state;
    expect_task("{\"status\":\"SUCCESS\",\"result\":1,\"group_id\":\"g\",\"retries\":0,"
                "\"kwargs\":{},\"ours\":1}",
                RECSYS_OK,
                HEAD "\"result\":1,\"traceback\":null,\"date_done\":null,\"group_id\":\"g\","
                     "\"kwargs\":{},\"retries\":0}");
    expect_task("{\"status\":[\"blue\"],\"result\":[1],\"date_done\":\"x\",\"traceback\":null,"
                "\"stamped_headers\":[\"status\",\"result\",\"gone\"]}",
                RECSYS_OK,
                "{\"task_id\":\"t-1\",\"status\":null,\"ready\":true,\"successful\":true,"
                "\"result\":null,\"traceback\":null,\"date_done\":\"x\","
                "\"stamps\":{\"status\":[\"blue\"],\"result\":[1]}}");
    expect_task("{\"status\":\"SUCCESS\",\"result\":1,\"stamped_headers\":[\"by\"],\"by\":7}",
                RECSYS_OK,
                HEAD "\"result\":1,\"traceback\":null,\"date_done\":null,\"stamps\":{\"by\":7}}");
    expect_task("{\"status\":[\"blue\"],\"stamped_headers\":[\"by\"]}", RECSYS_E_FORMAT, "no status");
}

/* As Celery 5.7 does it: `text` compressed into `out` behind a head. Returns the size. */
static size_t pack(const char *text, size_t size, const char *type, char out[1 << 16])
{
    static const char mark[] = "\0celery-compressed\0";
    size_t head = sizeof mark - 1 + strlen(type) + 1;
    uLongf room = (1 << 16) - head;

    memcpy(out, mark, sizeof mark - 1);
    memcpy(out + sizeof mark - 1, type, strlen(type) + 1);
    assert_int_equal(
        compress((unsigned char *)out + head, &room, (const unsigned char *)text, size), Z_OK);
    return head + room;
}

static void compressed_results_are_inflated_within_a_limit(void **state)
{
    static const char written[] = "{\"status\":\"SUCCESS\",\"result\":\"xxxxxxxxxxxxxxxxxxxx\"}";
    static char packed[1 << 16], large[(4 << 20) + 100];
    recsys_value json;

    (void)state;
    size_t size = pack(written, sizeof written - 1, "application/x-gzip", packed);
    put_task("t-1", packed, size);
    assert_int_equal(recsys_recycling_get_task(domains, "t-1", &json, &err), RECSYS_OK);
    assert_string_equal(json.data, HEAD "\"result\":\"xxxxxxxxxxxxxxxxxxxx\",\"traceback\":null,"
                                        "\"date_done\":null}");
    recsys_value_release(&json);
    for (size_t cut = 1; cut < size; cut++) {
        put_task("t-1", packed, cut);
        assert_int_equal(recsys_recycling_get_task(domains, "t-1", &json, &err), RECSYS_E_FORMAT);
    }
    put_task("t-1", packed, size + 1); /* bytes behind the end */
    assert_int_equal(recsys_recycling_get_task(domains, "t-1", &json, &err), RECSYS_E_FORMAT);
    size = pack(written, sizeof written - 1, "application/x-bz2", packed);
    put_task("t-1", packed, size);
    assert_int_equal(recsys_recycling_get_task(domains, "t-1", &json, &err), RECSYS_E_FORMAT);
    assert_non_null(strstr(err.message, "compressed as application/x-bz2"));

    memset(large, ' ', sizeof large);
    memcpy(large, written, sizeof written - 1);
    size = pack(large, sizeof large, "application/x-gzip", packed);
    put_task("t-1", packed, size);
    assert_int_equal(recsys_recycling_get_task(domains, "t-1", &json, &err), RECSYS_E_LIMIT);
    assert_non_null(strstr(err.message, "inflated"));
}

static void what_is_not_a_tasks_json_is_refused(void **state)
{
    recsys_value json;
    char id[300];

    (void)state;
    expect_task("{\"status\":\"SUCCESS\",\"task_id\":\"t-2\"}", RECSYS_E_FORMAT, "another task's");
    expect_task("{\"result\":1}", RECSYS_E_FORMAT, "no status");
    expect_task("{\"status\":1}", RECSYS_E_FORMAT, "no status");
    expect_task("{\"status\":\"SUCCESS\"", RECSYS_E_FORMAT, "not well-formed");
    expect_task("{\"status\":\"SUCCESS\"} x", RECSYS_E_FORMAT, "not well-formed");
    expect_task("[1]", RECSYS_E_FORMAT, "not JSON");
    expect_task("", RECSYS_E_FORMAT, "not JSON");
    expect_task("\x80\x04\x95}", RECSYS_E_FORMAT, "a pickle, which is refused unread");
    expect_task("x\x9c\xab", RECSYS_E_FORMAT, "something else, which is refused unread");
    expect_task("{\"status\":\"SUCCESS\",\"result\":NaNs}", RECSYS_E_FORMAT, "not well-formed");
    assert_int_equal(recsys_recycling_get_task(domains, "gone", &json, &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(recsys_recycling_get_task(domains, "", &json, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_get_task(domains, "a b", &json, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_get_task(domains, "a*", &json, &err), RECSYS_E_INVALID);
    memset(id, 'a', 256);
    id[256] = '\0';
    assert_int_equal(recsys_recycling_get_task(domains, id, &json, &err), RECSYS_E_INVALID);
    id[255] = '\0';
    assert_int_equal(recsys_recycling_get_task(domains, id, &json, &err), RECSYS_E_NOT_FOUND);
    assert_int_equal(fake.calls, 0);
}

static void arguments_are_checked(void **state)
{
    recsys_value json;
    uint32_t outcome;
    static char text[65538];

    (void)state;
    memset(text, 'x', 65537);
    assert_int_equal(recsys_recycling_add_message(domains, "1", "", "a", &json, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_add_message(domains, "1", "a", NULL, &json, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_add_message(domains, "", "a", "b", &json, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_add_message(domains, "1", text, "b", &json, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_add_message(domains, "1", "\xff", "b", &json, &err),
                     RECSYS_E_INVALID);
    static const double no_points[][2] = {{90.1, 0},      {-90.1, 0},     {0, 180.1},
                                          {0, -180.1},    {0.0 / 0.0, 0}, {0, 0.0 / 0.0},
                                          {1.0 / 0.0, 0}, {0, -1.0 / 0.0}};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(recsys_recycling_find_nearby(domains, no_points[i][0], no_points[i][1], 5,
                                                      &json, &outcome, &err),
                         RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_find_nearby(domains, 0, 0, 0, &json, &outcome, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_find_nearby(domains, 0, 0, 101, &json, &outcome, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_gain_experience(domains, "1", -1, NULL, &json, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_recycling_gain_experience(domains, "1", 1, "", &json, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(fake.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(members_of_a_profile_are_a_closed_list),
        TEST(the_case_of_a_keyword_never_splits_the_cache),
        TEST(wildcards_in_a_keyword_mean_themselves),
        TEST(keywords_have_one_to_a_hundred_characters),
        TEST(a_tasks_result_is_handed_on_as_it_stands),
        TEST(numbers_that_json_does_not_have_cost_the_value_alone),
        TEST(extended_members_are_handed_on_and_stamps_come_out_as_such),
        TEST(compressed_results_are_inflated_within_a_limit),
        TEST(what_is_not_a_tasks_json_is_refused),
        TEST(arguments_are_checked),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
