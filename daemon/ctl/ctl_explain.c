/* daemon/ctl/ctl_explain.c - recsysctl explain: how a score came about, and why an item is not in
 * an answer.
 *
 * The library is asked in every step, so what is shown cannot differ from what it does: the score
 * is recsys_recommend_score_items()'s; the place is where the item stands in an answer; whether a
 * condition leaves the item out is found by a request with that one condition and an allow list of
 * that one item. Only the products of the scalar product are computed here, in double as the
 * library does (recsys/model.h), to show the largest.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_question.h"

#define MAX_SHOWN 1000.0
#define MAX_CONDITIONS 8u

struct dimension {
    uint32_t number;
    double user, item, product;
};

struct account {
    struct ctl_question question;
    recsys_id item;
    const char *user_text, *item_text; /* as given; user_text NULL = anonymous */
    recsys_item entry;                 /* of the catalogue */
    bool is_unknown;                   /* the model does not have the item */

    recsys_reply reply; /* of the scoring: strategy and flags */
    float score, raw;
    bool has_user;     /* the user's vector is part of the score */
    bool has_features; /* so are preferences */
    float user_bias, item_bias;
    float popularity; /* the raw score without preferences, if it is one */
    double dot;
    struct dimension *dimensions; /* the largest product first */
    uint32_t n_shown;

    uint32_t count, place; /* of the answer; place from 1, 0 = the item is not in it */
    float last_score;      /* of the answer's last item */
    json_t *ignored;       /* preferences that had no effect on the answer */
    const char *left_out[MAX_CONDITIONS];
    size_t n_left_out;
};

static int failed(const recsys_error *err)
{
    return ctl_failed("%s", err->message);
}

/* -- the terms -- */

static int compare_products(const void *a, const void *b)
{
    double x = fabs(((const struct dimension *)a)->product),
           y = fabs(((const struct dimension *)b)->product);

    return x < y ? 1 : x > y ? -1 : 0;
}

static void multiply(struct account *e, const float *user, const float *item)
{
    uint32_t n = e->question.info.dimensions;

    e->dimensions = ctl_allocate(n, sizeof *e->dimensions);
    for (uint32_t j = 0; j < n; j++) {
        struct dimension *d = &e->dimensions[j];
        *d = (struct dimension){j, (double)user[j], (double)item[j], 0.0};
        d->product = d->user * d->item;
        e->dot += d->product;
    }
    qsort(e->dimensions, n, sizeof *e->dimensions, compare_products);
    e->n_shown = e->n_shown < n ? e->n_shown : n;
}

static bool is_popularity(const struct account *e)
{
    return (e->reply.flags & RECSYS_REPLY_POPULARITY) != 0;
}

/* Ask once more without preferences. */
static recsys_status find_popularity(struct account *e, recsys_error *err)
{
    struct ctl_question *q = &e->question;
    recsys_request plain = q->request;

    plain.n_genres = 0;
    return recsys_recommend_score_items(q->recommender, q->model, &plain, &e->item, 1u, NULL,
                                        &e->popularity, NULL, err);
}

static bool uses_user(const recsys_reply *reply)
{
    return reply->strategy == RECSYS_STRATEGY_USER ||
           reply->strategy == RECSYS_STRATEGY_USER_PREFERENCES;
}

static int find_terms(struct account *e)
{
    struct ctl_question *q = &e->question;
    float *user = ctl_allocate(q->info.dimensions, sizeof *user);
    float *item = ctl_allocate(q->info.dimensions, sizeof *item);
    recsys_error err;
    recsys_status status = recsys_recommend_score_items(
        q->recommender, q->model, &q->request, &e->item, 1u, &e->score, &e->raw, &e->reply, &err);

    e->has_user = status == RECSYS_OK && uses_user(&e->reply);
    e->has_features = (e->reply.flags & RECSYS_REPLY_PREFERENCES) != 0;
    if (status == RECSYS_OK && is_popularity(e))
        status = find_popularity(e, &err);
    if (status == RECSYS_OK)
        status = recsys_model_get_item(q->model, e->item, item, &e->item_bias, &err);
    if (status == RECSYS_OK && e->has_user)
        status = recsys_model_get_user(q->model, q->request.user, user, &e->user_bias, &err);
    if (status == RECSYS_OK && e->has_user)
        multiply(e, user, item);
    free(user);
    free(item);
    return status == RECSYS_OK ? CTL_OK : failed(&err);
}

