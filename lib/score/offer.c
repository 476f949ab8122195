/* lib/score/offer.c - see offer.h.
 *
 * A worker that finds a better item raises the lane's threshold for all workers. Relaxed, because
 * an old value only costs time.
 */
#include "lib/score/offer.h"

#include "lib/score/bound.h"
#include "lib/score/canonical.h"

static void publish_threshold(struct rs_lane *lane, float threshold)
{
    float seen = atomic_load_explicit(&lane->threshold, memory_order_relaxed);

    while (seen < threshold &&
           !atomic_compare_exchange_weak_explicit(&lane->threshold, &seen, threshold,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

int rs_lane_offer(const struct rs_scan *scan, struct rs_lane *lane, struct rs_topk *topk,
                  uint32_t position)
{
    if (!rs_eligible_item(&lane->eligible, position))
        return 0;
    topk->n_scored++;
    float score = rs_canonical_score(scan->model, position, lane->query, lane->offset);
    if (!rs_topk_push(topk, score, position) || topk->n < topk->k)
        return 0;
    publish_threshold(lane, rs_topk_threshold(topk));
    return 1;
}

float rs_lane_limit(const struct rs_scan *scan, const struct rs_lane *lane,
                    const struct rs_topk *topk, uint32_t block, enum rs_made_of made_of)
{
    const struct rs_block *bounds = &scan->model->blocks[block];

    if (made_of == RS_OF_CODES)
        return rs_bound_codes(scan->model, &lane->coded, lane->norm, block, lane->offset,
                              rs_lane_threshold(lane, topk));
    if (made_of == RS_OF_SHORT_CODES)
        return rs_bound_short_codes(scan->model, &lane->coded, lane->norm, block, lane->offset,
                                    rs_lane_threshold(lane, topk));
    return rs_bound_float(scan->model, lane->norm, bounds->max_norm, lane->offset,
                          bounds->rest_abs_bias, rs_lane_threshold(lane, topk));
}
