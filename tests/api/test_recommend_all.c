/* Covers recommend.h by requests of every kind, drawn at random: replies are never short and never
 * wrong, reasons are true, and an answer does not depend on the requests beside it. */
#include "tests/api/four_models.h"

#define BOTH_KINDS 3

static double weight_of(const struct fixture *fixture, size_t user, recsys_id item)
{
    const struct bundle *bundle = &fixture->bundle;

    for (uint64_t s = bundle->seen_offsets[user]; s < bundle->seen_offsets[user + 1]; s++)
        if (is_item(fixture, bundle->seen_items[s], item))
            return (double)bundle->seen_weights[s];
    fail_msg("item %llu is a cause, and user %zu has not seen it", (unsigned long long)item.number,
             user);
    return 0;
}

/* "close to A and B in your history": A and B are the causes that have a title. Each
 * is a seen item that the user gave at least the mean of their weights. */
static void check_similar(const struct fixture *fixture, size_t user,
                          const recsys_recommendation *got)
{
    const struct bundle *bundle = &fixture->bundle;
    uint64_t first = bundle->seen_offsets[user], end = bundle->seen_offsets[user + 1];
    double mean = 0;

    assert_in_range(got->n_causes, 1, 2);
    for (uint64_t s = first; s < end; s++)
        mean += (double)bundle->seen_weights[s] / (double)(end - first);
    for (uint32_t c = 0; c < got->n_causes; c++) {
        size_t at = reference_find(&fixture->reference, got->causes[c]);
        const char *title = fixture->reference.items[at].title;
        assert_true(weight_of(fixture, user, got->causes[c]) >= mean - 1e-6);
        assert_false(same_id(got->causes[c], got->item));
        if (title[0] != '\0') {
            assert_non_null(strstr(got->reason, "close to "));
            assert_non_null(strstr(got->reason, title));
        }
    }
}

static void check_reasons(const struct fixture *fixture, const recsys_request *request, size_t user,
                          const recsys_reply *reply, uint32_t *seen_reasons)
{
    for (uint32_t i = 0; i < reply->count; i++) {
        const recsys_recommendation *got = recsys_reply_get_item(reply, i);
        const recsys_item *item =
            &fixture->reference.items[reference_find(&fixture->reference, got->item)];
        uint32_t want = 0;
        if (item_has_any(item, request->genres, request->n_genres))
            want |= RECSYS_REASON_GENRES;
        if (request->min_rating > 0)
            want |= RECSYS_REASON_RATING; /* the filter has seen to it */
        if (reply->flags & RECSYS_REPLY_POPULARITY)
            want |= (want & RECSYS_REASON_GENRES) != 0 ? 0u : RECSYS_REASON_POPULAR;
        else if (got->score > 0.8f)
            want |= RECSYS_REASON_SCORE;
        if ((got->reasons & ~(uint32_t)RECSYS_REASON_SIMILAR) != want)
            fail_msg("item %llu has reasons %#x, want %#x (%s)",
                     (unsigned long long)got->item.number, got->reasons, want,
                     got->reason == NULL ? "" : got->reason);
        if (got->reasons & RECSYS_REASON_SIMILAR) {
            assert_true(user < N_USERS);
            check_similar(fixture, user, got);
        }
        assert_true(got->reason == NULL ? (got->reasons & ~(uint32_t)RECSYS_REASON_SIMILAR) == 0
                                        : got->reasons != 0);
        assert_true((got->causes != NULL) == ((got->reasons & RECSYS_REASON_SIMILAR) != 0));
        assert_true(got->reason == NULL || (got->reason[0] != '\0' && !strchr(got->reason, '\n')));
        *seen_reasons |= got->reasons;
    }
}

static void reasons_are_true(void **state)
{
    static const char *const genres[] = {"drama", "Crime"};
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};
    char text[32];
    uint32_t seen_reasons = 0;

    (void)state;
    for (size_t w = 0; w < 4; w++)
        for (size_t u = 0; u <= N_USERS; u++)
            for (unsigned kind = 0; kind <= BOTH_KINDS; kind++) {
                recsys_request request = request_of(fixtures[w], u, text);
                request.flags |= RECSYS_REQUEST_REASONS;
                request.k = 30;
                request.genres = genres;
                request.n_genres = kind & 1 ? 2 : 0;
                request.min_rating = kind & 2 ? 4.0f : 0.0f;
                recsys_reply reply = ask(fixtures[w], &request, "reasons");
                check_reasons(fixtures[w], &request, u, &reply, &seen_reasons);
            }
    assert_int_equal(seen_reasons, RECSYS_REASON_GENRES | RECSYS_REASON_RATING |
                                       RECSYS_REASON_SCORE | RECSYS_REASON_SIMILAR |
                                       RECSYS_REASON_POPULAR);
}

