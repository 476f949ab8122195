/* lib/score/scores.c - see scores.h. */
#include "lib/score/scores.h"

#include <math.h>

/* Up to this K, a lane without a K-th best score gets the best items of its first block first. */
#define FIRST_K 128u

static float score_of(const float *scores, const float *bias, uint32_t i)
{
    return bias == NULL ? scores[i] : scores[i] + bias[i];
}

/* The k-th largest score of n > k, by a heap whose root is the smallest of the k. */
static float kth_largest(const float *scores, const float *bias, uint32_t n, uint32_t k)
{
    float heap[FIRST_K];
    uint32_t used = 0;

    for (uint32_t i = 0; i < n; i++) {
        float score = score_of(scores, bias, i);
        uint32_t at = 0, child;
        if (used < k) { /* sift up */
            for (at = used++; at > 0 && heap[(at - 1) / 2] > score; at = (at - 1) / 2)
                heap[at] = heap[(at - 1) / 2];
        } else if (!(score > heap[0])) {
            continue;
        } else {
            for (; (child = 2 * at + 1) < k; at = child) {
                child += child + 1 < k && heap[child + 1] < heap[child];
                if (!(heap[child] < score))
                    break;
                heap[at] = heap[child];
            }
        }
        heap[at] = score;
    }
    return heap[0];
}

/* A lane without a K-th best score would have to look at every item. So its best items by these
 * scores come first, and give a limit for the others. Returns the score from which on all items
 * have been offered; NaN if none has: no score is at least NaN, not even an infinite one. */
static float offer_best(const struct rs_scan *scan, struct rs_worker *worker, uint32_t number,
                        uint32_t block, const float *scores, const float *bias)
{
    struct rs_lane *lane = &scan->lanes[number];
    uint32_t first = block * RS_BLOCK_ITEMS, n = rs_scan_block_items(scan->model, block);
    float cut;

    if (lane->k > FIRST_K || lane->k > n / 4)
        return NAN;
    cut = kth_largest(scores, bias, n, lane->k);
    if (!isfinite(cut))
        return NAN;
    for (uint32_t i = 0; i < n; i++)
        if (score_of(scores, bias, i) >= cut)
            rs_lane_offer(scan, lane, &worker->topk[number], first + i);
    return cut;
}

void rs_scores_take(const struct rs_scan *scan, struct rs_worker *worker, uint32_t number,
                    uint32_t block, const float *scores, enum rs_made_of made_of)
{
    const struct recsys_model *model = scan->model;
    struct rs_lane *lane = &scan->lanes[number];
    struct rs_topk *topk = &worker->topk[number];
    uint32_t first = block * RS_BLOCK_ITEMS, n = rs_scan_block_items(model, block);
    const float *bias = model->item_bias == NULL ? NULL : model->item_bias + first;
    float offered = NAN;

    if (rs_lane_threshold(lane, topk) == -INFINITY)
        offered = offer_best(scan, worker, number, block, scores, bias);
    float limit = rs_lane_limit(scan, lane, topk, block, made_of);
    uint32_t found = scan->survivors(scores, bias, n, limit, worker->survivors);
    for (uint32_t s = 0; made_of == RS_OF_CODES && s < found && s < RS_WAITING; s++)
        rs_lane_prefetch(scan, first + worker->survivors[s]);
    for (uint32_t s = 0; s < found; s++) {
        uint32_t i = worker->survivors[s];
        float score = score_of(scores, bias, i);
        if (!(score < limit) && !(score >= offered) && rs_lane_offer(scan, lane, topk, first + i))
            limit = rs_lane_limit(scan, lane, topk, block, made_of);
    }
}
