/* lib/base/trace.h - say, when asked to, what a component does.
 *
 * A place that traces asks rs_trace_is_on() first if making the line costs anything. Lines have
 * names, keys, statuses and numbers, never values: they end up in log files.
 */
#ifndef RS_BASE_TRACE_H
#define RS_BASE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/log.h"

#define RS_TRACE_TEXT_SIZE 128u

/* 1 if lines of `component`, one of RECSYS_TRACE_*, are wanted. One load. */
int rs_trace_is_on(uint32_t component);

/* One line through the log hook, behind the component's name and the request's id; nothing unless
 * rs_trace_is_on(). */
void rs_trace(uint32_t component, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Send a finished message of a component for which rs_trace_is_on() has returned 1. */
void rs_trace_write(uint32_t component, const char *message);

/* 1 for a byte that stands in a line as it is. */
static inline int rs_trace_is_printable(unsigned char c)
{
    return c > 0x20 && c < 0x7f;
}

/* Bytes as printable ASCII for a line: others as %XX, cut with "..." at the end. Returns `room`. */
const char *rs_trace_text(const void *bytes, size_t size, char room[RS_TRACE_TEXT_SIZE]);

#endif
