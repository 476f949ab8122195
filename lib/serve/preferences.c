/* lib/serve/preferences.c - make the vector to score with from a user, a session and preferences.
 *
 * A preference is a feature with a weight: pref_genre_action = 1. A model that was trained with
 * features has their vectors. The weight, times the strength of preferences, times the vector
 * shifts the vector of the user (or session); for an unknown user the vector consists of features
 * only. A favourite genre without a feature becomes a wanted genre, whose items gain (steer.c). The
 * other preferences have no such replacement and only filter.
 *
 * Preferences that could not be used are listed: else a caller could not see the difference between
 * a misspelt genre and one that changes little.
 */
#include <math.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/score/canonical.h"
#include "lib/serve/recommender.h"

#define GENRE_FEATURE "pref_genre_"

static void add_vector(float *sum, const float *vector, float weight, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++)
        sum[j] += weight * vector[j];
}

/* The row of the feature called prefix + name. 0: the model has none. */
static int find_feature(const struct recsys_model *model, const char *prefix, const char *name,
                        uint32_t *row)
{
    char text[RECSYS_ID_MAX_TEXT + 1];
    size_t length = strlen(prefix);

    if (model->n_features == 0)
        return 0;
    memcpy(text, prefix, length);
    if (!rs_text_lower(name, text + length, sizeof text - length))
        return 0;
    recsys_id id = {text, strlen(text)};
    return rs_ids_find(&model->feature_ids, id, row);
}

static int add_feature(const struct recsys_model *model, float *sum, const char *prefix,
                       const char *name, float weight)
{
    uint32_t row;

    if (!find_feature(model, prefix, name, &row))
        return 0;
    add_vector(sum, model->features + (size_t)row * model->dimensions, weight, model->dimensions);
    return 1;
}

static void ignore(struct rs_ask *ask, uint32_t kind, uint32_t index, const char *text)
{
    ask->ignored[ask->n_ignored++] = (recsys_preference){kind, index, text};
}

static void set_strategy(struct rs_ask *ask)
{
    ask->shifted = ask->added || ask->n_wanted > 0;
    if (ask->taste == 0)
        ask->strategy = ask->shifted               ? RECSYS_STRATEGY_PREFERENCES
                        : ask->is_popularity_known ? RECSYS_STRATEGY_POPULARITY
                                                   : RECSYS_STRATEGY_GENERAL;
    else if (ask->taste == RECSYS_STRATEGY_USER && ask->shifted)
        ask->strategy = RECSYS_STRATEGY_USER_PREFERENCES;
    else
        ask->strategy = ask->taste;
}

static void want(struct rs_ask *ask, uint32_t genre, uint32_t index)
{
    for (uint32_t w = 0; w < ask->n_wanted; w++)
        if (ask->wanted[w].genre == genre)
            return;
    ask->wanted[ask->n_wanted++] = (struct rs_wanted){genre, index, 0.0};
}

/* Genres without a feature are wanted if the catalogue has them, else ignored. */
static void find_genres(const struct recsys_model *model, struct rs_ask *ask)
{
    const recsys_request *request = &ask->request;
    uint32_t row;

    for (uint32_t g = 0; g < request->n_genres; g++) {
        if (find_feature(model, GENRE_FEATURE, request->genres[g], &row))
            continue;
        int32_t genre = rs_catalog_find_genre(model->catalog, request->genres[g]);
        if (genre < 0)
            ignore(ask, RECSYS_PREFERENCE_GENRE, g, request->genres[g]);
        else if (request->preference_strength > 0.0f)
            want(ask, (uint32_t)genre, g);
    }
}

void rs_ask_unwant(struct rs_ask *ask, uint32_t w)
{
    uint32_t index = ask->wanted[w].index;

    ignore(ask, RECSYS_PREFERENCE_GENRE, index, ask->request.genres[index]);
    ask->n_wanted--;
    memmove(&ask->wanted[w], &ask->wanted[w + 1], (ask->n_wanted - w) * sizeof *ask->wanted);
    set_strategy(ask);
}

/* Returns 1 if anything was added. */
static int add_features(const struct recsys_model *model, const recsys_request *request, float *sum)
{
    const float weight = request->preference_strength / RS_STRENGTH;
    char decade[16] = "";
    int added = 0;

    if (model->n_features == 0 || weight == 0.0f)
        return 0;
    for (uint32_t g = 0; g < request->n_genres; g++)
        added |= add_feature(model, sum, GENRE_FEATURE, request->genres[g], weight);
    for (uint32_t l = 0; l < request->n_languages; l++)
        added |= add_feature(model, sum, "pref_language_", request->languages[l], weight);
    if (request->decade != 0) {
        rs_text_append(decade, sizeof decade, "%ds", (int)request->decade);
        added |= add_feature(model, sum, "pref_decade_", decade, weight);
    }
    if (request->min_rating > 0.0f)
        added |= add_feature(model, sum, "", "min_rating", weight * request->min_rating);
    return added;
}

/* The features of genres could not be added after all. */
static void ignore_features(const struct recsys_model *model, struct rs_ask *ask)
{
    uint32_t row;

    for (uint32_t g = 0; g < ask->request.n_genres; g++)
        if (find_feature(model, GENRE_FEATURE, ask->request.genres[g], &row))
            ignore(ask, RECSYS_PREFERENCE_GENRE, g, ask->request.genres[g]);
}

/* Write the vector before any preference, of the user, the session or the caller. Returns the
 * strategy; 0 if nothing is known and the vector is zero. */
