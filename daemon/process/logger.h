/* daemon/process/logger.h - the log of the daemon's events. */
#ifndef RECSYSD_LOGGER_H
#define RECSYSD_LOGGER_H

#include <stddef.h>
#include <stdint.h>

#include <recsys/log.h>

/* Write lines of `level` (RECSYS_LOG_*) and more urgent ones to stderr from now on. */
void rd_log_open(int32_t level);
void rd_log(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For events that many requests may report at once: at most one line a second with the same
 * format. */
void rd_log_seldom(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same as a recsys_log_callback. */
void rd_log_line(int32_t level, const char *message, void *unused);

/* Write all bytes, with as many calls of write() as it takes. After an error the rest is
 * dropped. */
void rd_write_all(int fd, const char *bytes, size_t size);

#endif
