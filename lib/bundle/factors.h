/* lib/bundle/factors.h - what a file without factors is told. */
#ifndef RS_BUNDLE_FACTORS_H
#define RS_BUNDLE_FACTORS_H

#include "lib/formats/tensors.h"
#include "recsys/status.h"

/* E_FORMAT: `file` has no tensor `name`. Says which arrays it has and, unless the file is a
 * bundle's, how to import them. */
recsys_status rs_factors_missing(const struct rs_tensors *tensors, const char *file,
                                 const char *name, int is_bundle, recsys_error *err);

#endif
