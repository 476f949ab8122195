/* lib/score/scan_tile.h - score a block by tiles of items x queries. */
#ifndef RS_SCORE_SCAN_TILE_H
#define RS_SCORE_SCAN_TILE_H

#include "lib/score/lanes.h"

/* Score one block for `n` active lanes. */
void rs_scan_tiles(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                   const uint32_t *active, uint32_t n);

#endif
