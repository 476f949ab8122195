/* lib/base/hex.h - bytes as hexadecimal digits, and back. */
#ifndef RS_BASE_HEX_H
#define RS_BASE_HEX_H

#include <stddef.h>

/* The value of a digit of either case; -1 if `c` is none. */
int rs_hex_digit(char c);

/* Two lower-case digits for each byte, and a NUL. */
void rs_hex_write(const void *bytes, size_t size, char *out);

#endif
