/* daemon/http/router.h - finds the route of a request. */
#ifndef RECSYSD_ROUTER_H
#define RECSYSD_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/request.h"

/*
 * Sets request->route and request->param. Only rows exist for which `is_here` says so. False:
 * answered, with 204 for OPTIONS, else with 4xx.
 */
bool rd_router_find(struct rd_request *request, const struct rd_route *routes, size_t n_routes,
                    bool (*is_here)(const struct rd_route *route,
                                    const struct rd_request *request));

#endif
