/* daemon/routes.c - the route table and the steps that answer a request.
 *
 * Every request takes the same steps: framing (http/), route, method, origin, caller, limit, owner,
 * body, handler. A step that finds something wrong writes the reply, and the later steps are
 * skipped.
 *
 * Runs on worker threads: the steps before the body on one, the handler on that one or another.
 */
#include "daemon/routes.h"

#include <string.h>

#include "daemon/auth/caller.h"
#include "daemon/auth/limit.h"
#include "daemon/auth/revoke.h"
#include "daemon/console/console.h"
#include "daemon/domains/domains.h"
#include "daemon/feedback/feedback.h"
#include "daemon/http/body.h"
#include "daemon/http/host.h"
#include "daemon/http/origin.h"
#include "daemon/http/router.h"
#include "daemon/inference/infer.h"
#include "daemon/inference/inference_model.h"
#include "daemon/models/assignment.h"
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
    SIGNED = RD_ACCESS_SIGNED,
    BODY = RD_ROUTE_BODY,
    SMALL_BODY = RD_ROUTE_BODY | RD_ROUTE_SMALL_BODY,
    PERHAPS_BODY = RD_ROUTE_BODY | RD_ROUTE_MAY_BE_EMPTY,
    NOT_IN_PRODUCTION = RD_ROUTE_NOT_IN_PRODUCTION,
    OPERATORS = RD_ROUTE_OPERATORS,
    BOTH = RD_ROUTE_BOTH
};

