/* lib/base/json_write.c - see json_write.h. */
#include "lib/base/json_write.h"

#include <math.h>
#include <string.h>

#include "lib/base/real.h"

static void put_escape(struct rs_buffer *out, unsigned char c)
{
    switch (c) {
    case '"':
        rs_buffer_add(out, "\\\"", 2);
        break;
    case '\\':
        rs_buffer_add(out, "\\\\", 2);
        break;
    case '\b':
        rs_buffer_add(out, "\\b", 2);
        break;
    case '\f':
        rs_buffer_add(out, "\\f", 2);
        break;
    case '\n':
        rs_buffer_add(out, "\\n", 2);
        break;
    case '\r':
        rs_buffer_add(out, "\\r", 2);
        break;
    case '\t':
        rs_buffer_add(out, "\\t", 2);
        break;
    default:
        rs_buffer_format(out, "\\u%04x", (unsigned)c);
    }
}

void rs_json_put_text(struct rs_buffer *out, const char *text, size_t size)
{
    size_t start = 0;

    rs_buffer_add(out, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        rs_buffer_add(out, text + start, i - start);
        put_escape(out, c);
        start = i + 1;
    }
    rs_buffer_add(out, text + start, size - start);
    rs_buffer_add(out, "\"", 1);
}

void rs_json_put_string(struct rs_buffer *out, const char *text)
{
    rs_json_put_text(out, text, strlen(text));
}

/* Digit by digit: printf would cost more than scoring an item does. */
void rs_json_put_unsigned(struct rs_buffer *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    rs_buffer_add(out, digits + at, sizeof digits - at);
}

void rs_json_put_integer(struct rs_buffer *out, int64_t value)
{
    if (value < 0)
        rs_buffer_add(out, "-", 1);
    rs_json_put_unsigned(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void rs_json_put_real(struct rs_buffer *out, double value)
{
    char text[RS_REAL_SIZE];

    if (!isfinite(value)) {
        rs_buffer_add(out, "null", 4);
        return;
    }
    rs_real_write(value, text);
    rs_buffer_add_text(out, text);
}

void rs_json_put_datum(struct rs_buffer *out, const recsys_datum *value)
{
    switch (value->type) {
    case RECSYS_TYPE_NULL:
        rs_buffer_add(out, "null", 4);
        break;
    case RECSYS_TYPE_BOOL:
        rs_buffer_add_text(out, value->number ? "true" : "false");
        break;
    case RECSYS_TYPE_INTEGER:
        rs_json_put_integer(out, value->number);
        break;
    case RECSYS_TYPE_REAL:
        rs_json_put_real(out, value->real);
        break;
    case RECSYS_TYPE_NUMBER:
    case RECSYS_TYPE_JSON:
        rs_buffer_add(out, value->text, value->size);
        break;
    default:
        rs_json_put_text(out, value->text, value->size);
    }
}
