/* lib/base/utf8.h - check that bytes are UTF-8, and count characters. */
#ifndef RS_BASE_UTF8_H
#define RS_BASE_UTF8_H

#include <stddef.h>

/* 1 if `size` bytes are UTF-8 without NUL (RFC 3629: nothing overlong, no surrogates). */
int rs_utf8_is_valid(const char *text, size_t size);

/* Characters (code points) of a text that is. */
size_t rs_utf8_count(const char *text);

#endif
