/* daemon/openapi/document.h - writes openapi.json from the tables that route and validate. */
#ifndef RECSYSD_DOCUMENT_H
#define RECSYSD_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/route.h"
#include "lib/base/lock.h"

/* SYNCHRONIZED: the thread that asks first makes the document. */
struct rd_openapi {
    const struct rd_route *routes; /* BORROWED */
    size_t n_routes;
    const char *error_paths; /* as in daemon/http/settings.h */
    bool is_open;
    struct rs_lock lock;
    char *text; /* NULL: not made yet */
};

/* False: there is not enough memory. */
bool rd_openapi_open(struct rd_openapi *openapi, const struct rd_route *routes, size_t n_routes,
                     const char *error_paths);
void rd_openapi_close(struct rd_openapi *openapi);
/* The document, BORROWED. NULL: there is not enough memory. */
const char *rd_openapi_get(struct rd_openapi *openapi);

#endif
