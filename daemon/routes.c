/* daemon/routes.c - the route table and the way of a request through it.
 *
 * Every request takes the same steps: framing, route, method, key, body,
 * handler, reply. A step that finds something wrong writes the reply itself
 * and the rest is left out. civetweb's own file serving, authentication and
 * CORS are never reached, because we answer whatever comes.
 *
 * Runs on civetweb's worker threads, one request at a time on each.
 */
#include "daemon/routes.h"

#include <string.h>
#include <strings.h>

#include "daemon/reply.h"

/* clang-format off */
const struct rd_route rd_routes[] = {
    {"GET",  "/",                                 rd_get_root,            0},
    {"GET",  "/health",                           rd_get_health,          0},
    {"GET",  "/health/live",                      rd_get_live,            0},
    {"GET",  "/health/ready",                     rd_get_ready,           0},
    {"GET",  "/metrics",                          rd_get_metrics,         0},
    {"GET",  "/openapi.json",                     rd_get_openapi,         RD_ROUTE_NOT_IN_PRODUCTION},
    {"POST", "/api/v1/predict",                   rd_post_predict,        RD_ROUTE_KEY | RD_ROUTE_BODY},
    {"POST", "/api/v1/batch-predict",             rd_post_batch,          RD_ROUTE_KEY | RD_ROUTE_BODY},
    {"GET",  "/api/v1/recommendations/{user_id}", rd_get_recommendations, RD_ROUTE_KEY},
    {"GET",  "/api/v1/similar/{item_id}",         rd_get_similar,         RD_ROUTE_KEY},
    {"GET",  "/api/v1/models",                    rd_get_models,          RD_ROUTE_KEY},
    {"GET",  "/api/v1/models/current",            rd_get_current,         RD_ROUTE_KEY},
    {"POST", "/api/v1/models/load",               rd_post_load,           RD_ROUTE_ADMIN | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
    {"POST", "/api/v1/models/use",                rd_post_use,            RD_ROUTE_ADMIN | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
    {"POST", "/api/v1/models/rollback",           rd_post_rollback,       RD_ROUTE_ADMIN | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
    {"POST", "/api/v1/models/reload",             rd_post_reload,         RD_ROUTE_ADMIN | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
};
/* clang-format on */
const size_t rd_n_routes = sizeof rd_routes / sizeof rd_routes[0];

_Static_assert(sizeof rd_routes / sizeof rd_routes[0] < RD_METRIC_ROUTES,
               "the metrics have no room for more routes");

size_t rd_route_number(const struct rd_route *route)
{
    return route != NULL ? (size_t)(route - rd_routes) : rd_n_routes;
}

/* Does `path` fit the template? The segment in its braces, still encoded, is at *param. */
static bool fits(const char *template, const char *path, const char **param)
{
    size_t fixed = strcspn(template, "{");

    *param = NULL;
    if (template[fixed] == '\0')
        return strcmp(template, path) == 0;
    if (strncmp(template, path, fixed) != 0 || path[fixed] == '\0' ||
        strchr(path + fixed, '/') != NULL)
        return false;
    *param = path + fixed;
    return true;
}

static void allow(struct rd_request *request, const char *method)
{
    size_t size = strlen(request->allow);
    const char *more = strcmp(method, "GET") == 0 ? "GET, HEAD" : method;

    if (strstr(request->allow, method) == NULL)
        (void)snprintf(request->allow + size, sizeof request->allow - size, "%s%s",
                       size > 0 ? ", " : "", more);
}

static bool hidden(const struct rd_request *request, const struct rd_route *route)
{
    return (route->flags & RD_ROUTE_NOT_IN_PRODUCTION) != 0 && request->app->config.env == 1;
}

/* Sets request->route, even if only the method is wrong, so that the metrics know the template. */
static bool find_route(struct rd_request *request)
{
    const char *path = request->info->local_uri_raw, *param = NULL;
    const struct rd_route *other = NULL;

    for (size_t i = 0; i < rd_n_routes; i++) {
        const struct rd_route *route = &rd_routes[i];

        if (!fits(route->path, path, &param) || hidden(request, route))
            continue;
        if (strcmp(route->method, request->method) == 0) {
            request->route = route;
            if (param != NULL &&
                !rd_url_decode(param, strlen(param), request->param, sizeof request->param))
                return rd_reply_error(request, 400, "Malformed path");
            return true;
        }
        other = route;
        allow(request, route->method);
    }
    if (other == NULL)
        return rd_reply_error(request, 404, "Not Found");
    request->route = other;
    return true;
}

/* OPTIONS, a browser's question before a call from another origin, or a method we do not have. */
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
    rd_reply_clear(request);
    request->status = 204;
    return false;
}

static const char *bearer(const struct rd_headers *headers)
{
    const char *value = headers->authorization;

    if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0)
        return NULL;
    return value + 7 + strspn(value + 7, " ");
}

static bool check_admin(struct rd_request *request)
{
    const struct rd_auth *auth = &request->app->auth;
    const char *token = request->headers.admin_token;

    if (!auth->has_admin)
        return rd_reply_error(request, 403,
                              "Changing models is switched off: set admin_token_file, or "
                              "RECSYSD_ADMIN_TOKEN, to switch it on");
    if (token == NULL)
        token = bearer(&request->headers);
    if (token == NULL)
        return rd_reply_error(request, 401, "Admin token required");
    return rd_auth_is_admin(auth, token) || rd_reply_error(request, 403, "Wrong admin token");
}

static bool check_key(struct rd_request *request)
{
    const struct rd_auth *auth = &request->app->auth;
    const char *key = request->headers.api_key;

    if (request->route->flags & RD_ROUTE_ADMIN)
        return check_admin(request);
    if ((request->route->flags & RD_ROUTE_KEY) == 0 || auth->n_keys == 0)
        return true;
    if (key == NULL)
        key = bearer(&request->headers);
    if (key == NULL)
        return rd_reply_error(request, 401, "API key required");
    return rd_auth_is_key(auth, key) || rd_auth_is_admin(auth, key) ||
           rd_reply_error(request, 401, "Invalid API key");
}

static bool is_json(const char *content_type)
{
    size_t size = strcspn(content_type, "; \t");

    return (size == 16 && strncasecmp(content_type, "application/json", 16) == 0) ||
           (size > 17 && strncasecmp(content_type, "application/", 12) == 0 &&
            strncasecmp(content_type + size - 5, "+json", 5) == 0);
}

static bool read_body(struct rd_request *request)
{
    const struct rd_headers *headers = &request->headers;
    unsigned flags = request->route->flags;

    if ((flags & RD_ROUTE_BODY) == 0)
        return true;
    if (headers->content_type != NULL && headers->content_type[0] != '\0' &&
        !is_json(headers->content_type))
        return rd_reply_error(request, 415, "Content-Type must be application/json");
    if ((flags & RD_ROUTE_MAY_BE_EMPTY) != 0 && headers->content_length == NULL &&
        headers->transfer_encoding == NULL)
        return true;
    return rd_request_read_body(request);
}

int rd_serve(struct mg_connection *conn)
{
    struct rd_request request;

    rd_request_begin(&request, conn);
    atomic_fetch_add_explicit(&request.app->active, 1u, memory_order_relaxed);
    rd_text_reset(&request.worker->body, 65536);
    if (rd_request_check(&request) && find_route(&request) && answer_other_methods(&request) &&
        check_key(&request) && read_body(&request)) {
        request.allow[0] = '\0';
        request.route->handler(&request);
    }
    rd_reply_send(&request);
    atomic_fetch_sub_explicit(&request.app->active, 1u, memory_order_release);
    return request.status;
}