/* clang-format off */
const struct rd_route rd_routes[] = {
    {"GET",  "/",                                                      rd_get_root,                   PART(observed),  0,             0,                  NULL, NULL},
    {"GET",  "/health",                                                rd_get_health,                 PART(observed),  0,             BOTH,               NULL, NULL},
    {"GET",  "/health/live",                                           rd_get_live,                   PART(observed),  0,             BOTH,               NULL, NULL},
    {"GET",  "/health/ready",                                          rd_get_ready,                  PART(observed),  0,             BOTH,               NULL, NULL},
    {"GET",  "/metrics",                                               rd_get_metrics,                PART(observed),  0,             OPERATORS,          NULL, NULL},
    {"GET",  "/openapi.json",                                          rd_get_openapi,                PART(openapi),   0,             BOTH | NOT_IN_PRODUCTION, NULL, NULL},
    {"GET",  "/docs",                                                  rd_get_docs,                   PART(observed),  0,             BOTH | NOT_IN_PRODUCTION, NULL, NULL},
    {"GET",  "/docs/{file}",                                           rd_get_docs,                   PART(observed),  0,             BOTH | NOT_IN_PRODUCTION, NULL, NULL},
    {"GET",  "/console",                                               rd_get_console,                PART(observed),  0,             OPERATORS | NOT_IN_PRODUCTION, NULL, NULL},
    {"GET",  "/console/{file}",                                        rd_get_console,                PART(observed),  0,             OPERATORS | NOT_IN_PRODUCTION, NULL, NULL},
    {"POST", "/api/v1/predict",                                        rd_post_predict,               PART(recommend), KEY,           BODY,               NULL, &rd_predict_shape},
    {"POST", "/api/v1/batch-predict",                                  rd_post_batch,                 PART(recommend), KEY,           BODY,               NULL, &rd_batch_shape},
    {"POST", "/api/v1/session-recommend",                              rd_post_session,               PART(recommend), KEY,           BODY,               NULL, &rd_session_shape},
    {"GET",  "/api/v1/recommendations/{user_id}",                      rd_get_recommendations,        PART(recommend), KEY,           0,                  &rd_recommendations_params, NULL},
    {"GET",  "/api/v1/similar/{item_id}",                              rd_get_similar,                PART(recommend), KEY,           0,                  &rd_similar_params, NULL},
    {"GET",  "/v2",                                                    rd_get_inference,              PART(recommend), KEY,           0,                  NULL, NULL},
    {"GET",  "/v2/health/live",                                        rd_get_inference_live,         PART(recommend), 0,             BOTH,               NULL, NULL},
    {"GET",  "/v2/health/ready",                                       rd_get_inference_ready,        PART(recommend), 0,             BOTH,               NULL, NULL},
    {"GET",  "/v2/models/{model}",                                     rd_get_inference_model,        PART(recommend), KEY,           0,                  NULL, NULL},
    {"GET",  "/v2/models/{model}/ready",                               rd_get_inference_model_ready,  PART(recommend), KEY,           0,                  NULL, NULL},
    {"POST", "/v2/models/{model}/infer",                               rd_post_infer,                 PART(recommend), KEY,           BODY,               NULL, &rd_infer_shape},
    {"GET",  "/v2/models/{model}/versions/{version}",                  rd_get_inference_model,        PART(recommend), KEY,           0,                  NULL, NULL},
    {"GET",  "/v2/models/{model}/versions/{version}/ready",            rd_get_inference_model_ready,  PART(recommend), KEY,           0,                  NULL, NULL},
    {"POST", "/v2/models/{model}/versions/{version}/infer",            rd_post_infer,                 PART(recommend), KEY,           BODY,               NULL, &rd_infer_shape},
    {"GET",  "/api/v1/models",                                         rd_get_models,                 PART(models),    KEY,           0,                  &rd_model_shape, NULL},
    {"GET",  "/api/v1/models/current",                                 rd_get_current,                PART(models),    KEY,           0,                  &rd_model_shape, NULL},
    {"POST", "/api/v1/models/load",                                    rd_post_load,                  PART(models),    ADMIN,         PERHAPS_BODY,       NULL, &rd_load_shape},
    {"POST", "/api/v1/models/use",                                     rd_post_use,                   PART(models),    ADMIN,         PERHAPS_BODY,       NULL, &rd_use_shape},
    {"POST", "/api/v1/models/rollback",                                rd_post_rollback,              PART(models),    ADMIN,         PERHAPS_BODY,       NULL, &rd_model_shape},
    {"POST", "/api/v1/models/reload",                                  rd_post_reload,                PART(models),    ADMIN,         PERHAPS_BODY,       NULL, &rd_model_shape},
    {"POST", "/api/v1/models/promote",                                 rd_post_promote,               PART(models),    ADMIN,         BODY,               NULL, &rd_promote_shape},
    {"POST", "/api/v1/models/withdraw",                                rd_post_withdraw,              PART(models),    ADMIN,         BODY,               NULL, &rd_withdraw_shape},
    {"GET",  "/api/v1/models/assignment",                              rd_get_assignment,             PART(models),    KEY,           0,                  NULL, NULL},
    {"PUT",  "/api/v1/models/assignment",                              rd_put_assignment,             PART(models),    ADMIN,         BODY,               NULL, &rd_assignment_shape},
    {"POST", "/api/v1/models/webhook",                                 rd_post_webhook,               PART(models),    SIGNED,        SMALL_BODY,         NULL, NULL},
    /* The console's, for health_listen: without it the rows above come first. */
    {"GET",  "/api/v1/models",                                         rd_get_models,                 PART(models),    ADMIN,         0,                  &rd_model_shape, NULL},
    {"GET",  "/api/v1/models/current",                                 rd_get_current,                PART(models),    ADMIN,         0,                  &rd_model_shape, NULL},
    {"POST", "/api/v1/predict",                                        rd_post_predict,               PART(recommend), ADMIN,         BODY,               NULL, &rd_predict_shape},
    {"GET",  "/api/v1/admin/trace",                                    rd_get_trace,                  PART(observed),  ADMIN,         0,                  NULL, NULL},
    {"PUT",  "/api/v1/admin/trace",                                    rd_put_trace,                  PART(observed),  ADMIN,         BODY,               NULL, &rd_trace_shape},
    {"GET",  "/api/v1/profile/{user_id}",                              rd_get_profile,                PART(domains),   KEY | OWN,     0,                  NULL, NULL},
    {"PUT",  "/api/v1/profile/{user_id}",                              rd_put_profile,                PART(domains),   KEY | OWN,     BODY,               NULL, &rd_profile_shape},
    {"GET",  "/api/v1/activity/{user_id}",                             rd_get_activity,               PART(domains),   KEY | OWN,     0,                  NULL, NULL},
    {"GET",  "/api/v1/character/{user_id}",                            rd_get_character,              PART(domains),   KEY | OWN,     0,                  NULL, NULL},
    {"POST", "/api/v1/character/{user_id}/exp",                        rd_post_exp,                   PART(domains),   KEY | OWN,     PERHAPS_BODY,       &rd_exp_params, &rd_exp_shape},
    {"GET",  "/api/v1/character/{user_id}/missions",                   rd_get_missions,               PART(domains),   KEY | OWN,     0,                  NULL, NULL},
    {"GET",  "/api/v1/centers/nearby",                                 rd_get_nearby,                 PART(domains),   KEY,           0,                  &rd_nearby_params, NULL},
    {"GET",  "/api/v1/centers/{id}",                                   rd_get_center,                 PART(domains),   KEY,           0,                  &rd_center_params, NULL},
    {"GET",  "/api/v1/guides",                                         rd_get_guides,                 PART(domains),   KEY,           0,                  NULL, NULL},
    {"GET",  "/api/v1/guides/{category}",                              rd_get_guide,                  PART(domains),   KEY,           0,                  NULL, NULL},
    {"GET",  "/api/v1/search",                                         rd_get_search,                 PART(domains),   KEY,           0,                  &rd_search_params, NULL},
    {"GET",  "/api/v1/chat/history/{user_id}",                         rd_get_chat,                   PART(domains),   KEY | OWN,     0,                  &rd_chats_params, NULL},
    {"POST", "/api/v1/chat/{user_id}",                                 rd_post_chat,                  PART(domains),   KEY | OWN,     BODY,               NULL, &rd_chat_shape},
    {"GET",  "/api/v1/scan/{task_id}",                                 rd_get_scan,                   PART(domains),   KEY,           0,                  NULL, NULL},
    {"GET",  "/api/v1/scan/history/{user_id}",                         rd_get_scans,                  PART(domains),   KEY | OWN,     0,                  &rd_scans_params, NULL},
    {"GET",  "/api/v1/tasks/{task_id}",                                rd_get_task,                   PART(domains),   KEY,           0,                  NULL, NULL},
    {"POST", "/api/v1/feedback",                                       rd_post_feedback,              PART(feedback),  KEY,           BODY,               NULL, &rd_events_shape},
    {"GET",  "/api/v1/feedback",                                       rd_get_feedback,               PART(feedback),  ADMIN,         0,                  &rd_feedback_params, NULL},
    {"POST", "/api/v1/auth/revoke",                                    rd_post_revoke,                PART(auth),      KEY | STRICT,  PERHAPS_BODY,       NULL, &rd_revoke_shape},
    {"GET",  "/api/v1/auth/revoked/{jti}",                             rd_get_revoked,                PART(auth),      KEY | STRICT,  0,                  NULL, NULL},
};
/* clang-format on */
const size_t rd_n_routes = sizeof rd_routes / sizeof rd_routes[0];

