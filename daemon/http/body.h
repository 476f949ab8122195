/* daemon/http/body.h - the body of a request. */
#ifndef RECSYSD_BODY_H
#define RECSYSD_BODY_H

#include <stdbool.h>

#include "daemon/http/problems.h"
#include "daemon/http/request.h"

/* Read all of it into worker->body, if the route has one. False: answered with 4xx. */
bool rd_body_read(struct rd_request *request);

/* Parse it: request->json becomes an object, or there is a problem (and request->json may be
 * another value). */
bool rd_body_parse(struct rd_request *request, struct rd_problems *problems);

#endif
