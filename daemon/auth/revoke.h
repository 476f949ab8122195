/* daemon/auth/revoke.h - the routes under /auth. */
#ifndef RECSYSD_REVOKE_H
#define RECSYSD_REVOKE_H

#include "daemon/http/request.h"
#include "daemon/http/shape.h"

/* Handlers; their part is struct rd_auth. */
extern const struct rd_shape rd_revoke_shape;
void rd_post_revoke(struct rd_request *request);
void rd_get_revoked(struct rd_request *request);

#endif
