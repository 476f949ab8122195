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

/* The numbers that a block's scores were made of. */
enum rs_made_of { RS_OF_FLOATS, RS_OF_CODES, RS_OF_SHORT_CODES };

/* The score below which an item of `block` cannot be among the lane's K best. */
float rs_lane_limit(const struct rs_scan *scan, const struct rs_lane *lane,
                    const struct rs_topk *topk, uint32_t block, enum rs_made_of made_of);

/* Begin to fetch an item's vector from memory. */
static inline void rs_lane_prefetch(const struct rs_scan *scan, uint32_t position)
{
    const float *item = scan->model->items + (size_t)position * scan->model->stride;

    for (uint32_t j = 0; j < scan->model->stride && j < 512; j += 16)
        __builtin_prefetch(item + j);
}

/* If the item is eligible, compute its canonical score and offer it. Returns 1 if the limit may
 * have risen. */
int rs_lane_offer(const struct rs_scan *scan, struct rs_lane *lane, struct rs_topk *topk,
                  uint32_t position);

#endif
