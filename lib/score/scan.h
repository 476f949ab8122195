/* lib/score/scan.h - one pass over the items for a batch of queries. */
#ifndef RS_SCORE_SCAN_H
#define RS_SCORE_SCAN_H

#include "lib/score/lanes.h"

/* The tile for this many queries; NULL: none, for so few that its panel does not pay. */
const struct rs_tile *rs_scan_choose_tile(const struct rs_kernel *kernel, uint32_t n_lanes);

/* The work of each member of a team; `argument` is the rs_scan. */
void rs_scan_work(void *argument, uint32_t member);

#endif
