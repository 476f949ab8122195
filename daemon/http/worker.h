/* daemon/http/worker.h - what a worker thread keeps from one request to the next. */
#ifndef RECSYSD_WORKER_H
#define RECSYSD_WORKER_H

#include "daemon/http/connection.h"
#include "daemon/http/request_id.h"
#include "daemon/http/settings.h"
#include "daemon/process/timestamp.h"
#include "lib/base/buffer.h"

/* In front of every reply's body, so that headers and body leave in one write. */
#define RD_HEADROOM 1536u

/* ONE THREAD AT A TIME. */
struct rd_worker {
    struct rd_http *http;
    struct rd_timestamp timestamp;
    struct rd_request_ids ids;
    struct rd_connection connection;
    bool is_fresh;           /* no request has come on the connection yet */
    struct rs_buffer body;   /* of the request */
    struct rs_buffer out;    /* RD_HEADROOM bytes, then the reply's body */
    struct rs_buffer packed; /* the same, compressed */
    void *deflater;          /* zlib's; made on first use */
    void *scratch;           /* the application's; see free_scratch */
};

#endif
