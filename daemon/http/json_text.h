/* daemon/http/json_text.h - a text that grows up to a limit, and JSON written into it. */
#ifndef RECSYSD_JSON_TEXT_H
#define RECSYSD_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * After a failure (out of memory, or beyond the limit) every further call does
 * nothing, so a writer checks `failed` once, at the end.
 */
struct rd_text {
    char *data;
    size_t size, capacity, limit;
    bool failed;
};

/* An empty text that will hold at most `limit` bytes. */
#define RD_TEXT_INIT(limit)                                                                        \
    {                                                                                              \
        NULL, 0, 0, (limit), false                                                                 \
    }
/* A text in the array `array`; never released. */
#define RD_TEXT_FIXED(array)                                                                       \
    {                                                                                              \
        (array), 0, sizeof(array), sizeof(array), false                                            \
    }

void rd_text_free(struct rd_text *text);
/* Make it empty; memory beyond `keep` bytes is given back. */
void rd_text_reset(struct rd_text *text, size_t keep);
/* Room for `size` more bytes, or NULL. The caller adds what it used to text->size. */
char *rd_text_reserve(struct rd_text *text, size_t size);

void rd_text_add(struct rd_text *text, const void *bytes, size_t size);
void rd_text_puts(struct rd_text *text, const char *string);
void rd_text_printf(struct rd_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void rd_text_u64(struct rd_text *text, uint64_t value);
void rd_text_i64(struct rd_text *text, int64_t value);
/* The fewest digits that are read back as the same float; null if it is not finite. */
void rd_text_float(struct rd_text *text, float value);
/* A JSON string with its quotes, of UTF-8. */
void rd_text_json(struct rd_text *text, const char *string, size_t size);
void rd_text_json_puts(struct rd_text *text, const char *string);
/* The same for bytes that may be anything: those beyond ASCII are written as %XX. */
void rd_text_json_bytes(struct rd_text *text, const char *bytes, size_t size);

#endif
