/* Covers what a request may say beside a user: a vector of the caller's own, a session, an allow
 * list, a ready filter; what the reply says about itself; and the calls that write into the
 * caller's arrays or score what the caller names. */
#include "tests/api/four_models.h"

static recsys_id ids[N_ITEMS];

/* Every third item, the number of them. */
static size_t some_items(const struct fixture *fixture)
{
    size_t n = 0;

    for (size_t i = 0; i < fixture->reference.n; i += 3)
        ids[n++] = fixture->reference.ids[i];
    return n;
}

static void the_callers_own_vector_counts(void **state)
{
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};
    float vector[D], bias;
    char text[32];

    (void)state;
    for (size_t w = 0; w < 4; w++)
        for (size_t u = 0; u < N_USERS; u++) {
            recsys_request request = request_of(fixtures[w], u, text), own = RECSYS_REQUEST_INIT;
            must(recsys_model_get_user(fixtures[w]->model, request.user, vector, &bias, &err), &err,
                 "user");
            request.flags = RECSYS_REQUEST_INCLUDE_SEEN;
            own.flags = RECSYS_REQUEST_INCLUDE_SEEN | RECSYS_REQUEST_ANONYMOUS;
            own.vector = vector;
            recsys_recommendation want[10];
            recsys_reply reply = ask(fixtures[w], &request, "user");
            assert_int_equal(reply.flags, RECSYS_REPLY_KNOWN_USER);
            memcpy(want, reply.items, sizeof want);
            reply = ask(fixtures[w], &own, "vector");
            assert_int_equal(reply.strategy, RECSYS_STRATEGY_VECTOR);
            assert_int_equal(reply.flags, 0);
            for (uint32_t i = 0; i < 10; i++) {
                const recsys_recommendation *got = recsys_reply_get_item(&reply, i);
                assert_true(same_id(got->item, want[i].item));
                assert_true(fabsf(got->raw + bias - want[i].raw) < 1e-5f);
            }
            own.flags = request.flags; /* a known user has a bias: the same bits */
            own.user = request.user;
            reply = ask(fixtures[w], &own, "vector of a known user");
            for (uint32_t i = 0; i < 10; i++)
                assert_memory_equal(&recsys_reply_get_item(&reply, i)->raw, &want[i].raw,
                                    sizeof(float));
        }
}

/* The mean of the liked items, worked out here, as a vector of our own. */
static void check_session(const struct fixture *fixture, const float *weights, size_t n)
{
    const struct reference *reference = &fixture->reference;
    double mean[D] = {0}, total = 0, norm = 0;
    float vector[D];
    recsys_id liked[20];
    recsys_request request = RECSYS_REQUEST_INIT;

    for (size_t i = 0; i < n; i++) {
        liked[i] = reference->ids[(i * 37 + 5) % reference->n];
        add(mean, reference->vectors + (i * 37 + 5) % reference->n * D,
            weights == NULL ? 1 : (double)weights[i]);
        total += weights == NULL ? 1 : (double)weights[i];
    }
    for (size_t j = 0; j < D; j++)
        norm += mean[j] * mean[j];
    for (size_t j = 0; j < D; j++)
        vector[j] = (float)(mean[j] / (fixture->bundle.flags & BUNDLE_COSINE ? sqrt(norm) : total));
    request.flags = RECSYS_REQUEST_ANONYMOUS | RECSYS_REQUEST_REASONS;
    request.k = N_ITEMS;
    request.liked = liked;
    request.liked_weights = weights;
    request.n_liked = n;
    recsys_reply reply = ask(fixture, &request, "session");
    assert_int_equal(reply.strategy, RECSYS_STRATEGY_SESSION);
    uint32_t n_caused = 0;
    for (uint32_t i = 0; i < reply.count; i++) {
        const recsys_recommendation *got = recsys_reply_get_item(&reply, i);
        size_t at = reference_find(reference, got->item);
        double want = dot(vector, reference->vectors + at * D, D) + (double)reference->bias[at];
        assert_true(fabs((double)got->raw - want) < 1e-5 * (1 + fabs(want)));
        assert_false(is_among(got->item, liked, n));
        assert_true((got->n_causes > 0) == ((got->reasons & RECSYS_REASON_SIMILAR) != 0));
        for (uint32_t c = 0; c < got->n_causes; c++)
            assert_true(is_among(got->causes[c], liked, n));
        if (got->n_causes > 0 && got->reason != NULL && strstr(got->reason, "close to") != NULL)
            assert_non_null(strstr(got->reason, ", which you liked"));
        n_caused += got->n_causes > 0;
    }
    assert_true(n_caused > 0);
    assert_int_equal(reply.n_ignored, 0);
}

