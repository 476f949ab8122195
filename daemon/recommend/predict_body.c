/* daemon/recommend/predict_body.c - from JSON to a recsys_request, and from that to a cache key.
 *
 * The library is given the canonical form, never what the client wrote. That
 * way an answer in the cache is the very answer this question would get:
 * even the order in which preferences are summed is the same.
 *
 * The question belongs to the worker and is used again for its next request.
 */
#include "daemon/recommend/predict_body.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/http/json_put.h"
#include "daemon/http/json_read.h"
#include "daemon/http/reply.h"
#include "daemon/http/request.h"

static const struct rd_place body_place = {NULL, "body", 0};

static void begin(struct rd_question *question)
{
    question->request = (recsys_request)RECSYS_REQUEST_INIT;
    question->request.k = RD_TOP_K;
    question->genres.count = question->languages.count = 0;
    question->n_users = 0;
    question->body = NULL;
}

void rd_question_end(struct rd_question *question)
{
    json_decref(question->body);
    question->body = NULL;
}

static void add_json_problem(struct rd_problems *problems, size_t position, const char *what)
{
    struct rd_place at = {&body_place, NULL, position};
    char bytes[512] = "";
    struct rs_buffer context = RS_BUFFER_FIXED(bytes);
    json_t *empty = json_object();

    rs_buffer_add_text(&context, "\"error\":");
    rd_json_put_bytes(&context, what, strnlen(what, 120));
    rd_problem_add(problems, "json_invalid", &at, "JSON decode error", empty,
                   context.status != RECSYS_OK ? NULL : bytes);
    json_decref(empty);
}

bool rd_question_parse_body(struct rd_request *request, struct rd_problems *problems)
{
    struct rd_question *question = &request->worker->question;
    const struct rs_buffer *body = &request->worker->body;
    struct rd_json_error error;

    if (body->size == 0) {
        rd_problem_add(problems, "missing", &body_place, "Field required", json_null(), NULL);
        return false;
    }
    question->body = rd_json_read(body->bytes, body->size, 0, &error);
    if (question->body == NULL) {
        add_json_problem(problems, error.position, error.text);
        return false;
    }
    if (json_is_object(question->body))
        return true;
    rd_problem_add(problems, "model_attributes_type", &body_place,
                   "Input should be a valid dictionary or object to extract fields from",
                   question->body, NULL);
    return false;
}

static void read_preferences(struct rd_problems *problems, struct rd_question *question)
{
    recsys_request *to = &question->request;
    const json_t *from = json_object_get(question->body, "preferences");
    const struct rd_place at = {&body_place, "preferences", 0};
    bool exclude_adult = true;

#define AT(name) (&(const struct rd_place){&at, (name), 0})
    if (from == NULL || json_is_null(from))
        return;
    if (!json_is_object(from)) {
        rd_problem_add(problems, "model_attributes_type", &at,
                       "Input should be a valid dictionary or object to extract fields from", from,
                       NULL);
        return;
    }
    rd_field_words(problems, AT("favorite_genres"), json_object_get(from, "favorite_genres"),
                   &question->genres);
    rd_field_float(problems, AT("min_rating"), json_object_get(from, "min_rating"), 0, 10,
                   &to->min_rating);
    rd_field_words(problems, AT("preferred_languages"),
                   json_object_get(from, "preferred_languages"), &question->languages);
    rd_field_bool(problems, AT("exclude_adult"), json_object_get(from, "exclude_adult"),
                  &exclude_adult);
    rd_field_decade(problems, AT("preferred_decade"), json_object_get(from, "preferred_decade"),
                    &to->decade);
#undef AT
    if (!exclude_adult)
        to->flags |= RECSYS_REQUEST_INCLUDE_ADULT;
    to->genres = question->genres.words;
    to->n_genres = question->genres.count;
    to->languages = question->languages.words;
    to->n_languages = question->languages.count;
}

/* What predict and batch-predict have in common. */
static void read_options(struct rd_problems *problems, struct rd_question *question,
                         uint32_t item_kind)
{
    recsys_request *to = &question->request;
    const json_t *body = question->body, *exclude = json_object_get(body, "exclude");
    int64_t k = RD_TOP_K;
    bool reasons = false, exclude_seen = true;
    size_t n = 0;

#define AT(name) (&(const struct rd_place){&body_place, (name), 0})
    read_preferences(problems, question);
    rd_field_int(problems, AT("top_k"), json_object_get(body, "top_k"), 1, RD_TOP_K_MAX, &k);
    rd_field_bool(problems, AT("include_reasons"), json_object_get(body, "include_reasons"),
                  &reasons);
    if (exclude != NULL && !json_is_null(exclude))
        rd_field_ids(problems, AT("exclude"), exclude, item_kind, 0, RD_EXCLUDE_MAX,
                     question->exclude, &n);
    rd_field_bool(problems, AT("exclude_seen"), json_object_get(body, "exclude_seen"),
                  &exclude_seen);
#undef AT
    qsort(question->exclude, n, sizeof question->exclude[0], rd_id_compare);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || rd_id_compare(&question->exclude[i], &question->exclude[i - 1]) != 0)
            question->exclude[to->n_exclude++] = question->exclude[i];
    to->exclude = question->exclude;
    to->k = (uint32_t)k;
    if (reasons)
        to->flags |= RECSYS_REQUEST_REASONS;
    if (!exclude_seen)
        to->flags |= RECSYS_REQUEST_INCLUDE_SEEN;
}

