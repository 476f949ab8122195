/* lib/base/trace_line.c - the text of a trace line: printf, and bytes as printable ASCII.
 *
 * Compiled into adapters, too; trace.c is not, for librecsys decides which components are traced.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/trace.h"

#define LINE_SIZE 512u

const char *rs_trace_text(const void *bytes, size_t size, char room[RS_TRACE_TEXT_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    const unsigned char *from = bytes;
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        if (n + sizeof "%XX..." > RS_TRACE_TEXT_SIZE) {
            memcpy(room + n, "...", 3);
            n += 3;
            break;
        }
        if (rs_trace_is_printable(from[i])) {
            room[n++] = (char)from[i];
            continue;
        }
        room[n++] = '%';
        room[n++] = digits[from[i] >> 4];
        room[n++] = digits[from[i] & 15];
    }
    room[n] = '\0';
    return room;
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
        rs_trace_write(component, message);
}
