/* Covers status.h, version.h, log.h, alloc.h: names and numbers, and the two process-wide hooks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/recsys.h"
#include "tests/support/bundle.h"
#include "tests/support/count_alloc.h"

static void every_status_has_its_name_and_its_sentence(void **state)
{
    static const struct {
        recsys_status status;
        const char *name, *text;
    } table[] = {
#define X(name, value, text) {RECSYS_##name, #name, text},
        RECSYS_STATUS_TABLE(X)
#undef X
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_string_equal(recsys_status_name(table[i].status), table[i].name);
        assert_string_equal(recsys_status_text(table[i].status), table[i].text);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(table[i].status, table[j].status);
    }
}

static void success_is_zero_and_failures_are_negative(void **state)
{
    (void)state;
    assert_int_equal(RECSYS_OK, 0);
#define X(name, value, text) assert_true(RECSYS_##name <= 0);
    RECSYS_STATUS_TABLE(X)
#undef X
}

static void an_unknown_status_has_a_name_too(void **state)
{
    static const recsys_status unknown[] = {1, -99, -1000, INT32_MAX, INT32_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_string_equal(recsys_status_name(unknown[i]), "unknown");
        assert_string_equal(recsys_status_text(unknown[i]), "unknown status");
    }
}

static void the_loaded_version_is_the_one_compiled_against(void **state)
{
    char text[32];

    (void)state;
    assert_int_equal(recsys_version_number(), RECSYS_VERSION_NUMBER);
    assert_string_equal(recsys_version_string(), RECSYS_VERSION_STRING);
    snprintf(text, sizeof text, "%d.%d.%d", RECSYS_VERSION_MAJOR, RECSYS_VERSION_MINOR,
             RECSYS_VERSION_PATCH);
    assert_string_equal(text, RECSYS_VERSION_STRING);
}

static void a_failure_is_described_and_a_success_leaves_the_record_alone(void **state)
{
    recsys_error err;
    recsys_scorer *scorer = NULL;

    (void)state;
    memset(&err, 0x55, sizeof err);
    assert_int_equal(recsys_scorer_create(NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(err.status, RECSYS_E_INVALID);
    assert_int_equal(err.sys_errno, 0);
    assert_non_null(strstr(err.message, "recsys_scorer_create"));

    recsys_error before = err;
    assert_int_equal(recsys_scorer_create(NULL, &scorer, &err), RECSYS_OK);
    assert_memory_equal(&before, &err, sizeof err);
    recsys_scorer_destroy(scorer);
    assert_int_equal(recsys_scorer_create(NULL, NULL, NULL), RECSYS_E_INVALID);
}

static void a_failed_system_call_leaves_its_errno(void **state)
{
    recsys_model *model = NULL;
    recsys_error err;

    (void)state;
    assert_int_equal(recsys_model_load("/nowhere/at/all", NULL, &model, &err), RECSYS_E_IO);
    assert_null(model);
    assert_true(err.sys_errno != 0);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
}

static void a_message_that_does_not_fit_is_cut_between_characters(void **state)
{
    char path[2000];
    recsys_model *model = NULL;
    recsys_error err;

    (void)state;
    for (size_t i = 0; i + 3 < sizeof path; i += 3)
        memcpy(path + i, "\xe2\x82\xac", 4); /* the euro sign */
    memcpy(path, "/no", 3);
    assert_true(recsys_model_load(path, NULL, &model, &err) != RECSYS_OK);
    size_t size = strnlen(err.message, sizeof err.message);
    assert_true(size < sizeof err.message);
    /* Every lead byte of the euro sign is followed by its two others. */
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)err.message[i] == 0xe2) {
            assert_true(i + 2 < size);
            assert_int_equal((unsigned char)err.message[i + 1], 0x82);
            assert_int_equal((unsigned char)err.message[i + 2], 0xac);
        }
}

struct heard {
    int n, level;
    char last[1024];
    void *user_data;
};

static struct heard heard;

static void listen_to(int32_t level, const char *message, void *user_data)
{
    heard.n++;
    heard.level = level;
    heard.user_data = user_data;
    snprintf(heard.last, sizeof heard.last, "%s", message);
}