static void read_user(struct rd_problems *problems, struct rd_question *question, uint32_t kind)
{
    const struct rd_place at = {&body_place, "user_id", 0};
    const json_t *value = json_object_get(question->body, "user_id");

    if (value == NULL)
        rd_problem_add(problems, "missing", &at, "Field required", question->body, NULL);
    else
        (void)rd_field_id(problems, &at, value, kind, &question->request.user);
}

static bool has_duplicates(struct rd_question *question)
{
    recsys_id *sorted = question->sorted;
    size_t n = question->n_users;

    memcpy(sorted, question->users, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, rd_id_compare);
    for (size_t i = 1; i < n; i++)
        if (rd_id_compare(&sorted[i - 1], &sorted[i]) == 0)
            return true;
    return false;
}

static void read_users(struct rd_problems *problems, struct rd_question *question, uint32_t kind)
{
    const struct rd_place at = {&body_place, "user_ids", 0};
    const json_t *value = json_object_get(question->body, "user_ids");
    size_t before = problems->count;

    if (value == NULL) {
        rd_problem_add(problems, "missing", &at, "Field required", question->body, NULL);
        return;
    }
    rd_field_ids(problems, &at, value, kind, 1, RD_USERS_MAX, question->users, &question->n_users);
    if (problems->count == before && has_duplicates(question))
        rd_problem_add(problems, "value_error", &at, "Value error, Duplicate user IDs not allowed",
                       value, "\"error\":{}");
}

bool rd_question_finish(struct rd_request *request, struct rd_problems *problems)
{
    if (problems->count == 0)
        return true;
    rd_problems_end(problems);
    request->status = 422;
    return false;
}

bool rd_question_parse(struct rd_request *request, const recsys_model_info *info, bool batch)
{
    struct rd_question *question = &request->worker->question;
    struct rd_problems problems = {request->out, 0};

    begin(question);
    if (rd_question_parse_body(request, &problems)) {
        if (batch)
            read_users(&problems, question, info->user_id_kind);
        else
            read_user(&problems, question, info->user_id_kind);
        read_options(&problems, question, info->item_id_kind);
    }
    return rd_question_finish(request, &problems);
}

bool rd_question_from_path(struct rd_request *request, const char *name, uint32_t id_kind,
                           recsys_id *id)
{
    static const struct rd_place path_place = {NULL, "path", 0}, query_place = {NULL, "query", 0};
    const struct rd_place id_at = {&path_place, name, 0}, k_at = {&query_place, "top_k", 0};
    struct rd_question *question = &request->worker->question;
    struct rd_problems problems = {request->out, 0};
    char buffer[64];
    const char *text;
    int64_t k = RD_TOP_K;

    begin(question);
    if (!rd_request_query(request, "top_k", buffer, sizeof buffer, &text))
        return false;
    question->body = json_pack("[s,s?]", request->param, text);
    if (question->body == NULL)
        return rd_reply_unavailable(request, "out of memory");
    (void)rd_field_id(&problems, &id_at, json_array_get(question->body, 0), id_kind, id);
    rd_field_int(&problems, &k_at, json_array_get(question->body, 1), 1, RD_TOP_K_MAX, &k);
    question->request.k = (uint32_t)k;
    return rd_question_finish(request, &problems);
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

static void add_words(struct rs_buffer *key, const char *const *words, uint32_t count)
{
    rs_buffer_add(key, &count, sizeof count);
    for (uint32_t i = 0; i < count; i++)
        add_bytes(key, words[i], strlen(words[i]));
}

void rd_question_key(const struct rd_question *question, const char *fingerprint,
                     const recsys_id *item, struct rs_buffer *key)
{
    static const unsigned char format = 2; /* of the kept answers: another one, other keys */
    const recsys_request *request = &question->request;

    rs_buffer_reset(key, 65536);
    rs_buffer_add(key, &format, sizeof format);
    add_bytes(key, fingerprint, strlen(fingerprint));
    rs_buffer_add(key, item != NULL ? "s" : "r", 1); /* similar items, recommendations */
    if (item != NULL)
        add_id(key, *item);
    add_id(key, request->user);
    rs_buffer_add(key, &request->k, sizeof request->k);
    rs_buffer_add(key, &request->flags, sizeof request->flags);
    rs_buffer_add(key, &request->min_rating, sizeof request->min_rating);
    rs_buffer_add(key, &request->decade, sizeof request->decade);
    add_words(key, request->genres, request->n_genres);
    add_words(key, request->languages, request->n_languages);
    for (size_t i = 0; i < request->n_exclude; i++)
        add_id(key, request->exclude[i]);
}
