/* daemon/process/signals.h - the signals that the daemon acts on. */
#ifndef RECSYSD_SIGNALS_H
#define RECSYSD_SIGNALS_H

/* Block them in this thread and those it starts later, and ignore SIGPIPE. */
void rd_signals_block(void);
/* Wait for them: SIGHUP calls `reload`, SIGTERM and SIGINT return. */
void rd_signals_wait(void (*reload)(void *user_data), void *user_data);

#endif
