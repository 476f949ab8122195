/* daemon/observe/metrics_page.h - the route for Prometheus. */
#ifndef RECSYSD_METRICS_PAGE_H
#define RECSYSD_METRICS_PAGE_H

#include "daemon/http/request.h"

void rd_get_metrics(struct rd_request *request); /* its part is struct rd_observed */

#endif
