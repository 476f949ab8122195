/* lib/registry/history_file.h - the file of a history: lines of JSON, the newest at its end. */
#ifndef RS_REGISTRY_HISTORY_FILE_H
#define RS_REGISTRY_HISTORY_FILE_H

#include <stddef.h>

#include "lib/registry/event.h"

/* Receives the events of the file, oldest first, and owns them. */
typedef void (*rs_history_take)(struct rs_event *event, void *user_data);

/* Open `path` to append, make it if it is missing, and read its end. The descriptor is locked
 * against other processes. -1: logged. */
int rs_history_file_open(const char *path, rs_history_take take, void *user_data, size_t *n_lines);
/* 0, or an errno. A line that was written in part is cut off again. */
int rs_history_file_append(int fd, const struct rs_buffer *lines);
/* Replace the file by one with these lines. The new descriptor, or -1: errno, and the old file is
 * as it was. */
int rs_history_file_replace(const char *path, const struct rs_buffer *lines);

#endif
