/* daemon/process/signals.c - SIGHUP, SIGUSR1, SIGTERM and SIGINT.
 *
 * Signals are blocked in every thread, and the main thread fetches them with sigwait(), so no code
 * of the daemon runs in a signal handler.
 */
#include "daemon/process/signals.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "daemon/process/logger.h"

static void fill(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGUSR1);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
}

void rd_signals_block(void)
{
    struct sigaction ignore;
    sigset_t set;

    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a log file at its limit is an error of write() */
    fill(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

enum rd_stop_signal rd_signals_wait(const struct rd_signal_actions *actions, void *user_data)
{
    sigset_t set;
    int number = 0;

    fill(&set);
    while (sigwait(&set, &number) == 0 && (number == SIGHUP || number == SIGUSR1)) {
        rd_log(RECSYS_LOG_INFO,
               number == SIGHUP ? "SIGHUP: reloading" : "SIGUSR1: opening logs again");
        actions->reopen_logs(user_data);
        if (number == SIGHUP)
            actions->reload(user_data);
    }
    rd_log(RECSYS_LOG_INFO, "%s: stopping", number == SIGTERM ? "SIGTERM" : "SIGINT");
    return number == SIGTERM ? RD_STOP_TERM : RD_STOP_INT;
}

void rd_signals_sleep(uint64_t ms)
{
    struct timespec left = {(time_t)(ms / 1000u), (long)(ms % 1000u) * 1000000};
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigtimedwait(&set, NULL, &left);
}
