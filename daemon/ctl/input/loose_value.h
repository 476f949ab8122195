/* daemon/ctl/input/loose_value.h - a value as tables and dumps write it: 1995, 1995.0 and "1995"
 * are one year; null, NaN and an empty field are no value. */
#ifndef RECSYSCTL_LOOSE_VALUE_H
#define RECSYSCTL_LOOSE_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text without a character, or the \N of databases. */
bool ctl_is_blank(const char *text);
/* No value at all: NULL, null, blank text, or NaN, None, NA and the like as text. */
bool ctl_is_no_value(const json_t *value);

/* False if the value is something else. */
bool ctl_to_integer(const json_t *value, int64_t *out);
bool ctl_to_real(const json_t *value, double *out);
bool ctl_to_boolean(const json_t *value, bool *out);

/* Text without the blanks around it; a number as text, in `room` bytes if need be. NULL if the
 * value is neither. `*size` is its length; there need be no NUL behind it. */
const char *ctl_to_text(const json_t *value, char *space, size_t room, size_t *size);

/* Write the value into a message: "maybe", 7.5, a list. */
const char *ctl_show_value(const json_t *value, char *space, size_t room);

#endif
