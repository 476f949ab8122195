/* daemon/ctl/ctl_recommend.c - recsysctl recommend and similar: recommendations of a model on a
 * terminal.
 *
 * The same as the routes of recsysd: to try a model before it is published, and to measure it
 * (several --user and --json give one line for each user).
 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/ctl_command.h"

/* The request that the options describe, and the model it is for. */
#define MAX_K 1000.0 /* the text of the score */

struct question {
    const struct ctl_arguments *arguments;
    recsys_model *model;
    recsys_model_info info;
    recsys_recommender *recommender;
    recsys_request request; /* without a user */
    recsys_id *exclude;
    const char **genres, **languages;
    bool as_json, with_reasons;
};

/* Parse an operand as an id of the model's kind. */
static bool parse_id(const char *what, const char *text, uint32_t kind, recsys_id *out)
{
    char *end;
    unsigned long long number;

    *out = (recsys_id){text, strlen(text)};
    if (kind == RECSYS_ID_KIND_TEXT)
        return true;
    number = strtoull(text, &end, 10);
    *out = (recsys_id){NULL, number};
    if (strspn(text, "0123456789") > 0u && *end == '\0' && number <= INT64_MAX)
        return true;
    ctl_failed(
        "%s '%s' is not an integer from 0 to 9223372036854775807, as this model's %s ids are", what,
        text, what);
    return false;
}

static int32_t parse_decade(const struct ctl_arguments *arguments)
{
    const char *text = ctl_value(arguments, "decade");
    size_t digits;

    if (text == NULL)
        return 0;
    digits = strspn(text, "0123456789");
    if (digits != 4u || text[3] != '0' || strcmp(text + digits, "s") != 0)
        ctl_usage_error(arguments->command, "--decade must be like 1990s, not '%s'", text);
    return (int32_t)strtol(text, NULL, 10);
}

static uint32_t parse_k(const struct ctl_arguments *arguments)
{
    double k = ctl_number(arguments, "k", 1.0, MAX_K, 10.0);

    if (k != floor(k))
        ctl_usage_error(arguments->command, "-k must be a whole number");
    return (uint32_t)k;
}

/* Load the model and turn the options into a request. */
static bool prepare(struct question *question, const struct ctl_arguments *arguments)
{
    recsys_request *request = &question->request;
    const char **exclude;
    size_t n_genres, n_languages;
    recsys_error err;
    bool good = true;

    memset(question, 0, sizeof *question);
    *request = (recsys_request)RECSYS_REQUEST_INIT;
    question->arguments = arguments;
    question->as_json = ctl_has(arguments, "json");
    question->with_reasons = ctl_has(arguments, "reasons");
    request->k = parse_k(arguments);
    request->decade = parse_decade(arguments);
    request->min_rating = (float)ctl_number(arguments, "min-rating", 0.0, 10.0, 0.0);
    question->genres = ctl_values(arguments, "genre", &n_genres);
    question->languages = ctl_values(arguments, "language", &n_languages);
    request->genres = question->genres;
    request->n_genres = (uint32_t)n_genres;
    request->languages = question->languages;
    request->n_languages = (uint32_t)n_languages;
    request->flags = (question->with_reasons ? RECSYS_REQUEST_REASONS : 0u) |
                     (ctl_has(arguments, "include-seen") ? RECSYS_REQUEST_INCLUDE_SEEN : 0u) |
                     (ctl_has(arguments, "include-adult") ? RECSYS_REQUEST_INCLUDE_ADULT : 0u);

    question->info.struct_size = sizeof question->info;
    if (ctl_load(arguments, arguments->operands[0], "loading", &question->model, &err) !=
            RECSYS_OK ||
        recsys_model_get_info(question->model, &question->info, &err) != RECSYS_OK ||
        recsys_recommender_create(NULL, &question->recommender, &err) != RECSYS_OK) {
        ctl_failed("%s", err.message);
        return false;
    }
    exclude = ctl_values(arguments, "exclude", &request->n_exclude);
    question->exclude = ctl_allocate(request->n_exclude, sizeof *question->exclude);
    request->exclude = question->exclude;
    for (size_t i = 0; i < request->n_exclude && good; i++)
        good = parse_id("item", exclude[i], question->info.item_id_kind, &question->exclude[i]);
    free(exclude);
    return good;
}

static void clean_up(struct question *question)
{
    recsys_recommender_destroy(question->recommender);
    recsys_model_unref(question->model);
    free(question->exclude);
    free(question->genres);
    free(question->languages);
}

