/* daemon/http/request.h - one HTTP request on its way through the daemon. */
#ifndef RECSYSD_REQUEST_H
#define RECSYSD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <recsys/limiter.h>

#include "daemon/http/connection.h"
#include "daemon/http/head.h"
#include "daemon/http/headers.h"
#include "daemon/http/proxies.h"
#include "daemon/http/route.h"
#include "daemon/http/worker.h"
#include "lib/base/buffer.h"

/* In front of every reply's body, so that headers and body leave in one write. */
#define RD_HEADROOM 1536u
#define RD_PARAM_MAX 255u /* bytes of the {…} of a path: the longest id there is */

/* rd_request.cache_use is this or one of RECSYS_ASIDE_*. */
#define RD_CACHE_NONE 0u

/* The word for X-Cache and the log; NULL for RD_CACHE_NONE. */
const char *rd_cache_word(uint32_t cache_use);

struct rd_caller;

struct rd_request {
    struct rd_http *http;
    struct rd_worker *worker; /* that answers it */
    const struct rd_connection *connection;
    const struct rd_head *head;
    struct rd_headers headers;
    char remote[RD_ADDRESS_SIZE]; /* the client's address */
    uint64_t start_ns;
    const char *method; /* HEAD is answered as GET */
    bool is_head;
    const struct rd_route *route; /* NULL if none matches */
    void *part;                   /* the application's object for the route's handler */
    void *room;                   /* the application's memory for the request */
    struct rd_caller *caller;     /* the sender; the application's type */
    char param[RD_PARAM_MAX + 1]; /* the {…} of the path, decoded */
    struct rs_buffer *body;       /* as it was sent, without a byte order mark */
    json_t *json;                 /* the parsed body; values that were read may point into it */
    char id[RD_REQUEST_ID_MAX + 1];
    char time[RD_TIME_SIZE];

    /* the reply */
    int status;
    const char *content_type;
    bool is_packed;             /* the body is gzip's, also for clients that cannot read that */
    const char *content_policy; /* of a page; NULL: that of http/reply.c */
    struct rs_buffer *out;
    uint32_t cache_use;
    char allow[64];          /* for 405 and OPTIONS */
    uint32_t retry_after;    /* seconds; 0 = no such header */
    recsys_limit limit;      /* the caller's; limit 0 = no such headers */
    uint32_t limit_window_s; /* in which all of limit.limit come back */
    bool bad_token;          /* the 401 is because of the token that the client sent */
    bool preflight;
    bool persistent; /* does the client want to keep the connection? */
    bool aborted;    /* the client has not read the reply, or not in time */
    bool keep_alive; /* false once the connection cannot carry another request */
};

/* Releases what it holds, once its reply is written. */
void rd_request_end(struct rd_request *request);

/* Forget what has been written to request->out so far. */
void rd_request_clear_output(struct rd_request *request);

#endif
