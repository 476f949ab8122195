/* tests/scenarios/c/call_recommend.c - calls that rank: recommend, similar, score, top-K. */
#include <string.h>

#include "tests/scenarios/c/scenario.h"

static void close_recommender(void *recommender)
{
    recsys_recommender_destroy(recommender);
}

static recsys_recommender *make_recommender(void)
{
    recsys_recommender *recommender;
    recsys_error err;

    if (recsys_recommender_create(NULL, &recommender, &err) != RECSYS_OK)
        scenario_broken("no recommender", err.message);
    return recommender;
}

/* A request without a user is anonymous. */
static recsys_request request_of(struct scenario *s, const json_t *asked)
{
    recsys_request request = RECSYS_REQUEST_INIT;
    const json_t *user = json_object_get(asked, "user");
    size_t n;

    request.user = id_of(user);
    request.k = (uint32_t)member_number(asked, "k");
    request.min_rating = (float)member_real(asked, "min_rating");
    request.decade = (int32_t)member_number(asked, "decade");
    request.genres = member_texts(s, asked, "genres", &n);
    request.n_genres = (uint32_t)n;
    request.languages = member_texts(s, asked, "languages", &n);
    request.n_languages = (uint32_t)n;
    request.require_genres = member_texts(s, asked, "require_genres", &n);
    request.n_require_genres = (uint32_t)n;
    request.preference_strength = (float)member_real(asked, "preference_strength");
    request.exclude = member_ids(s, asked, "exclude", &request.n_exclude);
    request.vector = member_floats(s, asked, "vector", &n);
    request.liked = member_ids(s, asked, "liked", &request.n_liked);
    request.liked_weights = member_floats(s, asked, "liked_weights", &n);
    request.allow = member_ids(s, asked, "allow", &request.n_allow);
    request.diversity = (float)member_real(asked, "diversity");
    request.max_per_genre = (uint32_t)member_number(asked, "max_per_genre");
    request.max_per_decade = (uint32_t)member_number(asked, "max_per_decade");
    request.max_per_language = (uint32_t)member_number(asked, "max_per_language");
    request.filter = scenario_object(s, asked, "filter", close_filter);
    request.flags =
        (user == NULL ? RECSYS_REQUEST_ANONYMOUS : 0) |
        (request.allow != NULL ? RECSYS_REQUEST_ALLOW : 0) |
        (json_object_get(asked, "preference_strength") != NULL ? RECSYS_REQUEST_STRENGTH : 0) |
        (member_true(asked, "reasons") ? RECSYS_REQUEST_REASONS : 0) |
        (member_true(asked, "include_seen") ? RECSYS_REQUEST_INCLUDE_SEEN : 0) |
        (member_true(asked, "include_adult") ? RECSYS_REQUEST_INCLUDE_ADULT : 0);
    return request;
}

static json_t *reasons_of(uint32_t reasons)
{
    static const char *const names[] = {"genres", "rating", "score", "similar", "popular"};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((reasons >> i & 1) != 0)
            json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *causes_of(const recsys_recommendation *item)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < item->n_causes; i++)
        json_array_append_new(list, json_of_id(item->causes[i]));
    return list;
}

/* null where the score cannot be taken apart. */
static json_t *contributions_of(const recsys_recommendation *item)
{
    json_t *list = json_array();

    if (item->contributions == NULL) {
        json_decref(list);
        return json_null();
    }
    for (uint32_t i = 0; i < item->n_causes; i++)
        json_array_append_new(list, json_of_float(item->contributions[i]));
    return list;
}

static json_t *ignored_of(const recsys_reply *reply)
{
    static const char *const kinds[] = {"",       "genre", "language",       "decade",
                                        "rating", "liked", "required_genre", "allowed"};
    json_t *list = json_array();

    for (uint32_t i = 0; i < reply->n_ignored; i++) {
        const recsys_preference *ignored = &reply->ignored[i];
        json_array_append_new(list, json_pack("[s,i]", kinds[ignored->kind], (int)ignored->index));
    }
    return list;
}

/* Lists beside each other: the place in each is the place in the answer. */
static void put_reply(json_t *result, const recsys_reply *reply)
{
    json_t *items = json_array(), *scores = json_array(), *raws = json_array();
    json_t *reasons = json_array(), *words = json_array(), *causes = json_array();
    json_t *contributions = json_array();

    for (uint32_t i = 0; i < reply->count && reply->items != NULL; i++) {
        const recsys_recommendation *item = recsys_reply_get_item(reply, i);
        json_array_append_new(items, json_of_id(item->item));
        json_array_append_new(scores, json_of_float(item->score));
        json_array_append_new(raws, json_of_float(item->raw));
        json_array_append_new(reasons, reasons_of(item->reasons));
        json_array_append_new(words, json_of_text(item->reason));
        json_array_append_new(causes, causes_of(item));
        json_array_append_new(contributions, contributions_of(item));
    }
    json_object_set_new(result, "items", items);
    json_object_set_new(result, "scores", scores);
    json_object_set_new(result, "raws", raws);
    json_object_set_new(result, "reasons", reasons);
    json_object_set_new(result, "words", words);
    json_object_set_new(result, "causes", causes);
    json_object_set_new(result, "contributions", contributions);
    json_object_set_new(result, "ignored", ignored_of(reply));
    json_object_set_new(result, "strategy", json_string(recsys_strategy_name(reply->strategy)));
    json_object_set_new(result, "known", json_boolean(reply->flags & RECSYS_REPLY_KNOWN_USER));
    json_object_set_new(result, "steered", json_boolean(reply->flags & RECSYS_REPLY_PREFERENCES));
    json_object_set_new(result, "model", json_of_text(reply->model_name));
    json_object_set_new(result, "version", json_of_text(reply->model_version));
}

