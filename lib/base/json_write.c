/* lib/base/json_write.c - see json_write.h. */
#include "lib/base/json_write.h"

#include <inttypes.h>
#include <math.h>

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
        rs_buffer_format(out, "%" PRId64, value->number);
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
