/* daemon/ctl/input/genre_list.h - the genres of an item, however a file writes them. */
#ifndef RECSYSCTL_GENRE_LIST_H
#define RECSYSCTL_GENRE_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buffer.h"

/* Append ["Drama","Horror"] to `out`. `value` is a list of names or of objects with `name`; or
 * text: A|B, A,B, the same lists in JSON or as Python prints them, or an array of PostgreSQL.
 * `separators` are the characters that may divide the names in a text: the first one that is there
 * does. False: `problem` says why, and nothing was appended. */
bool ctl_put_genres(const json_t *value, const char *separators, struct rs_buffer *out,
                    char *problem, size_t room);

#endif
