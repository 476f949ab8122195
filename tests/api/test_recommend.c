/* Covers recommend.h, one thing at a time: strategies, filters, popularity, links, refusals. */
#include "tests/api/four_models.h"

static void every_known_user_gets_his_best_unseen_items(void **state)
{
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};
    char text[32];

    (void)state;
    for (size_t w = 0; w < 4; w++)
        for (size_t u = 0; u < N_USERS; u++) {
            recsys_request request = request_of(fixtures[w], u, text);
            recsys_reply reply = ask(fixtures[w], &request, "known user");
            assert_int_equal(reply.strategy, RECSYS_STRATEGY_USER);
            assert_int_equal(reply.count, 10);
            check_reply(fixtures[w], &request, u, &reply, "known user");
            for (uint32_t i = 0; i < reply.count; i++)
                assert_true(recsys_reply_get_item(&reply, i)->reasons == 0 &&
                            recsys_reply_get_item(&reply, i)->reason == NULL &&
                            recsys_reply_get_item(&reply, i)->n_causes == 0);
        }
}

static void seen_and_adult_items_come_only_if_asked_for(void **state)
{
    char text[32];
    size_t n_seen = 0, n_adult = 0;

    (void)state;
    for (size_t u = 0; u < N_USERS; u++) {
        recsys_request request = request_of(&plain, u, text);
        request.k = N_ITEMS;
        request.flags = RECSYS_REQUEST_INCLUDE_SEEN | RECSYS_REQUEST_INCLUDE_ADULT;
        recsys_reply reply = ask(&plain, &request, "everything");
        assert_int_equal(reply.count, N_ITEMS);
        check_reply(&plain, &request, u, &reply, "everything");
        request.flags = RECSYS_REQUEST_INCLUDE_ADULT;
        reply = ask(&plain, &request, "unseen");
        n_seen += N_ITEMS - reply.count;
        assert_int_equal(N_ITEMS - reply.count,
                         plain.bundle.seen_offsets[u + 1] - plain.bundle.seen_offsets[u]);
        request.flags = RECSYS_REQUEST_INCLUDE_SEEN;
        reply = ask(&plain, &request, "not adult");
        n_adult += N_ITEMS - reply.count;
        check_reply(&plain, &request, u, &reply, "not adult");
    }
    assert_true(n_seen > 0 && n_adult > 0);
}

static void every_filter_alone_keeps_what_meets_it(void **state)
{
    static const char *const languages[] = {"KO", "fr"};
    char text[32];
    recsys_id exclude[4];
    const recsys_id unknown = RECSYS_ID_NUMBER(77777);

    (void)state;
    for (size_t u = 0; u < N_USERS; u++) {
        recsys_request request = request_of(&plain, u, text);
        request.min_rating = 7.0f;
        request.k = 50;
        recsys_reply reply = ask(&plain, &request, "rating");
        check_reply(&plain, &request, u, &reply, "rating");
        request = request_of(&plain, u, text);
        request.decade = 1980;
        reply = ask(&plain, &request, "decade");
        check_reply(&plain, &request, u, &reply, "decade");
        request = request_of(&plain, u, text);
        request.languages = languages;
        request.n_languages = 2;
        reply = ask(&plain, &request, "languages");
        check_reply(&plain, &request, u, &reply, "languages");
        request = request_of(&plain, u, text);
        reply = ask(&plain, &request, "nothing excluded");
        for (uint32_t i = 0; i < 3; i++)
            exclude[i] = recsys_reply_get_item(&reply, i)->item;
        exclude[3] = unknown;
        request.exclude = exclude;
        request.n_exclude = 4;
        reply = ask(&plain, &request, "the best excluded");
        check_reply(&plain, &request, u, &reply, "the best excluded");
    }
}

