/* recsys/recommend.h - recommendations for users, known and new. */
#ifndef RECSYS_RECOMMEND_H
#define RECSYS_RECOMMEND_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "scorer.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The workspace of one thread that recommends. Not tied to a model.
 *
 * Thread-safety: ONE THREAD AT A TIME.
 * Ownership: one owner; recsys_recommender_destroy().
 */
typedef struct recsys_recommender recsys_recommender;

/*
 * Fails with: as recsys_scorer_create(); `options` are the scorer's.
 * Ownership: the caller owns `*out`.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_recommender_create(const recsys_scorer_options *options, recsys_recommender **out,
                          recsys_error *err);

/* NULL is allowed. */
RECSYS_API void recsys_recommender_destroy(recsys_recommender *recommender);

/*
 * One request. Zero means "no condition", so recsys_request_init() and a user
 * and k make the plainest one. All pointers are read during the call only.
 *
 * Preferences steer: every named genre (and language, decade, minimum rating)
 * is looked up among the model's features as pref_genre_action,
 * pref_language_en, pref_decade_1990s, min_rating, and the feature's vector
 * (times the rating, for min_rating) is added to the user's. A model without feature_factors steers by genre alone,
 * with the mean vector of the genre's items.
 *
 * Filters decide: min_rating, languages, decade, adult, exclude and seen items
 * are conditions inside the scan. An answer is shorter than k only if fewer
 * items are eligible.
 */
typedef struct recsys_request {
    uint32_t struct_size;         /* sizeof(recsys_request) */
    uint32_t flags;               /* RECSYS_REQUEST_* */
    recsys_id user;               /* RECSYS_ID_NONE = anonymous */
    uint32_t k;                   /* 1..RECSYS_MAX_K; 0 = 10 */
    float min_rating;             /* 0..10; 0 = any */
    int32_t decade;               /* first year: 1990 for the 1990s; 0 = any */
    uint32_t n_genres;
    const char *const *genres;    /* favourite genres, ASCII case ignored; steer, do not filter */
    const char *const *languages; /* any of these, ASCII case ignored */
    uint32_t n_languages;
    uint32_t reserved;            /* 0 */
    const recsys_id *exclude;     /* never these; unknown ids are ignored */
    size_t n_exclude;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_request;

#define RECSYS_REQUEST_REASONS (1u << 0)       /* say why */
#define RECSYS_REQUEST_INCLUDE_SEEN (1u << 1)  /* items the user has seen may come back */
#define RECSYS_REQUEST_INCLUDE_ADULT (1u << 2) /* adult items may come */

/* All zero but the size. */
RECSYS_API void recsys_request_init(recsys_request *request);

/* Which strategy answered. */
enum {
    RECSYS_STRATEGY_USER = 1,             /* the user's own vector */
    RECSYS_STRATEGY_USER_PREFERENCES = 2, /* ... plus the vectors of preferences */
    RECSYS_STRATEGY_PREFERENCES = 3,      /* unknown user: preferences alone */
    RECSYS_STRATEGY_POPULARITY = 4        /* unknown user, nothing to steer by */
};

/* "user", "user_preferences", "preferences", "popularity"; "unknown" for
 * anything else. Never NULL. Since: 0.1 */
RECSYS_API const char *recsys_strategy_name(uint32_t strategy);

/* Reasons that hold for a recommendation; their wording is in `reason`. */
enum {
    RECSYS_REASON_GENRES = 1 << 0,  /* shares a favourite genre */
    RECSYS_REASON_RATING = 1 << 1,  /* rated at least the asked minimum */
    RECSYS_REASON_SCORE = 1 << 2,   /* score above 0.8, unless by popularity */
    RECSYS_REASON_SIMILAR = 1 << 3, /* like items this user has liked */
    RECSYS_REASON_POPULAR = 1 << 4  /* the popularity strategy put it here */
};

/* One recommendation. Frozen: 40 bytes on 64-bit machines. */
typedef struct recsys_recommendation {
    recsys_id item;
    float score;        /* 0..1, after the link; popularity: share of the most popular item's */
    float raw;          /* before the link */
    uint32_t reasons;   /* RECSYS_REASON_*; 0 unless asked for */
    uint32_t reserved;  /* 0 */
    const char *reason; /* one line of English; NULL unless asked for and there is one */
} recsys_recommendation;

/* The answer to one request. Frozen: 32 bytes on 64-bit machines. */
typedef struct recsys_reply {
    recsys_status status; /* of this request */
    uint32_t strategy;    /* RECSYS_STRATEGY_* */
    uint32_t count;
    uint32_t reserved;    /* 0 */
    const recsys_recommendation *items; /* `count` of them, best first */
    const char *message;                /* static text if status is a failure, else NULL */
} recsys_reply;

/*
 * Answer `n_requests` requests from one model. Users the model does not know
 * are answered, not refused; the reply says by which strategy. The answer to a
 * request does not depend on the others beside it.
 *
 * A request that cannot be answered (k over the limit, an id of the other
 * kind, a rating that is not a number) fails in its own reply and leaves the
 * others alone; the call then still succeeds.
 *
 * requests  an array whose elements are requests[0].struct_size apart and all
 *           have that struct_size. The call keeps room for all of them at once:
 *           hand over millions of users in batches of a thousand or so.
 *
 * Fails with: E_INVALID (NULL, struct_size), E_UNSUPPORTED (newer request),
 *   E_NOMEM.
 * Ownership: replies[i].items and reasons are BORROWED until the next call on
 *   this recommender; text ids until the reference to `model` is given back.
 * Thread-safety: never locks; allocates only when a size is met for the first
 *   time.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_recommend(recsys_recommender *recommender, const recsys_model *model,
                 const recsys_request *requests, size_t n_requests, recsys_reply *replies,
                 recsys_error *err);

/*
 * The items most similar to `item` by cosine of their vectors, under the
 * filters of `request` (whose user's seen items are left out; NULL = no
 * filters but adult items). `score` is the cosine, negative ones as 0.
 *
 * Fails with: E_NOT_FOUND (no such item), E_INVALID, E_UNSUPPORTED, E_NOMEM.
 * Ownership: as recsys_recommend().
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_recommend_similar(recsys_recommender *recommender, const recsys_model *model,
                         recsys_id item, const recsys_request *request, recsys_reply *reply,
                         recsys_error *err);

/* Map a raw score as `model` does. NaN for a NULL model. Since: 0.1 */
RECSYS_API float recsys_link_score(const recsys_model *model, float raw);

#ifdef __cplusplus
}
#endif

#endif
