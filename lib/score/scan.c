/* lib/score/scan.c - one pass over the items for a batch of queries.
 *
 * Workers take blocks of items in scan order, largest norms first. For a block they drop the
 * queries that can gain nothing from it (by bound.h, or because no item passes their filter). They
 * compute the approximate scores of the others while the block is in cache, by integer codes
 * (scan_codes.c), or where a model, a block or a query has none, by floats (scan_tile.c and a
 * kernel, or BLAS), and read those scores at once: an item that reaches the threshold is checked
 * for eligibility, scored canonically and offered to the query's K best. The threshold is the K-th
 * best canonical score of any worker, so it rises quickly and few items ever get that far.
 *
 * An approximate score decides nothing, so the answer does not depend on codes, BLAS or kernel, on
 * the batch, or on which worker saw a block first.
 */
#include "lib/score/scan.h"

#include <string.h>

#include "lib/score/blas.h"
#include "lib/score/bound.h"
#include "lib/score/offer.h"
#include "lib/score/scan_codes.h"
#include "lib/score/scan_tile.h"
#include "lib/score/scores.h"

/* A block with at most this many allowed items is not multiplied at all. An exact score takes about
 * 0.1 us; a block takes 2 us or more for a query alone, 1.2 us for one of many by floats, and 0.4 us
 * by codes. */
#define SPARSE_ALONE 24u
#define SPARSE_FLOATS 10u
#define SPARSE_CODES 3u

static uint32_t sparse_items(const struct rs_scan *scan)
{
    if (scan->code_panels != NULL)
        return SPARSE_CODES;
    return scan->n_lanes > RS_FEW_QUERIES ? SPARSE_FLOATS : SPARSE_ALONE;
}

/* If the list or the bits allow few items of the block, score only those. Returns 0 if there are
 * too many for that. */
static int take_sparse(const struct rs_scan *scan, struct rs_lane *lane, struct rs_topk *topk,
                       uint32_t block)
{
    const struct rs_eligible *eligible = &lane->eligible;
    uint32_t first = block * RS_BLOCK_ITEMS, n = rs_scan_block_items(scan->model, block);
    uint32_t most = sparse_items(scan);

    if (eligible->only_allowed) {
        uint32_t from = rs_positions_before(&eligible->allowed, first);
        uint32_t to = rs_positions_before(&eligible->allowed, first + n);
        if (to - from <= most) {
            for (; from < to; from++)
                rs_lane_offer(scan, lane, topk, eligible->allowed.list[from]);
            return 1;
        }
    }
    if (eligible->bits == NULL || rs_eligible_count_bits(eligible->bits, first, n) > most)
        return 0;
    for (uint32_t w = 0; w < (n + 63) / 64; w++)
        for (uint64_t word = eligible->bits[first / 64 + w]; word != 0; word &= word - 1) {
            uint32_t position = first + w * 64 + (uint32_t)__builtin_ctzll(word);
            rs_lane_offer(scan, lane, topk, position);
        }
    return 1;
}

/* Find the lanes that need this block's scores. Returns 0 if no lane needs this block or any
 * later one. */
static int choose_lanes(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                        uint32_t *n_active)
{
    const struct recsys_model *model = scan->model;
    const struct rs_block *bounds = &model->blocks[block];
    int needed = 0;

    *n_active = 0;
    for (uint32_t i = 0; i < scan->n_lanes; i++) {
        struct rs_lane *lane = &scan->lanes[i];
        float threshold = rs_lane_threshold(lane, &worker->topk[i]);
        if (rs_bound_excludes(model, lane->norm, bounds->rest_norm, lane->offset, bounds->rest_bias,
                              bounds->rest_abs_bias, threshold))
            continue;
        needed = 1;
        if (rs_bound_excludes(model, lane->norm, bounds->max_norm, lane->offset, bounds->max_bias,
                              bounds->rest_abs_bias, threshold))
            continue;
        if (!take_sparse(scan, lane, &worker->topk[i], block))
            worker->active[(*n_active)++] = i;
    }
    return needed;
}

/* The queries of `n` active lanes as consecutive rows. */
static const float *gather(const struct rs_scan *scan, struct rs_worker *worker,
                           const uint32_t *active, uint32_t n)
{
    size_t stride = scan->model->stride;

    if (active[n - 1] - active[0] == n - 1)
        return scan->lanes[active[0]].query;
    for (uint32_t i = 0; i < n; i++)
        memcpy(worker->queries + i * stride, scan->lanes[active[i]].query, stride * sizeof(float));
    return worker->queries;
}

