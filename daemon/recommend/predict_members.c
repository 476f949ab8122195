/* daemon/recommend/predict_members.c - the tables of predict_members.h.
 *
 * predict_body.c and liked.c read by them, openapi.json describes them, and the names of
 * preferences that are none are told by them.
 */
#include "daemon/recommend/predict_members.h"

#include "daemon/models/model_use.h"

#define TOP_K                                                                                      \
    {                                                                                              \
        .name = "top_k", .type = RD_TYPE_INTEGER, .flags = RD_PRESET, .min = 1,                    \
        .max = RD_TOP_K_MAX, .preset = 10                                                          \
    }
#define CAP(member)                                                                                \
    {                                                                                              \
        .name = (member), .type = RD_TYPE_INTEGER, .min = 1, .max = RD_TOP_K_MAX                   \
    }
#define NO_USER                                                                                    \
    {                                                                                              \
        .name = "user_id", .type = RD_TYPE_ID                                                      \
    }

const struct rd_member rd_steerings[RD_STEERINGS] = {
    [RD_STEERING_GENRES] = {.name = "require_genres", .type = RD_TYPE_WORDS},
    [RD_STEERING_STRENGTH] = {.name = "preference_strength",
                              .type = RD_TYPE_NUMBER,
                              .flags = RD_PRESET,
                              .max = 10,
                              .preset = 0.6 /* the library's */},
};
static const struct rd_shape steering_shape = {.members = rd_steerings, .n_members = RD_STEERINGS};

const struct rd_member rd_preferences[RD_PREFERENCES] = {
    [RD_PREFERENCE_GENRES] = {.name = "favorite_genres", .type = RD_TYPE_WORDS},
    [RD_PREFERENCE_RATING] = {.name = "min_rating", .type = RD_TYPE_NUMBER, .max = 10},
    [RD_PREFERENCE_LANGUAGES] = {.name = "preferred_languages", .type = RD_TYPE_WORDS},
    [RD_PREFERENCE_ADULT] = {.name = "exclude_adult",
                             .type = RD_TYPE_BOOLEAN,
                             .flags = RD_PRESET,
                             .preset = 1},
    [RD_PREFERENCE_DECADE] = {.name = "preferred_decade", .type = RD_TYPE_DECADE},
};
const struct rd_shape rd_preferences_shape = {.name = "UserPreferences",
                                              .members = rd_preferences,
                                              .n_members = RD_PREFERENCES,
                                              .also = &steering_shape};

const struct rd_member rd_options[RD_OPTIONS] = {
    [RD_OPTION_CANDIDATES] = {.name = "candidates", .type = RD_TYPE_IDS, .max = RD_ITEMS_MAX},
    [RD_OPTION_PREFERENCES] = {.name = "preferences",
                               .type = RD_TYPE_OBJECT,
                               .shape = &rd_preferences_shape},
    [RD_OPTION_TOP_K] = TOP_K,
    [RD_OPTION_REASONS] = {.name = "include_reasons", .type = RD_TYPE_BOOLEAN, .flags = RD_PRESET},
    [RD_OPTION_EXCLUDE] = {.name = "exclude", .type = RD_TYPE_IDS, .max = RD_ITEMS_MAX},
    [RD_OPTION_EXCLUDE_SEEN] = {.name = "exclude_seen",
                                .type = RD_TYPE_BOOLEAN,
                                .flags = RD_PRESET,
                                .preset = 1},
    [RD_OPTION_DIVERSITY] = {.name = "diversity",
                             .type = RD_TYPE_NUMBER,
                             .flags = RD_PRESET,
                             .max = 1},
    [RD_OPTION_PER_GENRE] = CAP("max_per_genre"),
    [RD_OPTION_PER_DECADE] = CAP("max_per_decade"),
    [RD_OPTION_PER_LANGUAGE] = CAP("max_per_language"),
};
static const struct rd_shape steered_shape = {
    .members = rd_steerings, .n_members = RD_STEERINGS, .also = &rd_model_shape};
static const struct rd_shape options_shape = {
    .members = rd_options, .n_members = RD_OPTIONS, .also = &steered_shape};

const struct rd_member rd_predict_askers[RD_ASKERS] = {
    [RD_ASKER_USER] = NO_USER,
    [RD_ASKER_ANONYMOUS] = {.name = "anonymous", .type = RD_TYPE_BOOLEAN, .flags = RD_PRESET},
};
const struct rd_shape rd_predict_shape = {.name = "PredictionRequest",
                                          .members = rd_predict_askers,
                                          .n_members = RD_ASKERS,
                                          .also = &options_shape};

const struct rd_member rd_batch_users[1] = {{.name = "user_ids",
                                             .type = RD_TYPE_IDS,
                                             .flags = RD_REQUIRED | RD_UNIQUE,
                                             .min = 1,
                                             .max = RD_USERS_MAX}};
const struct rd_shape rd_batch_shape = {
    .name = "BatchPredictionRequest", RD_MEMBERS(rd_batch_users), .also = &options_shape};

const struct rd_member rd_session_members[RD_SESSION_MEMBERS] = {
    [RD_SESSION_LIKED] = {.name = "liked_items",
                          .type = RD_TYPE_IDS,
                          .flags = RD_REQUIRED,
                          .min = 1,
                          .max = RD_LIKED_MAX},
    [RD_SESSION_WEIGHTS] = {.name = "liked_weights", .type = RD_TYPE_NUMBERS, .max = 1000000},
};
/* Whether a session is anonymous, if it does not say so, depends on its user_id. */
static const struct rd_member session_askers[] = {NO_USER,
                                                  {.name = "anonymous", .type = RD_TYPE_BOOLEAN}};
static const struct rd_shape session_askers_shape = {RD_MEMBERS(session_askers),
                                                     .also = &options_shape};
const struct rd_shape rd_session_shape = {.name = "SessionRequest",
                                          .members = rd_session_members,
                                          .n_members = RD_SESSION_MEMBERS,
                                          .also = &session_askers_shape};

static const struct rd_member recommendations_params[] = {{.name = "user_id", .type = RD_TYPE_ID},
                                                          TOP_K};
const struct rd_shape rd_recommendations_params = {RD_MEMBERS(recommendations_params),
                                                   .also = &rd_model_shape};
static const struct rd_member similar_params[] = {{.name = "item_id", .type = RD_TYPE_ID}, TOP_K};
const struct rd_shape rd_similar_params = {RD_MEMBERS(similar_params), .also = &rd_model_shape};
