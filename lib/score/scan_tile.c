/* lib/score/scan_tile.c - a block's scores by tiles of items x queries.
 *
 * The queries stand in panels: the first numbers of all, then the second numbers, and so on. A few
 * rows of the block, small enough for the first-level cache, are multiplied with every panel before
 * the next rows are read. Each lane has a limit (bound.h). The limit of a lane that does not need
 * this block is infinite, and a panel of such lanes is left out. A tile in which no score reaches a
 * limit costs nothing after its products.
 */
#include "lib/score/scan_tile.h"

#include <math.h>

#include "lib/score/offer.h"

/* Rows that stay in the first-level cache while the panels pass: 24 KB at 64
 * dimensions; a multiple of both tiles' rows. */
#define ROWS_IN_CACHE 96u

/* Go through the scores of the rows in `mask`, which have one that reaches a limit. */
static void take(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                 uint32_t position, uint32_t first_lane, uint32_t mask, const float *scores)
{
    uint32_t width = scan->tile->lanes;
    uint32_t n = scan->n_lanes - first_lane < width ? scan->n_lanes - first_lane : width;

    for (; mask != 0; mask &= mask - 1) {
        uint32_t row = (uint32_t)__builtin_ctz(mask);
        for (uint32_t l = 0; l < n; l++) {
            uint32_t number = first_lane + l;
            float limit = worker->limits[number];
            if (scores[(size_t)row * width + l] < limit || limit == INFINITY)
                continue;
            if (rs_lane_offer(scan, &scan->lanes[number], &worker->topk[number], position + row))
                worker->limits[number] = rs_lane_limit(scan, &scan->lanes[number],
                                                       &worker->topk[number], block, RS_OF_FLOATS);
        }
    }
}

/* Rows [row, end) of the block against one panel. */
static void pass(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block, uint32_t row,
                 uint32_t end, uint32_t panel)
{
    const struct recsys_model *model = scan->model;
    const struct rs_tile *tile = scan->tile;
    const float *queries = scan->panels + (size_t)panel * tile->lanes * model->dimensions;
    const float *limits = worker->limits + (size_t)panel * tile->lanes;
    float scores[RS_TILE_MAX_ROWS * RS_TILE_MAX_LANES];

    for (; row < end; row += tile->rows) {
        uint32_t position = block * RS_BLOCK_ITEMS + row, skip = 0;
        /* A tile is always full: the last one begins early and repeats rows. */
        if (model->n_items - position < tile->rows)
            skip = tile->rows - (model->n_items - position);
        position -= skip;
        const float *bias = model->item_bias == NULL ? NULL : model->item_bias + position;
        uint32_t mask = tile->run(model->items + (size_t)position * model->stride, model->stride,
                                  model->dimensions, queries, bias, limits, scores);
        mask = mask >> skip << skip;
        if (end - row < tile->rows)
            mask &= (1u << (end - row + skip)) - 1u;
        if (mask != 0)
            take(scan, worker, block, position, panel * tile->lanes, mask, scores);
    }
}

void rs_scan_tiles(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                   const uint32_t *active, uint32_t n)
{
    uint32_t n_rows = rs_scan_block_items(scan->model, block), width = scan->tile->lanes;

    for (uint32_t i = 0; i < rs_scan_padded(scan->n_lanes); i++)
        worker->limits[i] = INFINITY;
    for (uint32_t i = 0; i < n; i++)
        worker->limits[active[i]] = rs_lane_limit(scan, &scan->lanes[active[i]],
                                                  &worker->topk[active[i]], block, RS_OF_FLOATS);
    for (uint32_t row = 0; row < n_rows; row += ROWS_IN_CACHE) {
        uint32_t end = n_rows - row < ROWS_IN_CACHE ? n_rows : row + ROWS_IN_CACHE;
        for (uint32_t i = 0; i < n;) { /* active lanes ascend: one panel after the other */
            uint32_t panel = active[i] / width;
            pass(scan, worker, block, row, end, panel);
            while (i < n && active[i] / width == panel)
                i++;
        }
    }
}
