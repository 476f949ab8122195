/* daemon/observe/logger.c - two logs, one for events and one for requests.
 *
 * Events are rare and written at once. Requests are many: a worker copies its
 * line into a buffer under a lock, and a thread of our own writes whole
 * buffers, at the latest after a tenth of a second. There are two buffers, one
 * that is filled and one that is written. If the disk or the pipe behind it
 * stands still and both are full, lines are dropped and counted: a log must
 * not stop the service.
 */
#include "daemon/observe/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/http/stamp.h"
#include "daemon/observe/threads.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

#define BUFFER_BYTES (1u << 20)
#define FLUSH_MS 100

static int32_t log_level = RECSYS_LOG_INFO;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    char *filling, *writing; /* protected by lock; `writing` is the thread's while it writes */
    size_t size;             /* of filling; protected by lock */
    bool stop;               /* protected by lock */
    atomic_bool open;
    int fd;
    _Atomic uint64_t n_dropped;
} access_log = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, NULL, NULL, 0, false, false, -1, 0};

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        size -= (size_t)n;
    }
}

void rd_log_open(int32_t level)
{
    log_level = level;
}

void rd_log_line(int32_t level, const char *message, void *unused)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char line[13312], time[RD_TIME_SIZE];
    struct rs_buffer text = RS_BUFFER_FIXED(line);
    struct timespec now;

    (void)unused;
    if (level > log_level || level < RECSYS_LOG_ERROR)
        return;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    rd_time_format((uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u, time);
    rs_buffer_format(&text, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time,
                     names[level - RECSYS_LOG_ERROR]);
    rs_json_put_string(&text, message);
    rs_buffer_add(&text, "}\n", 2);
    if (text.status == RECSYS_OK)
        write_all(STDERR_FILENO, text.bytes, text.size);
}

void rd_log(int32_t level, const char *format, ...)
{
    char message[2048];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(message, sizeof message, format, list);
    va_end(list);
    rd_log_line(level, message, NULL);
}

void rd_log_seldom(int32_t level, const char *format, ...)
{
    static _Atomic uint64_t next_ns[16]; /* two formats in one place: one of them is seen less */
    _Atomic uint64_t *next = &next_ns[((uintptr_t)format >> 4) % 16];
    uint64_t now = rs_clock_ns(), due = atomic_load_explicit(next, memory_order_relaxed);
    char message[2048];
    va_list list;

    if (now < due || !atomic_compare_exchange_strong(next, &due, now + 1000000000u))
        return;
    va_start(list, format);
    (void)vsnprintf(message, sizeof message, format, list);
    va_end(list);
    rd_log_line(level, message, NULL);
}

static void wait_for_lines(void)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += FLUSH_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&access_log.wake, &access_log.lock, &until);
}

static void *write_lines(void *unused)
{
    (void)unused;
    (void)pthread_mutex_lock(&access_log.lock);
    while (!access_log.stop || access_log.size > 0) {
        char *full = access_log.filling;
        size_t size = access_log.size;

        if (size == 0) {
            wait_for_lines();
            continue;
        }
        access_log.filling = access_log.writing;
        access_log.writing = full;
        access_log.size = 0;
        (void)pthread_mutex_unlock(&access_log.lock);
        write_all(access_log.fd, full, size);
        (void)pthread_mutex_lock(&access_log.lock);
        if (!access_log.stop && access_log.size < BUFFER_BYTES / 2)
            wait_for_lines(); /* gather: a write for every line would cost more than the request */
    }
    (void)pthread_mutex_unlock(&access_log.lock);
    return NULL;
}

bool rd_access_open(const char *target)
{
    if (strcmp(target, "off") == 0)
        return true;
    access_log.fd = strcmp(target, "stderr") == 0
                        ? STDERR_FILENO
                        : open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (access_log.fd < 0) {
        rd_log(RECSYS_LOG_ERROR, "cannot open access log %s: %s", target, strerror(errno));
        return false;
    }
    access_log.filling = malloc(BUFFER_BYTES);
    access_log.writing = malloc(BUFFER_BYTES);
    if (access_log.filling == NULL || access_log.writing == NULL) {
        rd_log(RECSYS_LOG_ERROR, "cannot start the access log: out of memory");
        return false;
    }
    if (!rd_thread_start(&access_log.thread, write_lines, NULL, "writes the access log"))
        return false;
    access_log.open = true;
    return true;
}

bool rd_access_wanted(void)
{
    return access_log.open;
}

void rd_access_add(const char *line, size_t size)
{
    (void)pthread_mutex_lock(&access_log.lock);
    if (access_log.stop || size > BUFFER_BYTES - access_log.size) {
        atomic_fetch_add_explicit(&access_log.n_dropped, 1u, memory_order_relaxed);
    } else {
        bool was_low = access_log.size < BUFFER_BYTES / 2;

        memcpy(access_log.filling + access_log.size, line, size);
        access_log.size += size;
        if (was_low && access_log.size >= BUFFER_BYTES / 2)
            (void)pthread_cond_signal(&access_log.wake);
    }
    (void)pthread_mutex_unlock(&access_log.lock);
}

uint64_t rd_access_dropped(void)
{
    return atomic_load_explicit(&access_log.n_dropped, memory_order_relaxed);
}

void rd_access_close(void)
{
    if (access_log.open) {
        (void)pthread_mutex_lock(&access_log.lock);
        access_log.stop = true;
        (void)pthread_cond_signal(&access_log.wake);
        (void)pthread_mutex_unlock(&access_log.lock);
        (void)pthread_join(access_log.thread, NULL);
        access_log.open = false;
        if (access_log.fd != STDERR_FILENO)
            (void)close(access_log.fd);
    }
    free(access_log.filling);
    free(access_log.writing);
    access_log.filling = access_log.writing = NULL;
}
