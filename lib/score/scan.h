/* lib/score/scan.h - one pass over the items for a batch of queries. */
#ifndef RS_SCORE_SCAN_H
#define RS_SCORE_SCAN_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/model/model.h"
#include "lib/score/eligible.h"
#include "lib/score/survivors.h"
#include "lib/score/topk.h"

/* Queries that share one matrix product: at 128 its scores take 512 KB, which
 * with the block's vectors still fit a core's second-level cache. */
#define RS_TILE_QUERIES 128u

/* One query of the batch. */
struct rs_lane {
    const float *query; /* in the batch's contiguous buffer */
    double offset;
    double norm; /* of the query, rounded up */
    uint32_t k;
    struct rs_eligible eligible;
    _Atomic float threshold; /* the best K-th score any worker has; only rises; relaxed */
};

/* What one thread needs: its own K best of every lane, and room for a tile. */
struct rs_worker {
    struct rs_topk *topk; /* one a lane */
    struct rs_best *best; /* behind them */
    float *scores;        /* [RS_TILE_QUERIES, RS_BLOCK_ITEMS] */
    float *queries;       /* [RS_TILE_QUERIES, dimensions] gathered */
    uint32_t *active;     /* lanes that look at this block */
    uint16_t *survivors;  /* [RS_BLOCK_ITEMS] */
};

struct rs_scan {
    const struct recsys_model *model;
    struct rs_lane *lanes;
    uint32_t n_lanes;
    struct rs_worker *workers;
    uint32_t n_workers;
    rs_survivors survivors;
    atomic_uint next_block;
};

/* What each member of a team does; `argument` is the rs_scan. */
void rs_scan_work(void *argument, uint32_t member);

#endif
