/* daemon/http/request.h - one HTTP request on its way through the daemon. */
#ifndef RECSYSD_REQUEST_H
#define RECSYSD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <civetweb.h>
#include <jansson.h>

#include "daemon/app.h"
#include "daemon/auth/caller.h"
#include "daemon/http/connection.h"
#include "daemon/http/stamp.h"
#include "daemon/recommend/predict_body.h"
#include "lib/base/buffer.h"

/* In front of every body, so that headers and body leave in one write. */
#define RD_HEADROOM 1536u
#define RD_PARAM_MAX RECSYS_ID_MAX_TEXT

/* What a worker thread keeps from one request to the next. ONE THREAD AT A TIME. */
struct rd_worker {
    struct rd_app *app;
    recsys_recommender *recommender; /* made on first use */
    struct rd_stamp stamp;
    struct rd_incoming incoming;
    struct rs_buffer body;   /* of the request */
    struct rs_buffer out;    /* RD_HEADROOM bytes, then the reply's body */
    struct rs_buffer packed; /* the same, compressed */
    struct rs_buffer key;    /* of the cache */
    struct rs_buffer value;  /* for the cache */
    struct rs_buffer line;   /* for the access log */
    struct rd_question question;
    void *deflater;               /* made on first use */
    struct evp_md_ctx_st *digest; /* the same */
};

/* The headers somebody looks at; NULL if absent. */
struct rd_headers {
    const char *host, *content_length, *content_type, *transfer_encoding, *expect;
    const char *authorization, *api_key, *admin_token, *request_id;
    const char *origin, *accept_encoding, *cors_method, *connection;
    bool conflicting; /* framing headers that contradict each other */
    bool malformed;   /* lines that civetweb lets pass */
    size_t size;      /* of the request line and all headers */
};

/* What X-Cache says: RD_CACHE_NONE or one of RECSYS_ASIDE_*. */
#define RD_CACHE_NONE 0u

/* How X-Cache and the log call it; NULL for RD_CACHE_NONE. */
const char *rd_cache_word(uint32_t cache_use);

struct rd_route;

struct rd_request {
    struct rd_app *app;
    struct rd_worker *worker;
    struct mg_connection *conn;
    const struct mg_request_info *info;
    struct rd_headers headers;
    uint64_t start_ns;
    const char *method; /* HEAD is answered as GET */
    bool is_head;
    const struct rd_route *route; /* NULL if none matches */
    char param[RD_PARAM_MAX + 1]; /* the {…} of the path, decoded */
    struct rd_caller caller;
    char id[RD_ID_MAX + 1];
    char time[RD_TIME_SIZE];

    /* the reply */
    int status;
    const char *content_type;
    struct rs_buffer *out;
    uint32_t cache_use;
    char allow[64];       /* for 405 and OPTIONS */
    uint32_t retry_after; /* seconds; 0 = no such header */
    recsys_limit limit;   /* the caller's; limit 0 = no such headers */
    bool bad_token;       /* the 401 is about a token that was given */
    bool preflight;
    bool persistent; /* does the client want to keep the connection? */
    bool keep_alive; /* false once the connection cannot carry another request */
};

/* The length of its body as the headers have it, 0 if they do not. */
uint64_t rd_request_length(const struct rd_request *request);
void rd_request_begin(struct rd_request *request, struct mg_connection *conn);
/* For one that civetweb could not read: it has no method, path or headers. */
void rd_request_begin_broken(struct rd_request *request, struct mg_connection *conn);

/*
 * Each of these is a step that may answer the request itself: false = it has
 * been answered, with an error.
 */
bool rd_request_check(struct rd_request *request);     /* framing, host, escapes */
bool rd_request_read_body(struct rd_request *request); /* all of it, within max_body_bytes */
/* The last `name` of the query, decoded ("+" is a space), or NULL. `buffer` is room for it. */
bool rd_request_query(struct rd_request *request, const char *name, char *buffer, size_t size,
                      const char **value);

/* Decode %XX of `size` bytes of a path. False: a bad escape, a NUL, not UTF-8, or too long. */
bool rd_url_decode(const char *text, size_t size, char *out, size_t out_size);

#endif
