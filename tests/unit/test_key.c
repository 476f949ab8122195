/* Covers lib/aside/key.c: different values never make the same key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "recsys/aside.h"

static char key[RECSYS_KEY_MAX + 1];
static size_t size;
static recsys_error err;

static recsys_bytes text(const char *value)
{
    return (recsys_bytes){value, strlen(value)};
}

static recsys_status write_two(const char *pattern, const char *a, const char *b)
{
    const recsys_bytes values[2] = {text(a == NULL ? "" : a), text(b == NULL ? "" : b)};

    size = sizeof key;
    return recsys_key_format(pattern, values, (size_t)((a != NULL) + (b != NULL)), key, &size,
                             &err);
}

static void assert_key(const char *pattern, const char *a, const char *b, const char *want)
{
    assert_int_equal(write_two(pattern, a, b), RECSYS_OK);
    assert_string_equal(key, want);
    assert_int_equal(size, strlen(want));
}

static void values_take_the_places_of_names(void **state)
{
    (void)state;
    assert_key("chat:history:{id}", "42", NULL, "chat:history:42");
    assert_key("location:nearby:{geohash5}:{radius_km}", "wydm6", "5", "location:nearby:wydm6:5");
    assert_key("info:categories:all", NULL, NULL, "info:categories:all");
    assert_key("{a}", "x", NULL, "x");
}

static void everything_else_is_encoded(void **state)
{
    (void)state;
    assert_key("k:{a}", "a:b*c?d[e]f\\g", NULL, "k:a%3Ab%2Ac%3Fd%5Be%5Df%5Cg");
    assert_key("k:{a}", "AZaz09._-", NULL, "k:AZaz09._-");
    assert_key("k:{a}", "~%{}\n", NULL, "k:%7E%25%7B%7D%0A");
    assert_key("k:{a}", "\xea\xb0\x80", NULL, "k:%EA%B0%80");
    assert_key("{a}", "~r", NULL, "%7Er");
    const recsys_bytes nul = {"a\0b", 3};
    size = sizeof key;
    assert_int_equal(recsys_key_format("k:{a}", &nul, 1, key, &size, NULL), RECSYS_OK);
    assert_string_equal(key, "k:a%00b");
}

/* All pairs of short values over characters that could be mistaken for a border. */
static void different_values_make_different_keys(void **state)
{
    static const char letters[] = {'a', ':', '%', '3', 'A', '~', '\0'};
    static char seen[8 * 8 * 8 * 8][32];
    const size_t n_letters = sizeof letters;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < n_letters * n_letters * n_letters * n_letters; i++) {
        char a[2] = {letters[i % n_letters], letters[i / n_letters % n_letters]};
        char b[2] = {letters[i / n_letters / n_letters % n_letters],
                     letters[i / n_letters / n_letters / n_letters]};
        for (size_t sizes = 0; sizes < 4; sizes++) {
            /* Each pair once: a shorter one only with its rest at the first letter. */
            if ((sizes % 2 == 0 && a[1] != 'a') || (sizes / 2 == 0 && b[1] != 'a'))
                continue;
            const recsys_bytes values[2] = {{a, 1 + sizes % 2}, {b, 1 + sizes / 2}};
            size = sizeof seen[0];
            assert_true(n < sizeof seen / sizeof seen[0]);
            assert_int_equal(recsys_key_format("{a}:{b}", values, 2, seen[n], &size, NULL),
                             RECSYS_OK);
            n++;
        }
    }
    qsort(seen, n, sizeof seen[0], (int (*)(const void *, const void *))strcmp);
    for (size_t i = 1; i < n; i++)
        assert_string_not_equal(seen[i - 1], seen[i]);
    assert_int_equal(n, (7 + 49) * (7 + 49));
}

static void patterns_that_could_be_mistaken_are_refused(void **state)
{
    const char *const bad[] = {"{a}{b}",       "{a}x{b}",  "{a}.{b}", "{a}%3A{b}", "k:{a",
                               "k:a}:{b}:{c}", "k:{}:{b}", "k:{a b}", "k:{a}\n{b}"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(write_two(bad[i], "1", "2"), RECSYS_E_INVALID);
        assert_string_equal(key, "");
        assert_int_equal(size, 0);
    }
    assert_int_equal(write_two("~{a}", "1", NULL), RECSYS_E_INVALID);
    assert_int_equal(write_two("{a}~r", "1", NULL), RECSYS_E_INVALID);
    assert_int_equal(write_two("", NULL, NULL), RECSYS_E_INVALID);
    assert_int_equal(write_two("k\xc3\xa9y", NULL, NULL), RECSYS_E_INVALID);
}

static void as_many_values_as_names_are_needed(void **state)
{
    (void)state;
    assert_int_equal(write_two("k:{a}", "1", "2"), RECSYS_E_INVALID);
    assert_int_equal(write_two("k:{a}:{b}", "1", NULL), RECSYS_E_INVALID);
    assert_int_equal(write_two("k:{a}:{b}", "1", ""), RECSYS_E_INVALID);
    strcpy(key, "before");
    size = sizeof key;
    assert_int_equal(recsys_key_format(NULL, NULL, 0, key, &size, NULL), RECSYS_E_INVALID);
    assert_int_equal(size, 0);
    assert_string_equal(key, "");
    size = sizeof key;
    assert_int_equal(recsys_key_format("k", NULL, 0, key, NULL, NULL), RECSYS_E_INVALID);
    assert_int_equal(recsys_key_format("k", NULL, 1, key, &size, NULL), RECSYS_E_INVALID);
}

static void a_key_too_long_is_refused_and_never_cut(void **state)
{
    char value[RECSYS_KEY_MAX + 1];
    char small[8];

    (void)state;
    memset(value, 'v', sizeof value);
    recsys_bytes values[1] = {{value, RECSYS_KEY_MAX - 2}};
    size = sizeof key;
    assert_int_equal(recsys_key_format("k:{a}", values, 1, key, &size, &err), RECSYS_OK);
    assert_int_equal(size, RECSYS_KEY_MAX);
    values[0].size++;
    size = sizeof key;
    assert_int_equal(recsys_key_format("k:{a}", values, 1, key, &size, &err), RECSYS_E_LIMIT);
    assert_int_equal(size, 0);
    values[0].size = 5;
    size = sizeof small;
    assert_int_equal(recsys_key_format("k:{a}", values, 1, small, &size, &err), RECSYS_OK);
    values[0].size = 6;
    size = sizeof small;
    assert_int_equal(recsys_key_format("k:{a}", values, 1, small, &size, &err), RECSYS_E_LIMIT);
    assert_string_equal(small, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_take_the_places_of_names),
        cmocka_unit_test(everything_else_is_encoded),
        cmocka_unit_test(different_values_make_different_keys),
        cmocka_unit_test(patterns_that_could_be_mistaken_are_refused),
        cmocka_unit_test(as_many_values_as_names_are_needed),
        cmocka_unit_test(a_key_too_long_is_refused_and_never_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