static json_t *id_json(recsys_id id)
{
    return id.text != NULL ? json_stringn(id.text, (size_t)id.number)
                           : json_integer((json_int_t)id.number);
}

static json_t *item_json(const struct question *question, const recsys_recommendation *found,
                         const recsys_item *item)
{
    json_t *object = json_object();
    json_t *genres = json_array();

    for (uint32_t i = 0; i < item->n_genres; i++)
        json_array_append_new(genres, json_string(item->genres[i]));
    json_object_set_new(object, "item_id", id_json(found->item));
    json_object_set_new(object, "title", json_string(item->title));
    json_object_set_new(object, "score", json_real((double)found->score));
    json_object_set_new(object, "raw", json_real((double)found->raw));
    json_object_set_new(object, "genres", genres);
    if (item->release_year > 0)
        json_object_set_new(object, "release_year", json_integer(item->release_year));
    if (item->rating >= 0.0f) /* 8.9f is 8.8999996 as a double */
        json_object_set_new(object, "rating", json_real(round((double)item->rating * 1e4) / 1e4));
    if (item->poster_url != NULL)
        json_object_set_new(object, "poster_url", json_string(item->poster_url));
    if (question->with_reasons)
        json_object_set_new(object, "reason",
                            found->reason != NULL ? json_string(found->reason) : json_null());
    return object;
}

static void print_item(const recsys_recommendation *found, const recsys_item *item, uint32_t place)
{
    printf("%4" PRIu32 ". %.4f  %s", place, (double)found->score,
           item->title[0] != '\0' ? item->title : "(no title)");
    for (uint32_t i = 0; i < item->n_genres; i++)
        printf("%s%s", i == 0u ? "  [" : ", ", item->genres[i]);
    fputs(item->n_genres > 0u ? "]" : "", stdout);
    if (found->item.text != NULL)
        printf("  id %s\n", found->item.text);
    else
        printf("  id %" PRIu64 "\n", found->item.number);
    if (found->reason != NULL)
        printf("      %s\n", found->reason);
}

/* Preferences that had no effect, in the words of the options. */
static void print_ignored(const struct question *question, const recsys_reply *reply, json_t *line)
{
    static const char *const options[] = {[RECSYS_PREFERENCE_GENRE] = "--genre",
                                          [RECSYS_PREFERENCE_LANGUAGE] = "--language",
                                          [RECSYS_PREFERENCE_DECADE] = "--decade",
                                          [RECSYS_PREFERENCE_RATING] = "--min-rating"};
    json_t *list = json_array();

    for (uint32_t i = 0; i < reply->n_ignored; i++) {
        const recsys_preference *ignored = &reply->ignored[i];
        const char *option =
            ignored->kind < sizeof options / sizeof *options ? options[ignored->kind] : NULL;
        char text[300];

        snprintf(text, sizeof text, "%s%s%s", option != NULL ? option : "preference",
                 ignored->text != NULL ? " " : "", ignored->text != NULL ? ignored->text : "");
        if (question->as_json)
            json_array_append_new(list, json_string(text));
        else
            printf("  not used: %s\n", text);
    }
    if (json_array_size(list) > 0u)
        json_object_set(line, "preferences_ignored", list);
    json_decref(list);
}

/* `name`: the member of the JSON, user_id or item_id; `about` is NULL without a user. */
static int print_reply(const struct question *question, const char *name, const recsys_id *about,
                       const char *strategy, const recsys_reply *reply)
{
    json_t *line = json_object(), *list = json_array();
    int failed = 0;

    json_object_set_new(line, name, about != NULL ? id_json(*about) : json_null());
    if (strategy != NULL)
        json_object_set_new(line, "strategy", json_string(strategy));
    json_object_set_new(line, "model_version", json_string(question->info.version));
    json_object_set_new(line, "recommendations", list);
    for (uint32_t i = 0; i < reply->count; i++) {
        const recsys_recommendation *found = recsys_reply_get_item(reply, i);
        recsys_item item = {.struct_size = sizeof item};
        recsys_error err;

        if (recsys_catalog_get(question->model, found->item, &item, &err) != RECSYS_OK) {
            json_decref(line);
            return ctl_failed("%s", err.message);
        }
        if (question->as_json)
            json_array_append_new(list, item_json(question, found, &item));
        else
            print_item(found, &item, i + 1u);
    }
    print_ignored(question, reply, line);
    if (question->as_json)
        failed = json_dumpf(line, stdout, JSON_REAL_PRECISION(9)) != 0 || putchar('\n') == EOF;
    json_decref(line);
    return failed ? ctl_failed("cannot show the answer as JSON") : CTL_OK;
}

