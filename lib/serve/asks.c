/* lib/serve/asks.c - copy a caller's requests into asks, check them and set their conditions.
 *
 * Callers of other versions have longer or shorter requests. An error in one request is kept in its
 * ask, because the other requests are answered nevertheless. An error in the array fails the call.
 *
 * First all requests are read, to know how much memory the call needs. Then their ids become
 * positions, in memory that does not move any more.
 */
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/base/text.h"
#include "lib/score/canonical.h"
#include "lib/serve/recommender.h"

#define DEFAULT_K 10u
#define MAX_STRENGTH 10.0f
#define KNOWN_FLAGS                                                                                \
    (RECSYS_REQUEST_REASONS | RECSYS_REQUEST_INCLUDE_SEEN | RECSYS_REQUEST_INCLUDE_ADULT |         \
     RECSYS_REQUEST_ANONYMOUS | RECSYS_REQUEST_ALLOW | RECSYS_REQUEST_STRENGTH)

/* Describe the error and return 0. */
#define WRONG(...) (rs_text_append(problem, RS_PROBLEM_SIZE, __VA_ARGS__), 0)

static int check_names(const char *const *names, uint32_t n, const char *noun, char *problem)
{
    if (n > 0 && names == NULL)
        return WRONG("%u %ss are announced, none given", n, noun);
    for (uint32_t i = 0; i < n; i++)
        if (names[i] == NULL)
            return WRONG("%s %u is NULL", noun, i);
    return 1;
}

static int check_ids(const struct rs_ids *ids, const recsys_id *list, size_t n, const char *noun,
                     char *problem)
{
    if (n > 0 && list == NULL)
        return WRONG("%zu %s items are announced, none given", n, noun);
    for (size_t i = 0; i < n; i++) {
        const char *wrong = rs_ids_refuse(ids, list[i]);
        if (wrong != NULL)
            return WRONG("the id of %s item %zu %s", noun, i, wrong);
    }
    return 1;
}

static int check_taste(const struct recsys_model *model, const recsys_request *request,
                       uint32_t needs, char *problem)
{
    if (request->vector == NULL && request->n_liked == 0)
        return 1;
    if ((needs & RS_ASK_SIMILAR) != 0)
        return WRONG("similar items are asked for with a vector or liked items");
    if (request->vector != NULL && request->n_liked > 0)
        return WRONG("a vector and liked items are given; only one can count");
    if (request->vector != NULL &&
        !isfinite(rs_canonical_dot(request->vector, request->vector, model->dimensions)))
        return WRONG("the vector holds a number that is not finite");
    for (size_t i = 0; request->liked_weights != NULL && i < request->n_liked; i++)
        if (!(request->liked_weights[i] >= 0.0f && isfinite(request->liked_weights[i])))
            return WRONG("the weight of liked item %zu is not a number from 0 on", i);
    return check_ids(&model->item_ids, request->liked, request->n_liked, "liked", problem);
}

/* 1 if the request can be answered; else `problem` says why not. */
static int check(const struct recsys_model *model, const recsys_request *request, uint32_t needs,
                 char *problem)
{
    const char *wrong = NULL;
    recsys_error err;

    if ((request->flags & RECSYS_REQUEST_ANONYMOUS) == 0)
        wrong = rs_ids_refuse(&model->user_ids, request->user);
    if (wrong != NULL)
        return WRONG("the user id %s", wrong);
    if (!(request->min_rating >= 0.0f && request->min_rating <= 10.0f))
        return WRONG("min_rating is not within 0..10");
    if (request->decade != 0 && (request->decade < 1 || request->decade > 9990))
        return WRONG("decade %d is not a year", (int)request->decade);
    if ((request->flags & RECSYS_REQUEST_STRENGTH) == 0 && request->preference_strength != 0.0f)
        return WRONG("preference_strength is set without the flag RECSYS_REQUEST_STRENGTH");
    if (!(request->preference_strength >= 0.0f && request->preference_strength <= MAX_STRENGTH))
        return WRONG("preference_strength is not within 0..10");
    if (!(request->diversity >= 0.0f && request->diversity <= 1.0f))
        return WRONG("diversity is not within 0..1");
    if (request->n_languages > RS_CONDITION_MAX_LANGUAGES)
        return WRONG("more than %u languages", RS_CONDITION_MAX_LANGUAGES);
    if ((request->flags & RECSYS_REQUEST_ALLOW) == 0 &&
        (request->allow != NULL || request->n_allow > 0))
        return WRONG("allow is set without the flag RECSYS_REQUEST_ALLOW");
    if (rs_filter_check(request->filter, model, "request", &err) != RECSYS_OK)
        return WRONG("%s", err.message);
    if (request->n_require_genres > RS_CONDITION_MAX_GENRES)
        return WRONG("more than %u required genres", RS_CONDITION_MAX_GENRES);
    return check_names(request->genres, request->n_genres, "genre", problem) &&
           check_names(request->require_genres, request->n_require_genres, "required genre",
                       problem) &&
           check_names(request->languages, request->n_languages, "language", problem) &&
           check_ids(&model->item_ids, request->exclude, request->n_exclude, "excluded", problem) &&
           check_ids(&model->item_ids, request->allow, request->n_allow, "allowed", problem) &&
           check_taste(model, request, needs, problem);
}