/* Loads, swaps and unloads a model: something to talk about. */
static void do_something(const char *path)
{
    recsys_deployment *deployment = NULL;
    recsys_error err;

    assert_int_equal(recsys_deployment_create(path, NULL, &deployment, &err), RECSYS_OK);
    if (recsys_deployment_reload(deployment, NULL, &err) != RECSYS_OK)
        fail_msg("%s", err.message);
    assert_true(recsys_deployment_load(deployment, "/nowhere/at/all", &err) != RECSYS_OK);
    recsys_deployment_destroy(deployment);
}

static void the_log_is_silent_until_somebody_listens(void **state)
{
    struct bundle bundle;
    char *scratch = bundle_make_directory(), path[1024];
    recsys_error err;
    int at_error, marker;

    (void)state;
    snprintf(path, sizeof path, "%s/b", scratch);
    bundle_write(&bundle, path, 5, 20, 4, 1, 0);
    memset(&heard, 0, sizeof heard);
    do_something(path);
    assert_int_equal(heard.n, 0);

    assert_int_equal(recsys_log_set(RECSYS_LOG_ERROR, listen_to, &marker, &err), RECSYS_OK);
    do_something(path);
    at_error = heard.n;
    if (at_error > 0)
        assert_int_equal(heard.level, RECSYS_LOG_ERROR);
    memset(&heard, 0, sizeof heard);
    assert_int_equal(recsys_log_set(RECSYS_LOG_DEBUG, listen_to, &marker, &err), RECSYS_OK);
    do_something(path);
    assert_true(heard.n > 0);
    assert_true(heard.n >= at_error);
    assert_ptr_equal(heard.user_data, &marker);
    assert_null(strchr(heard.last, '\n'));
    assert_true(heard.last[0] != '\0');

    memset(&heard, 0, sizeof heard); /* a line of a driver */
    recsys_log_write(RECSYS_LOG_WARN, "from a driver");
    assert_int_equal(heard.n, 1);
    assert_int_equal(heard.level, RECSYS_LOG_WARN);
    assert_string_equal(heard.last, "from a driver");
    recsys_log_write(RECSYS_LOG_WARN, NULL);
    recsys_log_write(0, "no level");
    recsys_log_write(RECSYS_LOG_DEBUG + 7, "no level");
    assert_int_equal(heard.n, 1);

    int so_far = heard.n;
    assert_int_equal(recsys_log_set(RECSYS_LOG_DEBUG, NULL, NULL, NULL), RECSYS_OK);
    do_something(path);
    assert_int_equal(heard.n, so_far);
    bundle_free(&bundle);
    bundle_remove_directory(scratch);
    free(scratch);
}

static void a_log_level_outside_the_list_is_refused(void **state)
{
    static const int32_t levels[] = {0, 5, -1, INT32_MAX};
    recsys_error err;

    (void)state;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        assert_int_equal(recsys_log_set(levels[i], listen_to, NULL, &err), RECSYS_E_INVALID);
        /* Taking the hook away needs no level. */
        assert_int_equal(recsys_log_set(levels[i], NULL, NULL, NULL), RECSYS_OK);
    }
}

static void a_callback_can_fill_in_the_error_record(void **state)
{
    recsys_error err;
    char text[700];

    (void)state;
    memset(&err, 0xa5, sizeof err);
    assert_int_equal(recsys_error_set(&err, RECSYS_E_IO, "no route"), RECSYS_E_IO);
    assert_int_equal(err.status, RECSYS_E_IO);
    assert_int_equal(err.sys_errno, 0);
    assert_string_equal(err.message, "no route");
    assert_int_equal(recsys_error_set(&err, RECSYS_E_TIMEOUT, NULL), RECSYS_E_TIMEOUT);
    assert_string_equal(err.message, recsys_status_text(RECSYS_E_TIMEOUT));
    assert_int_equal(recsys_error_set(NULL, RECSYS_E_IO, "nobody listens"), RECSYS_E_IO);
    assert_int_equal(recsys_error_set(&err, RECSYS_E_IO, "100%s %n"), RECSYS_E_IO);
    assert_string_equal(err.message, "100%s %n");
    memset(text, 'x', sizeof text);
    memcpy(text + 502, "\xE2\x82\xAC", 3);
    text[699] = '\0';
    recsys_error_set(&err, RECSYS_E_IO, text);
    assert_int_equal(strlen(err.message), 502);
}

