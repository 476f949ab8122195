/* lib/builder/part_names.h - which part of a model an array of another program is, by its name. */
#ifndef RS_BUILDER_PART_NAMES_H
#define RS_BUILDER_PART_NAMES_H

#include "lib/builder/parts.h"

/* Beside the parts of a model: */
enum {
    RS_NAMED_MEAN = RS_N_PARTS, /* the global mean of the ratings */
    RS_NAMED_SCALE,             /* their smallest and largest value */
    RS_N_NAMED
};

/* RS_PART_* or RS_NAMED_*; -1 if the name says nothing. The model's own names are not looked for.
 */
int rs_part_of_name(const char *name);

#endif
