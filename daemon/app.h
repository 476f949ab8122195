/* daemon/app.h - the parts of one running daemon, made and taken down. */
#ifndef RECSYSD_APP_H
#define RECSYSD_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/recsys.h>

#include "daemon/auth/auth.h"
#include "daemon/backends/backend_watch.h"
#include "daemon/backends/stores.h"
#include "daemon/config/config.h"
#include "daemon/domains/domains.h"
#include "daemon/http/settings.h"
#include "daemon/models/model_changer.h"
#include "daemon/models/model_keeper.h"
#include "daemon/models/models.h"
#include "daemon/observe/metrics.h"
#include "daemon/observe/observed.h"
#include "daemon/observe/store_metrics.h"
#include "daemon/recommend/recommend.h"

/* Set before the server starts and then only read, but for what says how it is protected. */
struct rd_app {
    struct rd_config config;
    recsys_registry *registry; /* NULL without --registry */
    recsys_deployment *deployment;
    struct rd_stores stores;
    struct rd_metrics metrics;
    struct rd_store_metrics store_metrics;
    struct rd_model_changer changer;
    struct rd_model_keeper keeper;
    struct rd_backend_watch watch;
    struct rd_http http;

    /* What handlers work on: the part of their route. */
    struct rd_auth auth;
    struct rd_recommend recommend;
    struct rd_models models;
    struct rd_domains domains;
    struct rd_observed observed;
};

/* Makes what settings can be wrong for. If not, `err` says what to do. */
bool rd_app_check(struct rd_app *app, recsys_error *err);
/*
 * Makes the rest and starts the server. `answer` answers the requests; it and the metrics use the
 * same table of routes. What fails is logged.
 */
bool rd_app_start(struct rd_app *app, const struct rd_route *routes, size_t n_routes,
                  void (*answer)(struct rd_request *request, void *user_data));
/* Also after one of these has failed. False if a load that still runs must be left behind. */
bool rd_app_stop(struct rd_app *app);

#endif