static void a_session_is_the_weighted_mean_of_what_is_liked(void **state)
{
    static const float weights[] = {5, 0, 0.5f, 3, 1, 1, 2};
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};

    (void)state;
    for (size_t w = 0; w < 4; w++)
        for (size_t n = 1; n <= 7; n++) {
            check_session(fixtures[w], NULL, n);
            check_session(fixtures[w], weights, n);
        }
}

static void a_session_that_says_nothing_leaves_the_answer_to_the_user(void **state)
{
    static const float zero = 0;
    const recsys_id unknown = RECSYS_ID_NUMBER(88888);
    recsys_id known = plain.reference.ids[3];
    char text[32];

    (void)state;
    recsys_request request = request_of(&plain, 2, text);
    request.liked = &unknown;
    request.n_liked = 1;
    recsys_reply reply = ask(&plain, &request, "unknown");
    assert_int_equal(reply.strategy, RECSYS_STRATEGY_USER);
    assert_int_equal(reply.n_ignored, 1);
    assert_int_equal(reply.ignored[0].kind, RECSYS_PREFERENCE_LIKED);
    assert_int_equal(reply.ignored[0].index, 0);
    assert_null(reply.ignored[0].text);
    request.liked = &known;
    request.liked_weights = &zero;
    reply = ask(&plain, &request, "weight 0");
    assert_int_equal(reply.strategy, RECSYS_STRATEGY_USER);
    request.flags = RECSYS_REQUEST_ANONYMOUS;
    reply = ask(&plain, &request, "weight 0, nobody");
    assert_int_equal(reply.strategy, RECSYS_STRATEGY_POPULARITY);
    for (uint32_t i = 0; i < reply.count; i++)
        assert_false(same_id(recsys_reply_get_item(&reply, i)->item, known));
}

static void an_allow_list_decides_even_when_it_is_empty(void **state)
{
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};
    char text[32];

    (void)state;
    for (size_t w = 0; w < 4; w++) {
        size_t n = some_items(fixtures[w]);
        for (size_t u = 0; u <= N_USERS; u += 4) {
            recsys_request request = request_of(fixtures[w], u, text);
            request.flags |= RECSYS_REQUEST_INCLUDE_ADULT | RECSYS_REQUEST_INCLUDE_SEEN;
            request.k = N_ITEMS;
            recsys_reply reply = ask(fixtures[w], &request, "all");
            static recsys_recommendation all[N_ITEMS];
            assert_int_equal(reply.count, N_ITEMS);
            memcpy(all, reply.items, sizeof all);
            request.flags |= RECSYS_REQUEST_ALLOW;
            request.allow = ids;
            for (size_t few = 1; few <= n; few += few < 8 ? 1 : 11) {
                request.n_allow = few;
                reply = ask(fixtures[w], &request, "allowed");
                assert_int_equal(reply.count, few);
                uint32_t at = 0;
                for (uint32_t i = 0; i < N_ITEMS; i++)
                    if (is_among(all[i].item, ids, few)) {
                        const recsys_recommendation *got = recsys_reply_get_item(&reply, at++);
                        assert_true(same_id(got->item, all[i].item));
                        assert_memory_equal(&got->raw, &all[i].raw, sizeof(float));
                    }
                assert_int_equal(at, few);
            }
            request.n_allow = 0;
            assert_int_equal(ask(fixtures[w], &request, "empty").count, 0);
            request.allow = NULL;
            assert_int_equal(ask(fixtures[w], &request, "empty and NULL").count, 0);
        }
    }
}