/* `user`: NULL for an anonymous request. */
static int recommend_to(struct question *question, const recsys_id *user, const char *name)
{
    const char *strategy;
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_error err;

    if (user != NULL)
        question->request.user = *user;
    else
        question->request.flags |= RECSYS_REQUEST_ANONYMOUS;
    if (recsys_recommend(question->recommender, question->model, &question->request, 1u, &reply,
                         &err) != RECSYS_OK)
        return ctl_failed("user %s: %s", name, err.message);
    strategy = recsys_strategy_name(reply.strategy);
    if (!question->as_json)
        printf("user %s (strategy %s, model %s %s)\n", name, strategy, question->info.name,
               question->info.version);
    return print_reply(question, "user_id", user, strategy, &reply);
}

static int run_recommend(const struct ctl_arguments *arguments)
{
    struct question question;
    int status = CTL_FAILED;
    size_t n_users;
    const char **users = ctl_values(arguments, "user", &n_users);

    if (prepare(&question, arguments)) {
        status = CTL_OK;
        if (n_users == 0u)
            status = recommend_to(&question, NULL, "anonymous");
        for (size_t i = 0; i < n_users && status == CTL_OK; i++) {
            recsys_id user;

            status = parse_id("user", users[i], question.info.user_id_kind, &user)
                         ? recommend_to(&question, &user, users[i])
                         : CTL_FAILED;
        }
    }
    clean_up(&question);
    free(users);
    return status;
}

static int similar_to(struct question *question, const char *text)
{
    recsys_item item = {.struct_size = sizeof item};
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_error err;
    recsys_id id;

    if (!parse_id("item", text, question->info.item_id_kind, &id))
        return CTL_FAILED;
    question->request.flags |= RECSYS_REQUEST_ANONYMOUS;
    if (recsys_catalog_get(question->model, id, &item, &err) != RECSYS_OK ||
        recsys_recommend_similar(question->recommender, question->model, id, &question->request,
                                 &reply, &err) != RECSYS_OK)
        return ctl_failed("%s", err.message);
    if (!question->as_json)
        printf("item %s: %s (model %s %s)\n", text,
               item.title[0] != '\0' ? item.title : "(no title)", question->info.name,
               question->info.version);
    return print_reply(question, "item_id", &id, NULL, &reply);
}

static int run_similar(const struct ctl_arguments *arguments)
{
    const char *item = ctl_required(arguments, "item");
    struct question question;
    int status = prepare(&question, arguments) ? similar_to(&question, item) : CTL_FAILED;

    clean_up(&question);
    return status;
}

#define FILTER_OPTIONS                                                                             \
    {"k", CTL_ONE, "N", "how many, 1..1000 (10)"},                                                 \
        {"min-rating", CTL_ONE, "X", "only items rated at least this, 0..10"},                     \
        {"language", CTL_MANY, "L", "only items in this language, for example en"},                \
        {"decade", CTL_ONE, "1990s", "only items of this decade"},                                 \
        {"exclude", CTL_MANY, "ID", "leave this item out"},                                        \
        {"include-adult", CTL_SWITCH, NULL, "adult items too"}, CTL_REGISTRY_OPTION,               \
        CTL_JSON_OPTION

static const struct ctl_option recommend_options[] = {
    {"user", CTL_MANY, "ID", "the user; without this option the request is anonymous"},
    {"genre", CTL_MANY, "G", "a favourite genre: shifts the ranking, does not filter"},
    {"include-seen", CTL_SWITCH, NULL, "items the user has seen too"},
    {"reasons", CTL_SWITCH, NULL, "show reasons"},
    FILTER_OPTIONS,
    CTL_END,
};
static const struct ctl_option similar_options[] = {
    {"item", CTL_ONE, "ID", "the item to compare with; needed"},
    FILTER_OPTIONS,
    CTL_END,
};

const struct ctl_command ctl_recommend = {
    "recommend", "PATH", 1, 1, "recommend items to users", recommend_options, run_recommend};
const struct ctl_command ctl_similar = {
    "similar", "PATH", 1, 1, "items similar to an item", similar_options, run_similar};
