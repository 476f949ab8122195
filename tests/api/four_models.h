/* tests/api/four_models.h - four models with everything in them, and what the right reply is.
 *
 * The models differ in what preferences are (features or genres), metric, link and kind
 * of ids. check_reply() works a reply out by a loop over all items, through
 * reference.h. For the cmocka programs on recommend.h; private to tests/api.
 */
#ifndef TESTS_API_FOUR_MODELS_H
#define TESTS_API_FOUR_MODELS_H

#include "tests/api/reference.h"
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

static inline int has_genre_of(const recsys_item *item, const char *const *genres, uint32_t n)
{
    for (uint32_t k = 0; k < item->n_genres; k++)
        for (uint32_t g = 0; g < n; g++)
            if (names_equal(item->genres[k], genres[g]))
                return 1;
    return 0;
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
            has_genre_of(&fixture->reference.items[i], request->require_genres,
                         request->n_require_genres));
}

static inline void add(double *sum, const float *vector, double weight)
{
    for (size_t j = 0; j < D; j++)
        sum[j] += weight * (double)vector[j];
}

/* The features of bundle.h, by row: pref_genre_drama, pref_genre_comedy, min_rating. */
static inline int add_features(const struct fixture *fixture, const recsys_request *request,
                               double *sum)
{
    int added = 0;

    for (uint32_t g = 0; g < request->n_genres; g++)
        for (size_t f = 0; f < 2; f++)
            if (names_equal(request->genres[g], f == 0 ? "drama" : "comedy")) {
                add(sum, fixture->bundle.features + f * D, 1);
                added = 1;
            }
    if (request->min_rating > 0) {
        add(sum, fixture->bundle.features + 2 * D, (double)request->min_rating);
        added = 1;
    }
    return added;
}

/* Without features: the mean vector of each genre's items. */
static inline int add_genres(const struct fixture *fixture, const recsys_request *request,
                             double *sum)
{
    const struct reference *reference = &fixture->reference;
    int added = 0;

    for (uint32_t g = 0; g < request->n_genres; g++) {
        double mean[D] = {0};
        size_t n = 0;
        for (size_t i = 0; i < reference->n; i++)
            for (uint32_t k = 0; k < reference->items[i].n_genres; k++)
                if (names_equal(reference->items[i].genres[k], request->genres[g])) {
                    add(mean, reference->vectors + i * D, 1);
                    n++;
                }
        for (size_t j = 0; n > 0 && j < D; j++)
            sum[j] += mean[j] / (double)n;
        added |= n > 0;
    }
    return added;
}

/* The vector and offset to score with; returns the strategy. */
static inline uint32_t vector_of(const struct fixture *fixture, const recsys_request *request,
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
    int shifted = fixture->bundle.features != NULL ? add_features(fixture, request, sum)
                                                   : add_genres(fixture, request, sum);
    for (size_t j = 0; j < D; j++)
        norm += sum[j] * sum[j];
    for (size_t j = 0; j < D; j++)
        vector[j] = (float)(shifted && (fixture->bundle.flags & BUNDLE_COSINE) ? sum[j] / sqrt(norm)
                                                                               : sum[j]);
    if (known)
        return shifted ? RECSYS_STRATEGY_USER_PREFERENCES : RECSYS_STRATEGY_USER;
    return shifted ? RECSYS_STRATEGY_PREFERENCES : RECSYS_STRATEGY_POPULARITY;
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

static inline void check_reply(const struct fixture *fixture, const recsys_request *request,
                               size_t user, const recsys_reply *reply, const char *what)
{
    unsigned char eligible[N_ITEMS];
    double scores[N_ITEMS], slack[N_ITEMS], offset;
    float vector[D];
    static struct place places[N_ITEMS];
    uint32_t strategy = vector_of(fixture, request, user, vector, &offset);

    if (reply->strategy != strategy)
        fail_msg("%s: strategy %s, want %s", what, recsys_strategy_name(reply->strategy),
                 recsys_strategy_name(strategy));
    for (size_t i = 0; i < N_ITEMS; i++)
        eligible[i] = (unsigned char)is_eligible(fixture, request, user, i);
    /* A shifted vector is summed up in float by the library. */
    reference_score(&fixture->reference, vector, offset,
                    strategy == RECSYS_STRATEGY_USER ? FLOAT_ROUNDING : 2e-6, scores, slack);
    if (strategy == RECSYS_STRATEGY_POPULARITY) {
        popularity(fixture, scores);
        for (size_t i = 0; i < N_ITEMS; i++)
            slack[i] = FLOAT_ROUNDING;
    }
    for (uint32_t i = 0; i < reply->count; i++) {
        const recsys_recommendation *item = recsys_reply_get_item(reply, i);
        places[i] = (struct place){item->item, item->raw};
        assert_true(item->score >= 0.0f && item->score <= 1.0f);
        if (strategy == RECSYS_STRATEGY_POPULARITY)
            assert_true(item->score == item->raw);
        else if (fabs((double)item->score - link_of(fixture, (double)item->raw)) > 1e-6)
            fail_msg("%s: raw %.9g became %.9g", what, (double)item->raw, (double)item->score);
    }
    check_answer(&fixture->reference, what, eligible, scores, slack,
                 request->k == 0 ? 10 : request->k, places, reply->count);
}

#endif