static void required_genres_are_a_filter_and_no_preference(void **state)
{
    static const char *const genres[] = {"horror", "No Such Genre", "CRIME"};
    char text[32];

    (void)state;
    for (size_t u = 0; u <= N_USERS; u++)
        for (uint32_t n = 1; n <= 3; n++) {
            recsys_request request = request_of(&plain, u, text);
            request.k = u % 3 == 0 ? N_ITEMS : 10;
            request.require_genres = genres;
            request.n_require_genres = n;
            request.min_rating = u % 2 == 0 ? 0.0f : 5.0f;
            recsys_reply reply = ask(&plain, &request, "required genres");
            check_reply(&plain, &request, u, &reply, "required genres");
            assert_int_equal(reply.flags & RECSYS_REPLY_PREFERENCES, 0);
            assert_int_equal(reply.n_ignored, n > 1);
            for (uint32_t i = 0; i < reply.n_ignored; i++) {
                assert_int_equal(reply.ignored[i].kind, RECSYS_PREFERENCE_REQUIRED_GENRE);
                assert_ptr_equal(reply.ignored[i].text, genres[1]);
            }
            request.require_genres = genres + 1;
            request.n_require_genres = 1;
            assert_int_equal(ask(&plain, &request, "a genre nobody has").count, 0);
        }
}

static void the_strategy_follows_from_what_is_known(void **state)
{
    static const char *const drama[] = {"Drama"}, *const nothing[] = {"no such genre"};
    const struct fixture *fixtures[] = {&plain, &features, &cosine};
    const recsys_id unknown = RECSYS_ID_NUMBER(88888);
    char text[32];

    (void)state;
    for (size_t w = 0; w < 3; w++) {
        recsys_request request = request_of(fixtures[w], 0, text);
        assert_int_equal(ask(fixtures[w], &request, "").strategy, RECSYS_STRATEGY_USER);
        request.genres = drama;
        request.n_genres = 1;
        assert_int_equal(ask(fixtures[w], &request, "").strategy, RECSYS_STRATEGY_USER_PREFERENCES);
        request.user = unknown;
        assert_int_equal(ask(fixtures[w], &request, "").strategy, RECSYS_STRATEGY_PREFERENCES);
        request = (recsys_request)RECSYS_REQUEST_INIT;
        request.flags = RECSYS_REQUEST_ANONYMOUS;
        assert_int_equal(ask(fixtures[w], &request, "").strategy, RECSYS_STRATEGY_POPULARITY);
        request.flags = 0;
        request.user = unknown;
        assert_int_equal(ask(fixtures[w], &request, "").strategy, RECSYS_STRATEGY_POPULARITY);
        request.genres = nothing;
        request.n_genres = 1;
        assert_int_equal(ask(fixtures[w], &request, "").strategy, RECSYS_STRATEGY_POPULARITY);
        request = request_of(fixtures[w], 0, text);
        request.genres = nothing;
        request.n_genres = 1;
        assert_int_equal(ask(fixtures[w], &request, "").strategy, RECSYS_STRATEGY_USER);
    }
    /* A minimum rating shifts only where the model has learned what that means. */
    recsys_request request = request_of(&plain, 0, text);
    request.min_rating = 3;
    assert_int_equal(ask(&plain, &request, "").strategy, RECSYS_STRATEGY_USER);
    assert_int_equal(ask(&features, &request, "").strategy, RECSYS_STRATEGY_USER_PREFERENCES);
}

static void every_strategy_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(recsys_strategy_name(RECSYS_STRATEGY_USER), "user");
    assert_string_equal(recsys_strategy_name(RECSYS_STRATEGY_USER_PREFERENCES), "user_preferences");
    assert_string_equal(recsys_strategy_name(RECSYS_STRATEGY_PREFERENCES), "preferences");
    assert_string_equal(recsys_strategy_name(RECSYS_STRATEGY_POPULARITY), "popularity");
    assert_string_equal(recsys_strategy_name(0), "unknown");
    assert_string_equal(recsys_strategy_name(RECSYS_STRATEGY_SESSION), "session");
    assert_string_equal(recsys_strategy_name(RECSYS_STRATEGY_VECTOR), "vector");
    assert_string_equal(recsys_strategy_name(RECSYS_STRATEGY_SIMILAR), "similar");
    assert_string_equal(recsys_strategy_name(RECSYS_STRATEGY_GENERAL), "general");
    assert_string_equal(recsys_strategy_name(RECSYS_STRATEGY_FOLD_IN), "fold_in");
    assert_string_equal(recsys_strategy_name(10), "unknown");
    assert_string_equal(recsys_strategy_name(UINT32_MAX), "unknown");
}

