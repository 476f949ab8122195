/* Where scoring and recommending once went wrong, or nearly: the end of the
 * items array, arrays of requests whose sizes disagree, features of which
 * nothing was learned, the host's locale. */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/score/canonical.h"
#include "lib/score/scorer.h"
#include "recsys/recommend.h"
#include "tests/support/bundle.h"
#include "tests/support/memory_model.h"
#include "tests/support/scratch.h"

#define MANY 40u

static struct bundle bundle;
static struct recsys_model *model;
static recsys_recommender *recommender;
static recsys_error err;

static int set_up(void **state)
{
    char path[1024];

    scratch_set_up(state);
    snprintf(path, sizeof path, "%s/b", scratch);
    bundle_write(&bundle, path, 6, 90, 12, 5u, BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_FEATURES);
    if (recsys_model_load(path, NULL, &model, &err) != RECSYS_OK ||
        recsys_recommender_create(NULL, &recommender, &err) != RECSYS_OK)
        fail_msg("%s", err.message);
    return 0;
}

static int tear_down(void **state)
{
    recsys_recommender_destroy(recommender);
    recsys_model_unref(model);
    bundle_free(&bundle);
    return scratch_tear_down(state);
}

/* The bits of `answers`, best first, against all canonical scores. */
static void check_best(const struct recsys_model *items, const struct rs_question *question,
                       const struct rs_topk *answer)
{
    uint32_t better = 0, n = items->n_items;

    assert_int_equal(answer->n, question->k < n ? question->k : n);
    struct rs_best last = answer->entries[answer->n - 1];
    for (uint32_t p = 0; p < n; p++) {
        float score = rs_canonical_score(items, p, question->vector, question->offset);
        better += score > last.score ||
                  (score == last.score &&
                   rs_ids_rank(&items->item_ids, p) < rs_ids_rank(&items->item_ids, last.position));
    }
    assert_int_equal(better, answer->n - 1);
    for (uint32_t i = 0; i < answer->n; i++) {
        float score = rs_canonical_score(items, answer->entries[i].position, question->vector,
                                         question->offset);
        assert_memory_equal(&score, &answer->entries[i].score, sizeof score);
        if (i > 0)
            assert_true(score <= answer->entries[i - 1].score);
    }
}

/* Items end where their array ends, so that a sanitizer sees what is read behind it. */
static void nothing_is_read_behind_the_last_item(void **state)
{
    static const uint32_t sizes[] = {1,  11, 12, 13,   15,   16,   17,   23,   24,  25,
                                     47, 63, 96, 1023, 1024, 1025, 1036, 1047, 2049};
    static const uint32_t batches[] = {1, 2, 3, 16, 17, MANY};
    static const double offsets[] = {0.0, -0.0, 1e-46, 3e38, -3e38, 1e300, -1.7e308};
    struct rs_question questions[MANY];
    struct rs_topk answers[MANY];
    recsys_scorer *scorer = NULL;

    (void)state;
    assert_int_equal(recsys_scorer_create(NULL, &scorer, &err), RECSYS_OK);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct numbers numbers = {sizes[s]};
        struct plain_items items;
        uint32_t d = 5 + (uint32_t)s;
        plain_items_create(&items, (enum family)(s % N_FAMILIES), sizes[s], d, (int)s % 2, s);
        struct recsys_model *small = memory_model_create(&items);
        size_t n_bytes = (size_t)small->n_items * small->stride * sizeof(float);
        const float *whole = small->items;
        float *exact = aligned_alloc(64, n_bytes), *vectors = malloc(MANY * d * sizeof *vectors);
        memcpy(exact, whole, n_bytes);
        small->items = exact;
        memset(questions, 0, sizeof questions);
        for (uint32_t q = 0; q < MANY; q++) {
            for (uint32_t j = 0; j < d; j++)
                vectors[q * d + j] = (float)numbers_gauss(&numbers);
            questions[q].vector = vectors + (size_t)q * d;
            questions[q].offset = offsets[q % (sizeof offsets / sizeof *offsets)];
            questions[q].k = 1 + q % 7 * 9;
        }
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
            assert_int_equal(rs_scorer_run(scorer, small, questions, batches[b], answers, &err),
                             RECSYS_OK);
            for (uint32_t q = 0; q < batches[b]; q++)
                check_best(small, &questions[q], &answers[q]);
        }
        small->items = whole;
        recsys_model_unref(small);
        plain_items_destroy(&items);
        free(exact);
        free(vectors);
    }
    recsys_scorer_destroy(scorer);
}

static void requests_whose_sizes_disagree_are_refused(void **state)
{
    recsys_request *requests = calloc(3, sizeof *requests);
    recsys_reply replies[3] = {RECSYS_REPLY_INIT};
    char want[128];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        requests[i] = (recsys_request)RECSYS_REQUEST_INIT;
    requests[2].struct_size = 4096; /* would be read, to see that the rest is zero */
    assert_int_equal(recsys_recommend(recommender, model, requests, 3, replies, &err),
                     RECSYS_E_INVALID);
    snprintf(want, sizeof want,
             "recsys_recommend: struct_size of request 2 is 4096, the first's %zu",
             sizeof *requests);
    assert_string_equal(err.message, want);
    free(requests);
}

