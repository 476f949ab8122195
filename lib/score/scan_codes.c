/* lib/score/scan_codes.c - a block's scores by integer codes.
 *
 * The same as by floats, of a quarter of the bytes, with wider limits (bound.h): codes
 * find candidates, the canonical score decides. For a single query one score an item is
 * written and read as with floats, by short codes first where the model has them. Many queries
 * stand in panels; a tile writes no scores, only bits that say which items reach the limit of which
 * query. Queries that have left a block leave holes in the panels; where whole panels can be saved,
 * a worker packs those that are left into panels of its own, and keeps them for the blocks that
 * follow.
 */
#include "lib/score/scan_codes.h"

#include <math.h>
#include <string.h>

#include "lib/bundle/codes.h"
#include "lib/score/offer.h"
#include "lib/score/scores.h"

/* If short codes leave more items of a block than these, its codes are read: their bytes come from
 * memory about as fast as so many vectors, which lie apart. */
#define MOST_BY_SHORT_CODES 12u
#define SHORT_PAUSE 7u /* blocks */

static uint32_t cells_of(const struct recsys_model *model)
{
    return (model->dimensions + 3) / 4;
}

static const uint8_t *codes_at(const struct recsys_model *model, uint32_t position)
{
    return model->codes +
           (size_t)(position / RS_CODES_GROUP) * rs_codes_group_bytes(model->dimensions);
}

static float scale_of(const struct rs_scan *scan, const struct rs_lane *lane, uint32_t block)
{
    return (float)(lane->coded.step * scan->model->code_bounds[block].step);
}

int rs_codes_reach(const struct rs_scan *scan, const struct rs_lane *lane, uint32_t block)
{
    return scan->code_kernel != NULL && lane->coded.step > 0 &&
           scan->model->code_bounds[block].step > 0;
}

void rs_codes_end(const struct rs_scan *scan, struct rs_worker *worker)
{
    for (uint32_t i = 0; i < worker->n_waiting; i++) {
        const struct rs_prefetched *candidate = &worker->waiting[i];
        rs_lane_offer(scan, &scan->lanes[candidate->slot], &worker->topk[candidate->slot],
                      candidate->position);
    }
    worker->n_waiting = 0;
}

/* The norm of a query's codes, as a float that is not smaller. */
static float reach_of(const struct rs_coded *query)
{
    return nextafterf((float)query->norm, INFINITY);
}

/* Look at the block by short codes. Returns 0, and has done nothing, if they leave too many items.
 */
static int take_short(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                      uint32_t number)
{
    const struct recsys_model *model = scan->model;
    const struct rs_lane *lane = &scan->lanes[number];
    uint32_t first = block * RS_BLOCK_ITEMS, n = rs_scan_block_items(model, block);
    const float *bias = model->item_bias == NULL ? NULL : model->item_bias + first;
    float limit = rs_lane_limit(scan, lane, &worker->topk[number], block, RS_OF_SHORT_CODES);
    const struct rs_short_groups groups = {
        .codes = model->short_codes.codes +
                 first / RS_CODES_GROUP * rs_short_codes_group_bytes(model->dimensions),
        .steps = model->short_codes.steps + first,
        .residuals = model->short_codes.residuals + first,
        .n = (n + RS_CODES_GROUP - 1) / RS_CODES_GROUP,
        .pairs = rs_short_codes_pairs(model->dimensions),
    };

    scan->code_kernel->one_short(&groups, &lane->coded, (float)lane->coded.step,
                                 reach_of(&lane->coded), worker->scores);
    uint32_t found = scan->survivors(worker->scores, bias, n, limit, worker->survivors);
    if (found > MOST_BY_SHORT_CODES)
        return 0;
    for (uint32_t s = 0; s < found; s++) {
        uint32_t position = first + worker->survivors[s];
        rs_lane_prefetch(scan, position);
        worker->waiting[worker->n_waiting++] = (struct rs_prefetched){number, position};
        if (worker->n_waiting == RS_WAITING)
            rs_codes_end(scan, worker);
    }
    return 1;
}

/* Whether short codes decide the block for the lane. Where they do not, some blocks are taken
 * without them, because the next ones are alike. */
static int try_short(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                     uint32_t number)
{
    const struct rs_lane *lane = &scan->lanes[number];

    if (!scan->with_short_codes || rs_lane_threshold(lane, &worker->topk[number]) == -INFINITY)
        return 0;
    if (worker->short_pause[number] > 0) {
        worker->short_pause[number]--;
        return 0;
    }
    if (take_short(scan, worker, block, number))
        return 1;
    worker->short_pause[number] = SHORT_PAUSE;
    return 0;
}