static void a_ready_filter_holds_beside_the_requests_own_conditions(void **state)
{
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;
    recsys_filter *filter = NULL;
    char text[32];
    uint32_t n_cut = 0;

    (void)state;
    options.min_rating = 3;
    options.exclude = ids;
    options.n_exclude = some_items(&plain);
    must(recsys_filter_create(plain.model, &options, &filter, &err), &err, "filter");
    for (size_t u = 0; u <= N_USERS; u++) {
        recsys_request request = request_of(&plain, u, text);
        request.k = N_ITEMS;
        request.decade = u % 2 == 0 ? 0 : 1990;
        recsys_reply reply = ask(&plain, &request, "without");
        static recsys_recommendation all[N_ITEMS];
        uint32_t n_all = reply.count, at = 0;
        memcpy(all, reply.items, n_all * sizeof *all);
        request.filter = filter;
        reply = ask(&plain, &request, "with");
        for (uint32_t i = 0; i < n_all; i++)
            if (passes(&plain.reference, reference_find(&plain.reference, all[i].item), &options)) {
                assert_true(at < reply.count);
                assert_true(same_id(recsys_reply_get_item(&reply, at++)->item, all[i].item));
            }
        assert_int_equal(reply.count, at);
        n_cut += n_all - at;
    }
    assert_true(n_cut > 0);
    recsys_request request = request_of(&features, 1, text);
    recsys_reply reply = RECSYS_REPLY_INIT;
    request.filter = filter;
    expect(recsys_recommend(recommender, features.model, &request, 1, &reply, &err),
           RECSYS_E_INVALID, &err, "another model's filter");
    recsys_filter_unref(filter);
}

static void what_could_not_be_used_is_said(void **state)
{
    static const char *const genres[] = {"Drama", "Comdy", "comedy", "Westen"};
    static const char *const languages[] = {"en", "klingon"};
    const struct fixture *fixtures[] = {&plain, &features, &cosine};
    char text[32];

    (void)state;
    for (size_t w = 0; w < 3; w++)
        for (size_t u = 0; u <= N_USERS; u += N_USERS) {
            recsys_request request = request_of(fixtures[w], u, text);
            request.genres = genres;
            request.n_genres = 4;
            request.languages = languages;
            request.n_languages = 2;
            recsys_reply reply = ask(fixtures[w], &request, "misspelt");
            assert_int_equal(reply.n_ignored, 3);
            for (uint32_t i = 0; i < 3; i++) {
                const recsys_preference *ignored = &reply.ignored[i];
                assert_int_equal(ignored->kind,
                                 i < 2 ? RECSYS_PREFERENCE_GENRE : RECSYS_PREFERENCE_LANGUAGE);
                assert_int_equal(ignored->index, i < 2 ? 1 + 2 * i : 1);
                assert_ptr_equal(ignored->text, i < 2 ? genres[1 + 2 * i] : languages[1]);
            }
            assert_true(reply.flags & RECSYS_REPLY_PREFERENCES);
            request.n_languages = 1;
            request.n_genres = 1;
            reply = ask(fixtures[w], &request, "all used");
            assert_int_equal(reply.n_ignored, 0);
            assert_null(reply.ignored);
            request.n_genres = 0;
            request.decade = 1870;
            reply = ask(fixtures[w], &request, "decade");
            assert_int_equal(reply.count, 0);
            assert_int_equal(reply.n_ignored, 1);
            assert_int_equal(reply.ignored[0].kind, RECSYS_PREFERENCE_DECADE);
        }
}

static void the_reply_says_which_model_answered(void **state)
{
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};
    char text[32];

    (void)state;
    recsys_request request = request_of(&plain, 0, text);
    recsys_reply reply = ask(&plain, &request, "model");
    must(recsys_model_get_info(plain.model, &info, &err), &err, "info");
    assert_string_equal(reply.model_name, info.name);
    assert_string_equal(reply.model_version, info.version);
    assert_string_equal(reply.model_fingerprint, info.fingerprint);
    assert_null(recsys_reply_get_item(&reply, reply.count));
    assert_null(recsys_reply_get_item(&reply, UINT32_MAX));
    assert_null(recsys_reply_get_item(NULL, 0));
    assert_non_null(recsys_reply_get_item(&reply, reply.count - 1));
}