static void all_memory_comes_from_the_host_if_it_says_so(void **state)
{
    recsys_allocator allocator = count_alloc_functions;
    struct bundle bundle;
    char *scratch = bundle_make_directory(), path[1024];
    recsys_model *model = NULL;
    recsys_recommender *recommender = NULL;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_error err;

    (void)state;
    snprintf(path, sizeof path, "%s/b", scratch);
    bundle_write(&bundle, path, 5, 50, 4, 2, BUNDLE_CATALOG | BUNDLE_SEEN);
    assert_int_equal(recsys_alloc_set(&allocator, &err), RECSYS_OK);
    memset(&allocator, 0, sizeof allocator); /* COPIED */
    if (recsys_model_load(path, NULL, &model, &err) != RECSYS_OK)
        fail_msg("%s", err.message);
    assert_true(count_alloc.n_calls > 0);
    assert_int_equal(recsys_recommender_create(NULL, &recommender, &err), RECSYS_OK);
    request.user.number = 1;
    assert_int_equal(recsys_recommend(recommender, model, &request, 1, &reply, &err), RECSYS_OK);
    assert_int_equal(reply.count, 10);
    assert_true(count_alloc.n_blocks > 0);
    /* Memory in use would be freed by another allocator than it came from. */
    assert_int_equal(recsys_alloc_set(NULL, &err), RECSYS_E_STATE);
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    assert_int_equal(count_alloc.n_blocks, 0);
    assert_int_equal(recsys_alloc_set(NULL, NULL), RECSYS_OK);

    unsigned long before = count_alloc.n_calls;
    assert_int_equal(recsys_recommender_create(NULL, &recommender, &err), RECSYS_OK);
    recsys_recommender_destroy(recommender);
    assert_int_equal(count_alloc.n_calls, before);
    bundle_free(&bundle);
    bundle_remove_directory(scratch);
    free(scratch);
}

static void an_allocator_that_lacks_something_is_refused(void **state)
{
    const recsys_allocator whole = count_alloc_functions;
    unsigned long before = count_alloc.n_calls;
    recsys_allocator part;
    recsys_scorer *scorer = NULL;
    recsys_error err;

    (void)state;
    part = whole;
    part.struct_size = 8;
    assert_int_equal(recsys_alloc_set(&part, &err), RECSYS_E_INVALID);
    part = whole;
    part.allocate = NULL;
    assert_int_equal(recsys_alloc_set(&part, &err), RECSYS_E_INVALID);
    part = whole;
    part.resize = NULL;
    assert_int_equal(recsys_alloc_set(&part, &err), RECSYS_E_INVALID);
    part = whole;
    part.release = NULL;
    assert_int_equal(recsys_alloc_set(&part, NULL), RECSYS_E_INVALID);
    part = whole;
    part.reserved = 1;
    assert_int_equal(recsys_alloc_set(&part, &err), RECSYS_E_UNSUPPORTED);
    struct {
        recsys_allocator allocator;
        uint64_t new_field;
    } newer = {whole, 1};
    newer.allocator.struct_size = (uint32_t)sizeof newer;
    assert_int_equal(recsys_alloc_set(&newer.allocator, &err), RECSYS_E_UNSUPPORTED);
    /* None of these was taken. */
    assert_int_equal(recsys_scorer_create(NULL, &scorer, &err), RECSYS_OK);
    recsys_scorer_destroy(scorer);
    assert_int_equal(count_alloc.n_calls, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_name_and_its_sentence),
        cmocka_unit_test(success_is_zero_and_failures_are_negative),
        cmocka_unit_test(an_unknown_status_has_a_name_too),
        cmocka_unit_test(the_loaded_version_is_the_one_compiled_against),
        cmocka_unit_test(a_failure_is_described_and_a_success_leaves_the_record_alone),
        cmocka_unit_test(a_failed_system_call_leaves_its_errno),
        cmocka_unit_test(a_message_that_does_not_fit_is_cut_between_characters),
        cmocka_unit_test(the_log_is_silent_until_somebody_listens),
        cmocka_unit_test(a_log_level_outside_the_list_is_refused),
        cmocka_unit_test(a_callback_can_fill_in_the_error_record),
        cmocka_unit_test(all_memory_comes_from_the_host_if_it_says_so),
        cmocka_unit_test(an_allocator_that_lacks_something_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
