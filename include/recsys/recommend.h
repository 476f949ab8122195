/* recsys/recommend.h - recommendations for known and unknown users. */
#ifndef RECSYS_RECOMMEND_H
#define RECSYS_RECOMMEND_H

#include <stddef.h>
#include <stdint.h>

#include "catalog.h"
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
 * Thread-safety: ONE THREAD AT A TIME. A call that begins while another thread is
 *   inside fails with E_BUSY. But a call overwrites the reply of the call before,
 *   and the library cannot know whether a thread still reads that reply. Threads
 *   that share a recommender use recsys_recommend_into(), which writes into the
 *   caller's memory.
 * After fork(): works in the child; a recommender with helper threads fails with
 *   E_STATE there.
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
 * One request. Zero means "no condition": RECSYS_REQUEST_INIT, a user and k make
 * the simplest one. The library reads all pointers during the call only.
 *
 * The vector to score with is `vector` if it is given; else the session's, which
 * comes from the `liked` items; else the user's. A request
 * with none of these is answered by preferences, or else by popularity.
 *
 * The session's vector. A model that says it is ALS (algorithm "als", hyperparameters
 * "regularization" and, else 1, "alpha"), has no biases and at most 1024 dimensions gets the vector
 * that its training would have given a user with these items: the solution of the normal equations
 * with confidences alpha * weight, as recalculate_user() of the Python package implicit computes it
 * (strategy FOLD_IN). The first such call on a model sums up the products of all its items, a third
 * of a second for a million items of 64 numbers. Any other model gets the weighted mean of the items'
 * vectors (strategy SESSION). An item that is given several times counts with the sum of its
 * weights, one with the weight 0 not at all.
 *
 * Preferences change the order. A model that was trained with features has their
 * vectors: for every genre, language, decade and minimum rating of the request the
 * library looks up pref_genre_action, pref_language_en, pref_decade_1990s or
 * min_rating, and adds the feature's vector (for min_rating multiplied by the
 * rating) times strength / 0.6. A favourite genre without such a feature is wanted:
 * every item that has it gains the same constant, which is added to its raw score.
 * The constant is the smallest with which at least `strength` (0.6: six) of the ten
 * best eligible items have a wanted genre, and 0 if they have it anyway; several
 * wanted genres share these places. If there are too few items, they come first. An
 * item with several genres gets the largest. So among
 * the items of a genre, and among all others, the order stays the user's own. With a
 * strength above 1 the constant for all ten grows in proportion. A larger strength
 * never gives fewer items of a wanted genre. The reply lists the preferences that
 * could not be used.
 *
 * Variety. With max_per_genre and the like the answer is the best items of a walk over
 * all eligible ones, best first, that takes an item unless one of its genres, its decade
 * or its language has the maximum already; what is unknown is not counted. With
 * `diversity` items are chosen one after another from a pool, the best 10 * k eligible
 * items, at least 100 and at most 1000, or k if that is more: the next is the one with the
 * largest (1 - diversity) * standing - diversity * similarity, where standing is the
 * raw score, the pool's best being 1 and its worst 0, and similarity the largest cosine
 * of its vector with those of the items chosen before (MMR); equal
 * ones are chosen by score and id. If caps leave nothing of the pool, the next pool are
 * the best items that no cap holds back. The answer is in the order of choice.
 *
 * Filters decide what may be in the answer: min_rating, languages, decade,
 * require_genres, adult, allow, exclude, `filter` and seen items are conditions
 * inside the scan, and an item must meet all of them. An answer is shorter than k
 * only if fewer items are eligible.
 */
