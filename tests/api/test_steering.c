/* Covers recommend.h: what a favourite genre does to an answer, in every model without features. */
#include "tests/api/four_models.h"

static const float strengths[] = {0, 0.1f, 0.3f, 0.5f, 0.6f, 0.8f, 1, 2, 10};
#define N_STRENGTHS (sizeof strengths / sizeof *strengths)

static recsys_request asking(const struct fixture *fixture, size_t user, const char *const *genres,
                             uint32_t n, float strength, char text[32])
{
    recsys_request request = request_of(fixture, user, text);

    request.genres = genres;
    request.n_genres = n;
    request.flags |= RECSYS_REQUEST_STRENGTH;
    request.preference_strength = strength;
    return request;
}

static uint32_t count_wanted(const struct fixture *fixture, const recsys_reply *reply,
                             const char *const *genres, size_t n)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < reply->count; i++) {
        size_t at = reference_find(&fixture->reference, recsys_reply_get_item(reply, i)->item);
        count += (uint32_t)item_has_any(&fixture->reference.items[at], genres, n);
    }
    return count;
}

static void the_share_of_a_genre_is_at_least_the_strength(void **state)
{
    static const char *const genres[][2] = {
        {"Horror", "Crime"}, {"Sci-Fi", "Horror"}, {"Drama", "sci-fi"}};
    const struct fixture *fixtures[] = {&plain, &texts};
    char text[32];

    (void)state;
    for (size_t w = 0; w < 2; w++)
        for (size_t u = 0; u <= N_USERS; u++)
            for (size_t g = 0; g < 6; g++) {
                uint32_t before = 0, n = 1 + (uint32_t)(g % 2);
                for (size_t s = 0; s < N_STRENGTHS; s++) {
                    recsys_request request =
                        asking(fixtures[w], u, genres[g / 2], n, strengths[s], text);
                    recsys_reply reply = ask(fixtures[w], &request, "share");
                    uint32_t share = count_wanted(fixtures[w], &reply, genres[g / 2], n);
                    assert_int_equal(reply.count, 10);
                    if ((double)share + 1e-5 < fmin((double)strengths[s], 1) * 10 || share < before)
                        fail_msg("user %zu, genres %zu: %u of ten at %g, %u before", u, g, share,
                                 (double)strengths[s], before);
                    before = share;
                }
            }
}

static void a_strength_of_zero_is_no_preference(void **state)
{
    static const char *const genres[] = {"Horror"};
    char text[32];

    (void)state;
    for (size_t u = 0; u <= N_USERS; u++) {
        recsys_id ids[N_ITEMS];
        recsys_request request = asking(&plain, u, genres, 1, 0, text);
        request.k = N_ITEMS;
        recsys_reply reply = ask(&plain, &request, "strength 0");
        uint32_t strategy = reply.strategy, count = reply.count;
        assert_int_equal(reply.flags & RECSYS_REPLY_PREFERENCES, 0);
        assert_int_equal(reply.n_ignored, 0);
        for (uint32_t i = 0; i < count; i++)
            ids[i] = recsys_reply_get_item(&reply, i)->item;
        request.n_genres = 0;
        reply = ask(&plain, &request, "no genre");
        assert_int_equal(reply.strategy, strategy);
        assert_int_equal(reply.count, count);
        for (uint32_t i = 0; i < count; i++)
            assert_true(same_id(ids[i], recsys_reply_get_item(&reply, i)->item));
    }
}

