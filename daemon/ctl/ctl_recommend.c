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

#include "daemon/ctl/bulk/bulk.h"
#include "daemon/ctl/ctl_question.h"

static json_t *item_json(const struct ctl_question *question, const recsys_recommendation *found,
                         const recsys_item *item)
{
    json_t *object = json_object();
    json_t *genres = json_array();

    for (uint32_t i = 0; i < item->n_genres; i++)
        json_array_append_new(genres, json_string(item->genres[i]));
    json_object_set_new(object, "item_id", ctl_id_json(found->item));
    json_object_set_new(object, "title", json_string(item->title));
    json_object_set_new(object, "score", json_real((double)found->score));
    json_object_set_new(object, "raw", json_real(ctl_finite(found->raw)));
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

static void print_ignored(const struct ctl_question *question, const recsys_reply *reply,
                          json_t *line)
{
    json_t *ignored = ctl_ignored_json(reply);

    if (!question->as_json)
        ctl_print_ignored(ignored);
    else if (json_array_size(ignored) > 0u)
        json_object_set(line, "preferences_ignored", ignored);
    json_decref(ignored);
}

/* `name`: the member of the JSON, user_id or item_id; `about` is NULL without a user. */
static int print_reply(const struct ctl_question *question, const char *name,
                       const recsys_id *about, const char *strategy, const recsys_reply *reply)
{
    json_t *line = json_object(), *list = json_array();
    int failed = 0;

    json_object_set_new(line, name, about != NULL ? ctl_id_json(*about) : json_null());
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
static int recommend_to(struct ctl_question *question, const recsys_id *user, const char *name)
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
    struct ctl_question question;
    bool is_bulk = ctl_has(arguments, "users") || ctl_has(arguments, "out");
    int status;
    size_t n_users;
    const char **users = ctl_values(arguments, "user", &n_users);

    if (is_bulk && n_users > 0u)
        ctl_usage_error(arguments->command, "only one of --user and --users can be given");
    if (!ctl_question_prepare(&question, arguments)) {
        status = CTL_FAILED;
    } else if (is_bulk) {
        status = ctl_bulk_run(&question);
    } else {
        status = CTL_OK;
        if (n_users == 0u)
            status = recommend_to(&question, NULL, "anonymous");
        for (size_t i = 0; i < n_users && status == CTL_OK; i++) {
            recsys_id user;

            status = ctl_parse_id("user", users[i], question.info.user_id_kind, &user)
                         ? recommend_to(&question, &user, users[i])
                         : CTL_FAILED;
        }
    }
    ctl_question_free(&question);
    free(users);
    return status;
}

static int similar_to(struct ctl_question *question, const char *text)
{
    recsys_item item = {.struct_size = sizeof item};
    recsys_reply reply = RECSYS_REPLY_INIT;
    recsys_error err;
    recsys_id id;

    if (!ctl_parse_id("item", text, question->info.item_id_kind, &id))
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
    struct ctl_question question;
    int status =
        ctl_question_prepare(&question, arguments) ? similar_to(&question, item) : CTL_FAILED;

    ctl_question_free(&question);
    return status;
}

static const struct ctl_option recommend_options[] = {
    {"user", CTL_MANY, "ID", "the user; without this option the request is anonymous"},
    {"users", CTL_ONE, "FILE|all", "the users, an id on each line, or all of the model"},
    {"out", CTL_ONE, "FILE", "with --users: the .jsonl or .csv to write; continued if interrupted"},
    {"threads", CTL_ONE, "N", "with --users: threads that score (one for each core)"},
    CTL_GENRE_OPTIONS,
    {"include-seen", CTL_SWITCH, NULL, "items the user has seen too"},
    {"reasons", CTL_SWITCH, NULL, "show reasons"},
    CTL_FILTER_OPTIONS,
    CTL_END,
};
static const struct ctl_option similar_options[] = {
    {"item", CTL_ONE, "ID", "the item to compare with; needed"},
    CTL_FILTER_OPTIONS,
    CTL_END,
};

const struct ctl_command ctl_recommend = {
    "recommend", "PATH", 1, 1, "recommend items to users", recommend_options, run_recommend};
const struct ctl_command ctl_similar = {
    "similar", "PATH", 1, 1, "items similar to an item", similar_options, run_similar};
