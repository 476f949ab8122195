/* lib/score/offer.h - take a score into a lane's K best, and the limit that follows from them. */
#ifndef RS_SCORE_OFFER_H
#define RS_SCORE_OFFER_H

#include "lib/score/lanes.h"

/* The best K-th score that this worker or any other has found for the lane. */
static inline float rs_lane_threshold(const struct rs_lane *lane, const struct rs_topk *topk)
{
    float own = rs_topk_threshold(topk);
    float best = atomic_load_explicit(&lane->threshold, memory_order_relaxed);

    return own > best ? own : best;
}

/* The float score below which an item of `block` cannot be among the lane's K best. */
float rs_lane_limit(const struct rs_scan *scan, const struct rs_lane *lane,
                    const struct rs_topk *topk, uint32_t block);

/* If the item is eligible, compute its canonical score and offer it. Returns 1 if the limit may
 * have risen. */
int rs_lane_offer(const struct rs_scan *scan, struct rs_lane *lane, struct rs_topk *topk,
                  uint32_t position);

#endif