static void replies_of_a_newer_header_are_filled_as_far_as_they_are_known(void **state)
{
    struct {
        recsys_reply reply;
        uint64_t new_field;
    } newer[3];
    recsys_request requests[3];
    char text[32];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        requests[i] = request_of(&plain, i, text);
    requests[1].min_rating = -1;
    memset(newer, 0xa5, sizeof newer);
    newer[0].reply.struct_size = (uint32_t)sizeof newer[0];
    must(recsys_recommend(recommender, plain.model, requests, 3, &newer[0].reply, &err), &err, "");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(newer[i].reply.struct_size, sizeof newer[0]);
        assert_int_equal(newer[i].new_field, 0);
        assert_int_equal(newer[i].reply.status, i == 1 ? RECSYS_E_INVALID : RECSYS_OK);
        assert_int_equal(newer[i].reply.count, i == 1 ? 0 : 10);
    }
    newer[0].reply.struct_size = RECSYS_REPLY_SIZE_V1 - 1;
    expect(recsys_recommend(recommender, plain.model, requests, 3, &newer[0].reply, &err),
           RECSYS_E_INVALID, &err, "no size");
    newer[0].reply.struct_size = UINT32_MAX;
    expect(recsys_recommend(recommender, plain.model, requests, 3, &newer[0].reply, &err),
           RECSYS_E_INVALID, &err, "an impossible size");
}

static void one_request_that_fails_is_a_call_that_fails(void **state)
{
    const recsys_id no_length = {"u-5", 0}, large = RECSYS_ID_NUMBER(1ull << 63);
    static char long_text[257];
    recsys_id too_long = {long_text, 256};
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_request request = RECSYS_REQUEST_INIT;

    (void)state;
    memset(long_text, 'x', 256);
    request.user = large;
    expect(recsys_recommend(recommender, plain.model, &request, 1, &reply, &err), RECSYS_E_INVALID,
           &err, "above INT64_MAX");
    assert_non_null(strstr(err.message, "user id"));
    assert_true(reply.struct_size == sizeof reply && reply.count == 0 && reply.items == NULL &&
                reply.message == NULL);
    request.user = no_length;
    expect(recsys_recommend(recommender, texts.model, &request, 1, &reply, &err), RECSYS_E_INVALID,
           &err, "a text without a length");
    request.user = too_long;
    expect(recsys_recommend(recommender, texts.model, &request, 1, &reply, &err), RECSYS_E_INVALID,
           &err, "a text of 256 bytes");
    request.flags = RECSYS_REQUEST_ANONYMOUS;
    must(recsys_recommend(recommender, texts.model, &request, 1, &reply, &err), &err, "anonymous");
    assert_int_equal(reply.strategy, RECSYS_STRATEGY_POPULARITY);
}

static void what_contradicts_itself_is_refused(void **state)
{
    static const float nan = NAN, negative = -1;
    static float vector[D];
    const recsys_id item = plain.reference.ids[0];
    recsys_reply replies[8] = {RECSYS_REPLY_INIT};
    recsys_request requests[8];

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        requests[i] = (recsys_request)RECSYS_REQUEST_INIT;
        requests[i].flags = RECSYS_REQUEST_ANONYMOUS;
        requests[i].vector = vector;
    }
    vector[0] = 1;
    requests[1].liked = &item;
    requests[1].n_liked = 1;
    requests[2].allow = &item; /* without its flag */
    requests[2].n_allow = 1;
    requests[3].vector = NULL;
    requests[3].n_liked = 1;
    requests[4].vector = NULL;
    requests[4].liked = &item;
    requests[4].n_liked = 1;
    requests[4].liked_weights = &nan;
    requests[5] = requests[4];
    requests[5].liked_weights = &negative;
    requests[6].flags |= RECSYS_REQUEST_ALLOW;
    requests[6].n_allow = 1;
    must(recsys_recommend(recommender, plain.model, requests, 8, replies, &err), &err, "eight");
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(replies[i].status, i == 0 || i == 7 ? RECSYS_OK : RECSYS_E_INVALID);
        assert_true((replies[i].message == NULL) == (i == 0 || i == 7));
    }
    vector[3] = INFINITY;
    expect(recsys_recommend(recommender, plain.model, requests, 1, replies, &err), RECSYS_E_INVALID,
           &err, "an infinite vector");
    requests[0] = (recsys_request)RECSYS_REQUEST_INIT;
    requests[0].reserved = 1;
    expect(recsys_recommend(recommender, plain.model, requests, 1, replies, &err),
           RECSYS_E_UNSUPPORTED, &err, "a reserved field");
}

