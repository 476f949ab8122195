/* lib/base/json_span.h - find elements and members in JSON text without making values of them.
 *
 * No byte outside the text is read, whatever the text is. E_FORMAT if the part that was read is not
 * JSON.
 */
#ifndef RS_BASE_JSON_SPAN_H
#define RS_BASE_JSON_SPAN_H

#include <stddef.h>

#include "recsys/status.h"

struct rs_span {
    const char *text;
    size_t size;
};

/* An array's elements, one after the other. */
struct rs_elements {
    const char *at, *end;
    int state; /* 0 before the first, 1 between two, 2 behind the last, -1 not an array */
};

void rs_elements_init(struct rs_elements *elements, const char *json, size_t size);
/* 1 and the next element, without white space around it; 0 if there is none. */
int rs_elements_next(struct rs_elements *elements, struct rs_span *out);

/* How many elements, and the length of the text up to the end of element
 * number `limit` (or of the last one if there are fewer). */
recsys_status rs_span_count(const char *json, size_t size, size_t limit, size_t *n, size_t *cut);

/* The value of the member `name` (plain ASCII) of an object; size 0 if it has none. */
recsys_status rs_span_member(const char *json, size_t size, const char *name, struct rs_span *out);

#endif
