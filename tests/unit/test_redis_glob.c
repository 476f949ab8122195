/* Covers lib/adapters/redis/redis_glob.c: the pattern that literals and gaps become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/adapters/redis/redis_glob.h"

/* prefix and parts (up to the first NULL) must become `want`. */
static void assert_pattern(const char *want, const char *prefix, const char *const *texts)
{
    recsys_bytes parts[16];
    struct rs_buffer out;
    size_t n = 0;

    for (; texts[n] != NULL; n++)
        parts[n] = (recsys_bytes){texts[n], strlen(texts[n])};
    rs_buffer_init(&out, 1000);
    rs_redis_glob_write(&out, (recsys_bytes){prefix, strlen(prefix)}, parts, n);
    assert_int_equal(out.status, RECSYS_OK);
    assert_string_equal(out.bytes, want);
    rs_buffer_destroy(&out);
}

#define PATTERN(want, prefix, ...)                                                                 \
    assert_pattern(want, prefix, (const char *const[]){__VA_ARGS__, NULL})

static void gaps_become_stars_and_nothing_else_does(void **state)
{
    (void)state;
    PATTERN("user:*", "", "user:", "");
    PATTERN("d3:user:*", "d3:", "user:", "");
    PATTERN("*", "", "", "");
    PATTERN("p*", "p", "", "");
    PATTERN("a*b*c", "", "a", "b", "c");
    PATTERN("exact", "", "exact");
    PATTERN("pa\\*", "p", "a*");
}

static void special_characters_are_escaped_in_prefix_and_parts(void **state)
{
    (void)state;
    PATTERN("\\*\\?\\[\\]\\^\\-\\\\*x\\[a\\-z\\]", "*?[", "]^-\\", "x[a-z]");
    PATTERN("\\\\\\\\*\\\\", "\\", "\\", "\\");
}

static void gaps_with_nothing_between_them_are_one(void **state)
{
    (void)state;
    PATTERN("a*b", "", "a", "", "", "", "", "", "", "", "", "", "", "b");
    PATTERN("*", "", "", "", "", "", "", "", "", "", "", "", "");
}

static void bytes_of_any_kind_are_kept(void **state)
{
    const recsys_bytes parts[] = {{"\0*", 2}, {"\xff\0", 2}};
    struct rs_buffer out;

    (void)state;
    rs_buffer_init(&out, 1000);
    rs_redis_glob_write(&out, (recsys_bytes){NULL, 0}, parts, 2);
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.bytes, "\0\\**\xff\0", 6);
    rs_buffer_destroy(&out);
}

static void too_many_gaps_or_bytes_are_refused(void **state)
{
    recsys_bytes parts[RS_REDIS_MAX_GAPS + 2];
    struct rs_buffer out;

    (void)state;
    for (size_t i = 0; i < RS_REDIS_MAX_GAPS + 2; i++)
        parts[i] = (recsys_bytes){"a", 1};
    rs_buffer_init(&out, 1000);
    rs_redis_glob_write(&out, (recsys_bytes){NULL, 0}, parts, RS_REDIS_MAX_GAPS + 1);
    assert_int_equal(out.status, RECSYS_OK);
    rs_buffer_clear(&out);
    rs_redis_glob_write(&out, (recsys_bytes){NULL, 0}, parts, RS_REDIS_MAX_GAPS + 2);
    assert_int_equal(out.status, RECSYS_E_LIMIT);
    rs_buffer_destroy(&out);
    rs_buffer_init(&out, 2);
    rs_redis_glob_write(&out, (recsys_bytes){NULL, 0}, parts, 2);
    assert_int_equal(out.status, RECSYS_E_LIMIT);
    rs_buffer_destroy(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_become_stars_and_nothing_else_does),
        cmocka_unit_test(special_characters_are_escaped_in_prefix_and_parts),
        cmocka_unit_test(gaps_with_nothing_between_them_are_one),
        cmocka_unit_test(bytes_of_any_kind_are_kept),
        cmocka_unit_test(too_many_gaps_or_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
