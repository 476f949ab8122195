/* lib/aside/plain_key.h - keys in which the last value is as it is, for plain values that other
 * programs read. */
#ifndef RS_ASIDE_PLAIN_KEY_H
#define RS_ASIDE_PLAIN_KEY_H

#include "recsys/aside.h"

/* As recsys_key_format(), except that the last value is not encoded. */
recsys_status rs_key_format_plain(const char *pattern, const recsys_bytes *values, size_t n,
                                  char out[RECSYS_KEY_MAX + 1], size_t *size, recsys_error *err);

#endif
