/* Covers recsys/split.h. The points were computed by the Python package xxhash (3.8.0). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "recsys/split.h"

static recsys_error err;

static recsys_id number(uint64_t value)
{
    return (recsys_id){NULL, value};
}

static recsys_id text(const char *value)
{
    return (recsys_id){value, strlen(value)};
}

static size_t find(const char *salt, recsys_id user, const uint32_t *shares, size_t n_shares)
{
    size_t place = 99;

    assert_int_equal(recsys_split_find(salt, user, shares, n_shares, &place, &err), RECSYS_OK);
    return place;
}

/* By the share that is just large enough. */
static uint32_t point_of(const char *salt, recsys_id user)
{
    uint32_t low = 0, high = RECSYS_SPLIT_WHOLE;

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (find(salt, user, &middle, 1) == 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low - 1;
}

static void points_are_the_same_in_every_release(void **state)
{
    char salt[RECSYS_SPLIT_MAX_SALT + 1] = "", user[RECSYS_ID_MAX_TEXT + 1] = "";

    (void)state;
    memset(salt, 'x', RECSYS_SPLIT_MAX_SALT);
    memset(user, 'y', RECSYS_ID_MAX_TEXT);
    assert_int_equal(point_of("autumn", number(1)), 8316);
    assert_int_equal(point_of("autumn", number(2)), 964);
    assert_int_equal(point_of("autumn", number(42)), 3350);
    assert_int_equal(point_of("spring", number(42)), 1919);
    assert_int_equal(point_of("", number(42)), 1545);
    assert_int_equal(point_of("", number(0)), 8484);
    assert_int_equal(point_of("autumn", number(INT64_MAX)), 2696);
    assert_int_equal(point_of("autumn", text("user/7")), 9684);
    assert_int_equal(point_of("autumn", text("\xc3\xbc")), 7950);
    assert_int_equal(point_of(salt, text(user)), 946);
}

static void an_integer_and_its_digits_are_one_user(void **state)
{
    (void)state;
    assert_int_equal(point_of("autumn", text("42")), 3350);
}

static void shares_have_the_sizes_that_are_asked_for(void **state)
{
    const uint32_t shares[4] = {1000, 2500, 0, 500};
    size_t n[5] = {0};

    (void)state;
    for (uint64_t user = 0; user < 100000; user++)
        n[find("sizes", number(user), shares, 4)]++;
    assert_in_range(n[0], 9500, 10500); /* five standard deviations and more */
    assert_in_range(n[1], 24000, 26000);
    assert_int_equal(n[2], 0);
    assert_in_range(n[3], 4600, 5400);
}

static void nobody_moves_from_one_of_two_shares_to_the_other(void **state)
{
    static const uint32_t steps[][2] = {{0, 3000},    {1000, 3000}, {5000, 3000}, {5000, 5000},
                                        {2000, 5000}, {10000, 0},   {0, 10000}};

    (void)state;
    for (uint64_t user = 0; user < 3000; user++)
        for (size_t i = 0; i + 1 < 5; i++) {
            size_t before = find("grow", number(user), steps[i], 2);
            size_t after = find("grow", number(user), steps[i + 1], 2);

            if (steps[i + 1][before % 2] >= steps[i][before % 2] && before < 2)
                assert_int_equal(after, before);
            assert_true(before == after || before == 2 || after == 2);
        }
    for (uint64_t user = 0; user < 100; user++) {
        assert_int_equal(find("grow", number(user), steps[5], 2), 0);
        assert_int_equal(find("grow", number(user), steps[6], 2), 1);
        assert_int_equal(find("grow", number(user), NULL, 0), 0);
    }
}

static void salts_are_independent(void **state)
{
    const uint32_t half[1] = {5000};
    size_t n_both = 0;

    (void)state;
    for (uint64_t user = 0; user < 10000; user++)
        n_both +=
            find("one", number(user), half, 1) == 0 && find("two", number(user), half, 1) == 0;
    assert_in_range(n_both, 2250, 2750);
}

static void arguments_are_checked(void **state)
{
    const uint32_t shares[2] = {6000, 4001}, huge[2] = {UINT32_MAX, 1};
    char salt[RECSYS_SPLIT_MAX_SALT + 2] = "";
    size_t place = 0;

    (void)state;
    memset(salt, 's', RECSYS_SPLIT_MAX_SALT + 1);
    assert_int_equal(recsys_split_find("", number(1), shares, 1, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_split_find(NULL, number(1), shares, 1, &place, &err), RECSYS_E_INVALID);
    assert_int_equal(place, 0);
    assert_int_equal(recsys_split_find("", number(1), NULL, 1, &place, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_split_find("", number(1), shares, 2, &place, &err), RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "more than 10000"));
    assert_int_equal(recsys_split_find("", number(1), huge, 2, &place, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_split_find(salt, number(1), shares, 1, &place, &err), RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "255"));
    assert_int_equal(recsys_split_find("", number(UINT64_MAX), shares, 1, &place, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_split_find("", (recsys_id){salt, 0}, shares, 1, &place, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_split_find("", (recsys_id){salt, 256}, shares, 1, &place, NULL),
                     RECSYS_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_the_same_in_every_release),
        cmocka_unit_test(an_integer_and_its_digits_are_one_user),
        cmocka_unit_test(shares_have_the_sizes_that_are_asked_for),
        cmocka_unit_test(nobody_moves_from_one_of_two_shares_to_the_other),
        cmocka_unit_test(salts_are_independent),
        cmocka_unit_test(arguments_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
