/* daemon/inference/infer_body.h - the body of infer, checked. */
#ifndef RECSYSD_INFER_BODY_H
#define RECSYSD_INFER_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include <recsys/model.h>
#include <recsys/recommend.h>

#include "daemon/http/request.h"
#include "daemon/recommend/predict_body.h"

enum rd_infer_output { RD_INFER_ITEM, RD_INFER_SCORE, RD_INFER_COUNT, RD_INFER_OUTPUTS };

extern const char *const rd_infer_output_names[RD_INFER_OUTPUTS];

/* Text is BORROWED from the request's JSON. */
struct rd_infer_body {
    const char *id; /* NULL: none */
    bool wanted[RD_INFER_OUTPUTS];
    size_t order[RD_INFER_OUTPUTS], n_outputs; /* as the client lists them */
};

/*
 * Reads the body for a model of this kind: the users into `predict`->users, and what the parameters
 * and the tensor "exclude" say into `predict`->request. False: answered with 400.
 */
bool rd_infer_body_read(struct rd_request *request, const recsys_model_info *info,
                        struct rd_predict_body *predict, struct rd_infer_body *body);

#endif