/* Preferences add to the vector, and so to the product, or to the sum: the rest of the raw score.
 */
static double preferences(const struct account *e)
{
    return (double)e->raw - e->dot - (double)e->user_bias - (double)e->item_bias;
}

/* -- in the answer, or why not -- */

/* Is the item left out by this one condition? */
static int test_condition(struct account *e, recsys_request *request, const char *name)
{
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_error err;

    request->flags |= RECSYS_REQUEST_ALLOW;
    request->allow = &e->item;
    request->n_allow = 1;
    request->k = 1;
    if (recsys_recommend(e->question.recommender, e->question.model, request, 1u, &reply, &err) !=
        RECSYS_OK)
        return failed(&err);
    if (reply.count == 0 && e->n_left_out < MAX_CONDITIONS)
        e->left_out[e->n_left_out++] = name;
    return CTL_OK;
}

/* Each condition of the request in turn, all others lifted. */
static int test_conditions(struct account *e)
{
    const recsys_request *asked = &e->question.request;
    recsys_request none = *asked;

    none.flags |= RECSYS_REQUEST_INCLUDE_SEEN | RECSYS_REQUEST_INCLUDE_ADULT;
    none.min_rating = 0.0f;
    none.decade = 0;
    none.n_languages = 0;
    none.n_require_genres = 0;
    none.n_exclude = 0;
    recsys_request seen = none, adult = none, rating = none, decade = none, languages = none,
                   genres = none, exclude = none;
    seen.flags &= asked->flags | ~(uint32_t)RECSYS_REQUEST_INCLUDE_SEEN;
    adult.flags &= asked->flags | ~(uint32_t)RECSYS_REQUEST_INCLUDE_ADULT;
    rating.min_rating = asked->min_rating;
    decade.decade = asked->decade;
    languages.n_languages = asked->n_languages;
    genres.n_require_genres = asked->n_require_genres;
    exclude.n_exclude = asked->n_exclude;
    int status = test_condition(e, &seen, "seen");
    if (status == CTL_OK)
        status = test_condition(e, &adult, "adult");
    if (status == CTL_OK)
        status = test_condition(e, &rating, "min-rating");
    if (status == CTL_OK)
        status = test_condition(e, &languages, "language");
    if (status == CTL_OK)
        status = test_condition(e, &decade, "decade");
    if (status == CTL_OK)
        status = test_condition(e, &genres, "require-genre");
    return status == CTL_OK ? test_condition(e, &exclude, "exclude") : status;
}

static bool is_same(recsys_id a, recsys_id b)
{
    if (a.text == NULL || b.text == NULL)
        return a.text == b.text && a.number == b.number;
    return a.number == b.number && memcmp(a.text, b.text, (size_t)a.number) == 0;
}

static int find_place(struct account *e)
{
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_error err;

    if (recsys_recommend(e->question.recommender, e->question.model, &e->question.request, 1u,
                         &reply, &err) != RECSYS_OK)
        return failed(&err);
    e->count = reply.count;
    e->ignored = ctl_ignored_json(&reply);
    for (uint32_t i = 0; i < reply.count; i++) {
        const recsys_recommendation *found = recsys_reply_get_item(&reply, i);
        e->last_score = found->score;
        if (is_same(found->item, e->item))
            e->place = i + 1;
    }
    return e->place > 0 ? CTL_OK : test_conditions(e);
}

/* -- as text -- */

static const char *link_name(const recsys_model_info *info)
{
    static const char *const names[] = {"none", "sigmoid", "linear", "clip"};

    return names[info->link < sizeof names / sizeof *names ? info->link : 0];
}

/* A popularity is a score already. */
static const char *applied_link(const struct account *e)
{
    return is_popularity(e) ? "none" : link_name(&e->question.info);
}

static void print_term(const char *name, double value, const char *remark)
{
    printf("    %-12s %12.6f%s%s\n", name, value, *remark == '\0' ? "" : "   ", remark);
}

