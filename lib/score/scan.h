/* lib/score/scan.h - one pass over the items for a batch of queries. */
#ifndef RS_SCORE_SCAN_H
#define RS_SCORE_SCAN_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/model/model.h"
#include "lib/score/eligible.h"
#include "lib/score/kernel.h"
#include "lib/score/survivors.h"
#include "lib/score/topk.h"

/* Queries that share one matrix product: at 128 its scores take 512 KB, which
 * with the block's vectors still fit a core's second-level cache. */
#define RS_TILE_QUERIES 128u

/* One query of the batch. */
struct rs_lane {
    const float *query; /* a row of the batch's buffer, zeros from dimensions to stride */
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
    float *queries;       /* [RS_TILE_QUERIES, stride] gathered */
    float *limits;        /* one a lane, padded to whole panels: see scan_tile.c */
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
    const struct rs_kernel *kernel; /* NULL: BLAS */
    const struct rs_tile *tile;     /* of the kernel; NULL: lane by lane, or BLAS */
    const float *panels;            /* [panel, dimensions, tile->lanes]; last lanes may be zeros */
    atomic_uint next_block;
};

/* How many lanes make up `n` lanes' whole panels. */
static inline uint32_t rs_scan_padded(uint32_t n)
{
    return (n + RS_TILE_MAX_LANES - 1) / RS_TILE_MAX_LANES * RS_TILE_MAX_LANES;
}

/* Which tile is worth its panel for this many queries; NULL: none. */
const struct rs_tile *rs_scan_choose_tile(const struct rs_kernel *kernel, uint32_t n_lanes);

/* What each member of a team does; `argument` is the rs_scan. */
void rs_scan_work(void *argument, uint32_t member);

/* --- between scan.c and scan_tile.c --- */

uint32_t rs_scan_block_items(const struct recsys_model *model, uint32_t block);

/* The float score below which an item of `block` cannot matter to the lane. */
float rs_scan_limit(const struct rs_scan *scan, const struct rs_lane *lane,
                    const struct rs_topk *topk, uint32_t block);

/* Ask whether the item is eligible, score it and offer it. Returns 1 if the
 * limit may have risen. */
int rs_scan_offer(const struct rs_scan *scan, struct rs_lane *lane, struct rs_topk *topk,
                  uint32_t position);

/* Score one block for `n` active lanes by tiles. */
void rs_scan_tiles(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                   const uint32_t *active, uint32_t n);

#endif