/* Positions of `ids` behind those that are in use. Cannot fail: check() has checked the ids. */
static struct rs_positions positions_of(const struct recsys_model *model, const recsys_id *ids,
                                        size_t n, uint32_t **free_positions)
{
    struct rs_positions positions = {*free_positions, 0};

    (void)rs_filter_positions(model, ids, n, *free_positions, &positions.n, NULL);
    *free_positions += positions.n;
    return positions;
}

/* Set the conditions of a checked request. */
static void set_eligible(const struct recsys_model *model, struct rs_ask *ask,
                         uint32_t **free_positions)
{
    const recsys_request *request = &ask->request;
    struct rs_eligible *eligible = &ask->eligible;
    int32_t last = request->decade == 0 ? 0 : request->decade + 9;

    rs_filter_eligible(request->filter, eligible);
    (void)rs_filter_condition(model->catalog, request->min_rating, request->decade, last,
                              request->languages, request->n_languages,
                              (request->flags & RECSYS_REQUEST_INCLUDE_ADULT) == 0, &ask->condition,
                              NULL);
    rs_filter_genres(model->catalog, request->require_genres, request->n_require_genres,
                     &ask->condition);
    if (!rs_condition_is_trivial(&ask->condition, model->catalog)) {
        eligible->condition = &ask->condition;
        eligible->catalog = model->catalog;
    }
    if ((request->flags & RECSYS_REQUEST_ALLOW) != 0) {
        eligible->only_allowed = 1;
        eligible->allowed = positions_of(model, request->allow, request->n_allow, free_positions);
    }
    eligible->excluded[RS_EXCLUDED_BY_REQUEST] =
        positions_of(model, request->exclude, request->n_exclude, free_positions);
    eligible->excluded[RS_EXCLUDED_AS_LIKED] =
        positions_of(model, request->liked, request->n_liked, free_positions);
    ask->known = (request->flags & RECSYS_REQUEST_ANONYMOUS) == 0 &&
                 rs_ids_find(&model->user_ids, request->user, &ask->user);
    if (ask->known && (request->flags & RECSYS_REQUEST_INCLUDE_SEEN) == 0)
        eligible->excluded[RS_EXCLUDED_AS_SEEN] = rs_filter_seen(model, ask->user);
}

recsys_status rs_request_read(const recsys_request *requests, size_t i, recsys_request *out,
                              const char *function, recsys_error *err)
{
    const char *request = (const char *)requests + i * requests->struct_size;
    char what[96] = "";
    uint32_t size;
    recsys_status status;

    /* A larger one would reach into the next request, or behind the array. */
    memcpy(&size, request, sizeof size);
    if (size != requests->struct_size)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: struct_size of request %zu is %u, the first's %u", function, i, size,
                        requests->struct_size);
    rs_text_append(what, sizeof what, "%s: request", function);
    if ((status = rs_struct_read(out, sizeof *out, request, RECSYS_REQUEST_SIZE_V1, what, err)) !=
        RECSYS_OK)
        return status;
    rs_text_append(what, sizeof what, "->reserved");
    if ((status = rs_reserved(out->reserved, what, err)) != RECSYS_OK)
        return status;
    what[0] = '\0';
    rs_text_append(what, sizeof what, "%s: request->flags", function);
    return rs_reserved(out->flags & ~KNOWN_FLAGS, what, err);
}

/* The memory that the requests read so far need. */
struct sizes {
    size_t items, positions, ignored, reasons, wanted, pools;
};

static int add(size_t *sum, size_t n)
{
    return !__builtin_add_overflow(*sum, n, sum);
}

