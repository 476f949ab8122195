/* tests/api/four_models.h - four models with everything in them, and what the right reply is.
 *
 * The models differ in what preferences are (features or genres), metric, link and kind
 * of ids. check_reply() works a reply out by a loop over all items, through
 * reference.h. For the cmocka programs on recommend.h; private to tests/api.
 */
#ifndef TESTS_API_FOUR_MODELS_H
#define TESTS_API_FOUR_MODELS_H

#include "tests/api/reference.h"
#include "tests/api/steering.h"
#include "tests/support/scratch.h"

#define N_ITEMS 260
#define N_USERS 24
#define D 12
#define SEED 20260401u

static recsys_error err;

/* The models that most tests ask: biases and seen lists; with and without features; cosine. */
struct fixture {
    struct bundle bundle;
    recsys_model *model;
    struct reference reference;
};
static struct fixture plain, features, cosine, texts;
static recsys_recommender *recommender;

static inline void make_fixture(struct fixture *fixture, const char *name, uint64_t seed,
                                uint32_t flags)
{
    fixture->model = make_model(scratch, name, &fixture->bundle, N_USERS, N_ITEMS, D, seed, flags);
    reference_create(&fixture->reference, fixture->model);
}

static inline void end_fixture(struct fixture *fixture)
{
    reference_destroy(&fixture->reference);
    recsys_model_unref(fixture->model);
    bundle_free(&fixture->bundle);
}

static inline int set_up(void **state)
{
    printf("seed %u\n", SEED);
    scratch_set_up(state);
    make_fixture(&plain, "plain", SEED, BUNDLE_BIAS | BUNDLE_SEEN | BUNDLE_CATALOG);
    make_fixture(&features, "features", SEED + 1,
                 BUNDLE_BIAS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_FEATURES | BUNDLE_UNSORTED |
                     BUNDLE_LINEAR);
    make_fixture(&cosine, "cosine", SEED + 2,
                 BUNDLE_COSINE | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_FEATURES);
    make_fixture(&texts, "texts", SEED + 3,
                 BUNDLE_TEXT_IDS | BUNDLE_BIAS | BUNDLE_SEEN | BUNDLE_CATALOG | BUNDLE_POPULARITY);
    must(recsys_recommender_create(NULL, &recommender, &err), &err, "recommender");
    return 0;
}

static inline int tear_down(void **state)
{
    recsys_recommender_destroy(recommender);
    end_fixture(&plain);
    end_fixture(&features);
    end_fixture(&cosine);
    end_fixture(&texts);
    return scratch_tear_down(state);
}

/* Ids of text models must live as long as the request that has them. */
static inline recsys_id user_id(const struct fixture *fixture, size_t row, char text[32])
{
    recsys_id id = RECSYS_ID_NUMBER((uint64_t)fixture->bundle.user_numbers[row]);

    if (fixture->bundle.flags & BUNDLE_TEXT_IDS) {
        snprintf(text, 32, "u-%lld", (long long)fixture->bundle.user_numbers[row]);
        id.text = text;
        id.number = strlen(text);
    }
    return id;
}

static inline int is_item(const struct fixture *fixture, size_t row, recsys_id id)
{
    char text[32];

    if (id.text == NULL)
        return (uint64_t)fixture->bundle.item_numbers[row] == id.number;
    snprintf(text, sizeof text, "i-%lld", (long long)fixture->bundle.item_numbers[row]);
    return strcmp(text, id.text) == 0;
}

static inline int has_seen(const struct fixture *fixture, size_t user, recsys_id item)
{
    const struct bundle *bundle = &fixture->bundle;

    for (uint64_t s = bundle->seen_offsets[user]; s < bundle->seen_offsets[user + 1]; s++)
        if (is_item(fixture, bundle->seen_items[s], item))
            return 1;
    return 0;
}

static inline recsys_reply ask(const struct fixture *fixture, const recsys_request *request,
                               const char *what)
{
    recsys_reply reply = RECSYS_REPLY_INIT;

    memset(&reply, 0xa5, sizeof reply);
    reply.struct_size = (uint32_t)sizeof reply;
    must(recsys_recommend(recommender, fixture->model, request, 1, &reply, &err), &err, what);
    if (reply.status != RECSYS_OK)
        fail_msg("%s: the reply says %s: %s", what, recsys_status_name(reply.status),
                 reply.message);
    assert_null(reply.message);
    assert_int_equal(reply.reserved, 0);
    return reply;
}

static inline recsys_request request_of(const struct fixture *fixture, size_t user, char text[32])
{
    recsys_request request = RECSYS_REQUEST_INIT;

    if (user < N_USERS)
        request.user = user_id(fixture, user, text);
    else
        request.flags = RECSYS_REQUEST_ANONYMOUS;
    return request;
}

