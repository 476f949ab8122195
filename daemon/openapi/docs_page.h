/* daemon/openapi/docs_page.h - the routes that describe the other routes. */
#ifndef RECSYSD_DOCS_PAGE_H
#define RECSYSD_DOCS_PAGE_H

#include "daemon/http/request.h"

void rd_get_openapi(struct rd_request *request);
/* The page, or what it loads: {file} of /docs/{file}. */
void rd_get_docs(struct rd_request *request);

#endif
