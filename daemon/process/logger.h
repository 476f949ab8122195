/* daemon/process/logger.h - the log of the daemon's events. */
#ifndef RECSYSD_LOGGER_H
#define RECSYSD_LOGGER_H

#include <stdbool.h>
#include <stdint.h>

#include <recsys/log.h>

#include "daemon/process/log_writer.h"

/* From now on a thread writes the lines of `level` (RECSYS_LOG_*) and more urgent ones to stderr.
 */
bool rd_log_open(int32_t level);
void rd_log_set_level(int32_t level);
/* The writer of stderr, for lines of another log that go there, too. */
struct rd_log_writer *rd_log_stderr(void);
/* Write what is left, for a second at most. Later lines are dropped. `is_alone`: no other thread logs
 * any more, so that the writer can be freed. */
void rd_log_close(bool is_alone);
void rd_log(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For events that many requests may report at once: at most one line a second with the same
 * format. */
void rd_log_seldom(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same as a recsys_log_callback. */
void rd_log_line(int32_t level, const char *message, void *unused);

#endif