/* recsys_recommend_into() says what recsys_recommend() says. */
static void check_into(const struct fixture *fixture, const recsys_request *requests, size_t n)
{
    static recsys_id items[16 * 40];
    static uint32_t rows[16 * 40];
    static float scores[16 * 40];
    recsys_reply replies[16] = {RECSYS_REPLY_INIT};
    uint32_t counts[16], strategies[16];
    recsys_status statuses[16];

    recsys_array numbers = {0}, offsets = {0};

    must(recsys_model_get_array(fixture->model, "item_ids", &numbers, &err), &err, "ids");
    if (fixture == &texts)
        must(recsys_model_get_array(fixture->model, "item_ids_offsets", &offsets, &err), &err,
             "ids");
    must(recsys_recommend_into(recommender, fixture->model, requests, n, 40, items, rows, scores,
                               counts, statuses, strategies, &err),
         &err, "into");
    must(recsys_recommend(recommender, fixture->model, requests, n, replies, &err), &err,
         "replies");
    for (size_t r = 0; r < n; r++) {
        assert_int_equal(counts[r], replies[r].count);
        assert_int_equal(statuses[r], replies[r].status);
        assert_int_equal(strategies[r], replies[r].strategy);
        for (uint32_t i = 0; i < 40; i++) {
            size_t at = r * 40 + i;
            const recsys_recommendation *want = recsys_reply_get_item(&replies[r], i);
            if (want == NULL) {
                assert_true(items[at].text == NULL && items[at].number == RECSYS_PADDING_ID &&
                            rows[at] == RECSYS_PADDING_ROW && scores[at] == -INFINITY);
                continue;
            }
            assert_true(same_id(items[at], want->item));
            assert_memory_equal(&scores[at], &want->score, sizeof(float));
            assert_true(rows[at] < N_ITEMS); /* of the model's arrays */
            if (fixture == &texts)
                assert_string_equal((const char *)numbers.data +
                                        ((const uint64_t *)offsets.data)[rows[at]],
                                    items[at].text);
            else
                assert_true(((const int64_t *)numbers.data)[rows[at]] == (int64_t)items[at].number);
        }
    }
}

