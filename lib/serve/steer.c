/* lib/serve/steer.c - from a user and preferences to the vector that is scored with.
 *
 * A preference is a feature with a weight: pref_genre_action = 1. Its vector,
 * times the weight, is added to the user's; for an unknown user the features
 * are all there is. A model that was trained with features has their vectors.
 * For one that was not, the mean vector of a genre's items points to where
 * such items lie, which is the same kind of thing; there is no such stand-in
 * for the other preferences, which then only filter.
 */
#include <math.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/score/canonical.h"
#include "lib/serve/recommend.h"

static void add_vector(float *sum, const float *vector, float weight, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++)
        sum[j] += weight * vector[j];
}

/* Add the feature called prefix + name, if the model has it. */
static int add_feature(const struct recsys_model *model, float *sum, const char *prefix,
                       const char *name, float weight)
{
    char text[RECSYS_ID_MAX_TEXT + 1];
    size_t length = strlen(prefix);
    uint32_t row;

    memcpy(text, prefix, length);
    if (!rs_text_lower(name, text + length, sizeof text - length))
        return 0;
    recsys_id id = {text, strlen(text)};
    if (!rs_ids_find(&model->feature_ids, id, &row))
        return 0;
    add_vector(sum, model->features + (size_t)row * model->dimensions, weight, model->dimensions);
    return 1;
}

static int add_preferences(const struct recsys_model *model, const recsys_request *request,
                           float *sum)
{
    char decade[16] = "";
    int added = 0;

    if (model->n_features == 0) {
        for (uint32_t g = 0; model->genre_vectors != NULL && g < request->n_genres; g++) {
            int32_t genre = rs_catalog_find_genre(model->catalog, request->genres[g]);
            if (genre < 0)
                continue;
            add_vector(sum, model->genre_vectors + (size_t)genre * model->dimensions, 1.0f,
                       model->dimensions);
            added = 1;
        }
        return added;
    }
    for (uint32_t g = 0; g < request->n_genres; g++)
        added |= add_feature(model, sum, "pref_genre_", request->genres[g], 1.0f);
    for (uint32_t l = 0; l < request->n_languages; l++)
        added |= add_feature(model, sum, "pref_language_", request->languages[l], 1.0f);
    if (request->decade != 0) {
        rs_text_append(decade, sizeof decade, "%ds", (int)request->decade);
        added |= add_feature(model, sum, "pref_decade_", decade, 1.0f);
    }
    if (request->min_rating > 0.0f)
        added |= add_feature(model, sum, "", "min_rating", request->min_rating);
    return added;
}

/* A user of whom nothing was learned has a vector of zeros and is new to us. */
static int has_direction(const float *vector, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++)
        if (vector[j] != 0.0f)
            return 1;
    return 0;
}

static void normalise(float *vector, uint32_t n)
{
    double norm = sqrt(rs_canonical_dot(vector, vector, n));

    if (norm > 0.0)
        for (uint32_t j = 0; j < n; j++)
            vector[j] = (float)((double)vector[j] / norm);
}

double rs_steer(const struct recsys_model *model, struct rs_ask *ask, float *vector)
{
    uint32_t d = model->dimensions;
    const float *user = ask->known ? model->users + (size_t)ask->user * d : NULL;
    int learned = user != NULL && has_direction(user, d);
    double offset = 0.0;

    if (learned) {
        memcpy(vector, user, d * sizeof *vector);
        if (model->user_bias != NULL)
            offset = (double)model->user_bias[ask->user];
    } else {
        memset(vector, 0, d * sizeof *vector);
    }
    int steered = add_preferences(model, &ask->request, vector);
    if (steered && model->metric == RECSYS_METRIC_COSINE)
        normalise(vector, d);
    /* Preferences of which nothing was learned say nothing about a user who says nothing. */
    if (steered && !learned && !has_direction(vector, d))
        steered = 0;
    /* Sums of hostile but finite vectors may overflow; then nothing can be ranked by them. */
    if (steered && !isfinite(rs_canonical_dot(vector, vector, d))) {
        if (learned)
            memcpy(vector, user, d * sizeof *vector);
        steered = 0;
    }
    if (learned)
        ask->strategy = steered ? RECSYS_STRATEGY_USER_PREFERENCES : RECSYS_STRATEGY_USER;
    else
        ask->strategy = steered ? RECSYS_STRATEGY_PREFERENCES : RECSYS_STRATEGY_POPULARITY;
    return offset;
}
