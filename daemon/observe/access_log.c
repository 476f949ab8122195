/* daemon/observe/access_log.c - one JSON object a line for each request.
 *
 * A worker copies its line into a buffer under a lock, and a thread of this file writes whole
 * buffers, at the latest after a tenth of a second. There are two buffers: one is filled while the
 * other is written. If the disk or the pipe does not take data and both are full, lines are dropped
 * and counted, because a log must not stop the service.
 */
#include "daemon/observe/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/http/json_put.h"
#include "daemon/process/logger.h"
#include "daemon/process/threads.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

#define BUFFER_BYTES (1u << 20)
#define FLUSH_MS 100
#define MAX_PATH_BYTES 1024u /* of path and query that are logged */
#define MAX_LINE 16384u

static struct {
    struct rs_lock lock;
    struct rs_signal wake;
    pthread_t thread;
    char *filling, *writing; /* protected by lock; `writing` is the thread's while it writes */
    size_t size;             /* of filling; protected by lock */
    bool stop;               /* protected by lock */
    atomic_bool open;
    int fd;
    _Atomic uint64_t n_dropped;
} access_log = {.lock = RS_LOCK_INIT, .fd = -1};

static void wait_for_lines(void)
{
    (void)rs_signal_wait_until(&access_log.wake, &access_log.lock,
                               rs_clock_ns() + FLUSH_MS * UINT64_C(1000000));
}

static void *write_lines(void *unused)
{
    (void)unused;
    rs_thread_name("access-log");
    rs_lock_take(&access_log.lock);
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
        rs_lock_give(&access_log.lock);
        rd_write_all(access_log.fd, full, size);
        rs_lock_take(&access_log.lock);
        if (!access_log.stop && access_log.size < BUFFER_BYTES / 2)
            wait_for_lines(); /* for more lines: a write for each would cost more than a request */
    }
    rs_lock_give(&access_log.lock);
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
    if (access_log.filling == NULL || access_log.writing == NULL ||
        rs_signal_init(&access_log.wake) != 0) {
        rd_log(RECSYS_LOG_ERROR, "cannot start the access log: out of memory");
        return false;
    }
    if (!rd_thread_start(&access_log.thread, write_lines, NULL, "writes the access log"))
        return false;
    access_log.open = true;
    return true;
}

static void add(const char *line, size_t size)
{
    rs_lock_take(&access_log.lock);
    if (access_log.stop || size > BUFFER_BYTES - access_log.size) {
        atomic_fetch_add_explicit(&access_log.n_dropped, 1u, memory_order_relaxed);
    } else {
        bool was_low = access_log.size < BUFFER_BYTES / 2;

        memcpy(access_log.filling + access_log.size, line, size);
        access_log.size += size;
        if (was_low && access_log.size >= BUFFER_BYTES / 2)
            rs_signal_one(&access_log.wake);
    }
    rs_lock_give(&access_log.lock);
}

/* Built on the stack: control characters of a path become six bytes each. */
void rd_access_log(const struct rd_request *request, size_t n_bytes, double seconds)
{
    char bytes[MAX_LINE];
    struct rs_buffer line = RS_BUFFER_FIXED(bytes);
    const struct mg_request_info *info = request->info;
    const char *path = info->local_uri_raw != NULL ? info->local_uri_raw : "";

    if (!access_log.open)
        return;
    rs_buffer_add_text(&line, "{\"time\":\"");
    rs_buffer_add_text(&line, request->time);
    rs_buffer_add_text(&line, "\",\"request_id\":\"");
    rs_buffer_add_text(&line, request->id);
    rs_buffer_add_text(&line, "\",\"remote\":\"");
    rs_buffer_add_text(&line, info->remote_addr);
    rs_buffer_add_text(&line, "\",\"method\":");
    rd_json_put_bytes(&line, info->request_method, strnlen(info->request_method, 16));
    rs_buffer_add_text(&line, ",\"path\":");
    rd_json_put_bytes(&line, path, strnlen(path, MAX_PATH_BYTES));
    if (info->query_string != NULL) {
        rs_buffer_add_text(&line, ",\"query\":");
        rd_json_put_bytes(&line, info->query_string, strnlen(info->query_string, MAX_PATH_BYTES));
    }
    rs_buffer_add_text(&line, ",\"status\":");
    rs_json_put_unsigned(&line, (uint64_t)request->status);
    rs_buffer_add_text(&line, ",\"bytes\":");
    rs_json_put_unsigned(&line, n_bytes);
    rs_buffer_add_text(&line, ",\"duration_ms\":");
    rd_json_put_float(&line, (float)(seconds * 1e3));
    if (request->cache_use != RD_CACHE_NONE) {
        rs_buffer_add_text(&line, ",\"cache\":");
        rs_json_put_string(&line, rd_cache_word(request->cache_use));
    }
    if (request->aborted)
        rs_buffer_add_text(&line, ",\"aborted\":true");
    rs_buffer_add_text(&line, "}\n");
    if (line.status == RECSYS_OK)
        add(line.bytes, line.size);
}

uint64_t rd_access_dropped(void)
{
    return atomic_load_explicit(&access_log.n_dropped, memory_order_relaxed);
}

void rd_access_close(void)
{
    if (access_log.open) {
        rs_lock_take(&access_log.lock);
        access_log.stop = true;
        rs_signal_one(&access_log.wake);
        rs_lock_give(&access_log.lock);
        rs_thread_join(access_log.thread);
        access_log.open = false;
        if (access_log.fd != STDERR_FILENO)
            (void)close(access_log.fd);
    }
    free(access_log.filling);
    free(access_log.writing);
    access_log.filling = access_log.writing = NULL;
}