static void print_dot(const struct account *e)
{
    char remark[64];
    double rest = e->dot;

    snprintf(remark, sizeof remark,
             "of %" PRIu32 " dimensions; the largest:", e->question.info.dimensions);
    print_term("dot product", e->dot, e->n_shown > 0 ? remark : "");
    for (uint32_t i = 0; i < e->n_shown; i++) {
        const struct dimension *d = &e->dimensions[i];
        printf("        [%" PRIu32 "]  %.6f = user %.6f x item %.6f\n", d->number, d->product,
               d->user, d->item);
        rest -= d->product;
    }
    if (e->n_shown > 0 && e->n_shown < e->question.info.dimensions)
        printf("        all others  %.6f\n", rest);
}

static void print_terms(const struct account *e)
{
    if (is_popularity(e) && !e->has_features) {
        printf("  score %.6f, the item's popularity: the request has no user that the model "
               "knows\n",
               (double)e->score);
        return;
    }
    if (is_popularity(e)) {
        printf("  score %.6f = raw / the largest that is possible\n  raw   %.6f, the sum of\n",
               (double)e->score, (double)e->raw);
        print_term("popularity", (double)e->popularity, "");
        print_term("preferences", (double)e->raw - (double)e->popularity, "what --genre adds");
        return;
    }
    printf("  score %.6f = %s(raw)\n  raw   %.6f, the sum of\n", (double)e->score,
           link_name(&e->question.info), (double)e->raw);
    if (e->has_user) {
        print_dot(e);
        print_term("user bias", (double)e->user_bias, "");
    }
    print_term("item bias", (double)e->item_bias, "");
    if (e->has_features)
        print_term("preferences", preferences(e), "what --genre and features of the model add");
}

static void print_place(const struct account *e)
{
    static const char *const names[][2] = {
        {"seen", "the user has seen it; --include-seen lets it in"},
        {"adult", "it is an adult item; --include-adult lets it in"},
        {"min-rating", "its rating is below --min-rating, or not known"},
        {"language", "it is in none of the languages of --language"},
        {"decade", "it is not of the decade of --decade"},
        {"require-genre", "it has none of the genres of --require-genre"},
        {"exclude", "--exclude names it"}};

    if (e->place > 0)
        printf("  place %" PRIu32 " of %" PRIu32 "\n", e->place, e->count);
    for (size_t i = 0; i < e->n_left_out; i++)
        for (size_t j = 0; j < sizeof names / sizeof *names; j++)
            if (strcmp(e->left_out[i], names[j][0]) == 0)
                printf("  not in the answer: %s\n", names[j][1]);
    if (e->place == 0 && e->n_left_out == 0)
        printf("  not in the answer: its score is too low; the last of the %" PRIu32
               " items in the answer has %.6f\n",
               e->count, (double)e->last_score);
}

static void print_text(const struct account *e)
{
    printf("user %s, item %s", e->user_text == NULL ? "anonymous" : e->user_text, e->item_text);
    if (e->is_unknown) {
        printf(" (model %s %s)\n  not in the answer: the model does not have the item\n",
               e->question.info.name, e->question.info.version);
        return;
    }
    printf(": %s (strategy %s, model %s %s)\n",
           e->entry.title[0] != '\0' ? e->entry.title : "(no title)",
           recsys_strategy_name(e->reply.strategy), e->question.info.name,
           e->question.info.version);
    print_terms(e);
    print_place(e);
    ctl_print_ignored(e->ignored);
}

/* -- as JSON -- */

static json_t *terms_json(const struct account *e)
{
    json_t *terms = json_object();

    if (is_popularity(e)) {
        json_object_set_new(terms, "popularity", json_real((double)e->popularity));
        if (e->has_features)
            json_object_set_new(terms, "preferences",
                                json_real((double)e->raw - (double)e->popularity));
        return terms;
    }
    if (e->has_user) {
        json_object_set_new(terms, "dot_product", json_real(e->dot));
        json_object_set_new(terms, "user_bias", json_real((double)e->user_bias));
    }
    json_object_set_new(terms, "item_bias", json_real((double)e->item_bias));
    if (e->has_features)
        json_object_set_new(terms, "preferences", json_real(ctl_finite((float)preferences(e))));
    return terms;
}

static json_t *dimensions_json(const struct account *e)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < e->n_shown && e->has_user; i++) {
        const struct dimension *d = &e->dimensions[i];
        json_array_append_new(list,
                              json_pack("{s:i, s:f, s:f, s:f}", "dimension", (int)d->number, "user",
                                        d->user, "item", d->item, "product", d->product));
    }
    return list;
}