_Static_assert(sizeof rd_routes / sizeof rd_routes[0] < RD_METRIC_ROUTES,
               "the metrics have no room for more routes");

/* Routes for operators are on health_listen alone, if there is one; those for probes, and what
 * describes the routes of an address, are on both sides. With env = production the address that
 * clients use has no pages; that of operators has the console. */
static bool is_here(const struct rd_route *route, const struct rd_request *request)
{
    const struct rd_http_settings *settings = &request->http->settings;
    const struct rd_app *app = settings->user_data;
    bool is_operators = (route->access & ADMIN) != 0 || (route->flags & OPERATORS) != 0;

    if ((route->flags & NOT_IN_PRODUCTION) != 0 && app->config.env == RD_PRODUCTION &&
        !((route->flags & OPERATORS) != 0 && request->worker->for_operators))
        return false;
    if (settings->health_listen[0] == '\0' || (route->flags & BOTH) != 0)
        return true;
    return is_operators == request->worker->for_operators;
}

static bool check(struct rd_request *request, void *user_data)
{
    struct rd_app *app = user_data;
    bool may_go_on;

    recsys_log_set_request(request->id);
    request->caller = request->room;
    memset(request->caller, 0, sizeof *request->caller);
    may_go_on = rd_router_find(request, rd_routes, rd_n_routes, is_here) &&
                rd_host_check(request) && rd_origin_check(request) &&
                rd_caller_check(request, &app->auth) &&
                rd_limit_check(request, &app->auth, request->caller->key) &&
                rd_caller_check_owner(request) && rd_webhook_check(request, &app->models);
    recsys_log_set_request(NULL);
    return may_go_on;
}

static void answer(struct rd_request *request, void *user_data)
{
    recsys_log_set_request(request->id);
    request->part = (char *)user_data + request->route->part;
    request->route->handler(request);
    recsys_log_set_request(NULL);
}

const struct rd_app_steps rd_steps = {is_here, check, answer, sizeof(struct rd_caller)};