static void answers_go_into_the_callers_memory(void **state)
{
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};
    char names[16][32];
    recsys_request requests[16];
    uint32_t counts[16];
    static recsys_id items[16 * 40];

    (void)state;
    for (size_t w = 0; w < 4; w++) {
        for (size_t i = 0; i < 16; i++) {
            requests[i] = request_of(fixtures[w], i % 4 == 3 ? N_USERS : i, names[i]);
            requests[i].k = 1 + 2 * (uint32_t)i;
        }
        requests[5].min_rating = NAN; /* the others are answered */
        check_into(fixtures[w], requests, 16);
        memset(counts, 0xa5, sizeof counts);
        expect(recsys_recommend_into(recommender, fixtures[w]->model, requests, 16, 40, items, NULL,
                                     NULL, counts, NULL, NULL, &err),
               RECSYS_E_INVALID, &err, "nowhere to say that one failed");
        assert_non_null(strstr(err.message, "request 5"));
        for (size_t i = 0; i < 16; i++)
            assert_int_equal(counts[i], 0);
        requests[5].min_rating = 0;
        must(recsys_recommend_into(recommender, fixtures[w]->model, requests, 16, 40, items, NULL,
                                   NULL, counts, NULL, NULL, &err),
             &err, "no statuses");
        expect(recsys_recommend_into(recommender, fixtures[w]->model, requests, 16, 30, items, NULL,
                                     NULL, counts, NULL, NULL, &err),
               RECSYS_E_INVALID, &err, "stride");
        requests[5].k = UINT32_MAX; /* all there are; the stride knows how many */
        static recsys_id all[16 * N_ITEMS];
        must(recsys_recommend_into(recommender, fixtures[w]->model, requests, 16, N_ITEMS, all,
                                   NULL, NULL, counts, NULL, NULL, &err),
             &err, "all");
        assert_true(counts[5] > N_ITEMS / 2);
    }
    expect(recsys_recommend_into(recommender, plain.model, requests, 1, 40, items, NULL, NULL, NULL,
                                 NULL, NULL, &err),
           RECSYS_E_INVALID, &err, "no counts");
    expect(recsys_recommend_into(NULL, plain.model, requests, 1, 40, items, NULL, NULL, counts,
                                 NULL, NULL, &err),
           RECSYS_E_INVALID, &err, "no recommender");
    must(recsys_recommend_into(recommender, plain.model, NULL, 0, 40, NULL, NULL, NULL, NULL, NULL,
                               NULL, &err),
         &err, "nothing asked");
}

static void named_items_get_the_scores_that_ranking_compares(void **state)
{
    static const char *const genres[] = {"drama"};
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};
    const recsys_id unknown = RECSYS_ID_NUMBER(77777), unknown_text = {"i-no", 4};
    static float scores[N_ITEMS + 1], raws[N_ITEMS + 1];
    static recsys_id named[N_ITEMS + 1];
    char text[32];

    (void)state;
    for (size_t w = 0; w < 4; w++)
        for (size_t u = 0; u <= N_USERS; u++) {
            recsys_request request = request_of(fixtures[w], u, text);
            recsys_reply said = RECSYS_REPLY_INIT;
            request.flags |= RECSYS_REQUEST_INCLUDE_SEEN | RECSYS_REQUEST_INCLUDE_ADULT;
            request.k = N_ITEMS;
            request.genres = genres;
            request.n_genres = (uint32_t)u % 2;
            recsys_reply reply = ask(fixtures[w], &request, "all");
            for (uint32_t i = 0; i < N_ITEMS; i++)
                named[i] = recsys_reply_get_item(&reply, i)->item;
            named[N_ITEMS] = fixtures[w] == &texts ? unknown_text : unknown;
            uint32_t strategy = reply.strategy;
            static recsys_recommendation want[N_ITEMS];
            memcpy(want, reply.items, sizeof want);
            request.k = 1;
            if (request.n_genres == 0) /* plays no part then */
                request.flags &= ~RECSYS_REQUEST_INCLUDE_SEEN;
            must(recsys_recommend_score_items(recommender, fixtures[w]->model, &request, named,
                                              N_ITEMS + 1, scores, raws, &said, &err),
                 &err, "scores");
            assert_int_equal(said.strategy, strategy);
            assert_int_equal(said.count, N_ITEMS);
            assert_null(said.items);
            assert_true(isnan(scores[N_ITEMS]) && isnan(raws[N_ITEMS]));
            for (uint32_t i = 0; i < N_ITEMS; i++) {
                assert_memory_equal(&scores[i], &want[i].score, sizeof(float));
                assert_memory_equal(&raws[i], &want[i].raw, sizeof(float));
            }
            must(recsys_recommend_score_items(recommender, fixtures[w]->model, &request, named, 3,
                                              scores, NULL, NULL, &err),
                 &err, "scores alone");
        }
    const recsys_id wrong = {"i-5", 3};
    recsys_request request = request_of(&plain, 0, text);
    scores[0] = 1;
    expect(recsys_recommend_score_items(recommender, plain.model, &request, &wrong, 1, scores, NULL,
                                        NULL, &err),
           RECSYS_E_INVALID, &err, "an id of the other kind");
    assert_true(isnan(scores[0]));
    expect(recsys_recommend_score_items(recommender, plain.model, &request, named, 1, NULL, NULL,
                                        NULL, &err),
           RECSYS_E_INVALID, &err, "nowhere to write");
    expect(recsys_recommend_score_items(recommender, plain.model, NULL, named, 1, scores, NULL,
                                        NULL, &err),
           RECSYS_E_INVALID, &err, "no request");
    request.min_rating = NAN;
    expect(recsys_recommend_score_items(recommender, plain.model, &request, named, 1, scores, NULL,
                                        NULL, &err),
           RECSYS_E_INVALID, &err, "a request that makes no sense");
}

