/* lib/score/scan_codes.h - score a block by integer codes. */
#ifndef RS_SCORE_SCAN_CODES_H
#define RS_SCORE_SCAN_CODES_H

#include "lib/score/lanes.h"

/* 1 if the lane and the block have codes. */
int rs_codes_reach(const struct rs_scan *scan, const struct rs_lane *lane, uint32_t block);

/* Score one block for one lane, or for `n` active lanes by tiles. */
void rs_codes_one(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                  uint32_t number);
void rs_codes_tiles(const struct rs_scan *scan, struct rs_worker *worker, uint32_t block,
                    const uint32_t *active, uint32_t n);

/* Offer what rs_codes_one() has left waiting, at the end of a worker's pass. */
void rs_codes_end(const struct rs_scan *scan, struct rs_worker *worker);

/* Bytes of a panel of this scan's code kernel; put a query's codes into its slot of such panels,
 * which were zeros. */
size_t rs_codes_panel_bytes(const struct rs_scan *scan);
void rs_codes_place(const struct rs_scan *scan, int8_t *panels, uint32_t slot, const int8_t *codes);

#endif
