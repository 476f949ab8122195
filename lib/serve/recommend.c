/* lib/serve/recommend.c - from requests to replies.
 *
 * Each request is checked and turned into a question (vector, conditions,
 * exclusions); all questions of a call go through the scorer as one batch, and
 * who has no vector is answered by popularity. Then answers become replies:
 * link, reasons. Whatever is wrong with one request stays in its own reply.
 *
 * All memory lives in the recommender and is kept, so that a call like the
 * one before allocates nothing.
 */
#include "lib/serve/recommend.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/score/scorer.h"

#define DEFAULT_K 10u
#define KNOWN_FLAGS                                                                                \
    (RECSYS_REQUEST_REASONS | RECSYS_REQUEST_INCLUDE_SEEN | RECSYS_REQUEST_INCLUDE_ADULT |         \
     RECSYS_REQUEST_ANONYMOUS)

struct recsys_recommender {
    recsys_scorer *scorer;
    struct rs_ask *asks;
    struct rs_question *questions;
    struct rs_topk *answers;
    float *vectors; /* [max_asks, dimensions] */
    uint32_t *excluded;
    recsys_recommendation *items;
    char *reasons; /* RS_REASON_SIZE each */
    size_t max_asks, max_floats, max_excluded, max_items, max_reasons;
};

const char *recsys_strategy_name(uint32_t strategy)
{
    static const char *const names[] = {"unknown", "user", "user_preferences", "preferences",
                                        "popularity"};

    return strategy < sizeof names / sizeof *names ? names[strategy] : names[0];
}

/* Make *memory hold n elements; its content may be lost. */
static recsys_status grow(void *memory, size_t *room, size_t n, size_t size, recsys_error *err)
{
    void *old, *larger;

    if (n <= *room)
        return RECSYS_OK;
    larger = rs_alloc_array(n, size);
    if (larger == NULL)
        return rs_error_nomem(err, "recommender");
    memcpy(&old, memory, sizeof old);
    rs_free(old);
    memcpy(memory, &larger, sizeof larger);
    *room = n;
    return RECSYS_OK;
}

static recsys_status grow_asks(recsys_recommender *r, size_t n, recsys_error *err)
{
    size_t asks = r->max_asks, questions = r->max_asks, answers = r->max_asks;
    recsys_status status;

    if ((status = grow(&r->asks, &asks, n, sizeof *r->asks, err)) != RECSYS_OK ||
        (status = grow(&r->questions, &questions, n, sizeof *r->questions, err)) != RECSYS_OK ||
        (status = grow(&r->answers, &answers, n, sizeof *r->answers, err)) != RECSYS_OK)
        return status;
    r->max_asks = n > r->max_asks ? n : r->max_asks;
    return RECSYS_OK;
}

recsys_status recsys_recommender_create(const recsys_scorer_options *options,
                                        recsys_recommender **out, recsys_error *err)
{
    recsys_scorer_options seen;
    recsys_recommender *r;
    recsys_status status;

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_recommender_create: out is NULL");
    *out = NULL;
    r = rs_alloc_array(1, sizeof *r);
    if (r == NULL)
        return rs_error_nomem(err, "recommender");
    status = recsys_scorer_create(options, &r->scorer, err);
    if (status == RECSYS_OK) {
        (void)rs_struct_read(&seen, sizeof seen, options, RECSYS_SCORER_OPTIONS_SIZE_V1,
                             "recsys_recommender_create: options", NULL);
        size_t batch = seen.max_batch == 0 ? 1 : seen.max_batch;
        size_t k = seen.max_k == 0 ? 100 : seen.max_k,
               d = seen.dimensions == 0 ? 128 : seen.dimensions;
        if ((status = grow_asks(r, batch, err)) == RECSYS_OK &&
            (status = grow(&r->vectors, &r->max_floats, batch * d, sizeof *r->vectors, err)) ==
                RECSYS_OK)
            status = grow(&r->items, &r->max_items, batch * k, sizeof *r->items, err);
    }
    if (status != RECSYS_OK) {
        recsys_recommender_destroy(r);
        return status;
    }
    *out = r;
    return RECSYS_OK;
}

