/* tests/support/trace_lines.h - what the log hook was told, kept for a test to look at.
 *
 * One list for the process, so for tests with one thread. Lines are kept in their order.
 */
#ifndef TESTS_SUPPORT_TRACE_LINES_H
#define TESTS_SUPPORT_TRACE_LINES_H

#include <stddef.h>

/* Forget what was heard, and trace `components` from now on. */
void trace_begin(const char *components);
/* Trace nothing and take the hook away; what was heard stays. */
void trace_end(void);

size_t trace_count(void);
/* Line i; "" if there are not so many. */
const char *trace_line(size_t i);
/* How many lines have `part` in them. */
size_t trace_with(const char *part);
/* Print every line to stderr, for a test that is about to fail. */
void trace_print(void);

#endif
