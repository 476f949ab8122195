/* lib/adapters/librecsys_trace.c - what lib/base/trace.h declares, for adapters that are libraries of
 * their own.
 *
 * Which components are traced, and the request's id, are librecsys's: it is asked
 * through public functions, as librecsys_memory.c asks it for memory.
 */
#include "lib/base/trace.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_SIZE 512u

int rs_trace_is_on(uint32_t component)
{
    return recsys_log_check_trace(component) != 0;
}

void rs_trace(uint32_t component, const char *format, ...)
{
    char message[LINE_SIZE];
    va_list arguments;

    if (!rs_trace_is_on(component))
        return;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (length >= 0)
        recsys_log_write_trace(component, message);
}
