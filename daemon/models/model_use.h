/* daemon/models/model_use.h - the model that a request is answered from. */
#ifndef RECSYSD_MODEL_USE_H
#define RECSYSD_MODEL_USE_H

#include <stdbool.h>

#include <recsys/deployment.h>
#include <recsys/model.h>

#include "daemon/http/request.h"

/* The model that serves now; give it back with recsys_model_unref(). False: there is none;
 * answered with 503. */
bool rd_model_acquire(struct rd_request *request, recsys_deployment *deployment,
                      recsys_model **model, recsys_model_info *info);

#endif