static void asking_for_reasons_changes_nothing_else(void **state)
{
    recsys_recommendation before[20];
    char text[32];

    (void)state;
    for (size_t u = 0; u < N_USERS; u++) {
        recsys_request request = request_of(&plain, u, text);
        request.k = 20;
        recsys_reply reply = ask(&plain, &request, "without");
        assert_int_equal(reply.count, 20);
        memcpy(before, reply.items, sizeof before);
        request.flags = RECSYS_REQUEST_REASONS;
        reply = ask(&plain, &request, "with");
        assert_int_equal(reply.count, 20);
        for (uint32_t i = 0; i < 20; i++)
            assert_true(same_id(before[i].item, recsys_reply_get_item(&reply, i)->item) &&
                        before[i].raw == recsys_reply_get_item(&reply, i)->raw &&
                        before[i].score == recsys_reply_get_item(&reply, i)->score);
    }
}

/* Fills in a request of any kind; what it points to lives in `store`. */
struct drawn {
    recsys_request request;
    size_t user; /* row; N_USERS = unknown or none */
    char text[32];
    const char *genres[3], *languages[2];
    recsys_id exclude[30];
};

static void draw(const struct fixture *fixture, uint64_t *random, struct drawn *drawn)
{
    static const char *const genres[] = {"Drama", "comedy", "CRIME", "Sci-Fi", "Western"},
                             *const languages[] = {"en", "KO", "fr", "xx"};
    static const uint32_t ks[] = {0, 1, 3, 10, 100, N_ITEMS, UINT32_MAX};
    recsys_request *request = &drawn->request;

    drawn->user = (size_t)bundle_random(random, N_USERS + 6);
    if (drawn->user > N_USERS)
        drawn->user = N_USERS;
    *request = request_of(fixture, drawn->user, drawn->text);
    if (drawn->user == N_USERS && bundle_random(random, 2) == 0) {
        snprintf(drawn->text, sizeof drawn->text, "nobody");
        request->flags = 0;
        request->user.text = fixture->bundle.flags & BUNDLE_TEXT_IDS ? drawn->text : NULL;
        request->user.number = fixture->bundle.flags & BUNDLE_TEXT_IDS ? 6 : 999999;
    }
    request->k = ks[bundle_random(random, sizeof ks / sizeof *ks)];
    request->flags &= RECSYS_REQUEST_ANONYMOUS;
    request->flags |= (uint32_t)bundle_random(random, 8);
    if (bundle_random(random, 3) == 0)
        request->min_rating = (float)bundle_random(random, 101) / 10.0f;
    if (bundle_random(random, 3) == 0)
        request->decade = (int32_t)(1940 + 10 * bundle_random(random, 9));
    request->genres = drawn->genres;
    request->n_genres = (uint32_t)bundle_random(random, 4);
    for (size_t i = 0; i < 3; i++)
        drawn->genres[i] = genres[bundle_random(random, 5)];
    request->languages = drawn->languages;
    request->n_languages = bundle_random(random, 2) == 0 ? 0 : 1 + (uint32_t)(*random % 2);
    for (size_t i = 0; i < 2; i++)
        drawn->languages[i] = languages[bundle_random(random, 4)];
    request->exclude = drawn->exclude;
    request->n_exclude = (size_t)bundle_random(random, 31);
    for (size_t i = 0; i < 30; i++)
        drawn->exclude[i] = fixture->reference.ids[bundle_random(random, N_ITEMS)];
}

static void whatever_is_asked_the_reply_is_right_and_never_short(void **state)
{
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};
    static struct drawn drawn[16];
    recsys_request requests[16];
    recsys_reply replies[16] = {RECSYS_REPLY_INIT};
    uint64_t random = SEED;
    uint32_t strategies = 0;

    (void)state;
    for (int round = 0; round < 160; round++) {
        const struct fixture *fixture = fixtures[round % 4];
        size_t n = 1 + (size_t)bundle_random(&random, 16);
        char what[64];
        for (size_t i = 0; i < n; i++) {
            draw(fixture, &random, &drawn[i]);
            requests[i] = drawn[i].request;
        }
        must(recsys_recommend(recommender, fixture->model, requests, n, replies, &err), &err, "");
        for (size_t i = 0; i < n; i++) {
            snprintf(what, sizeof what, "round %d request %zu", round, i);
            assert_int_equal(replies[i].status, RECSYS_OK);
            check_reply(fixture, &requests[i], drawn[i].user, &replies[i], what);
            strategies |= 1u << replies[i].strategy;
            uint32_t ignored = 0;
            if (requests[i].flags & RECSYS_REQUEST_REASONS)
                check_reasons(fixture, &requests[i], drawn[i].user, &replies[i], &ignored);
        }
    }
    assert_int_equal(strategies, 0x1e); /* all four have occurred */
}

