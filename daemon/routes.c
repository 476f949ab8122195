/* daemon/routes.c - the route table and the steps that answer a request.
 *
 * Every request takes the same steps: framing (http/), route, method, origin, caller, limit, owner, body,
 * handler. A step that finds something wrong writes the reply, and the later steps are skipped.
 *
 * Runs on civetweb's worker threads, one request at a time on each.
 */
#include "daemon/routes.h"

#include "daemon/auth/caller.h"
#include "daemon/auth/limit.h"
#include "daemon/auth/revoke.h"
#include "daemon/domains/domains.h"
#include "daemon/feedback/feedback.h"
#include "daemon/http/body.h"
#include "daemon/http/origin.h"
#include "daemon/http/router.h"
#include "daemon/models/models.h"
#include "daemon/observe/health.h"
#include "daemon/observe/metrics_page.h"
#include "daemon/observe/trace.h"
#include "daemon/openapi/docs_page.h"
#include "daemon/recommend/recommend.h"

#define PART(name) offsetof(struct rd_app, name)

enum {
    KEY = RD_ACCESS_KEY,
    ADMIN = RD_ACCESS_ADMIN,
    OWN = RD_ACCESS_OWN,
    STRICT = RD_ACCESS_STRICT,
    BODY = RD_ROUTE_BODY,
    PERHAPS_BODY = RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY,
    NOT_IN_PRODUCTION = RD_ROUTE_NOT_IN_PRODUCTION
};

/* clang-format off */
const struct rd_route rd_routes[] = {
    {"GET",  "/",                                    rd_get_root,            PART(observed),  0,            0},
    {"GET",  "/health",                              rd_get_health,          PART(observed),  0,            0},
    {"GET",  "/health/live",                         rd_get_live,            PART(observed),  0,            0},
    {"GET",  "/health/ready",                        rd_get_ready,           PART(observed),  0,            0},
    {"GET",  "/metrics",                             rd_get_metrics,         PART(observed),  0,            0},
    {"GET",  "/openapi.json",                        rd_get_openapi,         PART(observed),  0,            NOT_IN_PRODUCTION},
    {"GET",  "/docs",                                rd_get_docs,            PART(observed),  0,            NOT_IN_PRODUCTION},
    {"GET",  "/docs.js",                             rd_get_docs_script,     PART(observed),  0,            NOT_IN_PRODUCTION},
    {"POST", "/api/v1/predict",                      rd_post_predict,        PART(recommend), KEY,          BODY},
    {"POST", "/api/v1/batch-predict",                rd_post_batch,          PART(recommend), KEY,          BODY},
    {"POST", "/api/v1/session-recommend",            rd_post_session,        PART(recommend), KEY,          BODY},
    {"GET",  "/api/v1/recommendations/{user_id}",    rd_get_recommendations, PART(recommend), KEY,          0},
    {"GET",  "/api/v1/similar/{item_id}",            rd_get_similar,         PART(recommend), KEY,          0},
    {"GET",  "/api/v1/models",                       rd_get_models,          PART(models),    KEY,          0},
    {"GET",  "/api/v1/models/current",               rd_get_current,         PART(models),    KEY,          0},
    {"POST", "/api/v1/models/load",                  rd_post_load,           PART(models),    ADMIN,        PERHAPS_BODY},
    {"POST", "/api/v1/models/use",                   rd_post_use,            PART(models),    ADMIN,        PERHAPS_BODY},
    {"POST", "/api/v1/models/rollback",              rd_post_rollback,       PART(models),    ADMIN,        PERHAPS_BODY},
    {"POST", "/api/v1/models/reload",                rd_post_reload,         PART(models),    ADMIN,        PERHAPS_BODY},
    {"GET",  "/api/v1/admin/trace",                  rd_get_trace,           PART(observed),  ADMIN,        0},
    {"PUT",  "/api/v1/admin/trace",                  rd_put_trace,           PART(observed),  ADMIN,        BODY},
    {"GET",  "/api/v1/profile/{user_id}",            rd_get_profile,         PART(domains),   KEY | OWN,    0},
    {"PUT",  "/api/v1/profile/{user_id}",            rd_put_profile,         PART(domains),   KEY | OWN,    BODY},
    {"GET",  "/api/v1/activity/{user_id}",           rd_get_activity,        PART(domains),   KEY | OWN,    0},
    {"GET",  "/api/v1/character/{user_id}",          rd_get_character,       PART(domains),   KEY | OWN,    0},
    {"POST", "/api/v1/character/{user_id}/exp",      rd_post_exp,            PART(domains),   KEY | OWN,    PERHAPS_BODY},
    {"GET",  "/api/v1/character/{user_id}/missions", rd_get_missions,        PART(domains),   KEY | OWN,    0},
    {"GET",  "/api/v1/centers/nearby",               rd_get_nearby,          PART(domains),   KEY,          0},
    {"GET",  "/api/v1/centers/{id}",                 rd_get_center,          PART(domains),   KEY,          0},
    {"GET",  "/api/v1/guides",                       rd_get_guides,          PART(domains),   KEY,          0},
    {"GET",  "/api/v1/guides/{category}",            rd_get_guide,           PART(domains),   KEY,          0},
    {"GET",  "/api/v1/search",                       rd_get_search,          PART(domains),   KEY,          0},
    {"GET",  "/api/v1/chat/history/{user_id}",       rd_get_chat,            PART(domains),   KEY | OWN,    0},
    {"POST", "/api/v1/chat/{user_id}",               rd_post_chat,           PART(domains),   KEY | OWN,    BODY},
    {"GET",  "/api/v1/scan/{task_id}",               rd_get_scan,            PART(domains),   KEY,          0},
    {"GET",  "/api/v1/scan/history/{user_id}",       rd_get_scans,           PART(domains),   KEY | OWN,    0},
    {"GET",  "/api/v1/tasks/{task_id}",              rd_get_task,            PART(domains),   KEY,          0},
    {"POST", "/api/v1/feedback",                     rd_post_feedback,       PART(feedback),  KEY,          BODY},
    {"GET",  "/api/v1/feedback",                     rd_get_feedback,        PART(feedback),  ADMIN,        0},
    {"POST", "/api/v1/auth/revoke",                  rd_post_revoke,         PART(auth),      KEY | STRICT, PERHAPS_BODY},
    {"GET",  "/api/v1/auth/revoked/{jti}",           rd_get_revoked,         PART(auth),      KEY | STRICT, 0},
};
/* clang-format on */
const size_t rd_n_routes = sizeof rd_routes / sizeof rd_routes[0];

_Static_assert(sizeof rd_routes / sizeof rd_routes[0] < RD_METRIC_ROUTES,
               "the metrics have no room for more routes");

void rd_answer(struct rd_request *request, void *user_data)
{
    struct rd_app *app = user_data;
    struct rd_caller caller = {0};

    recsys_log_set_request(request->id);
    request->caller = &caller;
    if (rd_router_find(request, rd_routes, rd_n_routes,
                       app->config.env == RD_PRODUCTION ? NOT_IN_PRODUCTION : 0) &&
        rd_origin_check(request) && rd_caller_check(request, &app->auth) && rd_limit_check(request, &app->auth, caller.key) &&
        rd_caller_check_owner(request) && rd_body_read(request)) {
        request->part = (char *)app + request->route->part;
        request->route->handler(request);
    }
    request->caller = NULL;
    recsys_log_set_request(NULL);
}
