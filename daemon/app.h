/* daemon/app.h - the parts of one running daemon, made and destroyed. */
#ifndef RECSYSD_APP_H
#define RECSYSD_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/recsys.h>

#include "daemon/auth/auth.h"
#include "daemon/backends/backend_watch.h"
#include "daemon/backends/outbox_watch.h"
#include "daemon/backends/stores.h"
#include "daemon/config/config.h"
#include "daemon/domains/domains.h"
#include "daemon/feedback/feedback.h"
#include "daemon/http/settings.h"
#include "daemon/models/model_changer.h"
#include "daemon/models/model_keeper.h"
#include "daemon/models/models.h"
#include "daemon/observe/metrics.h"
#include "daemon/observe/observed.h"
#include "daemon/observe/store_metrics.h"
#include "daemon/openapi/document.h"
#include "daemon/recommend/recommend.h"
#include "daemon/shadow/shadow.h"
#include "daemon/traffic/traffic.h"

/* All members are set before the server starts. After that they are only read, except where a
 * member's own type says how it is protected. */
struct rd_app {
    struct rd_config config;
    recsys_registry *registry; /* NULL without --registry */
    struct rd_named_models named;
    struct rd_traffic traffic;
    struct rd_shadow shadow;
    struct rd_stores stores;
    struct rd_metrics metrics;
    struct rd_store_metrics store_metrics;
    struct rd_model_changer changers[RD_MODELS_MAX]; /* of app->named, in the same places */
    struct rd_model_keeper keeper;
    struct rd_webhook webhook;
    struct rd_backend_watch watch;
    struct rd_outbox_watch outbox;
    struct rd_http http;

    /* rd_request.part of a route's handler is one of these. */
    struct rd_keyring keyring;
    struct rd_proxies proxies;
    struct rd_auth auth;
    struct rd_recommend recommend;
    struct rd_models models;
    struct rd_write_wait write_wait;
    struct rd_domains domains;
    struct rd_feedback feedback;
    struct rd_observed observed;
    struct rd_openapi openapi;
};

/* How requests are answered; see daemon/http/settings.h. */
struct rd_app_steps {
    bool (*is_here)(const struct rd_route *route, const struct rd_request *request);
    bool (*check)(struct rd_request *request, void *user_data);
    void (*answer)(struct rd_request *request, void *user_data);
    size_t room_bytes;
};

/* Checks the settings and makes the objects that can fail because of wrong settings. False:
 * `err` says what to do. */
bool rd_app_check(struct rd_app *app, recsys_error *err);
/*
 * Makes all other objects and starts the server. The steps and the metrics use the same table of
 * routes. False: logged.
 */
bool rd_app_start(struct rd_app *app, const struct rd_route *routes, size_t n_routes,
                  const struct rd_app_steps *steps);
/* Have every model loaded again from its source if that has changed. Returns at once. */
void rd_app_reload_models(struct rd_app *app);
/* Ends all. Also after one of these functions has failed. False if a model is still being
 * loaded: then exit without returning from main(). */
bool rd_app_stop(struct rd_app *app);

#endif
