/* daemon/ctl/ctl_question.h - the request that the options of recommend, similar and explain
 * describe, and the model it is for. */
#ifndef RECSYSCTL_QUESTION_H
#define RECSYSCTL_QUESTION_H

#include <jansson.h>

#include "daemon/ctl/ctl_command.h"

struct ctl_question {
    const struct ctl_arguments *arguments;
    recsys_model *model;
    recsys_model_info info;
    recsys_recommender *recommender;
    recsys_request request; /* without a user */
    recsys_id *exclude;
    const char **genres, **require_genres, **languages;
    bool as_json, with_reasons;
};

/* Load the model and turn the options into a request. False: said why. Free it in both cases. */
bool ctl_question_prepare(struct ctl_question *question, const struct ctl_arguments *arguments);
void ctl_question_free(struct ctl_question *question);

/* Parse an operand as an id of the model's kind. `what` is "user" or "item". False: said why. */
bool ctl_parse_id(const char *what, const char *text, uint32_t kind, recsys_id *out);
/* The same without a message. A text is BORROWED. */
bool ctl_read_id(const char *text, uint32_t kind, recsys_id *out);
json_t *ctl_id_json(recsys_id id);

/* A score as JSON can say it: JSON has no infinity, so a raw score beyond float's range becomes the
 * largest float of its sign. */
double ctl_finite(float score);

/* The preferences of the reply that had no effect, in the words of the options: a list of texts.
 * And that list as lines of text. */
json_t *ctl_ignored_json(const recsys_reply *reply);
void ctl_print_ignored(const json_t *ignored);

#define CTL_GENRE_OPTIONS                                                                          \
    {"genre", CTL_MANY, "G", "a favourite genre: brings it to the front, does not filter"},        \
    {                                                                                              \
        "preference-strength", CTL_ONE, "X",                                                       \
            "the share of the ten best that --genre is to have (0.6); 0 = none"                    \
    }

#define CTL_FILTER_OPTIONS                                                                         \
    {"k", CTL_ONE, "N", "how many, 1..1000 (10)"},                                                 \
        {"min-rating", CTL_ONE, "X", "only items rated at least this, 0..10"},                     \
        {"require-genre", CTL_MANY, "G", "only items of this genre, or of another one so named"},  \
        {"language", CTL_MANY, "L", "only items in this language, for example en"},                \
        {"decade", CTL_ONE, "1990s", "only items of this decade"},                                 \
        {"exclude", CTL_MANY, "ID", "leave this item out"},                                        \
        {"include-adult", CTL_SWITCH, NULL, "adult items too"}, CTL_LOAD_OPTIONS, CTL_JSON_OPTION

#endif