static void similar_items_say_why_and_what_they_could_not_use(void **state)
{
    static const char *const genres[] = {"Drama", "Comdy"}, *const languages[] = {"en", "klingon"};
    const recsys_id item = plain.reference.ids[4];
    recsys_request request = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;
    uint32_t n_words = 0;

    (void)state;
    request.flags = RECSYS_REQUEST_ANONYMOUS | RECSYS_REQUEST_REASONS;
    request.genres = genres;
    request.n_genres = 2;
    request.languages = languages;
    request.n_languages = 2;
    must(recsys_recommend_similar(recommender, plain.model, item, &request, &reply, &err), &err,
         "similar");
    assert_int_equal(reply.strategy, RECSYS_STRATEGY_SIMILAR);
    assert_int_equal(reply.n_ignored, 2);
    assert_int_equal(reply.ignored[0].kind, RECSYS_PREFERENCE_LANGUAGE);
    assert_ptr_equal(reply.ignored[1].text, genres[1]);
    assert_true(reply.count > 0);
    for (uint32_t i = 0; i < reply.count; i++) {
        const recsys_recommendation *got = recsys_reply_get_item(&reply, i);
        assert_true(got->reasons & RECSYS_REASON_SIMILAR);
        assert_false(got->reasons & RECSYS_REASON_SCORE);
        assert_int_equal(got->n_causes, 1);
        assert_true(same_id(got->causes[0], item));
        n_words += got->reason != NULL;
    }
    assert_true(n_words > 0);
    request.flags = RECSYS_REQUEST_ANONYMOUS;
    must(recsys_recommend_similar(recommender, plain.model, item, &request, &reply, &err), &err,
         "without reasons");
    assert_int_equal(reply.n_ignored, 3); /* genres have no part in it */
    assert_int_equal(recsys_reply_get_item(&reply, 0)->reasons, 0);
    must(recsys_recommend_similar(recommender, plain.model, item, NULL, &reply, &err), &err,
         "no request");
    assert_int_equal(reply.n_ignored, 0);
    request.liked = &item;
    request.n_liked = 1;
    expect(recsys_recommend_similar(recommender, plain.model, item, &request, &reply, &err),
           RECSYS_E_INVALID, &err, "liked items");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_callers_own_vector_counts),
        cmocka_unit_test(a_session_is_the_weighted_mean_of_what_is_liked),
        cmocka_unit_test(a_session_that_says_nothing_leaves_the_answer_to_the_user),
        cmocka_unit_test(an_allow_list_decides_even_when_it_is_empty),
        cmocka_unit_test(a_ready_filter_holds_beside_the_requests_own_conditions),
        cmocka_unit_test(what_could_not_be_used_is_said),
        cmocka_unit_test(the_reply_says_which_model_answered),
        cmocka_unit_test(replies_of_a_newer_header_are_filled_as_far_as_they_are_known),
        cmocka_unit_test(one_request_that_fails_is_a_call_that_fails),
        cmocka_unit_test(what_contradicts_itself_is_refused),
        cmocka_unit_test(answers_go_into_the_callers_memory),
        cmocka_unit_test(named_items_get_the_scores_that_ranking_compares),
        cmocka_unit_test(similar_items_say_why_and_what_they_could_not_use),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
