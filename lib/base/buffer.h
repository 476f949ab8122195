/* lib/base/buffer.h - an array of bytes that grows up to a limit. */
#ifndef RS_BASE_BUFFER_H
#define RS_BASE_BUFFER_H

#include <stddef.h>

#include "recsys/status.h"

struct rs_buffer {
    char *bytes; /* NUL-terminated once anything was added */
    size_t size; /* without the NUL */
    size_t room;
    size_t max;           /* never grows beyond */
    recsys_status status; /* the first failure; later adds do nothing */
};

#define RS_BUFFER_INIT(max)                                                                        \
    {                                                                                              \
        NULL, 0, 0, (max), RECSYS_OK                                                               \
    }
/* A buffer in the array `array`: never grows, never destroyed. */
#define RS_BUFFER_FIXED(array)                                                                     \
    {                                                                                              \
        (array), 0, sizeof(array), sizeof(array) - 1, RECSYS_OK                                    \
    }

void rs_buffer_init(struct rs_buffer *buffer, size_t max);
void rs_buffer_destroy(struct rs_buffer *buffer);
void rs_buffer_clear(struct rs_buffer *buffer); /* keeps the memory */
/* The same, but memory of more than `keep` bytes is given back. */
void rs_buffer_reset(struct rs_buffer *buffer, size_t keep);

/* A failure (E_NOMEM, E_LIMIT) is kept in `status`, so that the caller checks once, after the
 * last call. */
void rs_buffer_add(struct rs_buffer *buffer, const void *bytes, size_t size);
void rs_buffer_add_text(struct rs_buffer *buffer, const char *text);
void rs_buffer_format(struct rs_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for `size` more bytes behind those that are there; NULL after a failure. The caller
 * writes some of them and adds their number to buffer->size; no NUL is put behind them. */
char *rs_buffer_reserve(struct rs_buffer *buffer, size_t size);

#endif
