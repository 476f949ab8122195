/* daemon/ctl/ctl_interrupt.h - a command that says so when a signal ends it. */
#ifndef RECSYSD_CTL_INTERRUPT_H
#define RECSYSD_CTL_INTERRUPT_H

/* From now on SIGINT and SIGTERM print "recsysctl: interrupted; `text`" and end the process with
 * 128 and the signal's number. `text` is BORROWED for good. */
void ctl_interrupt_with(const char *text);

#endif
