/* lib/base/buffer.c - see buffer.h. */
#include "lib/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"

void rs_buffer_init(struct rs_buffer *buffer, size_t max)
{
    memset(buffer, 0, sizeof *buffer);
    buffer->max = max;
}

void rs_buffer_destroy(struct rs_buffer *buffer)
{
    rs_free(buffer->bytes);
    memset(buffer, 0, sizeof *buffer);
}

void rs_buffer_clear(struct rs_buffer *buffer)
{
    buffer->size = 0;
    buffer->status = RECSYS_OK;
    if (buffer->bytes != NULL)
        buffer->bytes[0] = '\0';
}

void rs_buffer_reset(struct rs_buffer *buffer, size_t keep)
{
    if (buffer->room > keep) {
        rs_free(buffer->bytes);
        buffer->bytes = NULL;
        buffer->room = 0;
    }
    rs_buffer_clear(buffer);
}

/* Room for `size` more bytes and a NUL. */
static int reserve(struct rs_buffer *buffer, size_t size)
{
    if (buffer->status != RECSYS_OK)
        return 0;
    if (size > buffer->max - buffer->size) {
        buffer->status = RECSYS_E_LIMIT;
        return 0;
    }
    if (buffer->size + size + 1 > buffer->room) {
        size_t room = buffer->room < 256 ? 256 : buffer->room * 2;
        if (room < buffer->size + size + 1)
            room = buffer->size + size + 1;
        char *bytes = rs_resize_array(buffer->bytes, room, 1);
        if (bytes == NULL) {
            buffer->status = RECSYS_E_NOMEM;
            return 0;
        }
        buffer->bytes = bytes;
        buffer->room = room;
    }
    return 1;
}

void rs_buffer_add(struct rs_buffer *buffer, const void *bytes, size_t size)
{
    if (!reserve(buffer, size))
        return;
    if (size > 0)
        memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    buffer->bytes[buffer->size] = '\0';
}

void rs_buffer_add_text(struct rs_buffer *buffer, const char *text)
{
    rs_buffer_add(buffer, text, strlen(text));
}

void rs_buffer_format(struct rs_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;

    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size < 0)
        buffer->status = RECSYS_E_INTERNAL;
    else if (reserve(buffer, (size_t)size)) {
        vsnprintf(buffer->bytes + buffer->size, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
    va_end(arguments);
}

char *rs_buffer_reserve(struct rs_buffer *buffer, size_t size)
{
    return reserve(buffer, size) ? buffer->bytes + buffer->size : NULL;
}
