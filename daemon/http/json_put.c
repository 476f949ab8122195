/* daemon/http/json_put.c - writes the two kinds of values that lib/base/json_write.h lacks.
 *
 * Answers are written piece by piece rather than through a tree of JSON values: a
 * thousand users times fifty items would be half a million small allocations.
 */
#include "daemon/http/json_put.h"

#include <math.h>
#include <stdio.h>

#include "lib/base/json_write.h"

/* scaled / scale without the zeros at the end. */
static void add_fixed(struct rs_buffer *out, uint64_t scaled, uint64_t scale)
{
    char digits[24];
    size_t n = 0;
    uint64_t rest = scaled % scale;

    rs_json_put_unsigned(out, scaled / scale);
    if (rest == 0) {
        rs_buffer_add(out, ".0", 2); /* a score of 1 stays a number with a fraction for clients */
        return;
    }
    digits[n++] = '.';
    while (rest != 0) {
        rest *= 10;
        digits[n++] = (char)('0' + rest / scale);
        rest %= scale;
    }
    rs_buffer_add(out, digits, n);
}

void rd_json_put_float(struct rs_buffer *out, float value)
{
    static const uint64_t scales[] = {100, 10000000, 100000000, 1000000000};
    char digits[32];
    int size;

    if (!isfinite(value)) {
        rs_buffer_add(out, "null", 4);
        return;
    }
    /* The fast way for scores and ratings: printf would take longer than scoring an item. */
    if (value >= 0.0f && value < 1000.0f) {
        for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
            double scale = (double)scales[i];
            uint64_t scaled = (uint64_t)((double)value * scale + 0.5);

            if ((float)((double)scaled / scale) == value) {
                add_fixed(out, scaled, scales[i]);
                return;
            }
        }
    }
    size = snprintf(digits, sizeof digits, "%.9g", (double)value);
    rs_buffer_add(out, digits, (size_t)size);
}

static void put_escaped(struct rs_buffer *out, unsigned char c)
{
    if (c == '"' || c == '\\')
        rs_buffer_format(out, "\\%c", c);
    else
        rs_buffer_format(out, "\\u%04x", c);
}

void rd_json_put_bytes(struct rs_buffer *out, const char *bytes, size_t size)
{
    rs_buffer_add(out, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c >= 0x7f)
            rs_buffer_format(out, "%%%02X", c);
        else if (c < 0x20 || c == '"' || c == '\\')
            put_escaped(out, c);
        else
            rs_buffer_add(out, bytes + i, 1);
    }
    rs_buffer_add(out, "\"", 1);
}