void recsys_recommender_destroy(recsys_recommender *r)
{
    if (r == NULL)
        return;
    recsys_scorer_destroy(r->scorer);
    rs_free(r->asks);
    rs_free(r->questions);
    rs_free(r->answers);
    rs_free(r->vectors);
    rs_free(r->excluded);
    rs_free(r->items);
    rs_free(r->reasons);
    rs_free(r);
}

static int is_anonymous(const recsys_request *request)
{
    return (request->flags & RECSYS_REQUEST_ANONYMOUS) != 0;
}

/* What is wrong with an id, as a whole sentence of static text; NULL if nothing is. */
static const char *check_id(const struct rs_ids *ids, recsys_id id, int is_user)
{
    if (rs_ids_refuse(ids, id) == NULL)
        return NULL;
    if ((id.text != NULL) != (ids->kind == RECSYS_ID_KIND_TEXT))
        return !is_user          ? "an excluded item's id is not of this model's kind"
               : id.text != NULL ? "the user id is a string, this model's user ids are integers"
                                 : "the user id is an integer, this model's user ids are strings";
    if (id.text == NULL)
        return is_user ? "the user id is larger than 9223372036854775807"
                       : "an excluded item's id is larger than 9223372036854775807";
    return is_user ? "the user id has no length or is longer than 255 bytes"
                   : "an excluded item's id has no length or is longer than 255 bytes";
}

/* What is wrong with a request, as static text; NULL if nothing is. */
static const char *check(const struct recsys_model *model, const recsys_request *request)
{
    const char *problem = NULL;

    if (request->k > RECSYS_MAX_K)
        return "k is larger than 1000";
    if (!is_anonymous(request))
        problem = check_id(&model->user_ids, request->user, 1);
    if (problem != NULL)
        return problem;
    if (!(request->min_rating >= 0.0f && request->min_rating <= 10.0f))
        return "min_rating is not within 0..10";
    if (request->decade != 0 && (request->decade < 1 || request->decade > 9990))
        return "decade is not a year";
    if ((request->n_genres > 0 && request->genres == NULL) ||
        (request->n_languages > 0 && request->languages == NULL) ||
        (request->n_exclude > 0 && request->exclude == NULL))
        return "a list is NULL that is said to have entries";
    if (request->n_languages > RS_CONDITION_MAX_LANGUAGES)
        return "more than 64 languages";
    for (uint32_t i = 0; i < request->n_genres; i++)
        if (request->genres[i] == NULL)
            return "a genre is NULL";
    for (uint32_t i = 0; i < request->n_languages; i++)
        if (request->languages[i] == NULL)
            return "a language is NULL";
    for (size_t i = 0; i < request->n_exclude && problem == NULL; i++)
        problem = check_id(&model->item_ids, request->exclude[i], 0);
    return problem;
}

/* The conditions of a checked request. `excluded` has room for its list. */
static void set_eligible(const struct recsys_model *model, struct rs_ask *ask, uint32_t *excluded)
{
    const recsys_request *request = &ask->request;
    int32_t last = request->decade == 0 ? 0 : request->decade + 9;

    memset(&ask->eligible, 0, sizeof ask->eligible);
    /* Cannot fail: check() has seen everything it could object to. */
    (void)rs_filter_condition(model->catalog, request->min_rating, request->decade, last,
                              request->languages, request->n_languages,
                              (request->flags & RECSYS_REQUEST_INCLUDE_ADULT) == 0, &ask->condition,
                              NULL);
    if (!rs_condition_is_trivial(&ask->condition, model->catalog)) {
        ask->eligible.condition = &ask->condition;
        ask->eligible.catalog = model->catalog;
    }
    (void)rs_filter_positions(model, request->exclude, request->n_exclude, excluded,
                              &ask->eligible.excluded[0].n, NULL);
    ask->eligible.excluded[0].list = excluded;
    ask->known = !is_anonymous(request) && rs_ids_find(&model->user_ids, request->user, &ask->user);
    if (ask->known && (request->flags & RECSYS_REQUEST_INCLUDE_SEEN) == 0)
        ask->eligible.excluded[1] = rs_filter_seen(model, ask->user);
}

