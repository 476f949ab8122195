/* lib/score/scan_trace.c - see scan_trace.h.
 *
 * The numbers are counted in every pass, by each worker for itself: a few additions a
 * block and one an item that is scored canonically. Whether they are read is decided here.
 */
#include "lib/score/scan_trace.h"

#include <inttypes.h>

#include "lib/base/trace.h"

static const char *path_of(const struct rs_scan *scan)
{
    if (scan->code_kernel != NULL)
        return scan->with_short_codes ? "short codes" : "codes";
    if (scan->tile != NULL)
        return "tiles";
    return scan->kernel != NULL ? "single rows" : "BLAS";
}

/* NULL: BLAS, whose kernels have no name here. */
static const char *kernel_of(const struct rs_scan *scan)
{
    if (scan->code_kernel != NULL)
        return scan->code_kernel->name;
    return scan->kernel != NULL ? scan->kernel->name : NULL;
}

void rs_scan_trace(const struct rs_scan *scan)
{
    uint64_t n_blocks = 0, n_multiplied = 0, n_scored = 0;
    const char *kernel = kernel_of(scan);

    if (!rs_trace_is_on(RECSYS_TRACE_SCAN))
        return;
    for (uint32_t w = 0; w < scan->n_workers; w++) {
        n_blocks += scan->workers[w].n_blocks;
        n_multiplied += scan->workers[w].n_multiplied;
        for (uint32_t q = 0; q < scan->n_lanes; q++)
            n_scored += scan->workers[w].topk[q].n_scored;
    }
    rs_trace(RECSYS_TRACE_SCAN,
             "%" PRIu32 " queries over %" PRIu32 " items by %s%s%s%s, %" PRIu32 " threads: %" PRIu64
             " of %" PRIu32 " blocks looked at, %" PRIu64
             " of them skipped by a query or taken item by item, %" PRIu64 " items scored exactly",
             scan->n_lanes, scan->model->n_items, path_of(scan), kernel == NULL ? "" : " (",
             kernel == NULL ? "" : kernel, kernel == NULL ? "" : ")", scan->n_workers, n_blocks,
             scan->model->n_blocks, n_blocks * scan->n_lanes - n_multiplied, n_scored);
}
