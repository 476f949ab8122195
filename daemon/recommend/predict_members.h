/* daemon/recommend/predict_members.h - the members of the bodies of this room, and their limits. */
#ifndef RECSYSD_PREDICT_MEMBERS_H
#define RECSYSD_PREDICT_MEMBERS_H

#include "daemon/http/shape.h"

#define RD_TOP_K_MAX 50
#define RD_ITEMS_MAX 1000u /* of a list of items */
#define RD_USERS_MAX 1000u
#define RD_LIKED_MAX 1000u

/* Of all bodies of this room. */
enum rd_option {
    RD_OPTION_CANDIDATES,
    RD_OPTION_PREFERENCES,
    RD_OPTION_TOP_K,
    RD_OPTION_REASONS,
    RD_OPTION_EXCLUDE,
    RD_OPTION_EXCLUDE_SEEN,
    RD_OPTION_DIVERSITY,
    RD_OPTION_PER_GENRE,
    RD_OPTION_PER_DECADE,
    RD_OPTION_PER_LANGUAGE,
    RD_OPTIONS
};
extern const struct rd_member rd_options[RD_OPTIONS];

/* May stand in preferences or beside them. */
enum rd_steering { RD_STEERING_GENRES, RD_STEERING_STRENGTH, RD_STEERINGS };
extern const struct rd_member rd_steerings[RD_STEERINGS];

enum rd_preference {
    RD_PREFERENCE_GENRES,
    RD_PREFERENCE_RATING,
    RD_PREFERENCE_LANGUAGES,
    RD_PREFERENCE_ADULT,
    RD_PREFERENCE_DECADE,
    RD_PREFERENCES
};
extern const struct rd_member rd_preferences[RD_PREFERENCES];
extern const struct rd_shape rd_preferences_shape;

enum rd_asker { RD_ASKER_USER, RD_ASKER_ANONYMOUS, RD_ASKERS };
extern const struct rd_member rd_predict_askers[RD_ASKERS];
extern const struct rd_member rd_batch_users[1];
enum rd_session_member { RD_SESSION_LIKED, RD_SESSION_WEIGHTS, RD_SESSION_MEMBERS };
extern const struct rd_member rd_session_members[RD_SESSION_MEMBERS];

/* Bodies and parameters of these routes, for the route table. */
extern const struct rd_shape rd_predict_shape, rd_batch_shape, rd_session_shape;
extern const struct rd_shape rd_recommendations_params, rd_similar_params;

#endif
