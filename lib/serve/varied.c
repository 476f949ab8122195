/* lib/serve/varied.c - answers that are not simply the best items: diversity, and caps per
 * attribute.
 *
 * The request is first answered like any other, with a larger k: these items are the pool. From it
 * items are chosen one after another. Without diversity it is the best one that no cap holds back.
 * With diversity it is the one with the largest
 *   (1 - diversity) * standing - diversity * the largest cosine with an item chosen before
 * (MMR; Carbonell and Goldstein, SIGIR 1998), where standing is the raw
 * score on a scale from 0, the pool's worst, to 1, its best. Equal ones are chosen in the pool's
 * order, by score and id. Everything is computed in double, in a fixed order.
 *
 * If caps hold back so many items that the pool does not fill the answer, the next pool are the
 * best items that no cap holds back now. A cap never gives back an item that it holds back, so no
 * item is missed: without diversity the answer equals a walk over all eligible items.
 */
#include <math.h>
#include <string.h>

#include "lib/catalog/caps.h"
#include "lib/score/canonical.h"
#include "lib/serve/recommender.h"

#define LEAST_POOL 100u
#define POOL_PER_PLACE 10u
#define MOST_POOL 1000u /* unless more items are asked for */

uint32_t rs_varied_pool(uint32_t k, uint32_t n_items)
{
    uint32_t pool = k < MOST_POOL / POOL_PER_PLACE ? k * POOL_PER_PLACE : MOST_POOL;

    pool = pool < LEAST_POOL ? LEAST_POOL : pool;
    pool = pool < k ? k : pool;
    return pool < n_items ? pool : n_items;
}

void rs_varied_keep(recsys_recommender *r, struct rs_ask *ask, const struct rs_best *entries,
                    uint32_t n)
{
    memcpy(r->pools + ask->first_pool, entries, n * sizeof *entries);
    ask->n_pool = n;
}

/* The choice for one ask. */
struct choice {
    const struct recsys_model *model;
    double diversity;
    struct rs_caps caps;
    int has_caps;
    double worst, best; /* raw scores of the first pool */
    struct rs_pooled *candidates;
    uint32_t n_candidates;
    struct rs_best *chosen; /* in the order of choice */
    uint32_t n_chosen, places;
};

static const float *vector_at(const struct recsys_model *model, uint32_t position)
{
    return model->items + (size_t)position * model->stride;
}

static double norm_at(const struct recsys_model *model, uint32_t position)
{
    const float *vector = vector_at(model, position);

    return sqrt(rs_canonical_dot(vector, vector, model->dimensions));
}

/* A vector of zeros is like no other. */
static double cosine(const struct choice *choice, const struct rs_pooled *candidate,
                     uint32_t position, double norm)
{
    double product =
        rs_canonical_dot(vector_at(choice->model, candidate->entry.position),
                         vector_at(choice->model, position), choice->model->dimensions);

    return norm > 0.0 && candidate->norm > 0.0 ? product / (norm * candidate->norm) : 0.0;
}

static void compare_with(const struct choice *choice, struct rs_pooled *candidate,
                         uint32_t position, double norm, int is_first)
{
    double similar = cosine(choice, candidate, position, norm);

    if (is_first || similar > candidate->nearest)
        candidate->nearest = similar;
}

/* The rest of the pool is compared with the newest chosen item. */
static void compare_all(const struct choice *choice)
{
    uint32_t position = choice->chosen[choice->n_chosen - 1].position;
    double norm = norm_at(choice->model, position);

    for (uint32_t i = 0; i < choice->n_candidates; i++)
        compare_with(choice, &choice->candidates[i], position, norm, choice->n_chosen == 1);
}

static void set_candidates(struct choice *choice, const struct rs_best *pool, uint32_t n)
{
    choice->n_candidates = n;
    for (uint32_t i = 0; i < n; i++) {
        struct rs_pooled *candidate = &choice->candidates[i];
        *candidate = (struct rs_pooled){pool[i], 0.0, 0.0};
        if (choice->diversity <= 0.0)
            continue;
        candidate->norm = norm_at(choice->model, pool[i].position);
        for (uint32_t c = 0; c < choice->n_chosen; c++)
            compare_with(choice, candidate, choice->chosen[c].position,
                         norm_at(choice->model, choice->chosen[c].position), c == 0);
    }
}

static double value_of(const struct choice *choice, const struct rs_pooled *candidate)
{
    double range = choice->best - choice->worst;
    double standing = range > 0.0 ? ((double)candidate->entry.score - choice->worst) / range : 0.0;

    return (1.0 - choice->diversity) * standing - choice->diversity * candidate->nearest;
}

/* Drop what a cap holds back, and find the next one; n_candidates: none is left. */
static uint32_t find_next(struct choice *choice)
{
    uint32_t n = 0, next = 0;
    double largest = -INFINITY;

    for (uint32_t i = 0; i < choice->n_candidates; i++)
        if (!choice->has_caps || rs_caps_allow(&choice->caps, choice->candidates[i].entry.position))
            choice->candidates[n++] = choice->candidates[i];
    choice->n_candidates = n;
    if (choice->diversity <= 0.0)
        return 0; /* the pool is in order */
    for (uint32_t i = 0; i < n; i++) {
        double value = value_of(choice, &choice->candidates[i]);
        if (value > largest) {
            largest = value;
            next = i;
        }
    }
    return next;
}

