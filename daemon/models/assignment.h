/* daemon/models/assignment.h - the routes that say which users get which model. */
#ifndef RECSYSD_ASSIGNMENT_H
#define RECSYSD_ASSIGNMENT_H

#include "daemon/http/request.h"
#include "daemon/http/shape.h"

/* Handlers; their part is struct rd_models. */
extern const struct rd_shape rd_promote_shape, rd_withdraw_shape, rd_assignment_shape;

void rd_get_assignment(struct rd_request *request);
void rd_put_assignment(struct rd_request *request);
void rd_post_promote(struct rd_request *request);
void rd_post_withdraw(struct rd_request *request);

#endif
