/* daemon/routes.h - which function answers which request. */
#ifndef RECSYSD_ROUTES_H
#define RECSYSD_ROUTES_H

#include <stddef.h>

#include "daemon/http/request.h"

enum {
    RD_ROUTE_KEY = 1 << 0,          /* needs an API key or a token, if they are set */
    RD_ROUTE_ADMIN = 1 << 1,        /* needs the admin token */
    RD_ROUTE_BODY = 1 << 2,         /* has a JSON body */
    RD_ROUTE_MAY_BE_EMPTY = 1 << 3, /* ... which may be left out */
    RD_ROUTE_NOT_IN_PRODUCTION = 1 << 4,
    RD_ROUTE_OWN = 1 << 5, /* a user's token reaches it if the {…} is that user */
    RD_ROUTE_AUTH = 1 << 6 /* has the stricter limit */
};

struct rd_route {
    const char *method,
        *path; /* one segment of the path may be a {parameter}; the first fit counts */
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
void rd_get_docs(struct rd_request *request); /* docs_page.c */
void rd_get_docs_script(struct rd_request *request);
void rd_post_predict(struct rd_request *request); /* predict.c */
void rd_get_recommendations(struct rd_request *request);
void rd_get_similar(struct rd_request *request);
void rd_post_batch(struct rd_request *request); /* batch.c */
bool rd_batch_start(struct rd_app *app);        /* what fails is logged */
void rd_get_models(struct rd_request *request); /* models.c */
void rd_get_current(struct rd_request *request);
void rd_post_load(struct rd_request *request);
void rd_post_use(struct rd_request *request);
void rd_post_rollback(struct rd_request *request);
void rd_post_reload(struct rd_request *request);
void rd_get_profile(struct rd_request *request); /* domain_read.c */
void rd_get_activity(struct rd_request *request);
void rd_get_character(struct rd_request *request);
void rd_get_missions(struct rd_request *request);
void rd_get_center(struct rd_request *request);
void rd_get_guides(struct rd_request *request);
void rd_get_guide(struct rd_request *request);
void rd_get_chat(struct rd_request *request);
void rd_get_scans(struct rd_request *request);
void rd_get_nearby(struct rd_request *request); /* domain_find.c */
void rd_get_search(struct rd_request *request);
void rd_put_profile(struct rd_request *request); /* domain_write.c */
void rd_post_exp(struct rd_request *request);
void rd_post_chat(struct rd_request *request);
void rd_get_scan(struct rd_request *request); /* tasks.c */
void rd_get_task(struct rd_request *request);
void rd_post_revoke(struct rd_request *request); /* revoke.c */
void rd_get_revoked(struct rd_request *request);

#endif
