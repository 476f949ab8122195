/* daemon/routes.h - which function answers which request. */
#ifndef RECSYSD_ROUTES_H
#define RECSYSD_ROUTES_H

#include <stddef.h>

#include "daemon/request.h"

enum {
    RD_ROUTE_KEY = 1 << 0,          /* needs an API key, if keys are set */
    RD_ROUTE_ADMIN = 1 << 1,        /* needs the admin token */
    RD_ROUTE_BODY = 1 << 2,         /* has a JSON body */
    RD_ROUTE_MAY_BE_EMPTY = 1 << 3, /* ... which may be left out */
    RD_ROUTE_NOT_IN_PRODUCTION = 1 << 4
};

struct rd_route {
    const char *method, *path; /* a path may end in {parameter} or have it as its last segment */
    void (*handler)(struct rd_request *request);
    unsigned flags;
};

extern const struct rd_route rd_routes[];
extern const size_t rd_n_routes;

/* Its place in the table; rd_n_routes for NULL. */
size_t rd_route_number(const struct rd_route *route);

/* civetweb's begin_request callback: answers everything itself. */
int rd_serve(struct mg_connection *conn);

/* The handlers, by the file they are in. */
void rd_get_root(struct rd_request *request); /* health.c */
void rd_get_health(struct rd_request *request);
void rd_get_live(struct rd_request *request);
void rd_get_ready(struct rd_request *request);
void rd_get_openapi(struct rd_request *request);
void rd_post_predict(struct rd_request *request); /* predict.c */
void rd_get_recommendations(struct rd_request *request);
void rd_get_similar(struct rd_request *request);
void rd_post_batch(struct rd_request *request); /* batch.c */
void rd_get_models(struct rd_request *request); /* models.c */
void rd_get_current(struct rd_request *request);
void rd_post_load(struct rd_request *request);
void rd_post_use(struct rd_request *request);
void rd_post_rollback(struct rd_request *request);
void rd_post_reload(struct rd_request *request);

#endif