/* The longer answer begins with the shorter one. */
static void the_number_of_items_asked_for_does_not_change_what_they_gain(void **state)
{
    static const char *const genres[] = {"Crime"};
    char text[32];

    (void)state;
    for (size_t u = 0; u <= N_USERS; u++) {
        recsys_id ids[40];
        float raws[40];
        recsys_request request = asking(&plain, u, genres, 1, 0.7f, text);
        request.k = 40;
        recsys_reply reply = ask(&plain, &request, "40");
        for (uint32_t i = 0; i < reply.count; i++) {
            ids[i] = recsys_reply_get_item(&reply, i)->item;
            raws[i] = recsys_reply_get_item(&reply, i)->raw;
        }
        for (uint32_t k = 1; k < 40; k += 5) {
            request.k = k;
            reply = ask(&plain, &request, "fewer");
            assert_int_equal(reply.count, k);
            for (uint32_t i = 0; i < k; i++) {
                assert_true(same_id(ids[i], recsys_reply_get_item(&reply, i)->item));
                assert_memory_equal(&raws[i], &recsys_reply_get_item(&reply, i)->raw,
                                    sizeof(float));
            }
        }
    }
}

/* A rare genre is not hidden by a frequent one. */
static void several_genres_share_the_places(void **state)
{
    static const char *const genres[] = {"Horror", "Drama", "Crime"};
    char text[32];

    (void)state;
    for (size_t u = 0; u <= N_USERS; u++) {
        recsys_request request = asking(&plain, u, genres, 3, 0.6f, text);
        recsys_reply reply = ask(&plain, &request, "three");
        for (size_t g = 0; g < 3; g++)
            assert_true(count_wanted(&plain, &reply, genres + g, 1) >= 1);
        assert_true(count_wanted(&plain, &reply, genres, 3) >= 6);
    }
}

static void the_items_of_a_genre_with_too_few_come_first(void **state)
{
    static const char *const genres[] = {"Horror", "Crime"};
    recsys_id allow[22];
    char text[32];

    (void)state;
    for (size_t u = 0; u <= N_USERS; u++)
        for (uint32_t n = 1; n <= 2; n++) {
            recsys_request request = asking(&plain, u, genres, n, 0.6f, text);
            uint32_t left[2] = {2, 20};
            request.flags |= RECSYS_REQUEST_ALLOW;
            request.allow = allow;
            for (size_t i = 0; i < N_ITEMS; i++) {
                int has = item_has_any(&plain.reference.items[i], genres, 2);
                if (left[has ? 0 : 1] > 0 &&
                    (u == N_USERS || !has_seen(&plain, u, plain.reference.ids[i])) &&
                    !plain.reference.items[i].adult &&
                    (!has || item_has(&plain.reference.items[i], "Horror"))) {
                    left[has ? 0 : 1]--;
                    allow[request.n_allow++] = plain.reference.ids[i];
                }
            }
            assert_int_equal(left[0] + left[1], 0);
            recsys_reply reply = ask(&plain, &request, "two of 22");
            assert_int_equal(reply.count, 10);
            for (uint32_t i = 0; i < 10; i++) {
                size_t at =
                    reference_find(&plain.reference, recsys_reply_get_item(&reply, i)->item);
                assert_int_equal(item_has(&plain.reference.items[at], "Horror"), i < 2);
            }
        }
}

static void a_genre_that_the_filters_leave_out_is_ignored(void **state)
{
    static const char *const genres[] = {"horror", "Crime"}, *const crime[] = {"crime"};
    char text[32];

    (void)state;
    for (size_t u = 0; u <= N_USERS; u++) {
        recsys_id horror[N_ITEMS];
        recsys_request request = asking(&plain, u, genres, 2, 0.6f, text);
        for (size_t i = 0; i < N_ITEMS; i++)
            if (item_has(&plain.reference.items[i], "Horror"))
                horror[request.n_exclude++] = plain.reference.ids[i];
        request.exclude = horror;
        recsys_reply reply = ask(&plain, &request, "no horror");
        check_reply(&plain, &request, u, &reply, "no horror");
        assert_int_equal(reply.n_ignored, 1);
        assert_int_equal(reply.ignored[0].kind, RECSYS_PREFERENCE_GENRE);
        assert_int_equal(reply.ignored[0].index, 0);
        assert_true(count_wanted(&plain, &reply, crime, 1) >= 6);
        request.n_genres = 1;
        reply = ask(&plain, &request, "nothing else");
        assert_int_equal(reply.flags & RECSYS_REPLY_PREFERENCES, 0);
        assert_int_equal(reply.strategy,
                         u < N_USERS ? RECSYS_STRATEGY_USER : RECSYS_STRATEGY_POPULARITY);
    }
}