static recsys_status call_recommend(struct scenario *s, const json_t *step, json_t *result,
                                    recsys_error *err)
{
    const recsys_request request = request_of(s, json_object_get(step, "request"));
    recsys_recommender *recommender = make_recommender();
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_status status =
        recsys_recommend(recommender, scenario_model(s, step), &request, 1, &reply, err);

    if (status == RECSYS_OK)
        put_reply(result, &reply);
    close_recommender(recommender);
    return status;
}

static recsys_request *requests_of(struct scenario *s, const json_t *step, size_t *n)
{
    const json_t *asked = json_object_get(step, "requests");
    recsys_request *requests = scenario_memory(s, json_array_size(asked), sizeof *requests);

    *n = json_array_size(asked);
    for (size_t i = 0; i < *n; i++)
        requests[i] = request_of(s, json_array_get(asked, i));
    return requests;
}

static recsys_status call_batch(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    size_t n;
    const recsys_request *requests = requests_of(s, step, &n);
    recsys_reply *replies = scenario_memory(s, n, sizeof *replies);
    recsys_recommender *recommender = make_recommender();
    json_t *items = json_array(), *scores = json_array(), *statuses = json_array();
    json_t *strategies = json_array();

    replies->struct_size = (uint32_t)sizeof *replies;
    recsys_status status =
        recsys_recommend(recommender, scenario_model(s, step), requests, n, replies, err);
    for (size_t i = 0; status == RECSYS_OK && i < n; i++) {
        json_t *reply = json_object();
        put_reply(reply, &replies[i]);
        json_array_append(items, json_object_get(reply, "items"));
        json_array_append(scores, json_object_get(reply, "scores"));
        json_array_append(strategies, json_object_get(reply, "strategy"));
        json_array_append_new(statuses, json_string(recsys_status_name(replies[i].status)));
        json_decref(reply);
    }
    json_object_set_new(result, "items", items);
    json_object_set_new(result, "scores", scores);
    json_object_set_new(result, "statuses", statuses);
    json_object_set_new(result, "strategies", strategies);
    close_recommender(recommender);
    return status;
}

/* One row of a matrix of answers. */
static void put_row(json_t *ids, json_t *scores, const recsys_id *items, const float *numbers,
                    uint32_t count)
{
    json_t *id_row = json_array(), *score_row = json_array();

    for (uint32_t j = 0; j < count; j++) {
        json_array_append_new(id_row, json_of_id(items[j]));
        json_array_append_new(score_row, json_of_float(numbers[j]));
    }
    json_array_append_new(ids, id_row);
    json_array_append_new(scores, score_row);
}

static recsys_status call_recommend_into(struct scenario *s, const json_t *step, json_t *result,
                                         recsys_error *err)
{
    size_t n, stride = member_number(step, "stride");
    const recsys_request *requests = requests_of(s, step, &n);
    recsys_id *items = scenario_memory(s, n * stride, sizeof *items);
    float *scores = scenario_memory(s, n * stride, sizeof *scores);
    uint32_t *counts = scenario_memory(s, n, sizeof *counts);
    uint32_t *strategies = scenario_memory(s, n, sizeof *strategies);
    recsys_recommender *recommender = make_recommender();
    recsys_status status =
        recsys_recommend_into(recommender, scenario_model(s, step), requests, n, stride, items,
                              NULL, scores, counts, NULL, strategies, err);
    json_t *id_rows = json_array(), *score_rows = json_array(), *names = json_array();

    for (size_t i = 0; status == RECSYS_OK && i < n; i++) {
        put_row(id_rows, score_rows, items + i * stride, scores + i * stride, counts[i]);
        json_array_append_new(names, json_string(recsys_strategy_name(strategies[i])));
    }
    json_object_set_new(result, "items", id_rows);
    json_object_set_new(result, "scores", score_rows);
    json_object_set_new(result, "strategies", names);
    close_recommender(recommender);
    return status;
}

static recsys_status call_similar(struct scenario *s, const json_t *step, json_t *result,
                                  recsys_error *err)
{
    const json_t *asked = json_object_get(step, "request");
    const recsys_request request = request_of(s, asked);
    recsys_recommender *recommender = make_recommender();
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_status status =
        recsys_recommend_similar(recommender, scenario_model(s, step),
                                 id_of(json_object_get(step, "item")), &request, &reply, err);

    if (status == RECSYS_OK)
        put_reply(result, &reply);
    close_recommender(recommender);
    return status;
}

