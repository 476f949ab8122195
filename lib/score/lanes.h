/* lib/score/lanes.h - a pass over the items: its queries (lanes), its workers, what they share.
 *
 * scan.c runs the pass, scan_tile.c scores a block by tiles, offer.c takes a
 * score into a lane's K best. Private to lib/score.
 */
#ifndef RS_SCORE_LANES_H
#define RS_SCORE_LANES_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/bundle/coded.h"
#include "lib/model/model.h"
#include "lib/score/code_kernel.h"
#include "lib/score/eligible.h"
#include "lib/score/kernel.h"
#include "lib/score/survivors.h"
#include "lib/score/topk.h"

/* Queries that share one matrix product: at 128 its scores take 512 KB, which
 * with the block's vectors still fit a core's second-level cache. */
#define RS_TILE_QUERIES 128u

/* Up to this many queries a matrix product or tiles of codes cost more than separate passes over a
 * block that is in cache (tests/bench/bench_score.c). */
#define RS_FEW_QUERIES 2u

/* One query of the batch. */
struct rs_lane {
    const float *query; /* a row of the batch's buffer, zeros from dimensions to stride */
    double offset;
    double norm; /* of the query, rounded up */
    struct rs_coded coded;
    uint32_t k;
    struct rs_eligible eligible;
    _Atomic float threshold; /* the best K-th score of all workers; only rises; relaxed */
};

/* Candidates whose vectors are on their way. */
#define RS_WAITING 16u
struct rs_prefetched {
    uint32_t slot, position; /* slot: the place in the panels; by short codes the lane */
};

/* The memory of one thread: its own K best of every lane, and room for a tile. */
struct rs_worker {
    struct rs_topk *topk; /* one a lane */
    struct rs_best *best; /* behind them */
    float *scores;        /* [RS_TILE_QUERIES, RS_BLOCK_ITEMS] */
    float *queries;       /* [RS_TILE_QUERIES, stride] gathered */
    float *limits;        /* one a lane, padded to whole panels: scan_tile.c, scan_codes.c */
    float *scales;        /* likewise: scan_codes.c */
    int32_t *least;
    uint32_t *active;    /* lanes that look at this block */
    uint32_t *others;    /* of these, the lanes that do it by floats */
    uint16_t *survivors; /* [RS_BLOCK_ITEMS] */
    /* Lanes that still look at blocks, in panels without the others: scan_codes.c. */
    int8_t *packed_codes;
    int32_t *packed_shifts;
    uint32_t *packed_lanes, n_packed;
    struct rs_prefetched waiting[RS_WAITING];
    uint32_t n_waiting;
    uint32_t short_pause[RS_FEW_QUERIES]; /* blocks that a lane takes without short codes */
    /* for the trace; valid when the pass is over */
    uint64_t n_blocks;     /* that it has looked at */
    uint64_t n_multiplied; /* blocks x lanes whose approximate scores it has computed */
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
    const struct rs_code_kernel *code_kernel; /* NULL: no codes */
    const int8_t *code_panels;                /* as struct rs_code_panel has them */
    int with_short_codes;                     /* before the others: for RS_FEW_QUERIES */
    const int32_t *code_shifts;               /* [padded lanes] */
    atomic_uint next_block;
};

/* `n` rounded up to whole panels. */
static inline uint32_t rs_scan_padded(uint32_t n)
{
    return (n + RS_TILE_MAX_LANES - 1) / RS_TILE_MAX_LANES * RS_TILE_MAX_LANES;
}

static inline uint32_t rs_scan_block_items(const struct recsys_model *model, uint32_t block)
{
    uint32_t left = model->n_items - block * RS_BLOCK_ITEMS;

    return left < RS_BLOCK_ITEMS ? left : RS_BLOCK_ITEMS;
}

#endif
