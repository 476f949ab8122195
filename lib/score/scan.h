/* lib/score/scan.h - one pass over the items for a batch of queries. */
#ifndef RS_SCORE_SCAN_H
#define RS_SCORE_SCAN_H

#include "lib/score/lanes.h"

/* Which tile is worth its panel for this many queries; NULL: none. */
const struct rs_tile *rs_scan_choose_tile(const struct rs_kernel *kernel, uint32_t n_lanes);

/* What each member of a team does; `argument` is the rs_scan. */
void rs_scan_work(void *argument, uint32_t member);

#endif
