/* daemon/http/cors.h - calls from pages of other origins. */
#ifndef RECSYSD_CORS_H
#define RECSYSD_CORS_H

#include <stdbool.h>

#include "daemon/http/request.h"

/* Is `origin` one of the configured ones? */
bool rd_cors_allows(const struct rd_request *request, const char *origin);
/* The headers for the origin that the request names. */
void rd_cors_put(struct rs_buffer *head, const struct rd_request *request);

#endif
