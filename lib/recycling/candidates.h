/* lib/recycling/candidates.h - the cached value of a cell: every centre that may be near one of
 * its points. */
#ifndef RS_RECYCLING_CANDIDATES_H
#define RS_RECYCLING_CANDIDATES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "lib/base/json_span.h"
#include "recsys/source.h"

#define RS_CANDIDATES_MAX 200u

struct rs_candidate {
    int64_t id;
    double latitude, longitude;
    double from_middle;  /* metres from the cell's middle; ascending in a list */
    struct rs_span text; /* the centre as a JSON object; BORROWED from the cached value */
};

struct rs_candidates {
    struct rs_candidate *items; /* for rs_free() */
    size_t n;
    double complete_m; /* the list has every centre that is nearer to the middle than this */
};

/* Write the rows of location.nearby's query. They have one row more than RS_CANDIDATES_MAX if
 * there are more centres; `searched_m` is the radius of the query. */
recsys_status rs_candidates_format(const recsys_rows *rows, double searched_m,
                                   struct rs_buffer *out, recsys_error *err);

/* The text that the design's services keep under the key: the list of the nearest `max` within `radius_m` of
 * the cell's middle, each with its distance from there. */
recsys_status rs_candidates_format_shown(const recsys_rows *rows, size_t max, double radius_m,
                                         recsys_value *out, recsys_error *err);

/* E_FORMAT if it is not what rs_candidates_format() wrote. */
recsys_status rs_candidates_read(const char *bytes, size_t size, struct rs_candidates *out,
                                 recsys_error *err);

#endif
