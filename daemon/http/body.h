/* daemon/http/body.h - the body of a request. */
#ifndef RECSYSD_BODY_H
#define RECSYSD_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/exchange.h"
#include "daemon/http/problems.h"
#include "daemon/http/request.h"

enum rd_body_state {
    RD_BODY_WHOLE,
    RD_BODY_MORE, /* is to come */
    RD_BODY_BROKEN,
    RD_BODY_LARGE
};

/* Of a request whose route has a body: what was received behind the head is taken. False: answered
 * with 4xx. */
bool rd_body_begin(struct rd_exchange *exchange);
enum rd_body_state rd_body_state(const struct rd_exchange *exchange);
/* While there is MORE: these bytes have come. Of a body in chunks they are copied, else they are at
 * the end of exchange->body already, and at most body_left. */
void rd_body_take(struct rd_exchange *exchange, const char *bytes, size_t size);
/* It is whole. */
void rd_body_end(struct rd_request *request);

/* Parse it: request->json becomes an object, or there is a problem (and request->json may be
 * another value). */
bool rd_body_parse(struct rd_request *request, struct rd_problems *problems);

#endif
