/* daemon/http/router.c - finds the row of a table that fits a request.
 *
 * If only rows with other methods fit, the reply is 405 with Allow. OPTIONS is answered here, also
 * a browser's preflight.
 */
#include "daemon/http/router.h"

#include <stdio.h>
#include <string.h>

#include "daemon/http/cors.h"
#include "daemon/http/reply.h"
#include "daemon/http/url.h"

/*
 * Does `path` fit the template? A {…} matches one segment that is not empty; *param is this
 * segment, still encoded.
 */
static bool fits(const char *template, const char *path, const char **param, size_t *param_size)
{
    *param = NULL;
    *param_size = 0;
    while (*template != '\0') {
        if (*template == '{') {
            *param = path;
            *param_size = strcspn(path, "/");
            if (*param_size == 0)
                return false;
            path += *param_size;
            template += strcspn(template, "}") + 1;
        } else if (*template ++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

static void allow(struct rd_request *request, const char *method)
{
    size_t size = strlen(request->allow);
    const char *more = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;

    if (strstr(request->allow, method) == NULL)
        (void)snprintf(request->allow + size, sizeof request->allow - size, "%s%s",
                       size > 0 ? ", " : "", more);
}

/* Sets request->route, even if only the method is wrong, so that the metrics know the template. */
static bool find(struct rd_request *request, const struct rd_route *routes, size_t n_routes,
                 bool (*is_here)(const struct rd_route *route, const struct rd_request *request))
{
    const char *path = request->head->path, *param;
    const struct rd_route *other = NULL;
    size_t size;

    for (const struct rd_route *route = routes; route < routes + n_routes; route++) {
        if (!fits(route->path, path, &param, &size) || !is_here(route, request))
            continue;
        if (strcmp(route->method, request->method) == 0) {
            request->route = route;
            request->allow[0] = '\0';
            if (param != NULL && !rd_url_decode(param, size, request->param, sizeof request->param))
                return rd_reply_error(request, 400, "Malformed path");
            return true;
        }
        if (other == NULL)
            other = route;
        allow(request, route->method);
    }
    if (other == NULL)
        return rd_reply_error(request, 404, "Not Found");
    request->route = other;
    return true;
}

/* OPTIONS, a preflight, or a method that the path does not have. */
static bool answer_other_methods(struct rd_request *request)
{
    const struct rd_headers *headers = &request->headers;

    if (strcmp(request->route->method, request->method) == 0)
        return true;
    if (strcmp(request->method, "OPTIONS") != 0)
        return rd_reply_error(request, 405, "Method Not Allowed");
    request->preflight = headers->origin != NULL && headers->cors_method != NULL;
    if (request->preflight && !rd_cors_allows(request, headers->origin))
        return rd_reply_error(request, 400, "Disallowed CORS origin");
    rd_request_clear_output(request);
    request->status = 204;
    return false;
}

bool rd_router_find(struct rd_request *request, const struct rd_route *routes, size_t n_routes,
                    bool (*is_here)(const struct rd_route *route, const struct rd_request *request))
{
    return find(request, routes, n_routes, is_here) && answer_other_methods(request);
}
