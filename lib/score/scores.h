/* lib/score/scores.h - look at one block's scores for one lane. */
#ifndef RS_SCORE_SCORES_H
#define RS_SCORE_SCORES_H

#include "lib/score/offer.h"

/* Offer lane `number` what is worth it among the block's scores, biases not included. */
void rs_scores_take(const struct rs_scan *scan, struct rs_worker *worker, uint32_t number,
                    uint32_t block, const float *scores, enum rs_made_of made_of);

#endif