static void preferences_add_the_vectors_of_features(void **state)
{
    static const char *const genres[] = {"COMEDY", "drama", "Western"};
    char text[32];

    (void)state;
    for (size_t u = 0; u <= N_USERS; u++)
        for (uint32_t n = 1; n <= 3; n++) {
            recsys_request request = request_of(&features, u, text);
            request.genres = genres;
            request.n_genres = n;
            request.min_rating = u % 2 == 0 ? 0 : 2.5f;
            recsys_reply reply = ask(&features, &request, "features");
            check_reply(&features, &request, u, &reply, "features");
            reply = ask(&cosine, &request, "features, cosine");
            check_reply(&cosine, &request, u, &reply, "features, cosine");
        }
}

static void without_features_the_items_of_genres_gain(void **state)
{
    static const char *const genres[] = {"sci-fi", "HORROR", "horror", "Crime", "nothing"};
    static const float strengths[] = {0, 0.05f, 0.3f, 0.6f, 0.75f, 1, 4};
    const struct fixture *fixtures[] = {&plain, &texts, &features, &cosine};
    char text[32];

    (void)state;
    for (size_t w = 0; w < 4; w++)
        for (size_t u = 0; u <= N_USERS; u++)
            for (size_t s = 0; s < 7; s++) {
                recsys_request request = request_of(fixtures[w], u, text);
                request.genres = genres;
                request.n_genres = 1 + (uint32_t)(u + s) % 5;
                request.k = u % 4 == 0 ? N_ITEMS : 1 + (uint32_t)(u + s) % 12;
                request.flags |= RECSYS_REQUEST_STRENGTH;
                request.preference_strength = strengths[s];
                recsys_reply reply = ask(fixtures[w], &request, "genres");
                check_reply(fixtures[w], &request, u, &reply, "genres");
            }
}

static void strangers_get_the_most_popular_items(void **state)
{
    const struct fixture *fixtures[] = {&plain, &texts};
    recsys_request request = RECSYS_REQUEST_INIT;

    (void)state;
    for (size_t w = 0; w < 2; w++) {
        request = (recsys_request)RECSYS_REQUEST_INIT;
        request.flags = RECSYS_REQUEST_ANONYMOUS;
        request.k = N_ITEMS;
        recsys_reply reply = ask(fixtures[w], &request, "popular");
        check_reply(fixtures[w], &request, N_USERS, &reply, "popular");
        request.decade = 1990;
        request.flags |= RECSYS_REQUEST_INCLUDE_ADULT;
        reply = ask(fixtures[w], &request, "popular in the nineties");
        check_reply(fixtures[w], &request, N_USERS, &reply, "popular in the nineties");
    }
    request = (recsys_request)RECSYS_REQUEST_INIT;
    request.flags = RECSYS_REQUEST_INCLUDE_ADULT | RECSYS_REQUEST_ANONYMOUS;
    recsys_reply most = ask(&texts, &request, "most popular");
    assert_true(recsys_reply_get_item(&most, 0)->score == 1.0f);
}

/* A model by the builder, of three users and four items in two dimensions. */
static recsys_model *build(const char *name, const float users[3][2], const float *bias,
                           const char *const *lines, const char *link)
{
    static const float items[4][2] = {{1, 0}, {0, 2}, {3, 0}, {0, 4}};
    const recsys_array user_factors = RECSYS_ARRAY_2D(users, RECSYS_DTYPE_F32, 3, 2),
                       item_factors = RECSYS_ARRAY_2D(items, RECSYS_DTYPE_F32, 4, 2),
                       item_bias = RECSYS_ARRAY_1D(bias, RECSYS_DTYPE_F32, 4);
    recsys_builder *builder = NULL;
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", scratch, name);
    must(recsys_builder_create(&builder, &err), &err, "builder");
    must(recsys_builder_set_array(builder, "user_factors", &user_factors, &err), &err, "users");
    must(recsys_builder_set_array(builder, "item_factors", &item_factors, &err), &err, "items");
    if (bias != NULL)
        must(recsys_builder_set_array(builder, "item_bias", &item_bias, &err), &err, "bias");
    if (link != NULL)
        must(recsys_builder_set_field(builder, "link", link, &err), &err, "link");
    for (size_t i = 0; lines != NULL && i < 4; i++)
        must(recsys_builder_add_item(builder, lines[i], strlen(lines[i]), &err), &err, lines[i]);
    must(recsys_builder_write(builder, path, &err), &err, "write");
    recsys_builder_destroy(builder);
    return load_model(path);
}