static void choose(struct choice *choice)
{
    uint32_t next;

    while (choice->n_chosen < choice->places && (next = find_next(choice)) < choice->n_candidates) {
        const struct rs_best entry = choice->candidates[next].entry;
        choice->chosen[choice->n_chosen++] = entry;
        choice->n_candidates--;
        memmove(&choice->candidates[next], &choice->candidates[next + 1],
                (choice->n_candidates - next) * sizeof *choice->candidates);
        if (choice->has_caps)
            rs_caps_take(&choice->caps, entry.position);
        if (choice->diversity > 0.0)
            compare_all(choice);
    }
}

/* The best items that are eligible now, into *pool. */
static recsys_status find_pool(recsys_recommender *r, const struct recsys_model *model,
                               struct rs_ask *ask, const struct rs_best **pool, uint32_t *n,
                               recsys_error *err)
{
    struct rs_question question = {ask->vector, ask->offset, ask->request.k, ask->eligible};
    struct rs_topk found = {0};
    recsys_status status;

    *pool = r->popular;
    if (ask->strategy != RECSYS_STRATEGY_SIMILAR && ask->n_wanted > 0 && !rs_ask_by_popularity(ask))
        return rs_steered_again(r, model, ask, n, err);
    if (ask->strategy != RECSYS_STRATEGY_SIMILAR && rs_ask_by_popularity(ask)) {
        status = rs_grow(&r->popular, &r->max_popular, ask->request.k, sizeof *r->popular, err);
        if (status == RECSYS_OK)
            *n = ask->n_wanted > 0 ? rs_popular_steered(model, ask, r->popular)
                                   : rs_popular(model, &ask->eligible, ask->request.k, r->popular);
        *pool = r->popular;
        return status;
    }
    if (ask->strategy == RECSYS_STRATEGY_SIMILAR)
        status = rs_scorer_run_similar(r->scorer, model, ask->about, ask->request.k, &ask->eligible,
                                       &found, err);
    else
        status = rs_scorer_run(r->scorer, model, &question, 1, &found, err);
    *pool = found.entries;
    *n = found.n;
    return status;
}

/* Chosen items are not eligible again. */
static void exclude_chosen(recsys_recommender *r, const struct choice *choice, struct rs_ask *ask)
{
    uint32_t *list = r->chosen_positions;
    struct rs_positions *excluded = &ask->eligible.excluded[RS_EXCLUDED_AS_CHOSEN];

    *excluded = (struct rs_positions){list, 0};
    for (uint32_t c = 0; c < choice->n_chosen; c++) {
        uint32_t position = choice->chosen[c].position, at = excluded->n++;
        for (; at > 0 && list[at - 1] > position; at--)
            list[at] = list[at - 1];
        list[at] = position;
    }
}

static recsys_status reserve(recsys_recommender *r, const struct recsys_model *model,
                             const struct rs_ask *ask, recsys_error *err)
{
    recsys_status status;

    if ((status = rs_grow(&r->candidates, &r->max_candidates, ask->request.k, sizeof *r->candidates,
                          err)) != RECSYS_OK ||
        (status = rs_grow(&r->chosen, &r->max_chosen, ask->places, sizeof *r->chosen, err)) !=
            RECSYS_OK ||
        (status = rs_grow(&r->chosen_positions, &r->max_chosen_positions, ask->places,
                          sizeof *r->chosen_positions, err)) != RECSYS_OK)
        return status;
    return rs_grow(&r->counts, &r->max_counts, rs_caps_count(model->catalog), sizeof *r->counts,
                   err);
}

recsys_status rs_varied_choose(recsys_recommender *r, const struct recsys_model *model,
                               struct rs_ask *ask, uint32_t *n_chosen, recsys_error *err)
{
    const recsys_request *request = &ask->request;
    const struct rs_best *pool = r->pools + ask->first_pool;
    uint32_t n = ask->n_pool;
    recsys_status status = reserve(r, model, ask, err);
    struct choice choice = {
        .model = model,
        .diversity = (double)request->diversity,
        .caps = {model->catalog, request->max_per_genre, request->max_per_decade,
                 request->max_per_language, r->counts},
        .has_caps =
            (request->max_per_genre | request->max_per_decade | request->max_per_language) != 0,
        .candidates = r->candidates,
        .chosen = r->chosen,
        .places = ask->places,
    };

    *n_chosen = 0;
    if (status != RECSYS_OK || n == 0)
        return status;
    memset(r->counts, 0, rs_caps_count(model->catalog) * sizeof *r->counts);
    choice.best = (double)pool[0].score;
    choice.worst = (double)pool[n - 1].score;
    for (;;) {
        set_candidates(&choice, pool, n);
        choose(&choice);
        if (choice.n_chosen == choice.places || n < request->k)
            break;
        ask->eligible.caps = &choice.caps;
        exclude_chosen(r, &choice, ask);
        if ((status = find_pool(r, model, ask, &pool, &n, err)) != RECSYS_OK)
            break;
    }
    ask->eligible.caps = NULL;
    *n_chosen = choice.n_chosen;
    return status;
}
