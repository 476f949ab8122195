/* daemon/observe/access_log.h - the log of requests. */
#ifndef RECSYSD_ACCESS_LOG_H
#define RECSYSD_ACCESS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/http/request.h"

/* `target` is "off", "stderr" or a path. False, with a line in the log, if it cannot be opened. */
bool rd_access_open(const char *target);
/* Queue a line about a request whose reply has been sent. Any thread may call this; it never
 * waits for the disk. */
void rd_access_log(const struct rd_request *request, size_t n_bytes, double seconds);
/* How many lines could not be written since the start. */
uint64_t rd_access_dropped(void);
/* Open the file again: somebody has renamed it. */
void rd_access_reopen(void);
/* Writes the queued lines. `is_alone`: no request is left, so that the writer can be freed. */
void rd_access_close(bool is_alone);

#endif
