/* daemon/ctl/ctl_question.c - see ctl_question.h. */
#include "daemon/ctl/ctl_question.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_K 1000u

bool ctl_read_id(const char *text, uint32_t kind, recsys_id *out)
{
    char *end;
    unsigned long long number;

    *out = (recsys_id){text, strlen(text)};
    if (kind == RECSYS_ID_KIND_TEXT)
        return true;
    number = strtoull(text, &end, 10);
    *out = (recsys_id){NULL, number};
    return strspn(text, "0123456789") > 0u && *end == '\0' && number <= INT64_MAX;
}

bool ctl_parse_id(const char *what, const char *text, uint32_t kind, recsys_id *out)
{
    if (ctl_read_id(text, kind, out))
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

bool ctl_question_prepare(struct ctl_question *question, const struct ctl_arguments *arguments)
{
    recsys_request *request = &question->request;
    const char **exclude;
    size_t n_genres, n_require_genres, n_languages;
    recsys_error err;
    bool good = true;

    memset(question, 0, sizeof *question);
    *request = (recsys_request)RECSYS_REQUEST_INIT;
    question->arguments = arguments;
    question->as_json = ctl_has(arguments, "json");
    question->with_reasons = ctl_has(arguments, "reasons");
    request->k = ctl_whole_number(arguments, "k", 1u, MAX_K, 10u);
    request->decade = parse_decade(arguments);
    request->min_rating = (float)ctl_number(arguments, "min-rating", 0.0, 10.0, 0.0);
    question->genres = ctl_values(arguments, "genre", &n_genres);
    question->languages = ctl_values(arguments, "language", &n_languages);
    request->genres = question->genres;
    request->n_genres = (uint32_t)n_genres;
    question->require_genres = ctl_values(arguments, "require-genre", &n_require_genres);
    request->require_genres = question->require_genres;
    request->n_require_genres = (uint32_t)n_require_genres;
    request->languages = question->languages;
    request->n_languages = (uint32_t)n_languages;
    request->flags = (question->with_reasons ? RECSYS_REQUEST_REASONS : 0u) |
                     (ctl_has(arguments, "include-seen") ? RECSYS_REQUEST_INCLUDE_SEEN : 0u) |
                     (ctl_has(arguments, "include-adult") ? RECSYS_REQUEST_INCLUDE_ADULT : 0u);
    if (ctl_has(arguments, "preference-strength")) {
        request->flags |= RECSYS_REQUEST_STRENGTH;
        request->preference_strength =
            (float)ctl_number(arguments, "preference-strength", 0.0, 10.0, 0.0);
    }

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
        good = ctl_parse_id("item", exclude[i], question->info.item_id_kind, &question->exclude[i]);
    free(exclude);
    return good;
}

void ctl_question_free(struct ctl_question *question)
{
    recsys_recommender_destroy(question->recommender);
    recsys_model_unref(question->model);
    free(question->exclude);
    free(question->genres);
    free(question->require_genres);
    free(question->languages);
}

json_t *ctl_id_json(recsys_id id)
{
    return id.text != NULL ? json_stringn(id.text, (size_t)id.number)
                           : json_integer((json_int_t)id.number);
}

double ctl_finite(float score)
{
    return (double)(score > FLT_MAX ? FLT_MAX : score < -FLT_MAX ? -FLT_MAX : score);
}

json_t *ctl_ignored_json(const recsys_reply *reply)
{
    static const char *const options[] = {[RECSYS_PREFERENCE_GENRE] = "--genre",
                                          [RECSYS_PREFERENCE_LANGUAGE] = "--language",
                                          [RECSYS_PREFERENCE_DECADE] = "--decade",
                                          [RECSYS_PREFERENCE_RATING] = "--min-rating",
                                          [RECSYS_PREFERENCE_REQUIRED_GENRE] = "--require-genre",
                                          [RECSYS_PREFERENCE_ALLOWED] = "--candidate"};
    json_t *list = json_array();

    for (uint32_t i = 0; i < reply->n_ignored; i++) {
        const recsys_preference *ignored = &reply->ignored[i];
        const char *option =
            ignored->kind < sizeof options / sizeof *options ? options[ignored->kind] : NULL;
        const char *advice = recsys_preference_advice(ignored);
        char text[400];

        snprintf(text, sizeof text, "%s%s%s%s%s", option != NULL ? option : "preference",
                 ignored->text != NULL ? " " : "", ignored->text != NULL ? ignored->text : "",
                 advice != NULL ? ": " : "", advice != NULL ? advice : "");
        json_array_append_new(list, json_string(text));
    }
    return list;
}

void ctl_print_ignored(const json_t *ignored)
{
    for (size_t i = 0; i < json_array_size(ignored); i++)
        printf("  not used: %s\n", json_string_value(json_array_get(ignored, i)));
}
