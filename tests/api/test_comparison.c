/* Covers recsys/comparison.h: the counts and answers are compared with loops over both models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/comparison.h"
#include "recsys/recommend.h"
#include "tests/api/reference.h"
#include "tests/support/bundle.h"
#include "tests/support/scratch.h"

#define D 8
#define K 7u

static recsys_error err;
static recsys_model *few, *many, *texts, *other_texts, *without_users, *bare;

static recsys_model *make(const char *name, size_t n_users, size_t n_items, uint64_t seed,
                          uint32_t flags)
{
    struct bundle bundle;
    recsys_model *model = make_model(scratch, name, &bundle, n_users, n_items, D, seed, flags);

    bundle_free(&bundle);
    return model;
}

static int set_up(void **state)
{
    scratch_set_up(state);
    few = make("few", 300, 200, 1, BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_NUMBER_IDS);
    many = make("many", 700, 260, 2, BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_BIAS);
    texts = make("texts", 50, 60, 3, BUNDLE_TEXT_IDS | BUNDLE_SEEN);
    other_texts = make("other-texts", 70, 55, 4, BUNDLE_TEXT_IDS | BUNDLE_UNSORTED);
    without_users = make("without-users", 0, 240, 5, 0);
    bare = make("bare", 700, 260, 6, BUNDLE_LINEAR);
    return 0;
}

static int tear_down(void **state)
{
    recsys_model *models[] = {few, many, texts, other_texts, without_users, bare};

    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        recsys_model_unref(models[i]);
    return scratch_tear_down(state);
}

static recsys_comparison compare(const recsys_model *before, const recsys_model *after,
                                 uint64_t n_asked, uint32_t n_threads)
{
    recsys_comparison_options options = RECSYS_COMPARISON_OPTIONS_INIT;
    recsys_comparison found = RECSYS_COMPARISON_INIT;

    options.k = K;
    options.n_asked = n_asked;
    options.n_threads = n_threads;
    must(recsys_model_compare(before, after, &options, &found, &err), &err, "compare");
    return found;
}

typedef recsys_status (*list_ids)(const recsys_model *, uint64_t, recsys_id *, size_t, size_t *,
                                  recsys_error *);

static size_t all_ids(list_ids list, const recsys_model *model, recsys_id out[1000])
{
    size_t n = 0;

    must(list(model, 0, out, 1000, &n, &err), &err, "ids");
    assert_true(n < 1000);
    return n;
}

static int is_same(recsys_id a, recsys_id b)
{
    return a.text == NULL ? b.text == NULL && a.number == b.number
                          : b.text != NULL && strcmp(a.text, b.text) == 0;
}

/* The ids that both have, in the order of `after`. */
static size_t common(list_ids list, const recsys_model *before, const recsys_model *after,
                     recsys_id out[1000])
{
    static recsys_id a[1000], b[1000];
    size_t n_a = all_ids(list, before, a), n_b = all_ids(list, after, b), n = 0;

    for (size_t j = 0; j < n_b; j++)
        for (size_t i = 0; i < n_a; i++)
            if (is_same(a[i], b[j]))
                out[n++] = b[j];
    return n;
}

static void what_both_have_is_counted(void **state)
{
    const struct {
        recsys_model *before, *after;
    } pairs[] = {{few, many}, {many, few}, {texts, other_texts}, {other_texts, texts}, {few, few}};
    static recsys_id ids[1000];

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        recsys_model *before = pairs[i].before, *after = pairs[i].after;
        recsys_comparison found = compare(before, after, 1, 1);
        size_t n_users = common(recsys_model_get_user_ids, before, after, ids);
        size_t n_items = common(recsys_model_get_item_ids, before, after, ids);
        assert_true(n_users > 0 && n_items > 0);
        assert_int_equal(found.n_common_users, n_users);
        assert_int_equal(found.n_common_items, n_items);
    }
}

static recsys_reply answer_of(recsys_recommender *recommender, const recsys_model *model,
                              recsys_id user)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;

    request.user = user;
    request.k = K;
    must(recsys_recommend(recommender, model, &request, 1, &reply, &err), &err, "recommend");
    return reply;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void check_distribution(const recsys_distribution *found, float *numbers, size_t n)
{
    double sum = 0;

    qsort(numbers, n, sizeof *numbers, compare_floats);
    for (size_t i = 0; i < n; i++)
        sum += (double)numbers[i];
    assert_int_equal(found->n, n);
    assert_true(found->mean == sum / (double)n);
    assert_true(found->smallest == (double)numbers[0]);
    assert_true(found->q10 == (double)numbers[(n + 9) / 10 - 1]);
    assert_true(found->median == (double)numbers[(n + 1) / 2 - 1]);
    assert_true(found->q90 == (double)numbers[(9 * n + 9) / 10 - 1]);
    assert_true(found->largest == (double)numbers[n - 1]);
}

