/* daemon/ctl/ctl_progress.h - shows on a terminal that a long step is still running. */
#ifndef RECSYSCTL_PROGRESS_H
#define RECSYSCTL_PROGRESS_H

#include <stdint.h>

/* Show "DOING WHAT ... 12 s" on stderr until the end, if that is a terminal. One at a time; the
 * texts are BORROWED until the end. */
void ctl_progress_begin(const char *doing, const char *what);
/* How much of the step is done. */
void ctl_progress_count(uint64_t done, uint64_t all);
void ctl_progress_end(void);

#endif
