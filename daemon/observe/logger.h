/* daemon/observe/logger.h - the daemon's log and its access log: one JSON object a line. */
#ifndef RECSYSD_LOGGER_H
#define RECSYSD_LOGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/log.h>

/* Write lines of `level` (RECSYS_LOG_*) and more urgent ones to stderr from now on. */
void rd_log_open(int32_t level);
void rd_log(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For what many requests may meet at once: one line a second of the same format, no more. */
void rd_log_seldom(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same as a recsys_log_callback. */
void rd_log_line(int32_t level, const char *message, void *unused);

/* `target` is "off", "stderr" or a path. False, with a line in the log, if it cannot be opened. */
bool rd_access_open(const char *target);
bool rd_access_wanted(void);
/* Queue one finished line with its newline. Any thread; never waits for the disk. */
void rd_access_add(const char *line, size_t size);
/* How many lines found the queue full since the start. */
uint64_t rd_access_dropped(void);
/* Writes what is queued; lines that come later are left out. */
void rd_access_close(void);

#endif
