/* lib/score/scan_trace.h - say how a pass over the items was made. */
#ifndef RS_SCORE_SCAN_TRACE_H
#define RS_SCORE_SCAN_TRACE_H

#include "lib/score/lanes.h"

/* One line if scans are traced. After the pass, before the workers' K best are merged. */
void rs_scan_trace(const struct rs_scan *scan);

#endif
