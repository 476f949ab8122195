/* lib/model/code_sample.h - whether integer codes tell a model's items apart. */
#ifndef RS_MODEL_CODE_SAMPLE_H
#define RS_MODEL_CODE_SAMPLE_H

#include "lib/model/model.h"
#include "recsys/status.h"

/* The share of items, 0 to 1, that a scan would still have to score exactly after it has seen
 * their codes: estimated with some of the model's users (its items, where it has no users)
 * against some of its blocks. Codes are made for these blocks alone. */
recsys_status rs_code_sample(const struct recsys_model *model, double *share, recsys_error *err);

#endif