static void a_request_is_answered_alike_alone_and_among_others(void **state)
{
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};
    static struct drawn drawn[40];
    recsys_request requests[40];
    recsys_reply replies[40] = {RECSYS_REPLY_INIT}, alone = RECSYS_REPLY_INIT;
    recsys_recommender *other = NULL;
    recsys_scorer_options options = RECSYS_SCORER_OPTIONS_INIT;
    uint64_t random = SEED + 1;

    (void)state;
    options.n_threads = 2;
    must(recsys_recommender_create(&options, &other, &err), &err, "recommender");
    for (size_t w = 0; w < 4; w++) {
        for (size_t i = 0; i < 40; i++) {
            draw(fixtures[w], &random, &drawn[i]);
            requests[i] = drawn[i].request;
        }
        must(recsys_recommend(recommender, fixtures[w]->model, requests, 40, replies, &err), &err,
             "");
        for (size_t i = 0; i < 40; i++) {
            must(recsys_recommend(other, fixtures[w]->model, &requests[i], 1, &alone, &err), &err,
                 "");
            assert_int_equal(alone.count, replies[i].count);
            assert_int_equal(alone.strategy, replies[i].strategy);
            for (uint32_t k = 0; k < alone.count; k++) {
                const recsys_recommendation *a = recsys_reply_get_item(&alone, k),
                                            *b = recsys_reply_get_item(&replies[i], k);
                assert_true(same_id(a->item, b->item) && a->raw == b->raw && a->score == b->score &&
                            a->reasons == b->reasons);
                assert_true((a->reason == NULL) == (b->reason == NULL));
                if (a->reason != NULL)
                    assert_string_equal(a->reason, b->reason);
            }
        }
    }
    recsys_recommender_destroy(other);
}

static void check_similar_reply(const struct fixture *fixture, size_t wanted,
                                const recsys_request *request, size_t user, const char *what)
{
    const struct reference *reference = &fixture->reference;
    unsigned char eligible[N_ITEMS];
    double scores[N_ITEMS], slack[N_ITEMS];
    struct place places[N_ITEMS];
    const float *from = reference->vectors + wanted * D;
    recsys_request plainest = RECSYS_REQUEST_INIT;
    recsys_reply reply = RECSYS_REPLY_INIT;

    memset(&reply, 0xa5, sizeof reply);
    reply.struct_size = (uint32_t)sizeof reply;
    must(recsys_recommend_similar(recommender, fixture->model, reference->ids[wanted], request,
                                  &reply, &err),
         &err, what);
    assert_int_equal(reply.status, RECSYS_OK);
    if (request == NULL)
        request = &plainest;
    for (size_t i = 0; i < N_ITEMS; i++) {
        const float *to = reference->vectors + i * D;
        scores[i] = dot(from, to, D) / sqrt(dot(from, from, D) * dot(to, to, D));
        slack[i] = FLOAT_ROUNDING;
        eligible[i] = i != wanted && is_eligible(fixture, request, user, i);
    }
    for (uint32_t i = 0; i < reply.count; i++) {
        float raw = recsys_reply_get_item(&reply, i)->raw;
        places[i] = (struct place){recsys_reply_get_item(&reply, i)->item, raw};
        assert_true(recsys_reply_get_item(&reply, i)->score == (raw < 0.0f   ? 0.0f
                                                                : raw > 1.0f ? 1.0f
                                                                             : raw));
    }
    check_answer(reference, what, eligible, scores, slack, request->k == 0 ? 10 : request->k,
                 places, reply.count);
}

static void similar_items_obey_the_filters(void **state)
{
    const struct fixture *fixtures[] = {&plain, &features, &cosine, &texts};
    static struct drawn drawn;
    uint64_t random = SEED + 2;

    (void)state;
    for (size_t round = 0; round < 120; round++) {
        const struct fixture *fixture = fixtures[round % 4];
        char what[64];
        snprintf(what, sizeof what, "similar, round %zu", round);
        draw(fixture, &random, &drawn);
        if (drawn.request.k > N_ITEMS)
            drawn.request.k = N_ITEMS;
        size_t wanted = (size_t)bundle_random(&random, N_ITEMS);
        check_similar_reply(fixture, wanted, &drawn.request, drawn.user, what);
        check_similar_reply(fixture, wanted, NULL, N_USERS, what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_are_true),
        cmocka_unit_test(asking_for_reasons_changes_nothing_else),
        cmocka_unit_test(whatever_is_asked_the_reply_is_right_and_never_short),
        cmocka_unit_test(a_request_is_answered_alike_alone_and_among_others),
        cmocka_unit_test(similar_items_obey_the_filters),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
