/* lib/registry/history.c - what served when, and why attempts failed: in memory and in a file.
 *
 * The thread that makes an event, which may be a request's, keeps it in memory; a thread that may
 * wait for the disk writes it later. The file is bounded like the memory: when it has twice as many
 * lines, it is replaced by one with those that are in memory.
 */
#include "lib/registry/history.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/registry/history_file.h"

/* Under lock. */
static void push(struct rs_history *history, struct rs_event *event)
{
    if (history->n == history->max) {
        rs_free(history->ring[history->first]);
        history->first = (history->first + 1) % history->max;
        history->n--;
    }
    history->ring[(history->first + history->n) % history->max] = event;
    history->n++;
}

static void take_from_file(struct rs_event *event, void *user_data)
{
    push(user_data, event);
}

recsys_status rs_history_open(struct rs_history *history, const char *path, size_t max,
                              recsys_error *err)
{
    int result;

    *history = (struct rs_history){.max = max, .fd = -1};
    if ((result = rs_lock_init(&history->lock)) != 0)
        return rs_error_sys(err, result, "cannot make the locks of a history");
    if ((result = rs_lock_init(&history->writing)) != 0) {
        rs_lock_destroy(&history->lock);
        return rs_error_sys(err, result, "cannot make the locks of a history");
    }
    history->ring = rs_alloc_array(max, sizeof(struct rs_event *));
    if (path != NULL)
        history->path = rs_copy_text(path);
    if (history->ring == NULL || (path != NULL && history->path == NULL)) {
        rs_history_close(history);
        return rs_error_nomem(err, "history of a deployment");
    }
    if (path != NULL)
        history->fd = rs_history_file_open(path, take_from_file, history, &history->n_lines);
    return RECSYS_OK;
}

void rs_history_close(struct rs_history *history)
{
    if (history->max == 0)
        return;
    if (history->fd >= 0) {
        rs_history_flush(history);
        if (history->fd >= 0)
            close(history->fd);
    }
    for (size_t i = 0; i < history->n; i++)
        rs_free(history->ring[(history->first + i) % history->max]);
    rs_free(history->ring);
    rs_free(history->path);
    rs_lock_destroy(&history->writing);
    rs_lock_destroy(&history->lock);
    history->max = 0;
}

void rs_history_add(struct rs_history *history, const recsys_deployment_event *event)
{
    struct rs_event *made = rs_event_make(event);

    if (made == NULL)
        return;
    rs_lock_take(&history->lock);
    push(history, made);
    if (history->n_unwritten < history->n)
        history->n_unwritten++;
    rs_lock_give(&history->lock);
}

/* The last `n` events as lines; all of them if n is SIZE_MAX. Returns how many. */
static size_t write_last(struct rs_history *history, size_t n, struct rs_buffer *out)
{
    rs_lock_take(&history->lock);
    size_t wanted = n < history->n ? n : history->n;
    for (size_t i = history->n - wanted; i < history->n; i++)
        rs_event_write(history->ring[(history->first + i) % history->max], out);
    history->n_unwritten = 0;
    rs_lock_give(&history->lock);
    return wanted;
}

/* Under writing. The next flush tries again: a full disk may get room. */
static void note_result(struct rs_history *history, size_t n, int problem)
{
    if (problem != 0) {
        rs_lock_take(&history->lock);
        history->n_unwritten += n;
        if (history->n_unwritten > history->n)
            history->n_unwritten = history->n;
        rs_lock_give(&history->lock);
    }
    if (problem != 0 && !history->is_failing) {
        recsys_error said;
        (void)rs_error_sys(&said, problem, "history: cannot write to %s", history->path);
        rs_log(RECSYS_LOG_WARN, "%s", said.message);
    }
    history->is_failing = problem != 0;
}

/* Under writing. */
static void append_or_replace(struct rs_history *history, size_t n_unwritten)
{
    struct rs_buffer lines;
    int problem = 0;
    int is_long = history->n_lines + n_unwritten > 2 * history->max;

    rs_buffer_init(&lines, SIZE_MAX / 2);
    size_t n = write_last(history, is_long ? SIZE_MAX : n_unwritten, &lines);
    if (lines.status != RECSYS_OK) {
        problem = ENOMEM;
    } else if (is_long) {
        int fd = rs_history_file_replace(history->path, &lines);
        if (fd < 0) {
            problem = errno;
        } else {
            close(history->fd);
            history->fd = fd;
            history->n_lines = n;
        }
    } else if ((problem = rs_history_file_append(history->fd, &lines)) == 0) {
        history->n_lines += n;
    }
    rs_buffer_destroy(&lines);
    note_result(history, n < n_unwritten ? n : n_unwritten, problem);
}

void rs_history_flush(struct rs_history *history)
{
    if (history->path == NULL)
        return;
    rs_lock_take(&history->lock);
    size_t n_unwritten = history->n_unwritten;
    rs_lock_give(&history->lock);
    if (n_unwritten == 0)
        return;
    rs_lock_take(&history->writing);
    if (history->fd >= 0) {
        rs_lock_take(&history->lock);
        n_unwritten = history->n_unwritten;
        rs_lock_give(&history->lock);
        if (n_unwritten > 0)
            append_or_replace(history, n_unwritten);
    }
    rs_lock_give(&history->writing);
}

recsys_status rs_history_copy(struct rs_history *history, struct rs_event ***out, size_t *n,
                              recsys_error *err)
{
    int is_complete = 1;

    *n = 0;
    *out = rs_alloc_array(history->max, sizeof **out);
    if (*out == NULL)
        return rs_error_nomem(err, "history of a deployment");
    rs_lock_take(&history->lock);
    for (size_t i = 0; i < history->n && is_complete; i++) {
        (*out)[*n] = rs_event_copy(history->ring[(history->first + i) % history->max]);
        is_complete = (*out)[*n] != NULL;
        *n += is_complete != 0;
    }
    rs_lock_give(&history->lock);
    if (is_complete)
        return RECSYS_OK;
    rs_history_free(*out, *n);
    *out = NULL;
    *n = 0;
    return rs_error_nomem(err, "history of a deployment");
}

void rs_history_free(struct rs_event **events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rs_free(events[i]);
    rs_free(events);
}
