/* daemon/inference/inference_model.h - models as the Open Inference Protocol, version 2, sees them.
 *
 * A model is one of the named models; its input are ids of users, its output ids of items and their
 * scores. Errors are {"error":"…"}. Follows the REST part of
 * github.com/kserve/open-inference-protocol; the extension for binary tensors is not there.
 */
#ifndef RECSYSD_INFERENCE_MODEL_H
#define RECSYSD_INFERENCE_MODEL_H

#include <stdbool.h>

#include "daemon/http/request.h"
#include "daemon/recommend/choose.h"

/* Errors of paths that begin like this have the member "error" instead of "detail". */
#define RD_INFERENCE_PATHS "/v2"

/* Acquires the model that the path names; give it back with recsys_model_unref(). False: there is
 * no such model (404), no such version of it serves (404), or none does (503); answered. */
bool rd_inference_model(struct rd_request *request, struct rd_chosen *chosen);

/* "INT64" or "BYTES". */
const char *rd_inference_datatype(uint32_t id_kind);

/* Handlers; their part is struct rd_recommend. */
void rd_get_inference(struct rd_request *request);
void rd_get_inference_live(struct rd_request *request);
void rd_get_inference_ready(struct rd_request *request);
/* Of one model; the path may end with a version. */
void rd_get_inference_model(struct rd_request *request);
void rd_get_inference_model_ready(struct rd_request *request);

#endif