static inline int is_eligible(const struct fixture *fixture, const recsys_request *request,
                              size_t user, size_t i)
{
    recsys_filter_options options = RECSYS_FILTER_OPTIONS_INIT;

    options.min_rating = request->min_rating;
    options.min_year = request->decade;
    options.max_year = request->decade == 0 ? 0 : request->decade + 9;
    options.languages = request->languages;
    options.n_languages = request->n_languages;
    options.exclude = request->exclude;
    options.n_exclude = request->n_exclude;
    if ((request->flags & RECSYS_REQUEST_INCLUDE_ADULT) == 0)
        options.flags = RECSYS_FILTER_EXCLUDE_ADULT;
    if (user < N_USERS && (request->flags & RECSYS_REQUEST_INCLUDE_SEEN) == 0 &&
        has_seen(fixture, user, fixture->reference.ids[i]))
        return 0;
    return passes(&fixture->reference, i, &options) &&
           (request->n_require_genres == 0 ||
            item_has_any(&fixture->reference.items[i], request->require_genres,
                         request->n_require_genres));
}

static inline void add(double *sum, const float *vector, double weight)
{
    for (size_t j = 0; j < D; j++)
        sum[j] += weight * (double)vector[j];
}

static inline double strength_of(const recsys_request *request)
{
    return (request->flags & RECSYS_REQUEST_STRENGTH) != 0 ? (double)request->preference_strength
                                                           : 0.6;
}

/* The features of bundle.h, by row: pref_genre_drama, pref_genre_comedy, min_rating. */
static inline int has_feature(const struct fixture *fixture, const char *genre, size_t row)
{
    return fixture->bundle.features != NULL && names_equal(genre, row == 0 ? "drama" : "comedy");
}

static inline int add_features(const struct fixture *fixture, const recsys_request *request,
                               double *sum)
{
    double weight = strength_of(request) / 0.6;
    int added = 0;

    if (fixture->bundle.features == NULL || weight == 0)
        return 0;
    for (uint32_t g = 0; g < request->n_genres; g++)
        for (size_t f = 0; f < 2; f++)
            if (has_feature(fixture, request->genres[g], f)) {
                add(sum, fixture->bundle.features + f * D, weight);
                added = 1;
            }
    if (request->min_rating > 0) {
        add(sum, fixture->bundle.features + 2 * D, weight * (double)request->min_rating);
        added = 1;
    }
    return added;
}

/* The genres without a feature that an eligible item has, each once; returns how many. */
static inline size_t wanted_genres(const struct fixture *fixture, const recsys_request *request,
                                   const unsigned char *eligible, const char **wanted)
{
    size_t n = 0;

    for (uint32_t g = 0; strength_of(request) > 0 && g < request->n_genres; g++) {
        const char *genre = request->genres[g];
        int is_there = 0, is_twice = 0;
        for (size_t i = 0; i < N_ITEMS; i++)
            is_there |= eligible[i] && item_has(&fixture->reference.items[i], genre);
        for (size_t w = 0; w < n; w++)
            is_twice |= names_equal(wanted[w], genre);
        if (is_there && !is_twice && !has_feature(fixture, genre, 0) &&
            !has_feature(fixture, genre, 1))
            wanted[n++] = genre;
    }
    return n;
}

/* The vector and offset to score with; returns 1 if features changed it. */
static inline int vector_of(const struct fixture *fixture, const recsys_request *request,
                            size_t user, float vector[D], double *offset)
{
    double sum[D] = {0}, norm = 0;
    float own[D], bias = 0;
    int known = user < N_USERS;

    if (known) {
        char text[32];
        must(recsys_model_get_user(fixture->model, user_id(fixture, user, text), own, &bias, &err),
             &err, "user");
        add(sum, own, 1);
    }
    *offset = (double)bias;
    int shifted = add_features(fixture, request, sum);
    for (size_t j = 0; j < D; j++)
        norm += sum[j] * sum[j];
    for (size_t j = 0; j < D; j++)
        vector[j] = (float)(shifted && (fixture->bundle.flags & BUNDLE_COSINE) ? sum[j] / sqrt(norm)
                                                                               : sum[j]);
    return shifted;
}

/* How popular each item is, as docs/model-format.md defines it; 1 for the most popular. */
static inline void popularity(const struct fixture *fixture, double *shares)
{
    const struct bundle *bundle = &fixture->bundle;
    double most = 0;

    for (size_t i = 0; i < N_ITEMS; i++)
        shares[i] = 0;
    for (size_t row = 0; row < N_ITEMS; row++) {
        size_t i = 0;
        while (!is_item(fixture, row, fixture->reference.ids[i]))
            i++;
        if (bundle->popularity != NULL)
            shares[i] = (double)bundle->popularity[row];
        else
            for (uint64_t s = 0; s < bundle->seen_offsets[N_USERS]; s++)
                shares[i] += bundle->seen_items[s] == row;
        most = fmax(most, shares[i]);
    }
    for (size_t i = 0; i < N_ITEMS; i++)
        shares[i] /= most;
}

