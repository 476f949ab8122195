/* lib/base/text.h - trim, append, compare and lower-case UTF-8 text. */
#ifndef RS_BASE_TEXT_H
#define RS_BASE_TEXT_H

#include <stddef.h>

/* Remove a character that was cut in two at the end of `text`. */
void rs_text_trim(char *text);

/* Append to `text`, which has room for `room` bytes; cut if it does not fit. */
void rs_text_append(char *text, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* 1 if equal but for the case of ASCII letters. */
int rs_text_equal(const char *a, const char *b);

/* Copy with ASCII letters in lower case; 0 if it does not fit. */
int rs_text_lower(const char *text, char *out, size_t room);

#endif