static recsys_status call_score_items(struct scenario *s, const json_t *step, json_t *result,
                                      recsys_error *err)
{
    const recsys_request request = request_of(s, json_object_get(step, "request"));
    recsys_recommender *recommender = make_recommender();
    recsys_reply reply = RECSYS_REPLY_INIT;
    size_t n;
    const recsys_id *items = member_ids(s, step, "items", &n);
    float *scores = scenario_memory(s, n, sizeof *scores),
          *raws = scenario_memory(s, n, sizeof *raws);
    recsys_status status = recsys_recommend_score_items(
        recommender, scenario_model(s, step), &request, items, n, scores, raws, &reply, err);
    json_t *score_list = json_array(), *raw_list = json_array();

    for (size_t i = 0; i < n; i++) { /* a NaN's bits are its maker's affair */
        json_array_append_new(score_list,
                              scores[i] == scores[i] ? json_of_float(scores[i]) : json_null());
        json_array_append_new(raw_list, raws[i] == raws[i] ? json_of_float(raws[i]) : json_null());
    }
    json_object_set_new(result, "scores", score_list);
    json_object_set_new(result, "raws", raw_list);
    json_object_set_new(result, "count", json_integer(reply.count));
    json_object_set_new(result, "strategy", json_string(recsys_strategy_name(reply.strategy)));
    close_recommender(recommender);
    return status;
}

/* -- the scorer -- */

static recsys_scorer *make_scorer(void)
{
    recsys_scorer *scorer;
    recsys_error err;

    if (recsys_scorer_create(NULL, &scorer, &err) != RECSYS_OK)
        scenario_broken("no scorer", err.message);
    return scorer;
}

static recsys_status call_top_k(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    const json_t *rows = json_object_get(step, "queries"), *row;
    const recsys_filter *filter = scenario_object(s, step, "filter", close_filter);
    size_t n = json_array_size(rows), k = member_number(step, "k"), n_offsets, q, unused;
    const float *offsets = member_floats(s, step, "offsets", &n_offsets);
    recsys_query *queries = scenario_memory(s, n, sizeof *queries);
    recsys_scored *out = scenario_memory(s, n * k, sizeof *out);
    uint32_t *counts = scenario_memory(s, n, sizeof *counts);
    recsys_scorer *scorer = make_scorer();

    json_array_foreach(rows, q, row)
    {
        const json_t *wrapped = json_pack("{s:O}", "row", row);
        queries[q].vector = member_floats(s, wrapped, "row", &unused);
        queries[q].filter = filter;
        queries[q].offset = offsets == NULL ? 0.0 : (double)offsets[q];
        queries[q].k = (uint32_t)k;
        json_decref((json_t *)wrapped);
    }
    recsys_status status =
        recsys_scorer_top_k(scorer, scenario_model(s, step), queries, n, out, k, counts, err);
    json_t *ids = json_array(), *scores = json_array();
    for (q = 0; status == RECSYS_OK && q < n; q++) {
        recsys_id *items = scenario_memory(s, k, sizeof *items);
        float *numbers = scenario_memory(s, k, sizeof *numbers);
        for (uint32_t j = 0; j < counts[q]; j++) {
            items[j] = out[q * k + j].item;
            numbers[j] = out[q * k + j].score;
        }
        put_row(ids, scores, items, numbers, counts[q]);
    }
    json_object_set_new(result, "items", ids);
    json_object_set_new(result, "scores", scores);
    recsys_scorer_destroy(scorer);
    return status;
}

static recsys_status call_nearest(struct scenario *s, const json_t *step, json_t *result,
                                  recsys_error *err)
{
    const recsys_filter *filter = scenario_object(s, step, "filter", close_filter);
    uint32_t k = (uint32_t)member_number(step, "k"), count = 0;
    recsys_scored *out = scenario_memory(s, k, sizeof *out);
    recsys_scorer *scorer = make_scorer();
    recsys_status status =
        recsys_scorer_similar(scorer, scenario_model(s, step), id_of(json_object_get(step, "item")),
                              filter, k, out, &count, err);
    json_t *ids = json_array(), *scores = json_array();

    for (uint32_t j = 0; status == RECSYS_OK && j < count; j++) {
        json_array_append_new(ids, json_of_id(out[j].item));
        json_array_append_new(scores, json_of_float(out[j].score));
    }
    json_object_set_new(result, "items", ids);
    json_object_set_new(result, "scores", scores);
    recsys_scorer_destroy(scorer);
    return status;
}

const struct named_call recommend_calls[] = {{"recommend", call_recommend},
                                             {"batch", call_batch},
                                             {"recommend_into", call_recommend_into},
                                             {"similar", call_similar},
                                             {"score_items", call_score_items},
                                             {"top_k", call_top_k},
                                             {"nearest", call_nearest},
                                             {NULL, NULL}};
