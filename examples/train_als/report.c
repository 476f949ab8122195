/* report.c - the trainer's messages: progress, and why it stopped.
 *
 * A trainer is a batch program: every failure ends it, with one line that names
 * the file, the line and the reason. So failures are not returned through every
 * function; they end here. (A library must not do that, and librecsys never
 * does.)
 *
 * Progress goes to stderr, and only if that is a terminal, so that logs of
 * nightly runs contain results and not thousands of progress lines.
 */
#include "report.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int is_terminal(void)
{
    static int known = -1;

    if (known < 0)
        known = isatty(STDERR_FILENO);
    return known;
}

void report_fatal(const char *format, ...)
{
    va_list arguments;

    report_progress_end();
    fputs("recsys-train-als: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void report_progress(const char *format, ...)
{
    va_list arguments;

    if (!is_terminal())
        return;
    fputs("\r\033[K", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fflush(stderr);
}

void report_progress_end(void)
{
    if (is_terminal())
        fputs("\r\033[K", stderr);
}

void *report_allocate(size_t count, size_t size)
{
    return report_resize(NULL, count, size);
}

void *report_resize(void *memory, size_t count, size_t size)
{
    void *resized;

    if (count > SIZE_MAX / size - 1u)
        report_fatal("out of memory");
    resized = realloc(memory, (count + 1u) * size); /* + 1: never a request for nothing */
    if (resized == NULL)
        report_fatal("out of memory (%zu MiB more were needed)", count * size >> 20);
    return resized;
}
