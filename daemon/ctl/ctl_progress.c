/* daemon/ctl/ctl_progress.c - say on a terminal that a long step is still running.
 *
 * Loading, importing and publishing are single calls into the library that may
 * take minutes for a model of many gigabytes. A thread shows what is being done
 * and for how long; nothing before the first second, so short steps leave no
 * trace, and nothing at all unless stderr is a terminal.
 */
#include "daemon/ctl/ctl_progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    const char *doing, *what;
    bool running; /* the thread exists */
    bool stop;    /* protected by lock */
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void *tick(void *unused)
{
    unsigned seconds = 0;
    struct timespec next;

    (void)unused;
    clock_gettime(CLOCK_REALTIME, &next);
    pthread_mutex_lock(&progress.lock);
    while (!progress.stop) {
        next.tv_sec++;
        while (!progress.stop &&
               pthread_cond_timedwait(&progress.wake, &progress.lock, &next) != ETIMEDOUT)
            ;
        if (!progress.stop)
            fprintf(stderr, "\r\033[K%s %s ... %u s", progress.doing, progress.what, ++seconds);
    }
    pthread_mutex_unlock(&progress.lock);
    if (seconds > 0u)
        fputs("\r\033[K", stderr);
    return NULL;
}

void ctl_progress_begin(const char *doing, const char *what)
{
    progress.doing = doing;
    progress.what = what;
    progress.stop = false;
    progress.running =
        isatty(STDERR_FILENO) && pthread_create(&progress.thread, NULL, tick, NULL) == 0;
}

void ctl_progress_end(void)
{
    if (!progress.running)
        return;
    pthread_mutex_lock(&progress.lock);
    progress.stop = true;
    pthread_cond_signal(&progress.wake);
    pthread_mutex_unlock(&progress.lock);
    pthread_join(progress.thread, NULL);
    progress.running = false;
}
