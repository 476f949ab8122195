/* lib/builder/known_sources.h - what the libraries that train models mean by a score.
 *
 * docs/models.md has the same table in words.
 */
#ifndef RS_BUILDER_KNOWN_SOURCES_H
#define RS_BUILDER_KNOWN_SOURCES_H

#include <stdint.h>

#include "lib/formats/tensors.h"

struct rs_known_source {
    const char *name;          /* as recsys_builder_set_field("source") takes it */
    const char *algorithm;     /* "" if the library has several, or none */
    const char *marks[3];      /* arrays by whose names a file of it is recognised; or NULL */
    uint32_t metric;           /* RECSYS_METRIC_* */
    uint32_t link;             /* RECSYS_LINK_*, if no rating scale is known */
    double link_min, link_max; /* for RECSYS_LINK_LINEAR */
    const char *why;           /* of the link, in the list of choices */
};

/* NULL if there is none of this name. `algorithm` chooses between several of one name. */
const struct rs_known_source *rs_known_source_find(const char *name, const char *algorithm);
/* The source whose marks `tensors` has; NULL if there is none. */
const struct rs_known_source *rs_known_source_recognise(const struct rs_tensors *tensors);
/* "implicit, lightfm, ...": for a message. Static. */
const char *rs_known_source_names(void);

#endif
