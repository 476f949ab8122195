/* lib/base/utf8.h - check that bytes are UTF-8, count characters, skip a byte order mark. */
#ifndef RS_BASE_UTF8_H
#define RS_BASE_UTF8_H

#include <stddef.h>

/* 1 if `size` bytes are UTF-8 without NUL (RFC 3629: nothing overlong, no surrogates). */
int rs_utf8_is_valid(const char *text, size_t size);

/* How many texts of UTF-8, each followed by a NUL, fill `size` bytes; SIZE_MAX if they are no such
 * texts. */
size_t rs_utf8_count_texts(const char *bytes, size_t size);

/* Characters (code points) of a text that is. */
size_t rs_utf8_count(const char *text);

/* The bytes of the byte order mark at the beginning of a text: 3, or 0 if there is none. Every text
 * that comes from outside is read from behind it; elsewhere in a text it is a character. */
size_t rs_utf8_mark_size(const char *text, size_t size);

#endif
