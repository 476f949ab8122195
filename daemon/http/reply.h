/* daemon/http/reply.h - sends what a handler has written. */
#ifndef RECSYSD_REPLY_H
#define RECSYSD_REPLY_H

#include <stdbool.h>

#include "daemon/http/problems.h"
#include "daemon/http/request.h"

struct rd_exchange;

/* {"detail":"…"} with that status. Returns false, for `return rd_reply_error(…);` in a step. */
bool rd_reply_error(struct rd_request *request, int status, const char *detail);
/* 503 with Retry-After. Returns false. */
bool rd_reply_unavailable(struct rd_request *request, const char *detail);
/* For a request whose client is gone: nobody reads the reply; the status is for the access log, as
 * nginx has it. Returns false. */
#define RD_STATUS_GONE 499
bool rd_reply_gone(struct rd_request *request);
/* If there are problems, they are the reply, with 422. False: there were some. */
bool rd_reply_problems(struct rd_request *request, struct rd_problems *problems);
/* Puts the headers in front of the body: exchange->send_from, send_left and n_body are what is to
 * be sent. */
void rd_reply_build(struct rd_exchange *exchange);

#endif
