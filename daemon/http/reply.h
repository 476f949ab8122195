/* daemon/http/reply.h - sends what a handler has written. */
#ifndef RECSYSD_REPLY_H
#define RECSYSD_REPLY_H

#include <stdbool.h>

#include "daemon/http/request.h"

/* Forget what has been written to request->out so far. */
void rd_reply_clear(struct rd_request *request);
/* {"detail":"…"} with that status. Returns false, for `return rd_reply_error(…);` in a step. */
bool rd_reply_error(struct rd_request *request, int status, const char *detail);
/* A library call's failure: the status that fits, and its message. */
bool rd_reply_failure(struct rd_request *request, recsys_status status, const recsys_error *err);
/* 503 with Retry-After. */
bool rd_reply_unavailable(struct rd_request *request, const char *detail);
/* Headers and body in one write, then log and count. */
void rd_reply_send(struct rd_request *request);

/* Is `origin` one of the configured ones? */
bool rd_cors_allows(const struct rd_request *request, const char *origin);

#endif
