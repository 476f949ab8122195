/* daemon/http/headers.h - the headers of a request. */
#ifndef RECSYSD_HEADERS_H
#define RECSYSD_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include <civetweb.h>

/* The headers that are used; NULL if absent. */
struct rd_headers {
    const char *host, *content_length, *content_type, *transfer_encoding, *expect;
    const char *authorization, *api_key, *admin_token, *request_id;
    const char *origin, *accept_encoding, *cors_method, *connection;
    bool conflicting; /* framing headers that contradict each other */
    bool malformed;   /* lines that civetweb accepts and should not */
    size_t size;      /* of the request line and all headers */
};

void rd_headers_collect(struct rd_headers *headers, const struct mg_request_info *info);
/* Does the client of HTTP `version` want to keep the connection? */
bool rd_headers_keep_alive(const struct rd_headers *headers, const char *version);

#endif
