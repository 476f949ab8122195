/* lib/model/touch.h - have the pages of a model in memory. */
#ifndef RS_MODEL_TOUCH_H
#define RS_MODEL_TOUCH_H

#include <stdint.h>

#include "recsys/model.h"

/* Read one byte of every page of the model's files and large arrays. Returns how many bytes these
 * pages have. Blocks on disk. */
uint64_t rs_model_touch(const recsys_model *model);

#endif
