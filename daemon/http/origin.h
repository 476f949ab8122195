/* daemon/http/origin.h - refuses changes that a page of another origin asks for. */
#ifndef RECSYSD_ORIGIN_H
#define RECSYSD_ORIGIN_H

#include <stdbool.h>

#include "daemon/http/request.h"

/* False: the request would change something, and another page sent it; answered with 403. */
bool rd_origin_check(struct rd_request *request);

#endif