static const float three_users[3][2] = {{1, 0}, {0, 0}, {0, 1}};

static uint32_t popularity_of(const recsys_model *model)
{
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;

    must(recsys_model_get_info(model, &info, &err), &err, "info");
    return info.popularity;
}

/* Where it is not known what users chose, the reason does not say that they chose it. */
static void check_general(const recsys_model *model, uint32_t popularity, const char *words)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;

    assert_int_equal(popularity_of(model), popularity);
    request.flags = RECSYS_REQUEST_ANONYMOUS | RECSYS_REQUEST_REASONS;
    must(recsys_recommend(recommender, model, &request, 1, &reply, &err), &err, words);
    assert_true(reply.flags & RECSYS_REPLY_POPULARITY);
    assert_int_equal(recsys_reply_get_item(&reply, 0)->reasons, RECSYS_REASON_GENERAL);
    assert_string_equal(recsys_reply_get_item(&reply, 0)->reason, words);
}

static void check_order(const recsys_model *model, uint64_t user, const uint64_t *want,
                        uint32_t strategy, const char *what)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;

    request.user.number = user;
    must(recsys_recommend(recommender, model, &request, 1, &reply, &err), &err, what);
    assert_int_equal(reply.status, RECSYS_OK);
    assert_int_equal(reply.strategy, strategy);
    assert_int_equal(reply.count, 4);
    for (uint32_t i = 0; i < 4; i++)
        if (recsys_reply_get_item(&reply, i)->item.number != want[i])
            fail_msg("%s: place %u is item %llu, want %llu", what, i,
                     (unsigned long long)recsys_reply_get_item(&reply, i)->item.number,
                     (unsigned long long)want[i]);
}

static void popularity_is_the_bias_else_the_rating_else_the_norm(void **state)
{
    static const float bias[4] = {0.5f, 2, -1, 2};
    static const char *const lines[] = {"{\"id\": 0, \"rating\": 3}", "{\"id\": 1}",
                                        "{\"id\": 2, \"rating\": 9.5}",
                                        "{\"id\": 3, \"rating\": 3}"};
    static const uint64_t by_bias[] = {1, 3, 0, 2}, by_rating[] = {2, 0, 3, 1},
                          by_norm[] = {3, 2, 1, 0};
    recsys_model *model = build("by-bias", three_users, bias, lines, NULL);

    (void)state;
    check_order(model, 99, by_bias, RECSYS_STRATEGY_GENERAL, "bias");
    check_general(model, RECSYS_POPULARITY_BIAS, "among the highest item biases");
    recsys_model_unref(model);
    model = build("by-rating", three_users, NULL, lines, NULL);
    check_order(model, 99, by_rating, RECSYS_STRATEGY_GENERAL, "rating");
    check_general(model, RECSYS_POPULARITY_RATING, "among the best rated");
    recsys_model_unref(model);
    model = build("by-norm", three_users, NULL, NULL, NULL);
    check_order(model, 99, by_norm, RECSYS_STRATEGY_GENERAL, "norm");
    check_general(model, RECSYS_POPULARITY_NORM, "among the longest item vectors");
    assert_int_equal(popularity_of(plain.model), RECSYS_POPULARITY_SEEN);
    assert_int_equal(popularity_of(texts.model), RECSYS_POPULARITY_GIVEN);
    recsys_model_unref(model);
}

