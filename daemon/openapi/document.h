/* daemon/openapi/document.h - writes openapi.json from the tables that route and validate.
 *
 * There are two: at the addresses of health_listen it has the routes of operators, and at the
 * others those of clients. Without health_listen every address has them all.
 */
#ifndef RECSYSD_DOCUMENT_H
#define RECSYSD_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/request.h"
#include "daemon/http/route.h"
#include "lib/base/lock.h"

/* SYNCHRONIZED: the thread that asks first makes the document. */
struct rd_openapi {
    const struct rd_route *routes; /* BORROWED */
    size_t n_routes;
    /* Does the address that the request came to have the route? */
    bool (*is_here)(const struct rd_route *route, const struct rd_request *request);
    const char *error_paths; /* as in daemon/http/settings.h */
    bool is_open;
    struct rs_lock lock;
    char *texts[2]; /* for clients, for operators; NULL: not made yet */
};

/* False: there is not enough memory. */
bool rd_openapi_open(struct rd_openapi *openapi, const struct rd_route *routes, size_t n_routes,
                     bool (*is_here)(const struct rd_route *route,
                                     const struct rd_request *request),
                     const char *error_paths);
void rd_openapi_close(struct rd_openapi *openapi);
/* The document of the address that the request came to, BORROWED. NULL: there is not enough memory.
 */
const char *rd_openapi_get(struct rd_openapi *openapi, const struct rd_request *request);

#endif
