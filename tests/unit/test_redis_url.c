/* Covers lib/adapters/redis/redis_url.c: what a URL says, and that no message repeats a password.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "recsys/redis.h"

static recsys_redis_options options;
static recsys_error err;
static char buffer[256];

static recsys_status read(const char *url)
{
    options = (recsys_redis_options)RECSYS_REDIS_OPTIONS_INIT;
    memset(buffer, 0, sizeof buffer);
    memset(&err, 0, sizeof err);
    return recsys_redis_read_url(url, buffer, sizeof buffer, &options, &err);
}

static void assert_text(const char *text, const char *want)
{
    if (want == NULL)
        assert_null(text);
    else {
        assert_non_null(text);
        assert_string_equal(text, want);
    }
}

static void every_part_may_be_there_or_not(void **state)
{
    static const struct {
        const char *url, *host, *user, *password;
        uint32_t port, db, flags;
    } cases[] = {
        {"redis://h", "h", NULL, NULL, 0, 0, 0},
        {"redis://h/", "h", NULL, NULL, 0, 0, 0},
        {"redis://cache.example:7000", "cache.example", NULL, NULL, 7000, 0, 0},
        {"redis://h/9", "h", NULL, NULL, 0, 9, 0},
        {"redis://:secret@h:1/2", "h", NULL, "secret", 1, 2, 0},
        {"redis://user:secret@h", "h", "user", "secret", 0, 0, 0},
        {"redis://:@h", "h", NULL, NULL, 0, 0, 0},
        {"redis://u%3As%40er:p%25%2f%3A@h:65535/15", "h", "u:s@er", "p%/:", 65535, 15, 0},
        {"redis://:a@b@h", "h", NULL, "a@b", 0, 0, 0},
        {"redis://:a:b@h", "h", NULL, "a:b", 0, 0, 0},
        {"redis://[::1]:6380/1", "::1", NULL, NULL, 6380, 1, 0},
        {"redis://[fe80::1]", "fe80::1", NULL, NULL, 0, 0, 0},
        {"rediss://u:p@h:6380", "h", "u", "p", 6380, 0, RECSYS_REDIS_TLS},
        {"unix:///run/redis.sock", "/run/redis.sock", NULL, NULL, 0, 0, 0},
        {"unix:///run/a%20b?db=4", "/run/a b", NULL, NULL, 0, 4, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (read(cases[i].url) != RECSYS_OK)
            fail_msg("%s: %s", cases[i].url, err.message);
        assert_text(options.host, cases[i].host);
        assert_text(options.user, cases[i].user);
        assert_text(options.password, cases[i].password);
        assert_int_equal(options.port, cases[i].port);
        assert_int_equal(options.db, cases[i].db);
        assert_int_equal(options.flags, cases[i].flags);
    }
}

static void what_is_wrong_is_refused_without_repeating_anything(void **state)
{
    static const char *const urls[] = {"",
                                       "redis",
                                       "redis:",
                                       "redis:/h",
                                       "http://SECRET@h",
                                       "REDIS://h",
                                       "redis://",
                                       "redis:///1",
                                       "redis://:SECRET@",
                                       "redis://:SECRET@:6379",
                                       "redis://SECRET@h",
                                       "redis://h:",
                                       "redis://h:SECRET",
                                       "redis://h:0",
                                       "redis://h:65536",
                                       "redis://h:-1",
                                       "redis://h:+1",
                                       "redis://h: 1",
                                       "redis://h:99999999999999999999",
                                       "redis://h/x",
                                       "redis://h/1/2",
                                       "redis://h/-1",
                                       "redis://h/4294967296",
                                       "redis://h?SECRET",
                                       "redis://h#SECRET",
                                       "redis://:SEC/RET@h",
                                       "redis://:SEC?RET@h",
                                       "redis://:SECRET%@h",
                                       "redis://:SECRET%2@h",
                                       "redis://:SECRET%zz@h",
                                       "redis://:SECRET%00@h",
                                       "redis://[::1",
                                       "redis://[::1]x",
                                       "redis://[]",
                                       "redis://[::1]:",
                                       "unix://",
                                       "unix://SECRET",
                                       "unix:///",
                                       "unix:///s?",
                                       "unix:///s?db=",
                                       "unix:///s?db=x",
                                       "unix:///s?SECRET=1"};

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        if (read(urls[i]) != RECSYS_E_INVALID)
            fail_msg("%s was not refused", urls[i]);
        assert_int_equal(err.status, RECSYS_E_INVALID);
        assert_null(strstr(err.message, "SEC"));
        assert_null(strstr(err.message, "RET"));
        assert_null(options.host);
        assert_null(options.password);
        assert_int_equal(options.port, 0);
    }
}

static void what_a_url_does_not_say_stays(void **state)
{
    (void)state;
    options = (recsys_redis_options)RECSYS_REDIS_OPTIONS_INIT;
    options.password = "kept";
    options.db = 7;
    options.flags = RECSYS_REDIS_TLS;
    options.pool_size = 3;
    assert_int_equal(recsys_redis_read_url("redis://h", buffer, sizeof buffer, &options, &err), 0);
    assert_string_equal(options.password, "kept");
    assert_int_equal(options.db, 7);
    assert_int_equal(options.pool_size, 3);
    assert_int_equal(options.flags, 0); /* but redis:// does say this */
}

static void a_buffer_that_is_too_small_is_said_and_never_passed(void **state)
{
    static const char url[] = "redis://user:password@host:1/2";
    size_t need = sizeof "user" + sizeof "password" + sizeof "host";
    char small[64];

    (void)state;
    for (size_t size = 0; size <= need; size++) {
        options = (recsys_redis_options)RECSYS_REDIS_OPTIONS_INIT;
        memset(small, '#', sizeof small);
        assert_int_equal(recsys_redis_read_url(url, small, size, &options, &err),
                         size < need ? RECSYS_E_LIMIT : RECSYS_OK);
        for (size_t i = size; i < sizeof small; i++)
            assert_int_equal(small[i], '#');
    }
}

static void missing_arguments_are_refused(void **state)
{
    recsys_redis_options empty = {0};

    (void)state;
    options = (recsys_redis_options)RECSYS_REDIS_OPTIONS_INIT;
    assert_int_equal(recsys_redis_read_url(NULL, buffer, 9, &options, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_redis_read_url("redis://h", NULL, 9, &options, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_redis_read_url("redis://h", buffer, 9, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_redis_read_url("redis://h", buffer, 9, &empty, NULL), RECSYS_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_may_be_there_or_not),
        cmocka_unit_test(what_is_wrong_is_refused_without_repeating_anything),
        cmocka_unit_test(what_a_url_does_not_say_stays),
        cmocka_unit_test(a_buffer_that_is_too_small_is_said_and_never_passed),
        cmocka_unit_test(missing_arguments_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