static void a_call_that_fails_leaves_its_replies_empty(void **state)
{
    const recsys_reply empty[2] = {RECSYS_REPLY_INIT, RECSYS_REPLY_INIT};
    recsys_request requests[2];
    recsys_reply replies[2] = {RECSYS_REPLY_INIT};

    (void)state;
    requests[0] = (recsys_request)RECSYS_REQUEST_INIT;
    requests[1] = requests[0];
    requests[0].min_rating = -1; /* which would fail in its own reply */
    requests[1].struct_size = 0;
    memset(replies, 0xa5, sizeof replies);
    replies[0].struct_size = (uint32_t)sizeof replies[0];
    assert_int_equal(recsys_recommend(recommender, model, requests, 2, replies, &err),
                     RECSYS_E_INVALID);
    assert_memory_equal(replies, empty, sizeof empty);
}

static void flags_newer_than_the_library_are_refused(void **state)
{
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter = NULL;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;

    (void)state;
    options.flags = RECSYS_FILTER_EXCLUDE_ADULT | 1u << 20;
    assert_int_equal(recsys_filter_create(model, &options, &filter, &err), RECSYS_E_UNSUPPORTED);
    assert_null(filter);
    request.flags = RECSYS_REQUEST_REASONS | 1u << 20;
    assert_int_equal(recsys_recommend(recommender, model, &request, 1, &reply, &err),
                     RECSYS_E_UNSUPPORTED);
    assert_int_equal(recsys_recommend_similar(recommender, model, (recsys_id)RECSYS_ID_NUMBER(1),
                                              &request, &reply, &err),
                     RECSYS_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "recsys_recommend_similar: request->flags is 0x100000"));
}

static void a_preference_of_which_nothing_was_learned_does_not_shift_a_stranger(void **state)
{
    static const char *const genres[] = {"drama"};
    static const float zeros[3 * 12];
    const float *learned = model->features;
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;

    (void)state;
    request.genres = genres;
    request.n_genres = 1;
    assert_int_equal(recsys_recommend(recommender, model, &request, 1, &reply, &err), RECSYS_OK);
    assert_int_equal(reply.strategy, RECSYS_STRATEGY_PREFERENCES);
    model->features = zeros;
    assert_int_equal(recsys_recommend(recommender, model, &request, 1, &reply, &err), RECSYS_OK);
    model->features = learned;
    assert_int_equal(reply.strategy, RECSYS_STRATEGY_POPULARITY);
    for (uint32_t i = 1; i < reply.count; i++)
        assert_true(recsys_reply_get_item(&reply, i)->raw <=
                    recsys_reply_get_item(&reply, i - 1)->raw);
}

/* The first reason with a rating among all users' recommendations, in `text`. */
static void find_rated(char *text, size_t room)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;

    text[0] = '\0';
    request.flags = RECSYS_REQUEST_REASONS | RECSYS_REQUEST_INCLUDE_SEEN;
    request.k = 90;
    request.min_rating = 0.1f;
    for (uint64_t user = 1; user <= 6; user++) {
        request.user.number = user;
        assert_int_equal(recsys_recommend(recommender, model, &request, 1, &reply, &err),
                         RECSYS_OK);
        for (uint32_t i = 0; i < reply.count; i++) {
            char want[32];
            recsys_item item = {.struct_size = (uint32_t)sizeof item};
            assert_int_equal(
                recsys_catalog_get(model, recsys_reply_get_item(&reply, i)->item, &item, &err),
                RECSYS_OK);
            snprintf(want, sizeof want, "rated %.1f", (double)item.rating);
            char *comma = strchr(want, ',');
            if (comma != NULL)
                *comma = '.';
            assert_non_null(recsys_reply_get_item(&reply, i)->reason);
            assert_non_null(strstr(recsys_reply_get_item(&reply, i)->reason, want));
            assert_null(strchr(recsys_reply_get_item(&reply, i)->reason, '\n'));
            if (strstr(recsys_reply_get_item(&reply, i)->reason, "close to") != NULL)
                snprintf(text, room, "%s", recsys_reply_get_item(&reply, i)->reason);
        }
    }
}

static void reasons_are_one_line_of_english_wherever_the_host_lives(void **state)
{
    static const char *const with_comma[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR"};
    static const uint64_t all_at_0[90];
    char plain[512], elsewhere[512];

    (void)state;
    find_rated(plain, sizeof plain);
    assert_string_not_equal(plain, "");
    for (size_t i = 0; i < sizeof with_comma / sizeof *with_comma; i++)
        if (setlocale(LC_NUMERIC, with_comma[i]) != NULL)
            break;
    find_rated(elsewhere, sizeof elsewhere);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(elsewhere, plain);

    const struct rs_text_column titles = model->catalog->titles;
    model->catalog->titles = (struct rs_text_column){"The\nOther\tOne", 14, all_at_0};
    find_rated(elsewhere, sizeof elsewhere);
    model->catalog->titles = titles;
    assert_non_null(strstr(elsewhere, "The Other One"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_read_behind_the_last_item),
        cmocka_unit_test(requests_whose_sizes_disagree_are_refused),
        cmocka_unit_test(a_call_that_fails_leaves_its_replies_empty),
        cmocka_unit_test(flags_newer_than_the_library_are_refused),
        cmocka_unit_test(a_preference_of_which_nothing_was_learned_does_not_shift_a_stranger),
        cmocka_unit_test(reasons_are_one_line_of_english_wherever_the_host_lives),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