void rs_codes_one(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                  uint32_t number)
{
    const struct recsys_model *model = scan->model;
    const struct rs_lane *lane = &scan->lanes[number];
    uint32_t n_groups = (rs_scan_block_items(model, block) + RS_CODES_GROUP - 1) / RS_CODES_GROUP;

    if (try_short(scan, worker, block, number))
        return;
    scan->code_kernel->one(codes_at(model, block * RS_BLOCK_ITEMS), n_groups, cells_of(model),
                           &lane->coded, scale_of(scan, lane, block), worker->scores);
    rs_scores_take(scan, worker, number, block, worker->scores, RS_OF_CODES);
}

/* A product below the result has a score below `limit`. Within +-2^30, as all products of up to
 * 65536 dimensions are. rs_bound_codes() leaves room for the rounding of `scale`. */
static int32_t least_of(float limit, float scale)
{
    double least = floor((double)limit / (double)scale) - 1.0;

    return least <= -0x1p30 ? -(1 << 30) : least >= 0x1p30 ? 1 << 30 : (int32_t)least;
}

/* The panels of a block: those of all lanes, where a lane's slot is its number, or packed ones. */
struct panels {
    const int8_t *codes;
    const int32_t *shifts;
    const uint32_t *lanes; /* NULL: all of them */
};

static uint32_t lane_at(const struct panels *panels, uint32_t slot)
{
    return panels->lanes == NULL ? slot : panels->lanes[slot];
}

static void set_limit(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                      const struct panels *panels, uint32_t slot)
{
    uint32_t number = lane_at(panels, slot);
    float limit =
        rs_lane_limit(scan, &scan->lanes[number], &worker->topk[number], block, RS_OF_CODES);

    worker->limits[slot] = limit;
    worker->least[slot] = least_of(limit, worker->scales[slot]);
}

static uint32_t panels_of(const struct rs_scan *scan, uint32_t n_lanes)
{
    return (n_lanes + scan->code_kernel->lanes - 1) / scan->code_kernel->lanes;
}

/* How many panels of all lanes have one of these, which ascend. */
static uint32_t count_panels(const uint32_t *active, uint32_t n, uint32_t width)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++)
        count += i == 0 || active[i] / width != active[i - 1] / width;
    return count;
}

size_t rs_codes_panel_bytes(const struct rs_scan *scan)
{
    const struct rs_code_kernel *kernel = scan->code_kernel;
    uint32_t bytes = cells_of(scan->model) * 4;

    return (size_t)((bytes + kernel->lane_bytes - 1) / kernel->lane_bytes) * kernel->lane_bytes *
           kernel->lanes;
}

void rs_codes_place(const struct rs_scan *scan, int8_t *panels, uint32_t slot, const int8_t *codes)
{
    const struct rs_code_kernel *kernel = scan->code_kernel;
    size_t step = kernel->lane_bytes, bytes = (size_t)cells_of(scan->model) * 4;
    int8_t *to =
        panels + slot / kernel->lanes * rs_codes_panel_bytes(scan) + slot % kernel->lanes * step;

    for (size_t j = 0; j < bytes; j += step, to += step * kernel->lanes)
        memcpy(to, codes + j, bytes - j < step ? bytes - j : step);
}

/* Copy these lanes into panels of the worker's own, unless they are what is there. */
static void pack(const struct rs_scan *scan, struct rs_worker *worker, const uint32_t *active,
                 uint32_t n)
{
    uint32_t n_panels = panels_of(scan, n);

    if (worker->n_packed == n && memcmp(worker->packed_lanes, active, n * sizeof *active) == 0)
        return;
    memset(worker->packed_codes, 0, n_panels * rs_codes_panel_bytes(scan));
    memset(worker->packed_shifts, 0, n_panels * scan->code_kernel->lanes * sizeof(int32_t));
    for (uint32_t i = 0; i < n; i++) {
        rs_codes_place(scan, worker->packed_codes, i, scan->lanes[active[i]].coded.codes);
        worker->packed_shifts[i] = scan->lanes[active[i]].coded.shift;
        worker->packed_lanes[i] = active[i];
    }
    worker->n_packed = n;
}

/* Items of whole tiles, at least one, that pass by all panels at once. */
static uint32_t items_in_cache(const struct recsys_model *model)
{
    size_t tile = RS_CODE_ITEMS / RS_CODES_GROUP * rs_codes_group_bytes(model->dimensions);
    size_t n = RS_CODE_BYTES_IN_CACHE / tile;

    return (uint32_t)(n > 0 ? n : 1) * RS_CODE_ITEMS;
}

/* Candidates wait until their vectors have come from memory. */
static void flush(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                  const struct panels *panels)
{
    for (uint32_t i = 0; i < worker->n_waiting; i++) {
        struct rs_prefetched *candidate = &worker->waiting[i];
        uint32_t number = lane_at(panels, candidate->slot);
        if (rs_lane_offer(scan, &scan->lanes[number], &worker->topk[number], candidate->position))
            set_limit(scan, worker, block, panels, candidate->slot);
    }
    worker->n_waiting = 0;
}

