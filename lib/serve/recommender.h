/* lib/serve/recommender.h - private to lib/serve: the recommender, and the asks that requests
 * become. */
#ifndef RS_SERVE_RECOMMENDER_H
#define RS_SERVE_RECOMMENDER_H

#include <stdint.h>

#include "lib/model/model.h"
#include "lib/score/filter.h"
#include "lib/score/scorer.h"
#include "lib/serve/fold.h"
#include "lib/serve/grow.h"
#include "lib/serve/steer.h"
#include "recsys/recommend.h"

#define RS_REASON_SIZE 384u  /* bytes of one reason's text */
#define RS_STRENGTH 0.6f     /* of preferences, if the request does not say it */
#define RS_REASON_CAUSES 2u  /* items named by one reason, at most */
#define RS_PROBLEM_SIZE 128u /* bytes of a request's error */

struct rs_ask {
    recsys_request
        request; /* the members that this library knows; k is at most the number of items */
    struct rs_condition condition;
    struct rs_eligible eligible;
    recsys_preference *ignored; /* room for every preference */
    uint32_t n_ignored;
    uint32_t user;     /* row, if known */
    uint32_t known;    /* 1: the model has the user */
    uint32_t taste;    /* RECSYS_STRATEGY_* of the vector before preferences; 0 = there is none */
    uint32_t strategy; /* RECSYS_STRATEGY_* */
    uint32_t shifted;  /* 1: preferences have a part in the answer */
    uint32_t added;    /* 1: trained features have changed the vector */
    uint32_t is_popularity_known; /* 1: the model knows what users chose */
    struct rs_wanted *wanted;     /* favourite genres that items gain by */
    uint32_t n_wanted;
    uint32_t places; /* recommendations at most; request.k is more if they are chosen from a pool */
    size_t first_pool; /* in the recommender's memory */
    uint32_t n_pool;
    uint32_t about; /* position, for RECSYS_STRATEGY_SIMILAR */
    recsys_status status;
    const float *vector; /* to score with; zero without taste and features */
    double offset;       /* added to every score */
    size_t first_kept;   /* its best items without gains, in the recommender's memory */
    uint32_t n_kept;
    size_t first;        /* of its recommendations in the recommender's memory */
    size_t first_reason; /* of their reasons, if it asks for them */
    char problem[RS_PROBLEM_SIZE];
};

/* An item that may be chosen (varied.c). */
struct rs_pooled {
    struct rs_best entry;
    double norm;    /* of its vector */
    double nearest; /* the largest cosine with a chosen item; 0 before there is one */
};

/* Everything is kept for the next call, which allocates only if it needs more. */
struct recsys_recommender {
    recsys_scorer *scorer;
    struct rs_ask *asks;
    struct rs_question *questions;
    struct rs_topk *answers;
    float *vectors; /* [max_asks, dimensions] */
    uint32_t *positions;
    recsys_preference *ignored;
    recsys_recommendation *items;
    struct rs_best *popular;
    struct rs_wanted *wanted;
    struct rs_question *steering; /* the questions that wanted genres lead to */
    struct rs_topk *steered;      /* and the answers */
    struct rs_best *kept;
    struct rs_best *pools;        /* of the asks that are varied */
    struct rs_pooled *candidates; /* these four are for one of them at a time */
    struct rs_best *chosen;
    uint32_t *chosen_positions;
    uint32_t *counts;
    char *reasons;               /* RS_REASON_SIZE each */
    recsys_id *causes;           /* RS_REASON_CAUSES each */
    float *contributions;        /* beside causes */
    struct rs_fold fold;         /* the equations of one user */
    const struct rs_ask *folded; /* whose they are; NULL = nobody's */
    size_t max_asks, max_floats, max_positions, max_ignored, max_items, max_popular, max_reasons,
        max_causes, max_contributions, max_wanted, max_steering, max_steered, max_kept, max_pools,
        max_candidates, max_chosen, max_chosen_positions, max_counts;
};

/* recommender.c: room for n questions. */
recsys_status rs_recommender_grow_asks(recsys_recommender *r, size_t n, recsys_error *err);

/* asks.c: copy the members of request number `i` that this library knows. */
recsys_status rs_request_read(const recsys_request *requests, size_t i, recsys_request *out,
                              const char *function, recsys_error *err);

/* The needs of the caller of rs_asks_read(). */
#define RS_ASK_ITEMS (1u << 0)   /* room for recommendations */
#define RS_ASK_REASONS (1u << 1) /* and for their reasons */
#define RS_ASK_SIMILAR (1u << 2) /* the request is about an item: no vector, no session */

/* asks.c: copy the requests as this library knows them into r->asks, check them and find the
 * conditions that they set. An error in one request stays in its ask. The call fails for an
 * error that concerns all of them (sizes, newer fields, memory). */
recsys_status rs_asks_read(recsys_recommender *r, const struct recsys_model *model,
                           const recsys_request *requests, size_t n, uint32_t needs,
                           const char *function, recsys_error *err);

/* preferences.c: write the vector to score with into `vector`; choose the strategy and the
 * offset, and list the wanted genres and the ignored preferences. */
void rs_ask_vector(recsys_recommender *r, const struct recsys_model *model, struct rs_ask *ask,
                   float *vector);

/* session.c: room for the equations that n asks need. */
recsys_status rs_session_reserve(recsys_recommender *r, const struct recsys_model *model, size_t n,
                                 uint32_t needs, recsys_error *err);