typedef struct recsys_request {
    uint32_t struct_size;         /* sizeof(recsys_request) */
    uint32_t flags;               /* RECSYS_REQUEST_* */
    recsys_id user;               /* not read with RECSYS_REQUEST_ANONYMOUS */
    uint32_t k;                   /* 0 = 10; more than the model has = all items */
    float min_rating;             /* 0..10; 0 = any */
    int32_t decade;               /* first year: 1990 for the 1990s; 0 = any */
    uint32_t n_genres;
    const char *const *genres;    /* favourite genres, ASCII case ignored: a preference, no filter */
    const char *const *languages; /* any of these, ASCII case ignored */
    uint32_t n_languages;
    uint32_t reserved;            /* 0 */
    const recsys_id *exclude;     /* never these; unknown ids are ignored */
    size_t n_exclude;
    const float *vector;          /* `dimensions` finite floats; normalised by the caller for
                                     cosine; NULL = none. Not together with `liked`. Since: 0.2 */
    const recsys_id *liked;       /* a session: items liked, which are not recommended. Since: 0.2 */
    const float *liked_weights;   /* n_liked finite numbers from 0 on; NULL = all equal. Since: 0.2 */
    size_t n_liked;               /* Since: 0.2 */
    const recsys_id *allow;       /* with RECSYS_REQUEST_ALLOW: only these; unknown ids are listed
                                     in the reply. Since: 0.2 */
    size_t n_allow;               /* 0 = no item is allowed, whatever `allow` is. Since: 0.2 */
    const recsys_filter *filter;  /* of a model with the same fingerprint; NULL = none. Since: 0.2 */
    const char *const *require_genres; /* only items that have at least one of these, ASCII case
                                          ignored. Since: 0.2 */
    uint32_t n_require_genres;    /* Since: 0.2 */
    float preference_strength;    /* with RECSYS_REQUEST_STRENGTH: 0..10, 0 = preferences do not
                                     change the order, 1 = the ten best are all of favourite
                                     genres. Since: 0.2 */
    float diversity;              /* 0..1: 0 = the best by score, 1 = only unlike ones. Since: 0.2 */
    uint32_t max_per_genre;       /* items of one genre at most; 0 = any number. Since: 0.2 */
    uint32_t max_per_decade;      /* of one decade. Since: 0.2 */
    uint32_t max_per_language;    /* in one language. Since: 0.2 */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_request;

#define RECSYS_REQUEST_SIZE_V1 RECSYS_SIZE_TO(recsys_request, max_per_language)
#define RECSYS_REQUEST_INIT \
    {(uint32_t)sizeof(recsys_request), 0u, {NULL, 0u}, 0u, 0.0f, 0, 0u, NULL, NULL, 0u, 0u, \
     NULL, 0u, NULL, NULL, NULL, 0u, NULL, 0u, NULL, NULL, 0u, 0.0f, \
     0.0f, 0u, 0u, 0u}

#define RECSYS_REQUEST_REASONS (1u << 0)       /* give reasons */
#define RECSYS_REQUEST_INCLUDE_SEEN (1u << 1)  /* items the user has seen are allowed */
#define RECSYS_REQUEST_INCLUDE_ADULT (1u << 2) /* adult items are allowed */
#define RECSYS_REQUEST_ANONYMOUS (1u << 3)     /* there is no user; `user` is not read */
#define RECSYS_REQUEST_ALLOW (1u << 4)         /* only items of the allow list are allowed; if the
                                                  list is empty, none. A list without this flag
                                                  is E_INVALID */

#define RECSYS_REQUEST_STRENGTH (1u << 5) /* `preference_strength` is read; without this flag it must
                                             be 0, and the strength is 0.6. Since: 0.2 */

/* The strategy that answered. */
enum {
    RECSYS_STRATEGY_USER = 1,             /* the user's own vector */
    RECSYS_STRATEGY_USER_PREFERENCES = 2, /* ... changed by preferences */
    RECSYS_STRATEGY_PREFERENCES = 3,      /* unknown or no user: preferences alone */
    RECSYS_STRATEGY_POPULARITY = 4,       /* unknown or no user, and no preferences: what most users
                                             chose */
    RECSYS_STRATEGY_SESSION = 5,          /* the liked items */
    RECSYS_STRATEGY_VECTOR = 6,           /* the caller's vector */
    RECSYS_STRATEGY_SIMILAR = 7,          /* recsys_recommend_similar() */
    RECSYS_STRATEGY_GENERAL = 8,          /* as POPULARITY, but the model does not know what users
                                             chose: recsys_model_info.popularity. Since: 0.2 */
    RECSYS_STRATEGY_FOLD_IN = 9           /* the liked items, by the equations of ALS. Since: 0.2 */
};

/* "user", "user_preferences", "preferences", "popularity", "session", "vector",
 * "similar", "general", "fold_in"; "unknown" for anything else. Never NULL. Since: 0.1 */
RECSYS_API const char *recsys_strategy_name(uint32_t strategy);

/* The reasons for a recommendation; `reason` has their words. */
enum {
    RECSYS_REASON_GENRES = 1 << 0,  /* the item has a favourite genre of the request */
    RECSYS_REASON_RATING = 1 << 1,  /* its rating is at least the request's minimum */
    RECSYS_REASON_SCORE = 1 << 2,   /* score above 0.8, unless of popularity or similarity */
    RECSYS_REASON_SIMILAR = 1 << 3, /* similar to items that this user has liked, or to the item of
                                       recsys_recommend_similar(): `causes` */
    RECSYS_REASON_POPULAR = 1 << 4, /* RECSYS_REPLY_POPULARITY, and the item has no favourite
                                     genre */
    RECSYS_REASON_GENERAL = 1 << 5  /* the same in a model that does not know what users chose.
                                     Since: 0.2 */
};

/*
 * One recommendation. Later libraries may append fields, so get items with
 * recsys_reply_get_item(), which knows their size.
 */
typedef struct recsys_recommendation {
    recsys_id item;
    float score;            /* 0..1, after the link; popularity: 1 is the most popular item (with
                               preferences, and what an item gains by them, divided by the most
                               that any item could have); similar: the cosine, a negative one as 0 */
    float raw;              /* before the link; what a favourite genre adds is in it */
    uint32_t reasons;       /* RECSYS_REASON_*; 0 unless asked for */
    uint32_t n_causes;      /* of RECSYS_REASON_SIMILAR */
    const char *reason;     /* one line of English; NULL if not asked for, or if there is no reason */
    const recsys_id *causes; /* the liked items that this item is similar to, the most important
                                first; NULL if there are none */
    const float *contributions; /* n_causes numbers: what each cause adds to `raw`; NULL unless the
                                   model is ALS. Since: 0.2 */
} recsys_recommendation;

/* The kinds of preferences that could not be used, and why. */
enum {
    RECSYS_PREFERENCE_GENRE = 1,    /* no eligible item has this genre, and the model has no feature
                                       of its name; in recsys_recommend_similar() genres do not
                                       change the order, they only give reasons */
    RECSYS_PREFERENCE_LANGUAGE = 2, /* no item of the catalogue is in this language */
    RECSYS_PREFERENCE_DECADE = 3,   /* no item of the catalogue is of this decade */
    RECSYS_PREFERENCE_RATING = 4,   /* no item of the catalogue is rated that high */
    RECSYS_PREFERENCE_LIKED = 5,    /* the model has no such item */
    RECSYS_PREFERENCE_REQUIRED_GENRE = 6, /* no item of the catalogue has this genre of
                                             `require_genres`. Since: 0.2 */
    RECSYS_PREFERENCE_ALLOWED = 7 /* the model has no such item of `allow`. Since: 0.2 */
};

/* A preference that could not be used. Frozen: 16 bytes on 64-bit machines. */
typedef struct recsys_preference {
    uint32_t kind;    /* RECSYS_PREFERENCE_* */
    uint32_t index;   /* in the request's list of that kind; else 0 */
    const char *text; /* the request's own pointer: its genre, language, or text id of an item
                         (which needs no NUL); NULL if the request has a number there */
} recsys_preference;

/*
 * English advice on how to write a preference that could not be used:
 * "Horror|Comedy" is the name of no genre, and each of the two must be given on its
 * own. NULL if there is no such advice, and for NULL. Static text. Since: 0.2
 */
RECSYS_API const char *recsys_preference_advice(const recsys_preference *ignored);

/*
 * The answer to one request. The caller sets replies[0].struct_size, which is the
 * distance from one reply to the next; the library writes it to all of them.
 *
 * `items` is const void * so that items[i] does not compile: the recommendations of
 * a newer library are longer than this header knows.
 */
typedef struct recsys_reply {
    uint32_t struct_size;  /* in: sizeof(recsys_reply) */
    recsys_status status;  /* of this request */
    uint32_t strategy;     /* RECSYS_STRATEGY_* */
    uint32_t flags;        /* RECSYS_REPLY_* */
    uint32_t count;        /* of items */
    uint32_t item_size;    /* bytes from one item to the next */
    const void *items;     /* best first: recsys_reply_get_item() */
    const char *message;   /* the error in the request if status is a failure, else NULL */
    const recsys_preference *ignored; /* preferences that could not be used; NULL if none */
    uint32_t n_ignored;
    uint32_t reserved;     /* 0 */
    const char *model_name; /* the model that answered, as in its recsys_model_info */
    const char *model_version;
    const char *model_fingerprint;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_reply;

#define RECSYS_REPLY_SIZE_V1 RECSYS_SIZE_TO(recsys_reply, model_fingerprint)
#define RECSYS_REPLY_INIT \
    {(uint32_t)sizeof(recsys_reply), 0, 0u, 0u, 0u, 0u, NULL, NULL, NULL, 0u, 0u, NULL, NULL, NULL}

#define RECSYS_REPLY_KNOWN_USER (1u << 0)  /* the model has the user */
#define RECSYS_REPLY_PREFERENCES (1u << 1) /* preferences have a part in the order */
#define RECSYS_REPLY_POPULARITY (1u << 2)  /* raw scores are popularities and what preferences add;
                                              nothing was scored by a vector. Since: 0.2 */

/*
 * Recommendation number `i` of a reply, 0 being the best. NULL beyond the last
 * one, and for a NULL reply.
 *
 * Ownership: BORROWED as the reply's items are.
 * Thread-safety: any thread.
 * Since: 0.2
 */
RECSYS_API const recsys_recommendation *recsys_reply_get_item(const recsys_reply *reply,
                                                              uint32_t i);

/*
 * Answer `n_requests` requests from one model. Requests of unknown users are
 * answered too; the reply says by which strategy. The answer to a request does not
 * depend on the other requests of the call.
 *
 * Some requests cannot be answered (an id of the other kind, a rating that is not a
 * number). If the call has one request, it fails. If it has several, it succeeds,
 * and the reply of each such request has the status E_INVALID and a message: check
 * the status of every reply.
 *
 * requests  an array whose elements are requests[0].struct_size apart and all
 *           have that struct_size. The call needs memory for all of them at once,
 *           so pass millions of users in batches of a thousand or so.
 * replies   as many, replies[0].struct_size apart. After a failure they are all
 *           zero except struct_size.
 *
 * Fails with: E_INVALID (NULL, struct_size; the one request), E_UNSUPPORTED (newer
 *   request), E_NOMEM, E_BUSY (another thread is inside), E_STATE (after fork()).
 * Ownership: the data that replies point to are BORROWED until the next call on
 *   this recommender; text ids and the model's names until the reference to `model`
 *   is given back.
 * Thread-safety: never locks; allocates only when a size is met for the first
 *   time.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_recommend(recsys_recommender *recommender, const recsys_model *model,
                 const recsys_request *requests, size_t n_requests, recsys_reply *replies,
                 recsys_error *err);

/*
 * The same as recsys_recommend(), but the answers are written into the caller's
 * arrays, and there are no reasons.
 *
 * items, rows, scores  row-major [n_requests, stride]: ids, rows of the item
 *           arrays (recsys_model_get_array()), and scores after the link. Each
 *           may be NULL. Places without an answer hold RECSYS_PADDING_ID, which
 *           is no id, RECSYS_PADDING_ROW and minus infinity.
 * stride    room for one request's answers: at least its k, or the number of
 *           items if that is less.
 * counts    n_requests numbers of answers.
 * statuses  n_requests statuses, or NULL: then the first request that cannot be
 *           answered makes the call fail, also if there are several.
 * strategies  n_requests RECSYS_STRATEGY_*, or NULL.
 *
 * Fails with: as recsys_recommend(); E_INVALID also for a stride that is too
 *   small. Then counts, statuses and strategies are 0 and all places are padded.
 * Ownership: text ids are BORROWED until the reference to `model` is given back.
 * Thread-safety: as recsys_recommend().
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_recommend_into(recsys_recommender *recommender, const recsys_model *model,
                      const recsys_request *requests, size_t n_requests, size_t stride,
                      recsys_id *items, uint32_t *rows, float *scores, uint32_t *counts,
                      recsys_status *statuses, uint32_t *strategies, recsys_error *err);

/*
 * The items most similar to `item` by the cosine of their vectors, and of their
 * biases where recsys_model_info.similar_by says so, that meet the
 * filters of `request`. Items that its user has seen are left out. If `request` is
 * NULL, only adult items are left out. `score` is the cosine, a negative one as 0.
 *
 * request   may ask for reasons; may not have a vector or liked items.
 * reply     one; struct_size is set by the caller.
 *
 * Fails with: E_NOT_FOUND (no such item), E_INVALID, E_UNSUPPORTED, E_NOMEM,
 *   E_BUSY, E_STATE.
 * Ownership: as recsys_recommend().
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_recommend_similar(recsys_recommender *recommender, const recsys_model *model,
                         recsys_id item, const recsys_request *request, recsys_reply *reply,
                         recsys_error *err);

/*
 * The scores that the request would give to these items: the same bits as in
 * recsys_recommend(). k has no effect. Filters and seen items leave no score out; they
 * only decide, as there, how much the items of wanted genres gain.
 *
 * scores    n_items scores after the link, or NULL.
 * raws      n_items scores before the link, or NULL. Both have NaN for an item that
 *           the model does not have; the call succeeds anyway.
 * reply     receives strategy, flags, ignored preferences and the model; `count` is
 *           how many of the items the model has, `items` is NULL. Or NULL.
 *
 * Fails with: E_INVALID (NULL, struct_size, a request that cannot be answered, an
 *   item id of the other kind), E_UNSUPPORTED, E_NOMEM, E_BUSY, E_STATE. Then all
 *   scores are NaN.
 * Ownership: as recsys_recommend().
 * Thread-safety: as recsys_recommend().
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_recommend_score_items(recsys_recommender *recommender, const recsys_model *model,
                             const recsys_request *request, const recsys_id *items, size_t n_items,
                             float *scores, float *raws, recsys_reply *reply, recsys_error *err);

/* The score that the link of `model` makes of a raw score. NaN for a NULL model.
 * Since: 0.1 */
RECSYS_API float recsys_link_score(const recsys_model *model, float raw);

#ifdef __cplusplus
}
#endif

#endif