static void take_one(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                     uint32_t number)
{
    const struct recsys_model *model = scan->model;
    const float *query = scan->lanes[number].query;
    const float *items = model->items + (size_t)block * RS_BLOCK_ITEMS * model->stride;
    uint32_t n_items = rs_scan_block_items(model, block);

    if (scan->kernel != NULL)
        scan->kernel->one(items, n_items, model->stride, query, worker->scores);
    else
        rs_blas_one(items, n_items, model->stride, model->dimensions, query, worker->scores);
    rs_scores_take(scan, worker, number, block, worker->scores, RS_OF_FLOATS);
}

/* At most RS_TILE_QUERIES lanes. */
static void take_by_blas(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                         const float *items, const uint32_t *active, uint32_t n)
{
    const struct recsys_model *model = scan->model;

    rs_blas_tile(items, rs_scan_block_items(model, block), model->stride, model->dimensions,
                 gather(scan, worker, active, n), n, worker->scores, RS_BLOCK_ITEMS);
    for (uint32_t i = 0; i < n; i++)
        rs_scores_take(scan, worker, active[i], block, worker->scores + (size_t)i * RS_BLOCK_ITEMS,
                       RS_OF_FLOATS);
}

/* By floats, whatever there is of kernels. */
static void take_floats(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                        const uint32_t *active, uint32_t n)
{
    const float *items = scan->model->items + (size_t)block * RS_BLOCK_ITEMS * scan->model->stride;

    if (n > RS_FEW_QUERIES && scan->tile != NULL) {
        rs_scan_tiles(scan, worker, block, active, n);
    } else if (n > RS_FEW_QUERIES) {
        for (uint32_t t = 0; t < n; t += RS_TILE_QUERIES)
            take_by_blas(scan, worker, block, items, active + t,
                         n - t < RS_TILE_QUERIES ? n - t : RS_TILE_QUERIES);
    } else {
        for (uint32_t i = 0; i < n; i++)
            take_one(scan, worker, block, active[i]);
    }
}

/* Score the lanes that cannot go through tiles of codes, and take them out of `active`: by floats
 * those without codes for this block; by codes, one by one, those without a K-th best score yet.
 * The others stay in order. Returns how many stay. */
static uint32_t take_others(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                            uint32_t *active, uint32_t n)
{
    uint32_t coded = 0, n_floats = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct rs_lane *lane = &scan->lanes[active[i]];
        if (!rs_codes_reach(scan, lane, block))
            worker->others[n_floats++] = active[i];
        else if (rs_lane_threshold(lane, &worker->topk[active[i]]) == -INFINITY)
            rs_codes_one(scan, worker, block, active[i]);
        else
            active[coded++] = active[i];
    }
    take_floats(scan, worker, block, worker->others, n_floats);
    return coded;
}

static void take_block(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                       uint32_t *active, uint32_t n)
{
    if (scan->code_kernel == NULL) {
        take_floats(scan, worker, block, active, n);
        return;
    }
    n = take_others(scan, worker, block, active, n);
    if (n > RS_FEW_QUERIES && scan->code_panels != NULL) {
        rs_codes_tiles(scan, worker, block, active, n);
    } else {
        for (uint32_t i = 0; i < n; i++)
            rs_codes_one(scan, worker, block, active[i]);
    }
}

const struct rs_tile *rs_scan_choose_tile(const struct rs_kernel *kernel, uint32_t n_lanes)
{
    if (kernel == NULL || n_lanes <= RS_FEW_QUERIES)
        return NULL;
    return n_lanes <= kernel->narrow.lanes ? &kernel->narrow : &kernel->wide;
}

void rs_scan_work(void *argument, uint32_t member)
{
    struct rs_scan *scan = argument;
    struct rs_worker *worker = &scan->workers[member];
    uint64_t n_blocks = 0, n_multiplied = 0;
    uint32_t block, n_active;

    if (member >= scan->n_workers)
        return;
    if (scan->code_panels != NULL && scan->code_kernel->begin != NULL)
        scan->code_kernel->begin();
    while ((block = atomic_fetch_add_explicit(&scan->next_block, 1u, memory_order_relaxed)) <
           scan->model->n_blocks) {
        if (!choose_lanes(scan, worker, block, &n_active))
            break;
        take_block(scan, worker, block, worker->active, n_active);
        n_blocks++;
        n_multiplied += n_active;
    }
    rs_codes_end(scan, worker);
    if (scan->code_panels != NULL && scan->code_kernel->end != NULL)
        scan->code_kernel->end();
    worker->n_blocks = n_blocks;
    worker->n_multiplied = n_multiplied;
}
