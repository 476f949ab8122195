/* lib/adapters/librecsys_log.c - where adapters, which are libraries of their own, send lines of the
 * log.
 *
 * The hook is librecsys's, so an adapter asks it, as librecsys_memory.c asks for memory.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/text.h"

void rs_log(int32_t level, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    rs_text_trim(line);
    rs_log_hand_over(level, line);
}

void rs_log_hand_over(int32_t level, const char *line)
{
    recsys_log_write(level, line);
}