/* How many preferences of the request may be ignored, at most. */
static size_t n_ignorable(const recsys_request *request)
{
    return (size_t)request->n_genres + request->n_languages + request->n_require_genres +
           request->n_liked + request->n_allow + 2; /* decade and rating */
}

/* 0 if the sum is larger than any memory. */
static int add_sizes(struct sizes *sizes, struct rs_ask *ask, uint32_t needs)
{
    const recsys_request *request = &ask->request;

    ask->first = sizes->items;
    ask->first_reason = sizes->reasons;
    ask->first_pool = sizes->pools;
    return ((needs & RS_ASK_ITEMS) == 0 || add(&sizes->items, ask->places)) &&
           ((needs & RS_ASK_REASONS) == 0 || (request->flags & RECSYS_REQUEST_REASONS) == 0 ||
            add(&sizes->reasons, ask->places)) &&
           (!rs_ask_is_varied(ask) || add(&sizes->pools, request->k)) &&
           add(&sizes->positions, request->n_exclude) && add(&sizes->positions, request->n_liked) &&
           add(&sizes->positions, request->n_allow) && add(&sizes->ignored, n_ignorable(request)) &&
           add(&sizes->wanted, request->n_genres);
}

static recsys_status reserve(recsys_recommender *r, const struct recsys_model *model, size_t n,
                             const struct sizes *sizes, recsys_error *err)
{
    size_t n_floats, n_causes;
    recsys_status status;

    if (!rs_multiply(n, model->dimensions, &n_floats) ||
        !rs_multiply(sizes->reasons, RS_REASON_CAUSES, &n_causes))
        return rs_error_nomem(err, "recommender");
#define GROW(memory, room, n)                                                                      \
    ((status = rs_grow(&r->memory, &r->room, (n), sizeof *r->memory, err)) == RECSYS_OK)
    if (GROW(items, max_items, sizes->items) && GROW(positions, max_positions, sizes->positions) &&
        GROW(ignored, max_ignored, sizes->ignored) && GROW(causes, max_causes, n_causes) &&
        GROW(contributions, max_contributions, n_causes) && GROW(pools, max_pools, sizes->pools) &&
        GROW(vectors, max_floats, n_floats) && GROW(wanted, max_wanted, sizes->wanted))
        status = rs_grow(&r->reasons, &r->max_reasons, sizes->reasons, RS_REASON_SIZE, err);
#undef GROW
    return status;
}

recsys_status rs_asks_read(recsys_recommender *r, const struct recsys_model *model,
                           const recsys_request *requests, size_t n, uint32_t needs,
                           const char *function, recsys_error *err)
{
    struct sizes sizes = {0};
    recsys_status status = rs_recommender_grow_asks(r, n, err);

    if (status != RECSYS_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        struct rs_ask *ask = &r->asks[i];
        if ((status = rs_request_read(requests, i, &ask->request, function, err)) != RECSYS_OK)
            return status;
        ask->problem[0] = '\0';
        ask->taste = ask->strategy = ask->shifted = ask->added = ask->known = 0;
        ask->n_ignored = ask->n_wanted = 0;
        ask->n_pool = 0;
        ask->status =
            check(model, &ask->request, needs, ask->problem) ? RECSYS_OK : RECSYS_E_INVALID;
        if (ask->status != RECSYS_OK)
            continue;
        if ((ask->request.flags & RECSYS_REQUEST_STRENGTH) == 0)
            ask->request.preference_strength = RS_STRENGTH;
        if (ask->request.k == 0)
            ask->request.k = DEFAULT_K;
        if (ask->request.k > model->n_items)
            ask->request.k = model->n_items;
        ask->places = ask->request.k;
        if (rs_ask_is_varied(ask))
            ask->request.k = rs_varied_pool(ask->places, model->n_items);
        if (!add_sizes(&sizes, ask, needs))
            return rs_error_nomem(err, "recommender");
    }
    if ((status = reserve(r, model, n, &sizes, err)) != RECSYS_OK)
        return status;
    uint32_t *free_positions = r->positions;
    recsys_preference *free_ignored = r->ignored;
    struct rs_wanted *free_wanted = r->wanted;
    for (size_t i = 0; i < n; i++) {
        struct rs_ask *ask = &r->asks[i];
        if (ask->status != RECSYS_OK)
            continue;
        set_eligible(model, ask, &free_positions);
        ask->ignored = free_ignored;
        ask->wanted = free_wanted;
        free_wanted += ask->request.n_genres;
        free_ignored += n_ignorable(&ask->request);
    }
    return rs_session_reserve(r, model, n, needs, err);
}
