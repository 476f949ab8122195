/* tests/support/trace_lines.c - see trace_lines.h. */
#include "tests/support/trace_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/log.h"

#define MAX_LINES 4096

static char lines[MAX_LINES][1024];
static size_t n_lines;

static void hear(int32_t level, const char *message, void *user_data)
{
    (void)user_data;
    if (level != RECSYS_LOG_TRACE)
        return;
    if (n_lines == MAX_LINES) {
        fprintf(stderr, "trace_lines: more than %d lines\n", MAX_LINES);
        abort();
    }
    snprintf(lines[n_lines++], sizeof lines[0], "%s", message);
}

void trace_begin(const char *components)
{
    recsys_error err = {0};

    n_lines = 0;
    if (recsys_log_set(RECSYS_LOG_ERROR, hear, NULL, &err) != RECSYS_OK ||
        recsys_log_set_trace(components, &err) != RECSYS_OK) {
        fprintf(stderr, "trace_lines: %s\n", err.message);
        abort();
    }
}

void trace_end(void)
{
    if (recsys_log_set_trace(NULL, NULL) != RECSYS_OK ||
        recsys_log_set(0, NULL, NULL, NULL) != RECSYS_OK)
        abort();
}

size_t trace_count(void)
{
    return n_lines;
}

const char *trace_line(size_t i)
{
    return i < n_lines ? lines[i] : "";
}

size_t trace_with(const char *part)
{
    size_t n = 0;

    for (size_t i = 0; i < n_lines; i++)
        n += strstr(lines[i], part) != NULL;
    return n;
}

void trace_print(void)
{
    for (size_t i = 0; i < n_lines; i++)
        fprintf(stderr, "    %s\n", lines[i]);
}
