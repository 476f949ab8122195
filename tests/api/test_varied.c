/* Diversity and caps per attribute: the answer of every kind of request equals a plain
 * re-implementation over the full ranking, bit for bit. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recsys/recommend.h"
#include "tests/support/als_model.h"
#include "tests/support/scratch.h"

#define N_ITEMS 1500u
#define D 11u

static recsys_error err;
static recsys_recommender *recommender;
static struct als_model als;

static int set_up(void **state)
{
    static const char *const fields[] = {
        "algorithm", "als", "link", "clip", "hyperparameters.regularization", "0.5", NULL};

    scratch_set_up(state);
    als_model_create(&als, in_scratch("als"), 20, N_ITEMS, D, 20261130u, fields);
    return recsys_recommender_create(NULL, &recommender, &err) == RECSYS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    recsys_recommender_destroy(recommender);
    als_model_destroy(&als);
    return scratch_tear_down(state);
}

struct ranked {
    uint32_t row;
    float raw, score;
    int is_chosen;
    double near;
};

static const float *item_at(uint32_t row)
{
    return als.items + (size_t)row * D;
}

/* The contract of model.h, written down once more. */
static double dot(const float *a, const float *b)
{
    double part[8] = {0};

    for (uint32_t j = 0; j < D; j++)
        part[j % 8] += (double)a[j] * (double)b[j];
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

static double cosine(uint32_t a, uint32_t b)
{
    double norms = sqrt(dot(item_at(b), item_at(b))) * sqrt(dot(item_at(a), item_at(a)));

    return dot(item_at(a), item_at(b)) / norms;
}

struct counts {
    uint32_t genre[ALS_N_GENRES], decade[1000], language[ALS_N_LANGUAGES + 1];
};

static int is_held_back(const recsys_request *request, const struct counts *counts, uint32_t row)
{
    for (uint32_t g = 0; g < ALS_N_GENRES; g++)
        if ((als_genres(row) >> g & 1u) != 0 && request->max_per_genre != 0 &&
            counts->genre[g] >= request->max_per_genre)
            return 1;
    return (als_year(row) != 0 && request->max_per_decade != 0 &&
            counts->decade[als_year(row) / 10] >= request->max_per_decade) ||
           (als_language(row) != 0 && request->max_per_language != 0 &&
            counts->language[als_language(row)] >= request->max_per_language);
}

static void count(struct counts *counts, uint32_t row)
{
    for (uint32_t g = 0; g < ALS_N_GENRES; g++)
        counts->genre[g] += als_genres(row) >> g & 1u;
    counts->decade[als_year(row) / 10] += als_year(row) != 0;
    counts->language[als_language(row)] += als_language(row) != 0;
}

/* The cosines with what has been chosen, of which the largest counts. */
static void learn(struct ranked *all, uint32_t n_all, uint32_t chosen, int is_first)
{
    for (uint32_t i = 0; i < n_all; i++) {
        double near = cosine(all[i].row, chosen);
        if (is_first || near > all[i].near)
            all[i].near = near;
    }
}

/* MMR over one pool after another. Returns how many are chosen. */
static uint32_t choose(const recsys_request *request, struct ranked *all, uint32_t n_all,
                       uint32_t k, struct ranked *chosen)
{
    struct counts counts = {{0}, {0}, {0}};
    uint32_t size = k * 10 < 100 ? 100 : k * 10 > 1000 ? 1000 : k * 10, n_chosen = 0;
    const double diversity = (double)request->diversity;

    size = size < k ? k : size;
    const double best = (double)all[0].raw,
                 worst = (double)all[(size < n_all ? size : n_all) - 1].raw;
    while (n_chosen < k) {
        static uint32_t pool[N_ITEMS];
        uint32_t n_pool = 0;
        for (uint32_t i = 0; i < n_all && n_pool < size; i++)
            if (!all[i].is_chosen && !is_held_back(request, &counts, all[i].row))
                pool[n_pool++] = i;
        if (n_pool == 0)
            break;
        while (n_chosen < k) {
            double largest = -INFINITY;
            struct ranked *next = NULL;
            for (uint32_t p = 0; p < n_pool; p++) {
                struct ranked *item = &all[pool[p]];
                if (item->is_chosen || is_held_back(request, &counts, item->row))
                    continue;
                double standing = best > worst ? ((double)item->raw - worst) / (best - worst) : 0.0;
                double value = diversity > 0.0
                                   ? (1.0 - diversity) * standing - diversity * item->near
                                   : -(double)p;
                if (value > largest) {
                    largest = value;
                    next = item;
                }
            }
            if (next == NULL)
                break;
            next->is_chosen = 1;
            count(&counts, next->row);
            chosen[n_chosen++] = *next;
            if (diversity > 0.0)
                learn(all, n_all, next->row, n_chosen == 1);
        }
    }
    return n_chosen;
}

static const recsys_id *about; /* for similar items; NULL: recommendations */

static recsys_reply ask(const recsys_request *request)
{
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_status status =
        about != NULL
            ? recsys_recommend_similar(recommender, als.model, *about, request, &reply, &err)
            : recsys_recommend(recommender, als.model, request, 1, &reply, &err);

    if (status != RECSYS_OK)
        fail_msg("%s", err.message);
    return reply;
}

static uint32_t rank(const recsys_request *request, struct ranked *all)
{
    recsys_request plain = *request;

    plain.k = N_ITEMS;
    plain.diversity = 0.0f;
    plain.max_per_genre = plain.max_per_decade = plain.max_per_language = 0;
    plain.flags &= ~RECSYS_REQUEST_REASONS;
    const recsys_reply reply = ask(&plain);
    for (uint32_t i = 0; i < reply.count; i++) {
        const recsys_recommendation *item = recsys_reply_get_item(&reply, i);
        all[i] = (struct ranked){(uint32_t)item->item.number / 10, item->raw, item->score, 0, 0.0};
    }
    return reply.count;
}

static void check(const recsys_request *request, const char *what)
{
    static struct ranked all[N_ITEMS], chosen[N_ITEMS];
    uint32_t n_all = rank(request, all), n = choose(request, all, n_all, request->k, chosen);
    const recsys_reply reply = ask(request);

    if (reply.count != n)
        fail_msg("%s, k %u: %u items, not %u", what, request->k, reply.count, n);
    for (uint32_t i = 0; i < n; i++) {
        const recsys_recommendation *item = recsys_reply_get_item(&reply, i);
        if (item->item.number != chosen[i].row * 10u ||
            memcmp(&item->raw, &chosen[i].raw, sizeof item->raw) != 0 ||
            memcmp(&item->score, &chosen[i].score, sizeof item->score) != 0)
            fail_msg("%s, k %u, diversity %g, caps %u %u %u: place %u is %u, not %u", what,
                     request->k, (double)request->diversity, request->max_per_genre,
                     request->max_per_decade, request->max_per_language, i,
                     (uint32_t)item->item.number, chosen[i].row * 10u);
        if ((request->flags & RECSYS_REQUEST_REASONS) != 0 && item->reasons != 0)
            assert_non_null(item->reason);
    }
}

static void check_all(recsys_request request, const char *what)
{
    static const float diversities[] = {0.0f, 0.3f, 0.75f, 1.0f};
    static const uint32_t caps[][3] = {{0, 0, 0}, {1, 0, 0}, {3, 0, 0},  {0, 1, 0},
                                       {0, 0, 2}, {4, 3, 5}, {40, 0, 60}};
    static const uint32_t ks[] = {1, 7, 25};

    for (size_t d = 0; d < sizeof diversities / sizeof *diversities; d++)
        for (size_t c = 0; c < sizeof caps / sizeof *caps; c++)
            for (size_t k = 0; k < sizeof ks / sizeof *ks; k++) {
                request.diversity = diversities[d];
                request.max_per_genre = caps[c][0];
                request.max_per_decade = caps[c][1];
                request.max_per_language = caps[c][2];
                request.k = ks[k];
                if (diversities[d] > 0.0f || c > 0)
                    check(&request, what);
            }
}

static const char *const genres[] = {"g1", "g3"};
static recsys_id liked[8], listed[300];

static recsys_request request_for(uint32_t user)
{
    recsys_request request = RECSYS_REQUEST_INIT;

    request.user.number = user;
    return request;
}

static void users_are_answered_as_the_reference_does(void **state)
{
    (void)state;
    for (uint32_t u = 0; u < 2; u++)
        check_all(request_for(u), "user");
}

static void favourite_genres_gain_before_items_are_chosen(void **state)
{
    recsys_request request = request_for(4);

    (void)state;
    request.genres = genres;
    request.n_genres = 2;
    check_all(request, "user with genres");
    request.flags = RECSYS_REQUEST_ANONYMOUS;
    check_all(request, "genres");
}

static void sessions_and_popularity_are_varied_too(void **state)
{
    recsys_request request = request_for(0);

    (void)state;
    request.flags = RECSYS_REQUEST_ANONYMOUS;
    check_all(request, "popularity");
    for (uint32_t i = 0; i < 8; i++)
        liked[i] = (recsys_id){NULL, i * 530};
    request.liked = liked;
    request.n_liked = 8;
    request.flags |= RECSYS_REQUEST_REASONS;
    check_all(request, "session with reasons");
}

static void filters_decide_before_items_are_chosen(void **state)
{
    recsys_request request = request_for(5);

    (void)state;
    for (uint32_t i = 0; i < 300; i++)
        listed[i] = (recsys_id){NULL, i * 50};
    request.allow = listed;
    request.n_allow = 300;
    request.flags = RECSYS_REQUEST_ALLOW;
    check_all(request, "allow");
    request = request_for(5);
    request.exclude = listed;
    request.n_exclude = 300;
    request.min_rating = 4.0f;
    check_all(request, "exclude and rating");
    request.flags = RECSYS_REQUEST_ANONYMOUS | RECSYS_REQUEST_ALLOW;
    request.allow = listed;
    request.n_allow = 40;
    request.n_exclude = 3;
    check_all(request, "allow by popularity");
}

static void similar_items_are_varied_too(void **state)
{
    static const recsys_id item = {NULL, 770};
    recsys_request request = request_for(0);

    (void)state;
    request.flags = RECSYS_REQUEST_ANONYMOUS;
    about = &item;
    check_all(request, "similar");
    about = NULL;
}

static void a_long_answer_has_a_pool_of_its_own_length(void **state)
{
    recsys_request request = request_for(6);

    (void)state;
    request.k = 1000;
    request.diversity = 0.5f;
    request.max_per_decade = 200;
    check(&request, "long");
    request.k = N_ITEMS;
    check(&request, "all");
    request.diversity = 0.0f;
    request.max_per_genre = 250;
    check(&request, "all by caps");
}

/* Varied and plain ones together, into arrays: as each alone. */
static void a_batch_is_answered_as_each_alone(void **state)
{
    static recsys_request requests[40];
    static recsys_id items[40 * 30], alone[30];
    static float scores[40 * 30], alone_scores[30];
    uint32_t counts[40], n;

    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        requests[i] = request_for(i);
        requests[i].k = 5 + i % 26;
        requests[i].diversity = i % 3 == 0 ? 0.4f : 0.0f;
        requests[i].max_per_genre = i % 4 == 1 ? 2 : 0;
        requests[i].max_per_decade = i % 5 == 2 ? 1 : 0;
        requests[i].genres = genres;
        requests[i].n_genres = i % 7 == 0 ? 2 : 0;
    }
    assert_int_equal(recsys_recommend_into(recommender, als.model, requests, 40, 30, items, NULL,
                                           scores, counts, NULL, NULL, &err),
                     RECSYS_OK);
    for (uint32_t i = 0; i < 40; i++) {
        assert_int_equal(recsys_recommend_into(recommender, als.model, &requests[i], 1, 30, alone,
                                               NULL, alone_scores, &n, NULL, NULL, &err),
                         RECSYS_OK);
        assert_int_equal(n, counts[i]);
        assert_memory_equal(alone_scores, scores + i * 30, sizeof alone_scores);
        for (uint32_t j = 0; j < n; j++)
            assert_int_equal(alone[j].number, items[i * 30 + j].number);
    }
}

