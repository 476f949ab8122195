/* daemon/http/host.h - refuses requests to names that are not this server's. */
#ifndef RECSYSD_HOST_H
#define RECSYSD_HOST_H

#include <stdbool.h>

#include "daemon/http/request.h"

/* False: the request is for a name that is not served; answered with 403. */
bool rd_host_check(struct rd_request *request);

#endif
