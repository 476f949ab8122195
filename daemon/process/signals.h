/* daemon/process/signals.h - the signals that the daemon acts on. */
#ifndef RECSYSD_SIGNALS_H
#define RECSYSD_SIGNALS_H

#include <stdint.h>

/* Block them in this thread and those it starts later, and ignore SIGPIPE and SIGXFSZ. */
void rd_signals_block(void);

struct rd_signal_actions {
    void (*reload)(void *user_data);      /* SIGHUP, after the other one */
    void (*reopen_logs)(void *user_data); /* SIGHUP and SIGUSR1 */
};
enum rd_stop_signal { RD_STOP_TERM, RD_STOP_INT };
/* Wait for them, until SIGTERM or SIGINT. */
enum rd_stop_signal rd_signals_wait(const struct rd_signal_actions *actions, void *user_data);
/* For so long, or until another SIGTERM or SIGINT. */
void rd_signals_sleep(uint64_t ms);

#endif
