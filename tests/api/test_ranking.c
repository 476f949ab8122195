/* Covers recsys/ranking.h: numbers that follow from the definitions by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "recsys/ranking.h"

#define MAX 8u

static recsys_error err;

static size_t make(const char *letters, recsys_id out[MAX])
{
    size_t n = strlen(letters);

    for (size_t i = 0; i < n; i++)
        out[i] = (recsys_id){NULL, (uint64_t)letters[i]};
    return n;
}

static recsys_agreement compare(const char *before, const char *after)
{
    recsys_id a[MAX], b[MAX];
    size_t n_a = make(before, a), n_b = make(after, b);
    recsys_agreement found = RECSYS_AGREEMENT_INIT;

    assert_int_equal(recsys_ranking_compare(a, n_a, b, n_b, &found, &err), RECSYS_OK);
    return found;
}

static void agrees(const char *before, const char *after, uint32_t n_common, uint32_t n_in_place,
                   double overlap, double rank_correlation)
{
    recsys_agreement found = compare(before, after);

    assert_int_equal(found.struct_size, sizeof found);
    assert_int_equal(found.n_common, n_common);
    assert_int_equal(found.n_in_place, n_in_place);
    assert_true(fabs(found.overlap - overlap) < 1e-12);
    if (isnan(rank_correlation))
        assert_true(isnan(found.rank_correlation));
    else
        assert_true(fabs(found.rank_correlation - rank_correlation) < 1e-12);
}

static void rankings_agree_as_their_definitions_say(void **state)
{
    (void)state;
    agrees("abcd", "abcd", 4, 4, 1, 1);
    agrees("abcd", "dcba", 4, 0, 1, -1);
    agrees("abcd", "abdc", 4, 2, 1, 4.0 / 6); /* one pair of six is turned */
    agrees("abcd", "badc", 4, 0, 1, 2.0 / 6); /* two are */
    agrees("abcd", "xayb", 2, 0, 0.5, 1);     /* the common ones are in the same order */
    agrees("abcd", "axyz", 1, 1, 0.25, NAN);  /* there is no pair */
    agrees("abcd", "wxyz", 0, 0, 0, NAN);
    agrees("ab", "abcd", 2, 2, 0.5, 1); /* of the longer one */
    agrees("abcd", "b", 1, 0, 0.25, NAN);
    agrees("abcd", "", 0, 0, 0, NAN);
    agrees("", "", 0, 0, 1, NAN);
}

static void text_ids_are_compared_by_their_bytes(void **state)
{
    const recsys_id before[2] = {{"item-1", 6}, {"item-2", 6}};
    const recsys_id after[3] = {{"item-22", 6}, {"item-1x", 7}, {NULL, 6}};
    recsys_agreement found = RECSYS_AGREEMENT_INIT;

    (void)state;
    assert_int_equal(recsys_ranking_compare(before, 2, after, 3, &found, &err), RECSYS_OK);
    assert_int_equal(found.n_common, 1);
    assert_int_equal(found.n_in_place, 0);
}

static void arguments_are_checked(void **state)
{
    static recsys_id many[RECSYS_RANKING_MAX + 1];
    recsys_agreement found = RECSYS_AGREEMENT_INIT;

    (void)state;
    for (size_t i = 0; i <= RECSYS_RANKING_MAX; i++)
        many[i].number = i;
    assert_int_equal(recsys_ranking_compare(many, 2, many, 2, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_ranking_compare(NULL, 2, many, 2, &found, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_ranking_compare(many, 2, NULL, 2, &found, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_ranking_compare(many, 1, many, RECSYS_RANKING_MAX + 1, &found, &err),
                     RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "at most 1000"));
    assert_int_equal(
        recsys_ranking_compare(many, RECSYS_RANKING_MAX, many, RECSYS_RANKING_MAX, &found, &err),
        RECSYS_OK);
    assert_int_equal(found.n_in_place, RECSYS_RANKING_MAX);
    assert_true(found.rank_correlation > 0.999999);
    found.struct_size = 8;
    assert_int_equal(recsys_ranking_compare(many, 1, many, 1, &found, NULL), RECSYS_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rankings_agree_as_their_definitions_say),
        cmocka_unit_test(text_ids_are_compared_by_their_bytes),
        cmocka_unit_test(arguments_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