static void diversity_makes_answers_less_alike(void **state)
{
    double before = 2.0;

    (void)state;
    for (float diversity = 0.0f; diversity <= 1.0f; diversity += 0.25f) {
        double sum = 0.0;
        for (uint32_t u = 0; u < 20; u++) {
            recsys_request request = request_for(u);
            request.diversity = diversity;
            const recsys_reply reply = ask(&request);
            for (uint32_t i = 0; i < 10; i++)
                for (uint32_t j = 0; j < i; j++)
                    sum += cosine((uint32_t)recsys_reply_get_item(&reply, i)->item.number / 10,
                                  (uint32_t)recsys_reply_get_item(&reply, j)->item.number / 10);
        }
        assert_true(sum / 900.0 < before);
        before = sum / 900.0;
    }
}

static void a_diversity_that_is_none_is_refused(void **state)
{
    static const float wrong[] = {-0.1f, 1.1f, NAN, INFINITY};
    recsys_request request = request_for(0);
    recsys_reply reply = RECSYS_REPLY_INIT;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        request.diversity = wrong[i];
        assert_int_equal(recsys_recommend(recommender, als.model, &request, 1, &reply, &err),
                         RECSYS_E_INVALID);
        assert_non_null(strstr(err.message, "diversity is not within 0..1"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_answered_as_the_reference_does),
        cmocka_unit_test(favourite_genres_gain_before_items_are_chosen),
        cmocka_unit_test(sessions_and_popularity_are_varied_too),
        cmocka_unit_test(filters_decide_before_items_are_chosen),
        cmocka_unit_test(similar_items_are_varied_too),
        cmocka_unit_test(a_long_answer_has_a_pool_of_its_own_length),
        cmocka_unit_test(a_batch_is_answered_as_each_alone),
        cmocka_unit_test(diversity_makes_answers_less_alike),
        cmocka_unit_test(a_diversity_that_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
