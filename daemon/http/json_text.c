/* daemon/http/json_text.c - a bounded growing buffer and the JSON that goes into it.
 *
 * Answers are written here rather than through a tree of JSON values: a
 * thousand users times fifty items would be half a million small allocations.
 * Failure is sticky, so the writers stay free of error handling.
 */
#include "daemon/http/json_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 4096u

void rd_text_free(struct rd_text *text)
{
    free(text->data);
    text->data = NULL;
    text->size = text->capacity = 0;
}

void rd_text_reset(struct rd_text *text, size_t keep)
{
    if (text->capacity > keep)
        rd_text_free(text);
    text->size = 0;
    text->failed = false;
}

char *rd_text_reserve(struct rd_text *text, size_t size)
{
    size_t capacity = text->capacity;
    char *data;

    if (text->failed)
        return NULL;
    if (size <= capacity - text->size)
        return text->data + text->size;
    if (size > text->limit - text->size) {
        text->failed = true;
        return NULL;
    }
    if (capacity < FIRST_CAPACITY)
        capacity = FIRST_CAPACITY;
    while (capacity < text->size + size)
        capacity *= 2;
    if (capacity > text->limit)
        capacity = text->limit;
    data = realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = true;
        return NULL;
    }
    text->data = data;
    text->capacity = capacity;
    return data + text->size;
}

void rd_text_add(struct rd_text *text, const void *bytes, size_t size)
{
    char *to = rd_text_reserve(text, size);

    if (to != NULL && size > 0) {
        memcpy(to, bytes, size);
        text->size += size;
    }
}

void rd_text_puts(struct rd_text *text, const char *string)
{
    rd_text_add(text, string, strlen(string));
}

void rd_text_printf(struct rd_text *text, const char *format, ...)
{
    char line[1024];
    va_list list;
    int size;

    va_start(list, format);
    size = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (size < 0)
        text->failed = true;
    else
        rd_text_add(text, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
}

void rd_text_u64(struct rd_text *text, uint64_t value)
{
    char digits[20];
    size_t n = sizeof digits;

    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    rd_text_add(text, digits + n, sizeof digits - n);
}

void rd_text_i64(struct rd_text *text, int64_t value)
{
    if (value < 0) {
        rd_text_add(text, "-", 1);
        rd_text_u64(text, 0 - (uint64_t)value);
    } else {
        rd_text_u64(text, (uint64_t)value);
    }
}

/* scaled / scale without the zeros at the end. */
static void add_fixed(struct rd_text *text, uint64_t scaled, uint64_t scale)
{
    char digits[24];
    size_t n = 0;
    uint64_t rest = scaled % scale;

    rd_text_u64(text, scaled / scale);
    if (rest == 0) {
        rd_text_add(text, ".0", 2); /* a score of 1 stays a number with a fraction for clients */
        return;
    }
    digits[n++] = '.';
    while (rest != 0) {
        rest *= 10;
        digits[n++] = (char)('0' + rest / scale);
        rest %= scale;
    }
    rd_text_add(text, digits, n);
}

void rd_text_float(struct rd_text *text, float value)
{
    static const uint64_t scales[] = {100, 10000000, 100000000, 1000000000};
    char digits[32];
    int size;

    if (!isfinite(value)) {
        rd_text_add(text, "null", 4);
        return;
    }
    /* Scores and ratings take this way: printf costs more than scoring an item does. */
    if (value >= 0.0f && value < 1000.0f) {
        for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
            double scale = (double)scales[i];
            uint64_t scaled = (uint64_t)((double)value * scale + 0.5);

            if ((float)((double)scaled / scale) == value) {
                add_fixed(text, scaled, scales[i]);
                return;
            }
        }
    }
    size = snprintf(digits, sizeof digits, "%.9g", (double)value);
    rd_text_add(text, digits, (size_t)size);
}

static void add_escape(struct rd_text *text, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char *const letters = "btn_fr"; /* of 8 to 13; there is none for 11 */
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c == '"' || c == '\\') {
        escape[1] = (char)c;
        rd_text_add(text, escape, 2);
    } else if (c >= 8 && c <= 13 && c != 11) {
        escape[1] = letters[c - 8];
        rd_text_add(text, escape, 2);
    } else {
        rd_text_add(text, escape, sizeof escape);
    }
}

void rd_text_json(struct rd_text *text, const char *string, size_t size)
{
    size_t run = 0;

    rd_text_add(text, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)string[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        rd_text_add(text, string + run, i - run);
        add_escape(text, c);
        run = i + 1;
    }
    rd_text_add(text, string + run, size - run);
    rd_text_add(text, "\"", 1);
}

void rd_text_json_puts(struct rd_text *text, const char *string)
{
    rd_text_json(text, string, strlen(string));
}

void rd_text_json_bytes(struct rd_text *text, const char *bytes, size_t size)
{
    rd_text_add(text, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c >= 0x7f)
            rd_text_printf(text, "%%%02X", c);
        else if (c < 0x20 || c == '"' || c == '\\')
            add_escape(text, c);
        else
            rd_text_add(text, bytes + i, 1);
    }
    rd_text_add(text, "\"", 1);
}