/* Copy request number `i` as this library knows it. */
static recsys_status read_request(const recsys_request *requests, size_t i, recsys_request *out,
                                  const char *function, recsys_error *err)
{
    const char *request = (const char *)requests + i * requests->struct_size;
    uint32_t size;
    recsys_status status;

    /* A larger one would reach into the next, or behind the array. */
    memcpy(&size, request, sizeof size);
    if (size != requests->struct_size)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: struct_size of request %zu is %u, the first's %u", function, i, size,
                        requests->struct_size);
    status = rs_struct_read(out, sizeof *out, request, RECSYS_REQUEST_SIZE_V1, function, err);
    if (status != RECSYS_OK)
        return status;
    if (out->flags & ~KNOWN_FLAGS)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s: flags 0x%x are newer than this library",
                        function, out->flags & ~KNOWN_FLAGS);
    return RECSYS_OK;
}

/* Copy the requests as this library knows them, check them, and say how much
 * memory the call needs. */
static recsys_status read_requests(recsys_recommender *r, const struct recsys_model *model,
                                   const recsys_request *requests, size_t n, recsys_reply *replies,
                                   const char *function, recsys_error *err)
{
    size_t n_items = 0, n_excluded = 0, n_reasons = 0;
    recsys_status status;

    for (size_t i = 0; i < n; i++) {
        struct rs_ask *ask = &r->asks[i];
        status = read_request(requests, i, &ask->request, function, err);
        if (status != RECSYS_OK)
            return status;
        if (ask->request.k == 0)
            ask->request.k = DEFAULT_K;
        memset(&replies[i], 0, sizeof replies[i]);
        replies[i].message = check(model, &ask->request);
        if (replies[i].message != NULL) {
            replies[i].status = RECSYS_E_INVALID;
            continue;
        }
        if (ask->request.k > model->n_items)
            ask->request.k = model->n_items;
        ask->first = n_items;
        n_items += ask->request.k;
        n_excluded += ask->request.n_exclude;
        if ((ask->request.flags & RECSYS_REQUEST_REASONS) != 0)
            n_reasons = n_items;
    }
    if ((status = grow(&r->items, &r->max_items, n_items, sizeof *r->items, err)) != RECSYS_OK ||
        (status = grow(&r->excluded, &r->max_excluded, n_excluded, sizeof *r->excluded, err)) !=
            RECSYS_OK ||
        (status = grow(&r->reasons, &r->max_reasons, n_reasons, RS_REASON_SIZE, err)) != RECSYS_OK)
        return status;
    return grow(&r->vectors, &r->max_floats, n * model->dimensions, sizeof *r->vectors, err);
}

static void make_questions(recsys_recommender *r, const struct recsys_model *model, size_t n,
                           const recsys_reply *replies, size_t *n_questions)
{
    uint32_t *excluded = r->excluded;

    *n_questions = 0;
    for (size_t i = 0; i < n; i++) {
        struct rs_ask *ask = &r->asks[i];
        if (replies[i].status != RECSYS_OK)
            continue;
        set_eligible(model, ask, excluded);
        excluded += ask->eligible.excluded[0].n;
        struct rs_question *question = &r->questions[*n_questions];
        float *vector = r->vectors + *n_questions * model->dimensions;
        question->offset = rs_steer(model, ask, vector);
        if (ask->strategy == RECSYS_STRATEGY_POPULARITY)
            continue;
        question->vector = vector;
        question->k = ask->request.k;
        question->eligible = ask->eligible;
        ask->question = (uint32_t)(*n_questions)++;
    }
}

