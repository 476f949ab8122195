/* daemon/ctl/ctl_progress.c - shows on a terminal that a long step is still running.
 *
 * Loading, importing and publishing are single calls into the library that may take minutes for a
 * model of many gigabytes. A thread shows the step and for how long it has run. It shows nothing in
 * the first second, and nothing at all unless stderr is a terminal.
 */
#include "daemon/ctl/ctl_progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/lock.h"

#define SECOND_NS UINT64_C(1000000000)

static struct {
    struct rs_lock lock;
    struct rs_signal wake;
    pthread_t thread;
    const char *doing, *what;
    bool running; /* the thread exists */
    bool stop;    /* protected by lock, as are: */
    uint64_t done, all;
} progress = {.lock = RS_LOCK_INIT};

static void show_line(unsigned seconds)
{
    fprintf(stderr, "\r\033[K%s %s ... ", progress.doing, progress.what);
    if (progress.all > 0u)
        fprintf(stderr, "%" PRIu64 " of %" PRIu64 " (%.0f %%), ", progress.done, progress.all,
                100.0 * (double)progress.done / (double)progress.all);
    fprintf(stderr, "%u s", seconds);
}

static void *show(void *unused)
{
    unsigned seconds = 0;
    uint64_t next = rs_clock_ns();

    (void)unused;
    rs_thread_name("progress");
    rs_lock_take(&progress.lock);
    while (!progress.stop) {
        next += SECOND_NS;
        while (!progress.stop && rs_signal_wait_until(&progress.wake, &progress.lock, next) == 0)
            ;
        if (!progress.stop)
            show_line(++seconds);
    }
    rs_lock_give(&progress.lock);
    if (seconds > 0u)
        fputs("\r\033[K", stderr);
    return NULL;
}

void ctl_progress_begin(const char *doing, const char *what)
{
    progress.doing = doing;
    progress.what = what;
    progress.stop = false;
    progress.done = progress.all = 0u;
    if (!isatty(STDERR_FILENO) || rs_signal_init(&progress.wake) != 0)
        return;
    progress.running = rs_thread_start(&progress.thread, show, NULL) == 0;
    if (!progress.running)
        rs_signal_destroy(&progress.wake);
}

void ctl_progress_count(uint64_t done, uint64_t all)
{
    rs_lock_take(&progress.lock);
    progress.done = done;
    progress.all = all;
    rs_lock_give(&progress.lock);
}

void ctl_progress_end(void)
{
    if (!progress.running)
        return;
    rs_lock_take(&progress.lock);
    progress.stop = true;
    rs_signal_one(&progress.wake);
    rs_lock_give(&progress.lock);
    rs_thread_join(progress.thread);
    rs_signal_destroy(&progress.wake);
    progress.running = false;
}
