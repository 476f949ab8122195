/* report.h - the trainer's messages: progress, and why it stopped. */
#ifndef TRAIN_ALS_REPORT_H
#define TRAIN_ALS_REPORT_H

#include <stddef.h>

/* Say "recsys-train-als: ..." on stderr and end the program with status 1. */
_Noreturn void report_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Overwrite the progress line. Nothing happens unless stderr is a terminal. */
void report_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Wipe the progress line, so that ordinary output can follow. */
void report_progress_end(void);

/* malloc() and realloc() that end the program when memory runs out. */
void *report_allocate(size_t count, size_t size);
void *report_resize(void *memory, size_t count, size_t size);

#endif
