/* daemon/models/models.h - the routes that show and change models. */
#ifndef RECSYSD_MODELS_H
#define RECSYSD_MODELS_H

#include <recsys/registry.h>

#include "daemon/http/request.h"
#include "daemon/http/shape.h"
#include "daemon/models/delivery.h"
#include "daemon/models/model_changer.h"
#include "daemon/shadow/shadow.h"
#include "daemon/traffic/traffic.h"

/* BORROWED; set before the server starts. */
struct rd_models {
    recsys_registry *registry; /* NULL without --registry */
    struct rd_traffic *traffic;
    struct rd_shadow *shadow;
    const struct rd_named_models *named; /* the traffic's */
    struct rd_model_changer *changers;   /* in the places of `named` */
    struct rd_webhook *webhook;
    const struct rd_auth *auth; /* where refused deliveries are counted */
};

/* The step for routes that are called with RD_ACCESS_SIGNED: refuses what the head of a delivery
 * shows to be wrong, before the body is kept. False: answered. */
bool rd_webhook_check(struct rd_request *request, const struct rd_models *models);

/* Handlers; their part is struct rd_models. */
extern const struct rd_shape rd_load_shape, rd_use_shape;

void rd_get_models(struct rd_request *request);
void rd_get_current(struct rd_request *request);
void rd_post_load(struct rd_request *request);
void rd_post_use(struct rd_request *request);
void rd_post_rollback(struct rd_request *request);
void rd_post_reload(struct rd_request *request);
void rd_post_webhook(struct rd_request *request);

#endif