/* Keep one lane's hits in a tile until their vectors are there; with few items allowed most hits
 * are not worth one. */
static void take(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                 const struct panels *panels, uint32_t position, uint32_t slot, uint32_t hits)
{
    const struct rs_eligible *eligible = &scan->lanes[lane_at(panels, slot)].eligible;

    for (; hits != 0; hits &= hits - 1) {
        uint32_t item = position + (uint32_t)__builtin_ctz(hits);
        if (!rs_eligible_item(eligible, item))
            continue;
        rs_lane_prefetch(scan, item);
        worker->waiting[worker->n_waiting++] = (struct rs_prefetched){slot, item};
        if (worker->n_waiting == RS_WAITING)
            flush(scan, worker, block, panels);
    }
}

/* `n` items, whole tiles or less than one, against one panel. */
static void pass_tiles(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                       const struct panels *panels, uint32_t position, uint32_t n,
                       const float *bias, uint32_t number)
{
    uint32_t cells = cells_of(scan->model);
    uint32_t inside = n < RS_CODE_ITEMS ? (1u << n) - 1u : UINT32_MAX, hits[RS_CODE_MAX_LANES];
    uint32_t n_tiles = (n + RS_CODE_ITEMS - 1) / RS_CODE_ITEMS, t = 0;
    uint32_t width = scan->code_kernel->lanes, first = number * width;
    const struct rs_code_panel panel = {
        .codes = panels->codes + number * rs_codes_panel_bytes(scan),
        .shifts = panels->shifts + first,
        .least = worker->least + first,
        .scales = worker->scales + first,
        .limits = worker->limits + first,
    };

    for (; t < n_tiles; t++) {
        uint32_t at = position + t * RS_CODE_ITEMS;
        uint32_t found =
            scan->code_kernel->tiles(codes_at(scan->model, at), n_tiles - t, cells, &panel,
                                     bias == NULL ? NULL : bias + (size_t)t * RS_CODE_ITEMS, hits);
        if ((t += found) == n_tiles)
            return;
        for (uint32_t l = 0; l < width; l++)
            if ((hits[l] & inside) != 0)
                take(scan, worker, block, panels, at + found * RS_CODE_ITEMS, first + l,
                     hits[l] & inside);
    }
}

/* Items [position, end) against one panel. The array of biases ends with the last item. */
static void pass(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                 const struct panels *panels, uint32_t position, uint32_t end, uint32_t panel)
{
    const float *bias = scan->model->item_bias;
    uint32_t whole = (end - position) / RS_CODE_ITEMS * RS_CODE_ITEMS,
             rest = end - position - whole;
    float padded[RS_CODE_ITEMS] = {0};

    pass_tiles(scan, worker, block, panels, position, whole, bias == NULL ? NULL : bias + position,
               panel);
    if (rest == 0)
        return;
    if (bias != NULL)
        memcpy(padded, bias + position + whole, rest * sizeof *bias);
    pass_tiles(scan, worker, block, panels, position + whole, rest, bias == NULL ? NULL : padded,
               panel);
}

void rs_codes_tiles(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                    const uint32_t *active, uint32_t n)
{
    uint32_t position = block * RS_BLOCK_ITEMS;
    uint32_t end = position + rs_scan_block_items(scan->model, block);
    uint32_t step = items_in_cache(scan->model), slots = rs_scan_padded(scan->n_lanes);
    uint32_t width = scan->code_kernel->lanes;
    struct panels panels = {scan->code_panels, scan->code_shifts, NULL};

    if (panels_of(scan, n) < count_panels(active, n, width)) {
        pack(scan, worker, active, n);
        panels = (struct panels){worker->packed_codes, worker->packed_shifts, worker->packed_lanes};
        slots = panels_of(scan, n) * width;
    }
    for (uint32_t i = 0; i < slots; i++) {
        worker->limits[i] = INFINITY;
        worker->scales[i] = 0.0f;
        worker->least[i] = 1 << 30;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = panels.lanes == NULL ? active[i] : i;
        worker->scales[slot] = scale_of(scan, &scan->lanes[active[i]], block);
        set_limit(scan, worker, block, &panels, slot);
    }
    for (; position < end; position += step) {
        uint32_t stop = end - position < step ? end : position + step;
        for (uint32_t i = 0; i < n;) { /* slots ascend: one panel after the other */
            uint32_t panel = (panels.lanes == NULL ? active[i] : i) / width;
            pass(scan, worker, block, &panels, position, stop, panel);
            while (i < n && (panels.lanes == NULL ? active[i] : i) / width == panel)
                i++;
        }
    }
    flush(scan, worker, block, &panels);
}