/* session.c: write the vector of the liked items into `vector`, which is zero. Returns the
 * strategy; 0 if they have no direction: then it is zero again. */
uint32_t rs_session_vector(recsys_recommender *r, const struct recsys_model *model,
                           const struct rs_ask *ask, float *vector);
/* session.c: make r->fold the equations of the ask's liked items, or of what its user has seen. 0:
 * there are none, or too many items. */
int rs_session_equations(recsys_recommender *r, const struct recsys_model *model,
                         const struct rs_ask *ask);

/* session.c: 1 if a number is not zero. */
int rs_vector_has_direction(const float *vector, uint32_t n);
/* session.c: scale to length 1. */
void rs_vector_normalise(float *vector, uint32_t n);

/* preferences.c: 1 if the ask's items stand in the order of popularity, which gains may change. */
static inline int rs_ask_by_popularity(const struct rs_ask *ask)
{
    return ask->taste == 0 && !ask->added;
}

/* preferences.c: ignore the wanted genre w, because no eligible item has it. */
void rs_ask_unwant(struct rs_ask *ask, uint32_t w);

/* The gain of an item; 0 if it has no wanted genre. */
static inline double rs_ask_gain(const struct recsys_model *model, const struct rs_ask *ask,
                                 uint32_t position)
{
    uint32_t w = rs_steer_find(model, ask->wanted, ask->n_wanted, position);

    return w == ask->n_wanted ? 0.0 : ask->wanted[w].gain;
}

static inline double rs_ask_largest_gain(const struct rs_ask *ask)
{
    double largest = 0.0;

    for (uint32_t w = 0; w < ask->n_wanted; w++)
        largest = largest > ask->wanted[w].gain ? largest : ask->wanted[w].gain;
    return largest;
}

/* steered.c: set the gains of the asks from `from` to `to` - 1 that have wanted genres. Wanted
 * genres that no eligible item has become ignored. */
recsys_status rs_steered_set(recsys_recommender *r, const struct recsys_model *model, size_t from,
                             size_t to, recsys_error *err);

/* Receives the answer to ask number i. */
typedef void (*rs_steered_put)(recsys_recommender *r, const struct recsys_model *model, size_t i,
                               const struct rs_best *entries, uint32_t n, const void *to);

/* steered.c: answer those of the first n asks that have wanted genres, and still have after their
 * gains are set. The others are left to the caller. */
recsys_status rs_steered_answer(recsys_recommender *r, const struct recsys_model *model, size_t n,
                                rs_steered_put put, const void *to, recsys_error *err);

/* steered.c: the best items that are eligible now, with the gains that are set; into r->popular. */
recsys_status rs_steered_again(recsys_recommender *r, const struct recsys_model *model,
                               struct rs_ask *ask, uint32_t *n, recsys_error *err);

/* Is the answer chosen from a pool? */
static inline int rs_ask_is_varied(const struct rs_ask *ask)
{
    const recsys_request *request = &ask->request;

    return request->diversity > 0.0f || request->max_per_genre != 0 ||
           request->max_per_decade != 0 || request->max_per_language != 0;
}

/* varied.c: the size of the pool for k recommendations. */
uint32_t rs_varied_pool(uint32_t k, uint32_t n_items);
/* varied.c: keep the pool of an ask, until all are there. */
void rs_varied_keep(recsys_recommender *r, struct rs_ask *ask, const struct rs_best *entries,
                    uint32_t n);
/* varied.c: choose the recommendations from the kept pool, into r->chosen. Scans again where caps
 * leave too few. */
recsys_status rs_varied_choose(recsys_recommender *r, const struct recsys_model *model,
                               struct rs_ask *ask, uint32_t *n_chosen, recsys_error *err);

/* preferences.c: add the filters that no item can meet to the ignored preferences. */
void rs_ask_ignored_filters(const struct recsys_model *model, struct rs_ask *ask,
                            uint32_t n_answers);

/* popular.c: the most popular eligible items, at most k. Returns how many. */
uint32_t rs_popular(const struct recsys_model *model, const struct rs_eligible *eligible,
                    uint32_t k, struct rs_best *out);
/* popular.c: the same with the gains of wanted genres. */
uint32_t rs_popular_steered(const struct recsys_model *model, const struct rs_ask *ask,
                            struct rs_best *out);

/* reasons.c: find the reasons for `out` and its causes, and write them to the recommender's memory:
 * number `place` of the reasons. */
void rs_reasons(recsys_recommender *r, const struct recsys_model *model, const struct rs_ask *ask,
                uint32_t position, recsys_recommendation *out, size_t place);

/* reply.c: check that replies are given and their struct_size is plausible. Empties them, so
 * that they are empty if the call fails later. n == 0 is no failure. */
recsys_status rs_replies_begin(recsys_reply *replies, size_t n, const char *function,
                               recsys_error *err);
void rs_replies_clear(recsys_reply *replies, size_t n);

/* Write reply number i. With `entries` its items are written to r->items; NULL: none. */
void rs_reply_write(recsys_recommender *r, const struct recsys_model *model, size_t i,
                    const struct rs_best *entries, uint32_t n, recsys_reply *replies);

/* The score of a raw score, after the link that fits the strategy. */
float rs_ask_score(const struct recsys_model *model, const struct rs_ask *ask, float raw);

#endif
