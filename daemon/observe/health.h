/* daemon/observe/health.h - the routes for probes and for a first look. */
#ifndef RECSYSD_HEALTH_H
#define RECSYSD_HEALTH_H

#include "daemon/http/request.h"

/* Handlers; their part is struct rd_observed. */
void rd_get_root(struct rd_request *request);
void rd_get_health(struct rd_request *request);
void rd_get_live(struct rd_request *request);
void rd_get_ready(struct rd_request *request);

#endif
