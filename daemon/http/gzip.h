/* daemon/http/gzip.h - compressed replies. */
#ifndef RECSYSD_GZIP_H
#define RECSYSD_GZIP_H

#include <stdbool.h>

#include "daemon/http/request.h"

/* Does this Accept-Encoding header (or NULL) allow gzip? */
bool rd_gzip_accepted(const char *accept_encoding);
/* Compress the body in request->out into worker->packed. False if that is not worth it. */
bool rd_gzip(struct rd_request *request);
void rd_gzip_free(struct rd_worker *worker);

#endif
