/* daemon/inference/infer.h - the route that recommends by the Open Inference Protocol. */
#ifndef RECSYSD_INFER_H
#define RECSYSD_INFER_H

#include "daemon/http/request.h"
#include "daemon/http/shape.h"

/* Handler; its part is struct rd_recommend. The path may have a version. */
extern const struct rd_shape rd_infer_shape; /* infer_body.c */
void rd_post_infer(struct rd_request *request);

#endif
