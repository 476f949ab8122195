/* daemon/http/exchange.h - the memory of a request and its reply.
 *
 * A connection that waits for its next request has none. It gets the spare one of the worker that
 * reads from it, and gives it back when the reply is sent. While it waits in between, for the rest
 * of a request or until the client reads, it keeps it.
 */
#ifndef RECSYSD_EXCHANGE_H
#define RECSYSD_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/http/chunked.h"
#include "daemon/http/head.h"
#include "daemon/http/request.h"
#include "lib/base/buffer.h"

/* ONE THREAD AT A TIME: of the connection's owner. */
struct rd_exchange {
    struct rd_request request;
    struct rd_head head;
    struct rs_buffer in;     /* from the beginning of the head on, as received */
    size_t n_seen;           /* bytes of it that rd_head_find_end() has looked at */
    size_t n_used;           /* ... that are this request's */
    struct rs_buffer body;   /* decoded */
    struct rs_buffer out;    /* RD_HEADROOM bytes, then the reply's body */
    struct rs_buffer packed; /* the same, compressed */
    void *room;              /* the application's, for the request; room_bytes */

    struct rd_chunked chunked;
    uint64_t body_left;   /* bytes of a body that is not chunked */
    uint64_t deadline_ns; /* of what is read or written now */
    const char *send_from;
    size_t send_left; /* bytes of the reply */
    size_t n_body;    /* bytes of its body */
};

/* NULL: no memory. */
struct rd_exchange *rd_exchange_create(const struct rd_http_settings *settings);
void rd_exchange_destroy(struct rd_exchange *exchange);
/* The request of a head that has been parsed. */
void rd_exchange_begin(struct rd_exchange *exchange, struct rd_worker *worker,
                       const struct rd_connection *connection);
/* Of one that could not be: it has no method, path or headers. */
void rd_exchange_begin_broken(struct rd_exchange *exchange, struct rd_worker *worker,
                              const struct rd_connection *connection);
/* Forget the request and the first `n_used` bytes that were received. Large buffers are given
 * back. */
void rd_exchange_reset(struct rd_exchange *exchange, size_t n_used, struct rd_http *http);

#endif
