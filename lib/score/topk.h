/* lib/score/topk.h - the K best items so far: a heap whose root is the worst of them. */
#ifndef RS_SCORE_TOPK_H
#define RS_SCORE_TOPK_H

#include <math.h>
#include <stdint.h>

#include "lib/ids/ids.h"

struct rs_best {
    float score;
    uint32_t position;
};

struct rs_topk {
    struct rs_best *entries; /* room for k */
    uint32_t n, k;
    const struct rs_ids *ids; /* equal scores: the smaller id is better */
    uint64_t n_scored;        /* items scored canonically for it; for the trace */
};

static inline void rs_topk_init(struct rs_topk *topk, struct rs_best *entries, uint32_t k,
                                const struct rs_ids *ids)
{
    topk->entries = entries;
    topk->n = 0;
    topk->k = k;
    topk->ids = ids;
    topk->n_scored = 0;
}

/* The smallest score with which a new item can get in; it may still lose a tie. */
static inline float rs_topk_threshold(const struct rs_topk *topk)
{
    return topk->n < topk->k ? -INFINITY : topk->entries[0].score;
}

/* Offer an item. Returns 1 if it is now among the best. */
int rs_topk_push(struct rs_topk *topk, float score, uint32_t position);

/* Order the entries best first; after that the heap takes no more. */
void rs_topk_sort(struct rs_topk *topk);

#endif
