/* daemon/models/model_use.h - the model that a request is answered from. */
#ifndef RECSYSD_MODEL_USE_H
#define RECSYSD_MODEL_USE_H

#include <stdbool.h>

#include <recsys/deployment.h>
#include <recsys/model.h>

#include "daemon/http/request.h"
#include "daemon/http/shape.h"
#include "daemon/traffic/traffic.h"

#define RD_MODEL_MEMBER(is_needed)                                                                 \
    {                                                                                              \
        .name = "model", .type = RD_TYPE_TEXT, .flags = (is_needed), .min = 1,                     \
        .max = RD_MODEL_NAME_MAX                                                                   \
    }
/* The member or parameter "model", which may be left out. */
extern const struct rd_shape rd_model_shape;

/* The one that serves at this place now; give it back with recsys_model_unref(). False: there is
 * none; answered with 503. */
bool rd_model_acquire(struct rd_request *request, const struct rd_named_model *named,
                      recsys_model **model, recsys_model_info *info);

/*
 * The place of the model that the request names: by the member "model" of its body if that has been
 * parsed, else by the query's parameter. *place stays as it is if it names none. False: there is no
 * such model; answered with 422.
 */
bool rd_model_named(struct rd_request *request, const struct rd_named_models *named, size_t *place);

/* As a request is answered that concerns no user: by the model that it names, else by the default
 * one. */
bool rd_model_find(struct rd_request *request, struct rd_traffic *traffic, size_t *place);

#endif
