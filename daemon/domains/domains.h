/* daemon/domains/domains.h - the routes of the domains. */
#ifndef RECSYSD_DOMAINS_H
#define RECSYSD_DOMAINS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <recsys/domain.h>

#include "daemon/backends/write_wait.h"
#include "daemon/http/request.h"
#include "daemon/http/shape.h"

/* Set before the server starts. */
struct rd_domains {
    recsys_domains *domains;                /* NULL: no database is configured. BORROWED */
    bool has_tasks;                         /* results of tasks are in Redis */
    const struct rd_write_wait *write_wait; /* of changes */
    bool users_may_grant;                   /* themselves points, and messages of the assistant */
};

/* Handlers; their part is struct rd_domains. */
/* Bodies and parameters of these routes, for the route table. */
extern const struct rd_shape rd_center_params, rd_chats_params, rd_scans_params; /* domain_read.c */
extern const struct rd_shape rd_nearby_params, rd_search_params;                 /* domain_find.c */
extern const struct rd_shape rd_profile_shape, rd_exp_shape, rd_exp_params,
    rd_chat_shape; /* domain_write.c */

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

#endif