static void answers_are_those_that_clients_get(void **state)
{
    static recsys_id users[1000];
    static float scores[1000 * K], raws[1000 * K], old_scores[1000 * K];
    recsys_recommender *ask_before, *ask_after;
    uint64_t n_kept = 0, n_places = 0, n_identical = 0, n = 0;

    (void)state;
    must(recsys_recommender_create(NULL, &ask_before, &err), &err, "recommender");
    must(recsys_recommender_create(NULL, &ask_after, &err), &err, "recommender");
    size_t n_users = common(recsys_model_get_user_ids, few, many, users);
    for (size_t u = 0; u < n_users; u++) {
        recsys_reply before = answer_of(ask_before, few, users[u]);
        recsys_reply after = answer_of(ask_after, many, users[u]);
        uint32_t n_in_place = 0;
        for (uint32_t i = 0; i < before.count; i++) {
            const recsys_recommendation *was = recsys_reply_get_item(&before, i);
            old_scores[n_places++] = was->score;
            for (uint32_t j = 0; j < after.count; j++)
                if (is_same(was->item, recsys_reply_get_item(&after, j)->item)) {
                    n_kept++;
                    n_in_place += i == j;
                }
        }
        for (uint32_t j = 0; j < after.count; j++, n++) {
            scores[n] = recsys_reply_get_item(&after, j)->score;
            raws[n] = recsys_reply_get_item(&after, j)->raw;
        }
        n_identical += before.count == after.count && n_in_place == before.count;
    }
    for (uint32_t n_threads = 1; n_threads <= 3; n_threads += 2) {
        recsys_comparison found = compare(few, many, UINT64_MAX, n_threads);
        assert_int_equal(found.changes, 0);
        assert_int_equal(found.n_asked, n_users);
        assert_int_equal(found.n_compared, n_users);
        assert_int_equal(found.n_places, n_places);
        assert_int_equal(found.n_kept, n_kept);
        assert_int_equal(found.n_identical, n_identical);
        assert_int_equal(found.n_empty, 0);
        assert_int_equal(found.n_not_finite, 0);
        check_distribution(&found.scores_before, old_scores, (size_t)n_places);
        check_distribution(&found.scores_after, scores, (size_t)n);
        check_distribution(&found.raws_after, raws, (size_t)n);
    }
    recsys_recommender_destroy(ask_before);
    recsys_recommender_destroy(ask_after);
}

static void a_model_agrees_with_itself(void **state)
{
    recsys_comparison found = compare(many, many, 0, 1);

    (void)state;
    assert_int_equal(found.n_asked, 700);
    assert_int_equal(found.n_identical, 700);
    assert_int_equal(found.n_kept, found.n_places);
    assert_memory_equal(&found.raws_before, &found.raws_after, sizeof found.raws_after);
}

static void a_sample_has_the_size_that_is_asked_for(void **state)
{
    const uint64_t sizes[] = {1, 2, 255, 256, 257, 699};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_int_equal(compare(many, many, sizes[i], 1).n_asked, sizes[i]);
    assert_int_equal(compare(many, many, 701, 1).n_asked, 700);
}

static void losses_are_named(void **state)
{
    (void)state;
    assert_int_equal(compare(many, bare, 1, 1).changes,
                     RECSYS_COMPARISON_CATALOG | RECSYS_COMPARISON_SEEN);
    assert_int_equal(compare(bare, many, 1, 1).changes, 0);
    assert_int_equal(compare(many, texts, 1, 1).changes, RECSYS_COMPARISON_USER_IDS |
                                                             RECSYS_COMPARISON_ITEM_IDS |
                                                             RECSYS_COMPARISON_CATALOG);
    assert_int_equal(compare(without_users, texts, 1, 1).changes, RECSYS_COMPARISON_ITEM_IDS);
}

static void without_common_users_only_the_new_model_is_asked(void **state)
{
    recsys_comparison found = compare(many, texts, 0, 1);

    (void)state;
    assert_int_equal(found.n_common_users, 0);
    assert_int_equal(found.n_asked, 50);
    assert_int_equal(found.n_compared, 0);
    assert_int_equal(found.scores_before.n, 0);
    assert_true(found.scores_after.n > 0);
    found = compare(NULL, many, 0, 1);
    assert_int_equal(found.n_asked, 700);
    assert_int_equal(found.n_compared, 0);
}

static void items_are_asked_where_users_are_missing(void **state)
{
    recsys_comparison found = compare(many, without_users, 0, 1);

    (void)state;
    assert_int_equal(found.n_common_items, 240);
    assert_int_equal(found.n_asked, 240);
    assert_int_equal(found.n_compared, 240);
    found = compare(without_users, without_users, 0, 1);
    assert_int_equal(found.n_identical, 240);
    found = compare(NULL, without_users, 0, 1);
    assert_int_equal(found.n_asked, 240);
}

static void arguments_are_checked(void **state)
{
    recsys_comparison_options options = RECSYS_COMPARISON_OPTIONS_INIT;
    recsys_comparison found = RECSYS_COMPARISON_INIT, empty = RECSYS_COMPARISON_INIT;

    (void)state;
    assert_int_equal(recsys_model_compare(many, NULL, NULL, &found, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_model_compare(many, many, NULL, NULL, &err), RECSYS_E_INVALID);
    options.k = 1001;
    assert_int_equal(recsys_model_compare(many, many, &options, &found, &err), RECSYS_E_INVALID);
    assert_non_null(strstr(err.message, "at most 1000"));
    options.k = 0;
    options.n_threads = 257;
    assert_int_equal(recsys_model_compare(many, many, &options, &found, &err), RECSYS_E_INVALID);
    options.n_threads = 0;
    options.reserved = 1;
    assert_int_equal(recsys_model_compare(many, many, &options, &found, &err),
                     RECSYS_E_UNSUPPORTED);
    assert_memory_equal(&found, &empty, sizeof found);
    must(recsys_model_compare(many, many, NULL, &found, &err), &err, "defaults");
    assert_int_equal(found.n_asked, 700);
    found.struct_size = 8;
    assert_int_equal(recsys_model_compare(many, many, NULL, &found, &err), RECSYS_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_both_have_is_counted),
        cmocka_unit_test(answers_are_those_that_clients_get),
        cmocka_unit_test(a_model_agrees_with_itself),
        cmocka_unit_test(a_sample_has_the_size_that_is_asked_for),
        cmocka_unit_test(losses_are_named),
        cmocka_unit_test(without_common_users_only_the_new_model_is_asked),
        cmocka_unit_test(items_are_asked_where_users_are_missing),
        cmocka_unit_test(arguments_are_checked),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
