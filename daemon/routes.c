/* daemon/routes.c - the route table and the way of a request through it.
 *
 * Every request takes the same steps: framing, route, method, caller, limit,
 * body, handler, reply. A step that finds something wrong writes the reply itself
 * and the rest is left out. civetweb's own file serving, authentication and
 * CORS are never reached, because we answer whatever comes.
 *
 * Runs on civetweb's worker threads, one request at a time on each.
 */
#include "daemon/routes.h"

#include <string.h>
#include <strings.h>

#include "daemon/auth/limit.h"
#include "daemon/http/reply.h"

/* clang-format off */
const struct rd_route rd_routes[] = {
    {"GET",  "/",                                    rd_get_root,            0},
    {"GET",  "/health",                              rd_get_health,          0},
    {"GET",  "/health/live",                         rd_get_live,            0},
    {"GET",  "/health/ready",                        rd_get_ready,           0},
    {"GET",  "/metrics",                             rd_get_metrics,         0},
    {"GET",  "/openapi.json",                        rd_get_openapi,         RD_ROUTE_NOT_IN_PRODUCTION},
    {"GET",  "/docs",                                rd_get_docs,            RD_ROUTE_NOT_IN_PRODUCTION},
    {"GET",  "/docs.js",                             rd_get_docs_script,     RD_ROUTE_NOT_IN_PRODUCTION},
    {"POST", "/api/v1/predict",                      rd_post_predict,        RD_ROUTE_KEY | RD_ROUTE_BODY},
    {"POST", "/api/v1/batch-predict",                rd_post_batch,          RD_ROUTE_KEY | RD_ROUTE_BODY},
    {"GET",  "/api/v1/recommendations/{user_id}",    rd_get_recommendations, RD_ROUTE_KEY},
    {"GET",  "/api/v1/similar/{item_id}",            rd_get_similar,         RD_ROUTE_KEY},
    {"GET",  "/api/v1/models",                       rd_get_models,          RD_ROUTE_KEY},
    {"GET",  "/api/v1/models/current",               rd_get_current,         RD_ROUTE_KEY},
    {"POST", "/api/v1/models/load",                  rd_post_load,           RD_ROUTE_ADMIN | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
    {"POST", "/api/v1/models/use",                   rd_post_use,            RD_ROUTE_ADMIN | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
    {"POST", "/api/v1/models/rollback",              rd_post_rollback,       RD_ROUTE_ADMIN | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
    {"POST", "/api/v1/models/reload",                rd_post_reload,         RD_ROUTE_ADMIN | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
    {"GET",  "/api/v1/profile/{user_id}",            rd_get_profile,         RD_ROUTE_KEY | RD_ROUTE_OWN},
    {"PUT",  "/api/v1/profile/{user_id}",            rd_put_profile,         RD_ROUTE_KEY | RD_ROUTE_OWN | RD_ROUTE_BODY},
    {"GET",  "/api/v1/activity/{user_id}",           rd_get_activity,        RD_ROUTE_KEY | RD_ROUTE_OWN},
    {"GET",  "/api/v1/character/{user_id}",          rd_get_character,       RD_ROUTE_KEY | RD_ROUTE_OWN},
    {"POST", "/api/v1/character/{user_id}/exp",      rd_post_exp,            RD_ROUTE_KEY | RD_ROUTE_OWN | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
    {"GET",  "/api/v1/character/{user_id}/missions", rd_get_missions,        RD_ROUTE_KEY | RD_ROUTE_OWN},
    {"GET",  "/api/v1/centers/nearby",               rd_get_nearby,          RD_ROUTE_KEY},
    {"GET",  "/api/v1/centers/{id}",                 rd_get_center,          RD_ROUTE_KEY},
    {"GET",  "/api/v1/guides",                       rd_get_guides,          RD_ROUTE_KEY},
    {"GET",  "/api/v1/guides/{category}",            rd_get_guide,           RD_ROUTE_KEY},
    {"GET",  "/api/v1/search",                       rd_get_search,          RD_ROUTE_KEY},
    {"GET",  "/api/v1/chat/history/{user_id}",       rd_get_chat,            RD_ROUTE_KEY | RD_ROUTE_OWN},
    {"POST", "/api/v1/chat/{user_id}",               rd_post_chat,           RD_ROUTE_KEY | RD_ROUTE_OWN | RD_ROUTE_BODY},
    {"GET",  "/api/v1/scan/{task_id}",               rd_get_scan,            RD_ROUTE_KEY},
    {"GET",  "/api/v1/scan/history/{user_id}",       rd_get_scans,           RD_ROUTE_KEY | RD_ROUTE_OWN},
    {"GET",  "/api/v1/tasks/{task_id}",              rd_get_task,            RD_ROUTE_KEY},
    {"POST", "/api/v1/auth/revoke",                  rd_post_revoke,         RD_ROUTE_KEY | RD_ROUTE_AUTH | RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY},
    {"GET",  "/api/v1/auth/revoked/{jti}",           rd_get_revoked,         RD_ROUTE_KEY | RD_ROUTE_AUTH},
};
/* clang-format on */
const size_t rd_n_routes = sizeof rd_routes / sizeof rd_routes[0];

_Static_assert(sizeof rd_routes / sizeof rd_routes[0] < RD_METRIC_ROUTES,
               "the metrics have no room for more routes");

size_t rd_route_number(const struct rd_route *route)
{
    return route != NULL ? (size_t)(route - rd_routes) : rd_n_routes;
}

/*
 * Does `path` fit the template? A {…} takes one segment that is not empty; what
 * it took, still encoded, is at *param.
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

static bool hidden(const struct rd_request *request, const struct rd_route *route)
{
    return (route->flags & RD_ROUTE_NOT_IN_PRODUCTION) != 0 && request->app->config.env == 1;
}

/* Sets request->route, even if only the method is wrong, so that the metrics know the template. */
static bool find_route(struct rd_request *request)
{
    const char *path = request->info->local_uri_raw, *param;
    const struct rd_route *other = NULL;
    size_t size;

    for (size_t i = 0; i < rd_n_routes; i++) {
        const struct rd_route *route = &rd_routes[i];

        if (!fits(route->path, path, &param, &size) || hidden(request, route))
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

/* Routes under a user's name are for that user. */
static bool check_owner(struct rd_request *request)
{
    return (request->route->flags & RD_ROUTE_OWN) == 0 || rd_caller_may(request, request->param);
}

int rd_serve(struct mg_connection *conn)
{
    struct rd_request request;

    rd_request_begin(&request, conn);
    atomic_fetch_add_explicit(&request.app->active, 1u, memory_order_relaxed);
    rs_buffer_reset(&request.worker->body, 65536);
    if (rd_request_check(&request) && find_route(&request) && answer_other_methods(&request) &&
        rd_caller_check(&request) && rd_limit_check(&request) && check_owner(&request) &&
        read_body(&request)) {
        request.route->handler(&request);
    }
    rd_reply_send(&request);
    rd_incoming_end(&request.worker->incoming, rd_request_length(&request));
    atomic_fetch_sub_explicit(&request.app->active, 1u, memory_order_release);
    return request.status;
}