static json_t *absent_json(const struct account *e)
{
    json_t *list = json_array();

    for (size_t i = 0; i < e->n_left_out; i++)
        json_array_append_new(list, json_string(e->left_out[i]));
    if (e->is_unknown)
        json_array_append_new(list, json_string("unknown"));
    else if (e->place == 0 && e->n_left_out == 0)
        json_array_append_new(list, json_string("below"));
    return list;
}

static int print_json(const struct account *e)
{
    bool is_anonymous = (e->question.request.flags & RECSYS_REQUEST_ANONYMOUS) != 0;
    json_t *line = json_object();

    json_object_set_new(line, "user_id",
                        is_anonymous ? json_null() : ctl_id_json(e->question.request.user));
    json_object_set_new(line, "item_id", ctl_id_json(e->item));
    json_object_set_new(line, "model_version", json_string(e->question.info.version));
    if (!e->is_unknown) {
        json_object_set_new(line, "title", json_string(e->entry.title));
        json_object_set_new(line, "strategy", json_string(recsys_strategy_name(e->reply.strategy)));
        json_object_set_new(line, "score", json_real((double)e->score));
        json_object_set_new(line, "link", json_string(applied_link(e)));
        json_object_set_new(line, "raw", json_real(ctl_finite(e->raw)));
        json_object_set_new(line, "terms", terms_json(e));
        json_object_set_new(line, "dimensions", dimensions_json(e));
        json_object_set_new(line, "count", json_integer(e->count));
        json_object_set_new(line, "last_score", json_real((double)e->last_score));
    }
    json_object_set_new(line, "place", e->place > 0 ? json_integer(e->place) : json_null());
    json_object_set_new(line, "absent", absent_json(e));
    if (json_array_size(e->ignored) > 0u)
        json_object_set(line, "preferences_ignored", e->ignored);
    int wrong = json_dumpf(line, stdout, JSON_REAL_PRECISION(9)) != 0 || putchar('\n') == EOF;
    json_decref(line);
    return wrong ? ctl_failed("cannot show the answer as JSON") : CTL_OK;
}

/* -- the command -- */

static int explain(struct account *e)
{
    struct ctl_question *q = &e->question;
    recsys_error err;
    int status = CTL_OK;

    q->request.flags |= e->user_text == NULL ? RECSYS_REQUEST_ANONYMOUS : 0u;
    if (!ctl_parse_id("item", e->item_text, q->info.item_id_kind, &e->item) ||
        (e->user_text != NULL &&
         !ctl_parse_id("user", e->user_text, q->info.user_id_kind, &q->request.user)))
        return CTL_FAILED;
    recsys_status known = recsys_catalog_get(q->model, e->item, &e->entry, &err);
    if (known != RECSYS_OK && known != RECSYS_E_NOT_FOUND)
        return failed(&err);
    e->is_unknown = known == RECSYS_E_NOT_FOUND;
    if (!e->is_unknown)
        status = find_terms(e);
    if (!e->is_unknown && status == CTL_OK)
        status = find_place(e);
    if (status != CTL_OK)
        return status;
    if (q->as_json)
        return print_json(e);
    print_text(e);
    return CTL_OK;
}

static int run_explain(const struct ctl_arguments *arguments)
{
    struct account e = {.entry = {.struct_size = sizeof e.entry}, .reply = RECSYS_REPLY_INIT};
    int status = CTL_FAILED;

    e.item_text = ctl_required(arguments, "item");
    e.user_text = ctl_value(arguments, "user");
    e.n_shown = (uint32_t)ctl_number(arguments, "dimensions", 0.0, MAX_SHOWN, 5.0);
    if (ctl_question_prepare(&e.question, arguments))
        status = explain(&e);
    free(e.dimensions);
    json_decref(e.ignored);
    ctl_question_free(&e.question);
    return status;
}

static const struct ctl_option explain_options[] = {
    {"item", CTL_ONE, "ID", "the item to explain; needed"},
    {"user", CTL_ONE, "ID", "the user; without this option the request is anonymous"},
    CTL_GENRE_OPTIONS,
    {"include-seen", CTL_SWITCH, NULL, "items the user has seen too"},
    {"dimensions", CTL_ONE, "N", "how many of the largest products to show (5)"},
    CTL_FILTER_OPTIONS,
    CTL_END,
};

const struct ctl_command ctl_explain = {
    "explain",       "PATH",     1, 1, "why an item has its score, or is not in an answer",
    explain_options, run_explain};