static void a_user_of_whom_nothing_was_learned_is_a_stranger(void **state)
{
    static const uint64_t by_norm[] = {3, 2, 1, 0}, second[] = {2, 0, 1, 3};
    recsys_model *model = build("zero-user", three_users, NULL, NULL, NULL);

    (void)state;
    check_order(model, 1, by_norm, RECSYS_STRATEGY_GENERAL, "a vector of zeros");
    check_order(model, 0, second, RECSYS_STRATEGY_USER, "id 0 is a user like any other");
    recsys_model_unref(model);
}

/* Such a user's vector says nothing; the learned biases of user and items do. */
static void a_user_without_a_vector_gets_the_scores_of_the_biases(void **state)
{
    static const float users[2][2] = {{0, 0}, {1, 0}}, user_bias[2] = {3, 0},
                       items[3][2] = {{1, 0}, {2, 0}, {0, 1}}, item_bias[3] = {0.1f, 0.2f, 0.9f};
    static const uint64_t want[] = {2, 1, 0}, by_id[] = {0, 1, 2};
    const struct {
        const char *name;
        const void *data;
        uint64_t shape[2];
    } arrays[] = {{"user_factors", users, {2, 2}},
                  {"item_factors", items, {3, 2}},
                  {"user_bias", user_bias, {2, 0}},
                  {"item_bias", item_bias, {3, 0}}};
    (void)state;
    for (size_t n_arrays = 3; n_arrays <= 4; n_arrays++) {
        recsys_builder *builder = NULL;
        recsys_request request = RECSYS_REQUEST_INIT;
        recsys_reply reply = RECSYS_REPLY_INIT;
        char path[1024];

        snprintf(path, sizeof path, "%s/bias-alone-%zu", scratch, n_arrays);
        must(recsys_builder_create(&builder, &err), &err, "builder");
        for (size_t i = 0; i < n_arrays; i++) {
            recsys_array array = {.data = arrays[i].data,
                                  .dtype = RECSYS_DTYPE_F32,
                                  .n_dims = i < 2 ? 2 : 1,
                                  .shape = {arrays[i].shape[0], arrays[i].shape[1]}};
            must(recsys_builder_set_array(builder, arrays[i].name, &array, &err), &err, "array");
        }
        must(recsys_builder_write(builder, path, &err), &err, "write");
        recsys_builder_destroy(builder);
        recsys_model *model = load_model(path);
        recsys_id ids[3];
        size_t n_ids;
        must(recsys_model_get_user_ids(model, 0, &request.user, 1, &n_ids, &err), &err, "user");
        must(recsys_model_get_item_ids(model, 0, ids, 3, &n_ids, &err), &err, "items");
        must(recsys_recommend(recommender, model, &request, 1, &reply, &err), &err, "no vector");
        assert_int_equal(reply.strategy, RECSYS_STRATEGY_USER);
        assert_int_equal(reply.count, 3);
        for (uint32_t i = 0; i < 3; i++) {
            const recsys_recommendation *got = recsys_reply_get_item(&reply, i);
            size_t place = n_arrays == 4 ? want[i] : by_id[i];
            assert_true(same_id(got->item, ids[place]));
            assert_true(got->raw ==
                        (n_arrays == 4 ? (float)(3.0 + (double)item_bias[place]) : 3.0f));
        }
        recsys_model_unref(model);
    }
}

static void links_rise_and_stay_between_zero_and_one(void **state)
{
    static const float raws[] = {-INFINITY, -3e38f, -100, -3, -1, -0.5f, -1e-30f, 0,     1e-30f,
                                 0.25f,     0.5f,   1,    2,  3,  5,     100,     3e38f, INFINITY};
    recsys_model *clip = build("clip", three_users, NULL, NULL, "clip");
    const recsys_model *models[] = {plain.model, features.model, clip};

    (void)state;
    for (size_t m = 0; m < 3; m++)
        for (size_t i = 0; i < sizeof raws / sizeof *raws; i++) {
            float score = recsys_link_score(models[m], raws[i]);
            assert_true(score >= 0.0f && score <= 1.0f);
            assert_true(i == 0 || score >= recsys_link_score(models[m], raws[i - 1]));
        }
    assert_true(recsys_link_score(plain.model, 0) == 0.5f);
    assert_true(fabsf(recsys_link_score(plain.model, 1) - 0.7310586f) < 1e-6f);
    assert_true(recsys_link_score(features.model, -3) == 0.0f);
    assert_true(recsys_link_score(features.model, 0) == 0.5f);
    assert_true(recsys_link_score(features.model, 3) == 1.0f);
    assert_true(recsys_link_score(clip, 0.25f) == 0.25f);
    assert_true(recsys_link_score(clip, -0.25f) == 0.0f);
    assert_true(isnan(recsys_link_score(NULL, 1)));
    assert_true(isnan(recsys_link_score(clip, NAN)));
    recsys_model_unref(clip);
}

