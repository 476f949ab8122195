/* daemon/process/log_writer.h - lines of a log, written by a thread of its own, so that no other
 * thread waits for a disk or a pipe. */
#ifndef RECSYSD_LOG_WRITER_H
#define RECSYSD_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd_log_writer;

enum rd_log_urgency {
    RD_LOG_SOON, /* within a tenth of a second; dropped first */
    RD_LOG_NOW
};

/* Appends to the file `path`, or writes to stderr if it is NULL. NULL with errno: not opened.
 * `name` is the thread's. Borrowed: path. */
struct rd_log_writer *rd_log_writer_open(const char *path, const char *name);
/* Any thread; never waits. False: there was no room, so the line, which ends with "\n", was
 * dropped. */
bool rd_log_writer_add(struct rd_log_writer *writer, const char *line, size_t size,
                       enum rd_log_urgency urgency);
/* Open the file again before the next line: somebody has renamed it. */
void rd_log_writer_reopen(struct rd_log_writer *writer);
/* Lines that could not be written since the start: no room, or an error of the file. */
uint64_t rd_log_writer_lost(const struct rd_log_writer *writer);
/* Write what is there, until `deadline_ns` at the latest. Later lines are dropped. For a process that
 * ends while other threads still use the writer: nothing is freed. NULL is allowed. */
void rd_log_writer_stop(struct rd_log_writer *writer, uint64_t deadline_ns);
/* The same, and end the thread and free the writer, which nobody may use any more. */
void rd_log_writer_close(struct rd_log_writer *writer, uint64_t deadline_ns);

#endif
