/* daemon/process/logger.c - writes events to stderr, one JSON object a line.
 *
 * A thread writes them (log_writer.c): nobody waits for stderr. Requests have a log of their own,
 * observe/access_log.c.
 */
#include "daemon/process/logger.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/process/timestamp.h"
#include "lib/base/buffer.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

#define CLOSING_NS                                                                                 \
    UINT64_C(1000000000) /* for lines that stderr has not taken when recsysd ends                  \
                          */

static _Atomic int32_t log_level = RECSYS_LOG_INFO;
static struct rd_log_writer *events; /* set before there are other threads */
static atomic_bool closed;

void rd_log_set_level(int32_t level)
{
    atomic_store_explicit(&log_level, level, memory_order_relaxed);
}

bool rd_log_open(int32_t level)
{
    rd_log_set_level(level);
    events = rd_log_writer_open(NULL, "log");
    return events != NULL;
}

struct rd_log_writer *rd_log_stderr(void)
{
    return events;
}

void rd_log_close(bool is_alone)
{
    uint64_t deadline_ns = rs_clock_ns() + CLOSING_NS;

    closed = true;
    if (is_alone)
        rd_log_writer_close(events, deadline_ns);
    else
        rd_log_writer_stop(events, deadline_ns);
}

/* Before rd_log_open() and in programs that never call it: settings that are wrong, for example. */
static void write_at_once(const char *bytes, size_t size)
{
    ssize_t n;

    while (size > 0 && ((n = write(STDERR_FILENO, bytes, size)) > 0 || errno == EINTR)) {
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
}

void rd_log_line(int32_t level, const char *message, void *unused)
{
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    char line[13312], time[RD_TIME_SIZE];
    struct rs_buffer text = RS_BUFFER_FIXED(line);

    (void)unused;
    if ((level > atomic_load_explicit(&log_level, memory_order_relaxed) &&
         level != RECSYS_LOG_TRACE) ||
        level < RECSYS_LOG_ERROR || level > RECSYS_LOG_TRACE)
        return;
    rd_time_format(rs_clock_unix_ms(), time);
    rs_buffer_format(&text, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", time,
                     names[level - RECSYS_LOG_ERROR]);
    rs_json_put_string(&text, message);
    rs_buffer_add(&text, "}\n", 2);
    if (text.status != RECSYS_OK || closed)
        return;
    if (events != NULL)
        (void)rd_log_writer_add(events, text.bytes, text.size, RD_LOG_NOW);
    else
        write_at_once(text.bytes, text.size);
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
