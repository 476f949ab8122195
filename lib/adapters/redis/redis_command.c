/* lib/adapters/redis/redis_command.c - see redis_command.h. */
#include "lib/adapters/redis/redis_command.h"

#include <string.h>

/* A '*' or '$', a number, the end of a line. */
static void add_head(struct rs_buffer *out, char kind, size_t number)
{
    char text[24];
    size_t at = sizeof text;

    text[--at] = '\n';
    text[--at] = '\r';
    do
        text[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    text[--at] = kind;
    rs_buffer_add(out, text + at, sizeof text - at);
}

void rs_redis_begin(struct rs_redis_command *command, size_t n)
{
    add_head(&command->bytes, '*', n);
}

void rs_redis_add(struct rs_redis_command *command, const void *bytes, size_t size)
{
    add_head(&command->bytes, '$', size);
    if (size > 0)
        rs_buffer_add(&command->bytes, bytes, size);
    rs_buffer_add(&command->bytes, "\r\n", 2);
}

void rs_redis_add_text(struct rs_redis_command *command, const char *text)
{
    rs_redis_add(command, text, strlen(text));
}

void rs_redis_add_number(struct rs_redis_command *command, uint64_t number)
{
    char text[20];
    size_t at = sizeof text;

    do
        text[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    rs_redis_add(command, text + at, sizeof text - at);
}

void rs_redis_add_key(struct rs_redis_command *command, recsys_bytes key)
{
    const struct rs_redis_settings *settings = command->settings;

    if (key.size > RS_REDIS_MAX_COMMAND) /* so that the sum cannot overflow */
        command->bytes.status = RECSYS_E_LIMIT;
    add_head(&command->bytes, '$', settings->prefix_size + key.size);
    if (settings->prefix_size > 0)
        rs_buffer_add(&command->bytes, settings->prefix, settings->prefix_size);
    if (key.size > 0)
        rs_buffer_add(&command->bytes, key.data, key.size);
    rs_buffer_add(&command->bytes, "\r\n", 2);
}
