/* daemon/http/headers.h - the headers of a request. */
#ifndef RECSYSD_HEADERS_H
#define RECSYSD_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/http/head.h"

/* The headers that are used; NULL if absent. */
struct rd_headers {
    const char *host, *content_length, *content_type, *transfer_encoding, *expect;
    const char *authorization, *api_key, *admin_token, *request_id;
    const char *origin, *accept_encoding, *cors_method, *connection;
    const char *delivery_id, *delivery_time, *delivery_signature; /* of an MLflow webhook */
    bool conflicting; /* a header of the framing, or Host, is there twice */
};

void rd_headers_collect(struct rd_headers *headers, const struct rd_head *head);
/* Does the client of HTTP/1.`minor` want to keep the connection? */
bool rd_headers_keep_alive(const struct rd_headers *headers, unsigned minor);

#endif
