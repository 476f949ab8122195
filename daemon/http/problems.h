/* daemon/http/problems.h - what is wrong with a request, in the form FastAPI's clients parse. */
#ifndef RECSYSD_PROBLEMS_H
#define RECSYSD_PROBLEMS_H

#include <stddef.h>

#include <jansson.h>

#include "lib/base/buffer.h"

#define RD_MAX_PROBLEMS 100u /* more are counted but not listed */

/* Where a value is: ["body","preferences","favorite_genres",0] is four of these, innermost first.
 */
struct rd_place {
    const struct rd_place *outer;
    const char *name; /* NULL: `number` counts */
    size_t number;
};

/* The outermost places. */
extern const struct rd_place rd_place_body, rd_place_query, rd_place_path;

struct rd_problems {
    struct rs_buffer *text; /* {"detail":[… is written here as it is found */
    size_t count;
};

/*
 * context  the members of pydantic's ctx, finished JSON such as "\"ge\":1"; NULL = none.
 * input    what was given; left out if it is large or NULL.
 */
void rd_problem_add(struct rd_problems *problems, const char *type, const struct rd_place *place,
                    const char *message, const json_t *input, const char *context);
/* Ends the list; call it once if count > 0. */
void rd_problems_end(struct rd_problems *problems);

#endif