static inline double link_of(const struct fixture *fixture, double raw)
{
    const recsys_model_info *info = &fixture->reference.info;
    double score = raw;

    if (info->link == RECSYS_LINK_SIGMOID)
        score = 1 / (1 + exp(-raw));
    else if (info->link == RECSYS_LINK_LINEAR)
        score = (raw - (double)info->link_min) / ((double)info->link_max - (double)info->link_min);
    return fmin(fmax(score, 0), 1);
}

/* Add to the scores what items of wanted genres gain; returns the largest gain. */
static inline double add_gains(const struct fixture *fixture, const recsys_request *request,
                               const unsigned char *eligible, const char **wanted, size_t n,
                               double *scores)
{
    double gains[8], largest = 0;

    steering_gains(&fixture->reference, eligible, scores, wanted, n, strength_of(request), gains);
    for (size_t i = 0; i < N_ITEMS; i++) {
        double gain = 0;
        for (size_t w = 0; w < n; w++)
            if (item_has(&fixture->reference.items[i], wanted[w]))
                gain = fmax(gain, gains[w]);
        scores[i] += gain;
        largest = fmax(largest, gain);
    }
    for (size_t w = 0; w < n; w++)
        largest = fmax(largest, gains[w]);
    return largest;
}

static inline void check_scores(const struct fixture *fixture, const recsys_reply *reply,
                                int by_popularity, double largest_gain, const char *what)
{
    for (uint32_t i = 0; i < reply->count; i++) {
        const recsys_recommendation *item = recsys_reply_get_item(reply, i);
        double want = by_popularity ? (double)item->raw / (1 + largest_gain)
                                    : link_of(fixture, (double)item->raw);
        assert_true(item->score >= 0.0f && item->score <= 1.0f);
        if (reply->strategy == RECSYS_STRATEGY_POPULARITY)
            assert_true(item->score == item->raw);
        else if (fabs((double)item->score - want) > 1e-6)
            fail_msg("%s: raw %.9g became %.9g", what, (double)item->raw, (double)item->score);
    }
}

static inline void check_reply(const struct fixture *fixture, const recsys_request *request,
                               size_t user, const recsys_reply *reply, const char *what)
{
    unsigned char eligible[N_ITEMS];
    double scores[N_ITEMS], slack[N_ITEMS], offset, largest_gain = 0;
    const char *wanted[8];
    float vector[D];
    static struct place places[N_ITEMS];
    int known = user < N_USERS, shifted = vector_of(fixture, request, user, vector, &offset);
    int by_popularity = !known && !shifted;

    for (size_t i = 0; i < N_ITEMS; i++)
        eligible[i] = (unsigned char)is_eligible(fixture, request, user, i);
    size_t n_wanted = wanted_genres(fixture, request, eligible, wanted);
    uint32_t strategy = known ? RECSYS_STRATEGY_USER : RECSYS_STRATEGY_POPULARITY;
    if (shifted || n_wanted > 0)
        strategy = known ? RECSYS_STRATEGY_USER_PREFERENCES : RECSYS_STRATEGY_PREFERENCES;
    if (reply->strategy != strategy)
        fail_msg("%s: strategy %s, want %s", what, recsys_strategy_name(reply->strategy),
                 recsys_strategy_name(strategy));
    /* A shifted vector is summed up in float by the library. */
    reference_score(&fixture->reference, vector, offset,
                    strategy == RECSYS_STRATEGY_USER ? FLOAT_ROUNDING : 2e-6, scores, slack);
    if (by_popularity) {
        popularity(fixture, scores);
        for (size_t i = 0; i < N_ITEMS; i++)
            slack[i] = n_wanted > 0 ? 1e-6 : FLOAT_ROUNDING;
    }
    if (n_wanted > 0)
        largest_gain = add_gains(fixture, request, eligible, wanted, n_wanted, scores);
    for (uint32_t i = 0; i < reply->count; i++)
        places[i] = (struct place){recsys_reply_get_item(reply, i)->item,
                                   recsys_reply_get_item(reply, i)->raw};
    check_scores(fixture, reply, by_popularity, largest_gain, what);
    check_answer(&fixture->reference, what, eligible, scores, slack,
                 request->k == 0 ? 10 : request->k, places, reply->count);
}

#endif
