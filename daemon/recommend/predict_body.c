/* daemon/recommend/predict_body.c - from JSON to a recsys_request, and from that to a cache key.
 *
 * The library gets the canonical form, and not the client's. So the answer in the cache is exactly
 * the answer that this request would get: even the order in which preferences are summed is the
 * same.
 */
#include "daemon/recommend/predict_body.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/http/body.h"
#include "daemon/http/members.h"
#include "daemon/http/reply.h"
#include "daemon/http/url.h"

#define RD_MEMBERS_MAX 256u /* of "preferences"; members beyond are not listed */
#define KEPT_BYTES 65536u   /* of a key's memory between two requests */

_Static_assert(RD_PARAM_MAX >= RECSYS_ID_MAX_TEXT, "an id in a path has room");

static void begin(struct rd_predict_body *predict)
{
    predict->request = (recsys_request)RECSYS_REQUEST_INIT;
    predict->genres.count = predict->required.count = predict->languages.count = 0;
    predict->n_users = 0;
    predict->n_unknown = 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All are sorted, so that the same ones are listed in whatever order they came. */
static void read_unknown(struct rd_predict_body *predict, const json_t *preferences)
{
    const char *names[RD_MEMBERS_MAX];
    const char *name;
    json_t *value;
    size_t n = 0;

    json_object_foreach((json_t *)preferences, name, value)
    {
        if (!rd_shape_has(&rd_preferences_shape, name) && n < RD_MEMBERS_MAX)
            names[n++] = name;
    }
    qsort(names, n, sizeof names[0], compare_names);
    predict->n_unknown = n < RD_UNKNOWN_MAX ? (uint32_t)n : RD_UNKNOWN_MAX;
    memcpy(predict->unknown, names, predict->n_unknown * sizeof names[0]);
}

/* The object that has a member that may stand in "preferences" or beside it. */
static const json_t *find_either(const json_t *preferences, const json_t *body,
                                 const struct rd_member *row, const struct rd_place **outer)
{
    static const struct rd_place in_preferences = {&rd_place_body, "preferences", 0};
    bool is_inside = json_object_get(preferences, row->name) != NULL;

    *outer = is_inside ? &in_preferences : &rd_place_body;
    return is_inside ? preferences : body;
}

static void read_steering(struct rd_problems *problems, struct rd_predict_body *predict,
                          const json_t *body)
{
    const struct rd_member *genres = &rd_steerings[RD_STEERING_GENRES],
                           *strong = &rd_steerings[RD_STEERING_STRENGTH];
    const json_t *preferences = json_object_get(body, "preferences"), *from;
    float preset = (float)strong->preset, strength = preset;
    recsys_request *to = &predict->request;
    const struct rd_place *outer;

    from = find_either(preferences, body, genres, &outer);
    rd_member_words(problems, outer, from, genres, &predict->required);
    from = find_either(preferences, body, strong, &outer);
    rd_member_float(problems, outer, from, strong, &strength);
    to->require_genres = predict->required.words;
    to->n_require_genres = predict->required.count;
    if (strength < preset || strength > preset) {
        to->flags |= RECSYS_REQUEST_STRENGTH;
        to->preference_strength = strength;
    }
}

static void read_preferences(struct rd_problems *problems, struct rd_predict_body *predict,
                             const json_t *body)
{
    recsys_request *to = &predict->request;
    const json_t *from = json_object_get(body, "preferences");
    const struct rd_place at = {&rd_place_body, "preferences", 0};
    bool exclude_adult;

    if (from == NULL || json_is_null(from))
        return;
    if (!json_is_object(from)) {
        rd_problem_add(problems, "model_attributes_type", &at,
                       "Input should be a valid dictionary or object to extract fields from", from,
                       NULL);
        return;
    }
    rd_member_words(problems, &at, from, &rd_preferences[RD_PREFERENCE_GENRES], &predict->genres);
    rd_member_float(problems, &at, from, &rd_preferences[RD_PREFERENCE_RATING], &to->min_rating);
    rd_member_words(problems, &at, from, &rd_preferences[RD_PREFERENCE_LANGUAGES],
                    &predict->languages);
    rd_member_bool(problems, &at, from, &rd_preferences[RD_PREFERENCE_ADULT], &exclude_adult);
    rd_member_decade(problems, &at, from, &rd_preferences[RD_PREFERENCE_DECADE], &to->decade);
    if (!exclude_adult)
        to->flags |= RECSYS_REQUEST_INCLUDE_ADULT;
    to->genres = predict->genres.words;
    to->n_genres = predict->genres.count;
    to->languages = predict->languages.words;
    to->n_languages = predict->languages.count;
    read_unknown(predict, from);
}

static void read_cap(struct rd_problems *problems, const json_t *body, enum rd_option option,
                     uint32_t *out)
{
    int64_t cap = 0;

    rd_member_int(problems, &rd_place_body, body, &rd_options[option], &cap);
    *out = (uint32_t)cap;
}

static void read_variety(struct rd_problems *problems, const json_t *body, recsys_request *to)
{
    rd_member_float(problems, &rd_place_body, body, &rd_options[RD_OPTION_DIVERSITY],
                    &to->diversity);
    read_cap(problems, body, RD_OPTION_PER_GENRE, &to->max_per_genre);
    read_cap(problems, body, RD_OPTION_PER_DECADE, &to->max_per_decade);
    read_cap(problems, body, RD_OPTION_PER_LANGUAGE, &to->max_per_language);
}

/* A set of items, sorted. False: the member is not there. */
static bool read_items(struct rd_problems *problems, const json_t *body, enum rd_option option,
                       uint32_t kind, recsys_id *out, size_t *n_out)
{
    size_t n;

    if (!rd_member_ids(problems, &rd_place_body, body, &rd_options[option], kind, out, &n))
        return false;
    *n_out = rd_ids_sort(out, n);
    return true;
}

/* The members that all routes of this kind share. */
static void read_options(struct rd_problems *problems, struct rd_predict_body *predict,
                         const json_t *body, uint32_t item_kind)
{
    recsys_request *to = &predict->request;
    const struct rd_place *at = &rd_place_body;
    bool reasons, exclude_seen;
    int64_t k;

    read_preferences(problems, predict, body);
    read_steering(problems, predict, body);
    read_variety(problems, body, to);
    rd_member_int(problems, at, body, &rd_options[RD_OPTION_TOP_K], &k);
    rd_member_bool(problems, at, body, &rd_options[RD_OPTION_REASONS], &reasons);
    if (read_items(problems, body, RD_OPTION_EXCLUDE, item_kind, predict->exclude, &to->n_exclude))
        to->exclude = predict->exclude;
    if (read_items(problems, body, RD_OPTION_CANDIDATES, item_kind, predict->candidates,
                   &to->n_allow)) {
        to->allow = predict->candidates;
        to->flags |= RECSYS_REQUEST_ALLOW;
    }
    rd_member_bool(problems, at, body, &rd_options[RD_OPTION_EXCLUDE_SEEN], &exclude_seen);
    to->k = (uint32_t)k;
    if (reasons)
        to->flags |= RECSYS_REQUEST_REASONS;
    if (!exclude_seen)
        to->flags |= RECSYS_REQUEST_INCLUDE_SEEN;
}

/* A session may be nobody's without saying so. */
static void read_user(struct rd_problems *problems, struct rd_predict_body *predict,
                      const json_t *body, uint32_t id_kind, enum rd_body_kind kind)
{
    const struct rd_member *user = &rd_predict_askers[RD_ASKER_USER],
                           *anonymous = &rd_predict_askers[RD_ASKER_ANONYMOUS];
    const struct rd_place at = {&rd_place_body, user->name, 0};
    const json_t *value = json_object_get(body, user->name);
    bool is_anonymous = kind == RD_BODY_SESSION && (value == NULL || json_is_null(value));

    rd_field_bool(problems, &(const struct rd_place){&rd_place_body, anonymous->name, 0},
                  json_object_get(body, anonymous->name), &is_anonymous);
    if (is_anonymous) {
        predict->request.flags |= RECSYS_REQUEST_ANONYMOUS;
        if (value != NULL && !json_is_null(value))
            rd_problem_add(problems, "value_error", &at,
                           "Value error, An anonymous request has no user_id", value,
                           "\"error\":{}");
        return;
    }
    if (value == NULL)
        rd_problem_add(problems, "missing", &at, "Field required", body, NULL);
    else
        (void)rd_field_id(problems, &at, value, id_kind, &predict->request.user);
}

static bool has_duplicates(struct rd_predict_body *predict)
{
    recsys_id *sorted = predict->sorted;
    size_t n = predict->n_users;

    memcpy(sorted, predict->users, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, rd_id_compare);
    for (size_t i = 1; i < n; i++)
        if (rd_id_compare(&sorted[i - 1], &sorted[i]) == 0)
            return true;
    return false;
}

static void read_users(struct rd_problems *problems, struct rd_predict_body *predict,
                       const json_t *body, uint32_t kind)
{
    const struct rd_place at = {&rd_place_body, rd_batch_users->name, 0};
    size_t before = problems->count;

    (void)rd_member_ids(problems, &rd_place_body, body, rd_batch_users, kind, predict->users,
                        &predict->n_users);
    if (problems->count == before && has_duplicates(predict))
        rd_problem_add(problems, "value_error", &at, "Value error, Duplicate user IDs not allowed",
                       json_object_get(body, rd_batch_users->name), "\"error\":{}");
}

bool rd_predict_body_parse(struct rd_request *request)
{
    struct rd_problems problems = {request->out, 0};

    (void)rd_body_parse(request, &problems);
    return rd_reply_problems(request, &problems);
}

bool rd_predict_body_read(struct rd_request *request, struct rd_predict_body *predict,
                          const recsys_model_info *info, enum rd_body_kind kind)
{
    struct rd_problems problems = {request->out, 0};

    begin(predict);
    if (kind == RD_BODY_BATCH)
        read_users(&problems, predict, request->json, info->user_id_kind);
    else
        read_user(&problems, predict, request->json, info->user_id_kind, kind);
    if (kind == RD_BODY_SESSION)
        rd_liked_read(&problems, request->json, info->item_id_kind, &predict->liked,
                      &predict->request);
    read_options(&problems, predict, request->json, info->item_id_kind);
    return rd_reply_problems(request, &problems);
}

bool rd_predict_body_from_path(struct rd_request *request, struct rd_predict_body *predict,
                               const char *name, uint32_t id_kind, recsys_id *id)
{
    const struct rd_member *top_k = &rd_options[RD_OPTION_TOP_K];
    const struct rd_place id_at = {&rd_place_path, name, 0},
                          k_at = {&rd_place_query, top_k->name, 0};
    struct rd_problems problems = {request->out, 0};
    char buffer[64];
    const char *text;
    int64_t k = (int64_t)top_k->preset;

    begin(predict);
    if (!rd_url_query(request->head->query, top_k->name, buffer, sizeof buffer, &text))
        return rd_reply_error(request, 400, "Malformed query string");
    request->json = json_pack("[s,s?]", request->param, text);
    if (request->json == NULL)
        return rd_reply_unavailable(request, "out of memory");
    (void)rd_field_id(&problems, &id_at, json_array_get(request->json, 0), id_kind, id);
    rd_field_int(&problems, &k_at, json_array_get(request->json, 1), top_k->min, top_k->max, &k);
    predict->request.k = (uint32_t)k;
    return rd_reply_problems(request, &problems);
}

static void add_bytes(struct rs_buffer *key, const void *bytes, size_t size)
{
    uint32_t length = (uint32_t)size;

    rs_buffer_add(key, &length, sizeof length);
    rs_buffer_add(key, bytes, size);
}

static void add_id(struct rs_buffer *key, recsys_id id)
{
    rs_buffer_add(key, id.text != NULL ? "t" : "n", 1);
    if (id.text != NULL)
        add_bytes(key, id.text, (size_t)id.number);
    else
        rs_buffer_add(key, &id.number, sizeof id.number);
}

static void add_ids(struct rs_buffer *key, const recsys_id *ids, size_t n)
{
    uint32_t count = (uint32_t)n;

    rs_buffer_add(key, &count, sizeof count);
    for (size_t i = 0; i < n; i++)
        add_id(key, ids[i]);
}

static void add_words(struct rs_buffer *key, const char *const *words, uint32_t count)
{
    rs_buffer_add(key, &count, sizeof count);
    for (uint32_t i = 0; i < count; i++)
        add_bytes(key, words[i], strlen(words[i]));
}

void rd_predict_body_key(const struct rd_predict_body *predict, const char *model,
                         const char *fingerprint, const recsys_id *item, struct rs_buffer *key)
{
    static const unsigned char format = 4; /* of values in the cache; a new format means new keys */
    const recsys_request *request = &predict->request;

    rs_buffer_reset(key, KEPT_BYTES);
    rs_buffer_add(key, &format, sizeof format);
    add_bytes(key, model, strlen(model));
    add_bytes(key, fingerprint, strlen(fingerprint));
    rs_buffer_add(key, item != NULL ? "s" : "r", 1); /* similar items, recommendations */
    if (item != NULL)
        add_id(key, *item);
    add_id(key, request->user);
    rs_buffer_add(key, &request->k, sizeof request->k);
    rs_buffer_add(key, &request->flags, sizeof request->flags);
    rs_buffer_add(key, &request->min_rating, sizeof request->min_rating);
    rs_buffer_add(key, &request->decade, sizeof request->decade);
    rs_buffer_add(key, &request->preference_strength, sizeof request->preference_strength);
    rs_buffer_add(key, &request->diversity, sizeof request->diversity);
    rs_buffer_add(key, &request->max_per_genre, sizeof request->max_per_genre);
    rs_buffer_add(key, &request->max_per_decade, sizeof request->max_per_decade);
    rs_buffer_add(key, &request->max_per_language, sizeof request->max_per_language);
    add_words(key, request->genres, request->n_genres);
    add_words(key, request->require_genres, request->n_require_genres);
    add_words(key, predict->unknown, predict->n_unknown);
    add_words(key, request->languages, request->n_languages);
    add_ids(key, request->exclude, request->n_exclude);
    add_ids(key, request->allow, request->n_allow);
    add_ids(key, request->liked, request->n_liked);
    rs_buffer_add(key, request->liked_weights, request->n_liked * sizeof(float));
}
