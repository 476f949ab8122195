/* daemon/process/logger.c - writes events to stderr, one JSON object a line.
 *
 * Events are rare; the thread that reports one writes its line at once. Requests have a log of
 * their own, observe/access_log.c.
 */
#include "daemon/process/logger.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/process/timestamp.h"
#include "lib/base/buffer.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

static int32_t log_level = RECSYS_LOG_INFO;

void rd_write_all(int fd, const char *bytes, size_t size)
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
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    char line[13312], time[RD_TIME_SIZE];
    struct rs_buffer text = RS_BUFFER_FIXED(line);

    (void)unused;
    if ((level > log_level && level != RECSYS_LOG_TRACE) || level < RECSYS_LOG_ERROR ||
        level > RECSYS_LOG_TRACE)
        return;
    rd_time_format(rs_clock_unix_ms(), time);
    rs_buffer_format(&text, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time,
                     names[level - RECSYS_LOG_ERROR]);
    rs_json_put_string(&text, message);
    rs_buffer_add(&text, "}\n", 2);
    if (text.status == RECSYS_OK)
        rd_write_all(STDERR_FILENO, text.bytes, text.size);
}

static void log_list(int32_t level, const char *format, va_list list)
{
    char message[2048];

    (void)vsnprintf(message, sizeof message, format, list);
    rd_log_line(level, message, NULL);
}

void rd_log(int32_t level, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    log_list(level, format, list);
    va_end(list);
}

void rd_log_seldom(int32_t level, const char *format, ...)
{
    static _Atomic uint64_t
        next_ns[16]; /* two formats may share a place; then fewer of their lines are written */
    _Atomic uint64_t *next = &next_ns[((uintptr_t)format >> 4) % 16];
    uint64_t now = rs_clock_ns(), due = atomic_load_explicit(next, memory_order_relaxed);
    va_list list;

    if (now < due || !atomic_compare_exchange_strong(next, &due, now + 1000000000u))
        return;
    va_start(list, format);
    log_list(level, format, list);
    va_end(list);
}
