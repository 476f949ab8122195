/* daemon/observe/access_log.c - one JSON object a line for each request.
 *
 * A worker only copies its line into a buffer (process/log_writer.c). On stderr the lines are
 * written by the thread that writes the events, so that they are never mixed.
 */
#include "daemon/observe/access_log.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "daemon/http/json_put.h"
#include "daemon/process/logger.h"
#include "daemon/process/threads.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"

#define MAX_PATH_BYTES 1024u /* of path and query that are logged */
#define MAX_LINE 16384u
#define CLOSING_NS UINT64_C(1000000000) /* for lines that the file has not taken at the end */

static struct rd_log_writer *writer; /* NULL: off; set while there is no request */
static bool is_shared;               /* with the log of events */
static _Atomic uint64_t n_dropped;

static void log_no_start(const char *target, int error)
{
    char limits[1024];

    if (error != EAGAIN) { /* of a file */
        rd_log(RECSYS_LOG_ERROR, "cannot open access log %s: %s", target, strerror(error));
        return;
    }
    rd_thread_limits(limits, sizeof limits);
    rd_log(RECSYS_LOG_ERROR, "cannot start the thread that writes the access log; limits: %s",
           limits);
}

bool rd_access_open(const char *target)
{
    if (strcmp(target, "off") == 0)
        return true;
    is_shared = strcmp(target, "stderr") == 0;
    writer = is_shared ? rd_log_stderr() : rd_log_writer_open(target, "access-log");
    if (writer == NULL)
        log_no_start(target, errno);
    return writer != NULL;
}

/* Built on the stack: control characters of a path become six bytes each. */
void rd_access_log(const struct rd_request *request, size_t n_bytes, double seconds)
{
    char bytes[MAX_LINE];
    struct rs_buffer line = RS_BUFFER_FIXED(bytes);
    const struct rd_head *head = request->head;

    if (writer == NULL)
        return;
    rs_buffer_add_text(&line, "{\"time\":\"");
    rs_buffer_add_text(&line, request->time);
    rs_buffer_add_text(&line, "\",\"request_id\":\"");
    rs_buffer_add_text(&line, request->id);
    rs_buffer_add_text(&line, "\",\"remote\":\"");
    rs_buffer_add_text(&line, request->remote);
    rs_buffer_add_text(&line, "\",\"method\":");
    rd_json_put_bytes(&line, head->method, strnlen(head->method, 16));
    rs_buffer_add_text(&line, ",\"path\":");
    rd_json_put_bytes(&line, head->path, strnlen(head->path, MAX_PATH_BYTES));
    if (head->query != NULL) {
        rs_buffer_add_text(&line, ",\"query\":");
        rd_json_put_bytes(&line, head->query, strnlen(head->query, MAX_PATH_BYTES));
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
    if (line.status == RECSYS_OK && !rd_log_writer_add(writer, line.bytes, line.size, RD_LOG_SOON))
        atomic_fetch_add_explicit(&n_dropped, 1u, memory_order_relaxed);
}

uint64_t rd_access_dropped(void)
{
    if (writer != NULL && !is_shared)
        return rd_log_writer_lost(writer); /* also those that the file did not take */
    return atomic_load_explicit(&n_dropped, memory_order_relaxed);
}

void rd_access_reopen(void)
{
    if (writer != NULL)
        rd_log_writer_reopen(writer);
}

void rd_access_close(bool is_alone)
{
    struct rd_log_writer *own = is_shared ? NULL : writer;
    uint64_t deadline_ns = rs_clock_ns() + CLOSING_NS;

    if (!is_alone) {
        rd_log_writer_stop(own, deadline_ns);
        return;
    }
    writer = NULL;
    rd_log_writer_close(own, deadline_ns);
}
