/* bundle.h - write a trained model as a bundle. */
#ifndef TRAIN_ALS_BUNDLE_H
#define TRAIN_ALS_BUNDLE_H

#include "als.h"
#include "movielens.h"
#include "quality.h"

void bundle_write(const char *path, const char *name, const struct movielens *data,
                  const struct sparse *by_user, const struct sparse *by_item,
                  const struct als_model *model, const struct als_options *options,
                  const struct quality *quality);

#endif
