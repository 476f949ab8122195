/* lib/serve/steer.h - how much the items of favourite genres gain. Private to lib/serve. See
 * steer.c. */
#ifndef RS_SERVE_STEER_H
#define RS_SERVE_STEER_H

#include <stdint.h>

#include "lib/model/model.h"
#include "lib/score/topk.h"

#define RS_STEER_PLACES 10u /* the best so many decide the gains */

/* A favourite genre that is steered by gain. */
struct rs_wanted {
    uint32_t genre; /* the catalogue's number */
    uint32_t index; /* in the request's list */
    double gain;    /* added to the raw score of its items */
};

/*
 * Set every wanted genre's gain. best[0] are the best eligible items of all, best[1 + w] the best
 * ones that have wanted[w]: sorted, RS_STEER_PLACES or as many as there are; of best[0] no more
 * count. No list is empty.
 */
void rs_steer_set(const struct recsys_model *model, struct rs_wanted *wanted, uint32_t n_wanted,
                  double strength, const struct rs_topk *best);

/* The wanted genre whose gain the item gets, which is the largest of its genres; n_wanted if it
 * gains nothing. */
uint32_t rs_steer_find(const struct recsys_model *model, const struct rs_wanted *wanted,
                       uint32_t n_wanted, uint32_t position);

#endif
