/* lib/serve/recommend.h - private to lib/serve: one request on its way to a reply. */
#ifndef RS_SERVE_RECOMMEND_H
#define RS_SERVE_RECOMMEND_H

#include <stdint.h>

#include "lib/model/model.h"
#include "lib/score/filter.h"
#include "recsys/recommend.h"

#define RS_REASON_SIZE 384u /* bytes of one reason's text */

struct rs_ask {
    recsys_request request; /* as this library knows it */
    struct rs_condition condition;
    struct rs_eligible eligible;
    uint32_t user;     /* row, if known */
    uint32_t known;    /* 1: the model has the user */
    uint32_t strategy; /* RECSYS_STRATEGY_* */
    uint32_t question; /* number among the scorer's questions, unless by popularity */
    size_t first;      /* of its recommendations in the reply memory */
};

/* steer.c: write the vector to score with into `vector` and choose the
 * strategy; returns what to add to every score. */
double rs_steer(const struct recsys_model *model, struct rs_ask *ask, float *vector);

/* popular.c: the most popular eligible items, at most k. Returns how many. */
uint32_t rs_popular(const struct recsys_model *model, const struct rs_eligible *eligible,
                    uint32_t k, recsys_recommendation *out);

/* reasons.c: find the reasons that hold for `out` and word them in `text`,
 * which has RS_REASON_SIZE bytes. */
void rs_reasons(const struct recsys_model *model, const struct rs_ask *ask, uint32_t position,
                recsys_recommendation *out, char *text);

#endif