static uint32_t write_items(const struct recsys_model *model, const struct rs_topk *answer,
                            recsys_recommendation *out)
{
    for (uint32_t i = 0; i < answer->n; i++) {
        memset(&out[i], 0, sizeof out[i]);
        out[i].item = rs_ids_get(&model->item_ids, answer->entries[i].position);
        out[i].raw = answer->entries[i].score;
        out[i].score = recsys_link_score(model, out[i].raw);
    }
    return answer->n;
}

static void write_reply(recsys_recommender *r, const struct recsys_model *model, size_t i,
                        recsys_reply *reply)
{
    struct rs_ask *ask = &r->asks[i];
    recsys_recommendation *items = r->items + ask->first;

    reply->strategy = ask->strategy;
    reply->items = items;
    if (ask->strategy == RECSYS_STRATEGY_POPULARITY)
        reply->count = rs_popular(model, &ask->eligible, ask->request.k, items);
    else
        reply->count = write_items(model, &r->answers[ask->question], items);
    if ((ask->request.flags & RECSYS_REQUEST_REASONS) == 0)
        return;
    for (uint32_t j = 0; j < reply->count; j++) {
        uint32_t position;
        if (rs_ids_find(&model->item_ids, items[j].item, &position))
            rs_reasons(model, ask, position, &items[j],
                       r->reasons + (ask->first + j) * RS_REASON_SIZE);
    }
}

recsys_status recsys_recommend(recsys_recommender *r, const recsys_model *model,
                               const recsys_request *requests, size_t n_requests,
                               recsys_reply *replies, recsys_error *err)
{
    size_t n_questions;
    recsys_status status;

    if (r == NULL || model == NULL || (n_requests > 0 && (requests == NULL || replies == NULL)))
        return rs_error(err, RECSYS_E_INVALID, "recsys_recommend: an argument is NULL");
    if (n_requests == 0)
        return RECSYS_OK;
    memset(replies, 0, n_requests * sizeof *replies);
    if ((status = grow_asks(r, n_requests, err)) == RECSYS_OK &&
        (status = read_requests(r, model, requests, n_requests, replies, __func__, err)) ==
            RECSYS_OK) {
        make_questions(r, model, n_requests, replies, &n_questions);
        status = rs_scorer_run(r->scorer, model, r->questions, n_questions, r->answers, err);
    }
    if (status != RECSYS_OK) {
        memset(replies, 0, n_requests * sizeof *replies);
        return status;
    }
    for (size_t i = 0; i < n_requests; i++)
        if (replies[i].status == RECSYS_OK)
            write_reply(r, model, i, &replies[i]);
    return RECSYS_OK;
}

recsys_status recsys_recommend_similar(recsys_recommender *r, const recsys_model *model,
                                       recsys_id item, const recsys_request *request,
                                       recsys_reply *reply, recsys_error *err)
{
    recsys_request plain = RECSYS_REQUEST_INIT;
    struct rs_topk answer;
    uint32_t position;
    recsys_status status;

    if (r == NULL || model == NULL || reply == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_recommend_similar: an argument is NULL");
    memset(reply, 0, sizeof *reply);
    plain.flags = RECSYS_REQUEST_ANONYMOUS;
    if (request == NULL)
        request = &plain;
    if ((status = rs_ids_lookup(&model->item_ids, item, "item", &position, err)) != RECSYS_OK ||
        (status = grow_asks(r, 1, err)) != RECSYS_OK ||
        (status = read_requests(r, model, request, 1, reply, __func__, err)) != RECSYS_OK)
        return status;
    if (reply->status != RECSYS_OK)
        return rs_error(err, reply->status, "recsys_recommend_similar: %s", reply->message);
    set_eligible(model, r->asks, r->excluded);
    status = rs_scorer_run_similar(r->scorer, model, position, r->asks->request.k,
                                   &r->asks->eligible, &answer, err);
    if (status != RECSYS_OK)
        return status;
    reply->items = r->items;
    reply->count = write_items(model, &answer, r->items);
    for (uint32_t i = 0; i < reply->count; i++)
        r->items[i].score = r->items[i].raw > 0.0f ? fminf(r->items[i].raw, 1.0f) : 0.0f;
    return RECSYS_OK;
}