static void a_bad_request_fails_alone(void **state)
{
    static const char *const hole[] = {NULL};
    const recsys_id text_id = {"u-5", 3}, number = RECSYS_ID_NUMBER(5);
    recsys_request requests[14];
    recsys_reply replies[14] = {RECSYS_REPLY_INIT}, alone = RECSYS_REPLY_INIT;
    char text[32];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < 14; i++)
        requests[i] = request_of(&plain, i, text);
    requests[1].user.number = 1ull << 63;
    requests[2].user = text_id;
    requests[3].min_rating = NAN;
    requests[4].min_rating = -1;
    requests[5].min_rating = 10.5f;
    requests[6].n_genres = 1;
    requests[7].languages = hole;
    requests[7].n_languages = 1;
    requests[8].exclude = &text_id;
    requests[8].n_exclude = 1;
    requests[9].genres = hole;
    requests[9].n_genres = 1;
    requests[10].decade = -1990;
    requests[11].n_exclude = 1;
    must(recsys_recommend(recommender, plain.model, requests, 14, replies, &err), &err, "");
    for (size_t i = 0; i < 14; i++) {
        int bad = i >= 1 && i <= 11;
        assert_int_equal(replies[i].status, bad ? RECSYS_E_INVALID : RECSYS_OK);
        assert_true((replies[i].message != NULL) == bad);
        assert_int_equal(replies[i].count, bad ? 0 : 10);
        if (bad)
            assert_true(replies[i].items == NULL && replies[i].message[0] != '\0');
        else
            check_reply(&plain, &requests[i], i, &replies[i], "among bad ones");
        n += (size_t)bad;
    }
    assert_int_equal(n, 11);
    requests[0].user = number;
    expect(recsys_recommend(recommender, texts.model, requests, 1, &alone, &err), RECSYS_E_INVALID,
           &err, "one is the whole call");
}

static void a_call_that_makes_no_sense_is_refused(void **state)
{
    struct {
        recsys_request request;
        uint64_t new_field;
    } newer[2];
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply replies[2] = {RECSYS_REPLY_INIT};
    recsys_recommender *none = (recsys_recommender *)&err;
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;

    (void)state;
    expect(recsys_recommend(NULL, plain.model, &request, 1, replies, &err), RECSYS_E_INVALID, &err,
           "recommender");
    expect(recsys_recommend(recommender, NULL, &request, 1, replies, &err), RECSYS_E_INVALID, &err,
           "model");
    expect(recsys_recommend(recommender, plain.model, NULL, 1, replies, &err), RECSYS_E_INVALID,
           &err, "requests");
    expect(recsys_recommend(recommender, plain.model, &request, 1, NULL, &err), RECSYS_E_INVALID,
           &err, "replies");
    must(recsys_recommend(recommender, plain.model, &request, 0, replies, &err), &err, "none");
    request.struct_size = 0;
    memset(replies, 0xa5, sizeof replies);
    replies[0].struct_size = (uint32_t)sizeof replies[0];
    expect(recsys_recommend(recommender, plain.model, &request, 1, replies, &err), RECSYS_E_INVALID,
           &err, "no size");
    assert_true(replies[0].items == NULL && replies[0].count == 0);

    memset(newer, 0, sizeof newer);
    newer[0].request.struct_size = newer[1].request.struct_size = (uint32_t)sizeof newer[0];
    newer[1].request.k = 3;
    must(recsys_recommend(recommender, plain.model, &newer[0].request, 2, replies, &err), &err,
         "two newer requests");
    assert_int_equal(replies[0].count, 10);
    assert_int_equal(replies[1].count, 3);
    newer[1].new_field = 1;
    memset(replies, 0xa5, sizeof replies);
    replies[0].struct_size = (uint32_t)sizeof replies[0];
    expect(recsys_recommend(recommender, plain.model, &newer[0].request, 2, replies, &err),
           RECSYS_E_UNSUPPORTED, &err, "a newer field in use");
    assert_true(replies[0].items == NULL && replies[0].count == 0);
    newer[1].new_field = 0;
    newer[1].request.flags = 1u << 31;
    expect(recsys_recommend(recommender, plain.model, &newer[0].request, 2, replies, &err),
           RECSYS_E_UNSUPPORTED, &err, "a flag of no version");
    newer[1].request.flags = 0;
    newer[1].request.struct_size -= 8;
    expect(recsys_recommend(recommender, plain.model, &newer[0].request, 2, replies, &err),
           RECSYS_E_INVALID, &err, "requests of two sizes");

    expect(recsys_recommender_create(NULL, NULL, &err), RECSYS_E_INVALID, &err, "no out");
    options.n_threads = 257;
    expect(recsys_recommender_create(&options, &none, &err), RECSYS_E_INVALID, &err, "threads");
    assert_null(none);
    recsys_recommender_destroy(NULL);
}

