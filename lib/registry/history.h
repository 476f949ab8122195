/* lib/registry/history.h - what served when, and why attempts failed: in memory and in a file. */
#ifndef RS_REGISTRY_HISTORY_H
#define RS_REGISTRY_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "lib/registry/event.h"

/* SYNCHRONIZED. The last `max` events, oldest first. */
struct rs_history {
    struct rs_lock lock, writing; /* writing is the outer one */
    struct rs_event **ring;       /* this and the next three are protected by lock */
    size_t max, n, first;
    size_t n_unwritten; /* the last ones, which the file does not have */
    char *path;         /* NULL = no file */
    int fd;             /* protected by writing, as the rest; -1 = the file cannot be used */
    size_t n_lines;     /* in the file */
    int is_failing;     /* the last attempt to write failed, and was logged */
};

/* `path` NULL: memory only. A file that cannot be used is logged, and the history goes without: a
 * model is worth more than its history. */
recsys_status rs_history_open(struct rs_history *history, const char *path, size_t max,
                              recsys_error *err);
void rs_history_close(struct rs_history *history);

/* Keep an event, in memory: no disk, no failure. Without memory it is lost. */
void rs_history_add(struct rs_history *history, const recsys_deployment_event *event);
/* Write what the file does not have. Blocks on disk. */
void rs_history_flush(struct rs_history *history);

/* Copies of all, oldest first; *out is an array to be given to rs_history_free(). */
recsys_status rs_history_copy(struct rs_history *history, struct rs_event ***out, size_t *n,
                              recsys_error *err);
void rs_history_free(struct rs_event **events, size_t n);

#endif
