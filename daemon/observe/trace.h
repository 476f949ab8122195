/* daemon/observe/trace.h - the routes that show and choose which components are traced. */
#ifndef RECSYSD_TRACE_H
#define RECSYSD_TRACE_H

#include "daemon/http/request.h"
#include "daemon/http/shape.h"

/* Handlers; they need no part. */
extern const struct rd_shape rd_trace_shape;
void rd_get_trace(struct rd_request *request);
void rd_put_trace(struct rd_request *request);

#endif