static void similar_refuses_what_it_cannot_answer(void **state)
{
    const recsys_id unknown = RECSYS_ID_NUMBER(99999), text = {"i-5", 3};
    const recsys_id item = plain.reference.ids[0];
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;

    (void)state;
    memset(&reply, 0xa5, sizeof reply);
    reply.struct_size = (uint32_t)sizeof reply;
    expect(recsys_recommend_similar(recommender, plain.model, unknown, &request, &reply, &err),
           RECSYS_E_NOT_FOUND, &err, "unknown");
    assert_true(reply.items == NULL && reply.count == 0);
    expect(recsys_recommend_similar(recommender, plain.model, text, &request, &reply, &err),
           RECSYS_E_INVALID, &err, "text");
    expect(recsys_recommend_similar(NULL, plain.model, item, &request, &reply, &err),
           RECSYS_E_INVALID, &err, "recommender");
    expect(recsys_recommend_similar(recommender, NULL, item, &request, &reply, &err),
           RECSYS_E_INVALID, &err, "model");
    expect(recsys_recommend_similar(recommender, plain.model, item, &request, NULL, &err),
           RECSYS_E_INVALID, &err, "reply");
    request.min_rating = -1;
    expect(recsys_recommend_similar(recommender, plain.model, item, &request, &reply, &err),
           RECSYS_E_INVALID, &err, "rating");
    assert_true(reply.items == NULL && reply.count == 0);
    request.min_rating = 0;
    request.struct_size = 4;
    expect(recsys_recommend_similar(recommender, plain.model, item, &request, &reply, &err),
           RECSYS_E_INVALID, &err, "no size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_user_gets_his_best_unseen_items),
        cmocka_unit_test(seen_and_adult_items_come_only_if_asked_for),
        cmocka_unit_test(every_filter_alone_keeps_what_meets_it),
        cmocka_unit_test(required_genres_are_a_filter_and_no_preference),
        cmocka_unit_test(the_strategy_follows_from_what_is_known),
        cmocka_unit_test(every_strategy_has_a_name),
        cmocka_unit_test(preferences_add_the_vectors_of_features),
        cmocka_unit_test(without_features_the_items_of_genres_gain),
        cmocka_unit_test(strangers_get_the_most_popular_items),
        cmocka_unit_test(popularity_is_the_bias_else_the_rating_else_the_norm),
        cmocka_unit_test(a_user_of_whom_nothing_was_learned_is_a_stranger),
        cmocka_unit_test(a_user_without_a_vector_gets_the_scores_of_the_biases),
        cmocka_unit_test(links_rise_and_stay_between_zero_and_one),
        cmocka_unit_test(a_bad_request_fails_alone),
        cmocka_unit_test(a_call_that_makes_no_sense_is_refused),
        cmocka_unit_test(similar_refuses_what_it_cannot_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
