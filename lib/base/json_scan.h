/* lib/base/json_scan.h - check whether text is a JSON value, and find its end (RFC 8259).
 *
 * The text is only checked, so numbers of any size, repeated keys and \u0000 are well-formed.
 */
#ifndef RS_BASE_JSON_SCAN_H
#define RS_BASE_JSON_SCAN_H

#include <stddef.h>

/* 1 if UTF-8 text is exactly one JSON value, or one JSON number. */
int rs_json_is_valid(const char *text, size_t size);
int rs_json_is_number(const char *text, size_t size);

/* The end of the value that begins at `at`, of the string that begins there, or of the
 * white space that does. NULL: there is no value, or no string. */
const char *rs_json_skip_value(const char *at, const char *end);
const char *rs_json_skip_string(const char *at, const char *end);
const char *rs_json_skip_blank(const char *at, const char *end);

#endif
