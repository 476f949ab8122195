/* daemon/ctl/ctl_progress.h - shows on a terminal that a long step is still running. */
#ifndef RECSYSCTL_PROGRESS_H
#define RECSYSCTL_PROGRESS_H

/* Show "DOING WHAT ... 12 s" on stderr until the end, if that is a terminal. One at a time; the
 * texts are BORROWED until the end. */
void ctl_progress_begin(const char *doing, const char *what);
void ctl_progress_end(void);

#endif