static void sessions_and_vectors_are_steered_too(void **state)
{
    static const char *const genres[] = {"Sci-Fi"};
    float vector[D];
    char text[32];

    (void)state;
    for (size_t u = 0; u < N_USERS; u++) {
        recsys_request request = asking(&plain, N_USERS, genres, 1, 0.8f, text);
        request.liked = plain.reference.ids + u;
        request.n_liked = 3;
        recsys_reply reply = ask(&plain, &request, "session");
        assert_int_equal(reply.strategy, RECSYS_STRATEGY_SESSION);
        assert_true(reply.flags & RECSYS_REPLY_PREFERENCES);
        assert_true(count_wanted(&plain, &reply, genres, 1) >= 8);
        request.n_liked = 0;
        request.vector = vector;
        memcpy(vector, plain.reference.vectors + u * D, sizeof vector);
        reply = ask(&plain, &request, "vector");
        assert_int_equal(reply.strategy, RECSYS_STRATEGY_VECTOR);
        assert_true(count_wanted(&plain, &reply, genres, 1) >= 8);
    }
}

static void a_strength_must_be_a_number_that_the_flag_announces(void **state)
{
    static const struct {
        uint32_t flags;
        float strength;
        const char *message;
    } wrong[] = {{0, 0.5f, "without the flag"},
                 {RECSYS_REQUEST_STRENGTH, -0.1f, "not within 0..10"},
                 {RECSYS_REQUEST_STRENGTH, 10.5f, "not within 0..10"},
                 {RECSYS_REQUEST_STRENGTH, NAN, "not within 0..10"}};
    recsys_reply reply = RECSYS_REPLY_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        recsys_request request = RECSYS_REQUEST_INIT;
        request.flags = RECSYS_REQUEST_ANONYMOUS | wrong[i].flags;
        request.preference_strength = wrong[i].strength;
        assert_int_equal(recsys_recommend(recommender, plain.model, &request, 1, &reply, &err),
                         RECSYS_E_INVALID);
        assert_non_null(strstr(err.message, wrong[i].message));
    }
}

static void joined_genres_come_with_advice(void **state)
{
    static const char *const genres[] = {"Horror|Crime", "Comdy"};
    recsys_request request = RECSYS_REQUEST_INIT;

    (void)state;
    request.flags = RECSYS_REQUEST_ANONYMOUS;
    request.genres = request.require_genres = genres;
    request.n_genres = request.n_require_genres = 2;
    recsys_reply reply = ask(&plain, &request, "joined");
    assert_int_equal(reply.count, 0);
    assert_int_equal(reply.n_ignored, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const char *advice = recsys_preference_advice(&reply.ignored[i]);
        if (reply.ignored[i].index == 0)
            assert_string_equal(advice, "give each genre on its own");
        else
            assert_null(advice);
    }
    assert_null(recsys_preference_advice(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_share_of_a_genre_is_at_least_the_strength),
        cmocka_unit_test(a_strength_of_zero_is_no_preference),
        cmocka_unit_test(the_number_of_items_asked_for_does_not_change_what_they_gain),
        cmocka_unit_test(several_genres_share_the_places),
        cmocka_unit_test(the_items_of_a_genre_with_too_few_come_first),
        cmocka_unit_test(a_genre_that_the_filters_leave_out_is_ignored),
        cmocka_unit_test(sessions_and_vectors_are_steered_too),
        cmocka_unit_test(joined_genres_come_with_advice),
        cmocka_unit_test(a_strength_must_be_a_number_that_the_flag_announces),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