static uint32_t set_taste(recsys_recommender *r, const struct recsys_model *model,
                          const struct rs_ask *ask, float *vector)
{
    uint32_t d = model->dimensions;
    const float *user = ask->known ? model->users + (size_t)ask->user * d : NULL;

    if (ask->request.vector != NULL) {
        memcpy(vector, ask->request.vector, d * sizeof *vector);
        return RECSYS_STRATEGY_VECTOR;
    }
    memset(vector, 0, d * sizeof *vector);
    if (ask->request.n_liked > 0) {
        uint32_t strategy = rs_session_vector(r, model, ask, vector);
        if (strategy != 0)
            return strategy;
    }
    /* With a vector of zeros only biases count. */
    if (user == NULL || (!rs_vector_has_direction(user, d) && model->item_bias == NULL &&
                         (model->user_bias == NULL || model->user_bias[ask->user] == 0.0f)))
        return 0;
    memcpy(vector, user, d * sizeof *vector);
    return RECSYS_STRATEGY_USER;
}

static void ignore_unknown_liked(const struct recsys_model *model, struct rs_ask *ask)
{
    uint32_t position;

    for (size_t i = 0; i < ask->request.n_liked; i++)
        if (!rs_ids_find(&model->item_ids, ask->request.liked[i], &position))
            ignore(ask, RECSYS_PREFERENCE_LIKED, (uint32_t)i, ask->request.liked[i].text);
}

void rs_ask_vector(recsys_recommender *r, const struct recsys_model *model, struct rs_ask *ask,
                   float *vector)
{
    uint32_t d = model->dimensions;

    ignore_unknown_liked(model, ask);
    find_genres(model, ask);
    ask->taste = set_taste(r, model, ask, vector);
    ask->added = (uint32_t)add_features(model, &ask->request, vector);
    if (ask->added && model->metric == RECSYS_METRIC_COSINE)
        rs_vector_normalise(vector, d);
    /* Without a user, features that add up to zero rank nothing. Neither does a sum that is not
     * finite: vectors from a caller may be finite and overflow together. */
    if (ask->added && ((ask->taste == 0 && !rs_vector_has_direction(vector, d)) ||
                       !isfinite(rs_canonical_dot(vector, vector, d)))) {
        ask->added = 0;
        (void)set_taste(r, model, ask, vector);
        ignore_features(model, ask);
    }
    ask->vector = vector;
    ask->is_popularity_known = model->popularity_kind <= RECSYS_POPULARITY_SEEN;
    ask->offset = ask->taste != 0 && ask->known && model->user_bias != NULL
                      ? (double)model->user_bias[ask->user]
                      : 0.0;
    set_strategy(ask);
}

const char *recsys_preference_advice(const recsys_preference *ignored)
{
    if (ignored == NULL || ignored->text == NULL ||
        (ignored->kind != RECSYS_PREFERENCE_GENRE &&
         ignored->kind != RECSYS_PREFERENCE_REQUIRED_GENRE) ||
        strpbrk(ignored->text, "|,;") == NULL)
        return NULL;
    return "give each genre on its own";
}

/* Repeated ids are fewer items, too. */
static void ignore_unknown_allowed(const struct recsys_model *model, struct rs_ask *ask)
{
    const recsys_request *request = &ask->request;
    uint32_t position;

    if (ask->eligible.allowed.n == request->n_allow)
        return;
    for (size_t i = 0; i < request->n_allow; i++)
        if (!rs_ids_find(&model->item_ids, request->allow[i], &position))
            ignore(ask, RECSYS_PREFERENCE_ALLOWED, (uint32_t)i, request->allow[i].text);
}

static int is_ever(const struct recsys_model *model, const struct rs_condition *condition)
{
    for (uint32_t p = 0; p < model->n_items; p++)
        if (rs_condition_holds(condition, model->catalog, p))
            return 1;
    return 0;
}

void rs_ask_ignored_filters(const struct recsys_model *model, struct rs_ask *ask,
                            uint32_t n_answers)
{
    const recsys_request *request = &ask->request;
    const struct rs_condition decade = {.min_year = request->decade,
                                        .max_year = request->decade + 9},
                              rating = {.min_rating = request->min_rating};

    for (uint32_t l = 0; l < request->n_languages; l++)
        if (rs_catalog_find_language(model->catalog, request->languages[l]) < 0)
            ignore(ask, RECSYS_PREFERENCE_LANGUAGE, l, request->languages[l]);
    for (uint32_t g = 0; g < request->n_require_genres; g++)
        if (rs_catalog_find_genre(model->catalog, request->require_genres[g]) < 0)
            ignore(ask, RECSYS_PREFERENCE_REQUIRED_GENRE, g, request->require_genres[g]);
    for (uint32_t g = 0; ask->strategy == RECSYS_STRATEGY_SIMILAR && g < request->n_genres; g++)
        if ((request->flags & RECSYS_REQUEST_REASONS) == 0 ||
            rs_catalog_find_genre(model->catalog, request->genres[g]) < 0)
            ignore(ask, RECSYS_PREFERENCE_GENRE, g, request->genres[g]);
    ignore_unknown_allowed(model, ask);
    /* A condition that no item meets leaves an empty reply, so only an empty reply is checked
     * for one. */
    if (n_answers > 0)
        return;
    if (request->decade != 0 && !is_ever(model, &decade))
        ignore(ask, RECSYS_PREFERENCE_DECADE, 0, NULL);
    if (request->min_rating > 0.0f && !is_ever(model, &rating))
        ignore(ask, RECSYS_PREFERENCE_RATING, 0, NULL);
}
