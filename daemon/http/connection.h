/* daemon/http/connection.h - a connection, and who may touch it.
 *
 * A connection waits in the kernel's epoll set, or one thread owns it. The state says which, with a
 * turn that is counted up each time it begins to wait, so that what epoll reports late, about an
 * earlier wait or about another connection in the same slot, is recognised.
 */
#ifndef RECSYSD_CONNECTION_H
#define RECSYSD_CONNECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/http/proxies.h"

struct rd_exchange;

/* The thing that it waits for. */
enum rd_stage {
    RD_STAGE_FIRST, /* the first byte of its first request */
    RD_STAGE_NEXT,  /* that of the next one */
    RD_STAGE_HEAD,  /* the rest of a head */
    RD_STAGE_BODY,
    RD_STAGE_REPLY,  /* until the client reads */
    RD_STAGE_CLOSING /* for the end of what the client is still sending */
};

struct rd_connection {
    _Atomic uint32_t state;       /* turn * 4 + phase */
    _Atomic uint64_t deadline_ns; /* of the wait */
    atomic_int fd;                /* -1: the slot is free */
    atomic_int stage;             /* enum rd_stage; the owner changes it */
    uint32_t slot;

    /* The owner's. */
    bool is_late;     /* the deadline has passed */
    bool is_expected; /* counted in rd_http.expected */
    bool is_added;    /* to the epoll set */
    uint32_t n_requests;
    uint32_t n_discarded;
    uint64_t opened_ns, closing_ns;
    struct rd_exchange *exchange; /* NULL while it waits for a request or closes */
    char remote[RD_ADDRESS_SIZE]; /* whose socket it is */
};

/* Wait in the epoll set `epoll` for `events`, until rd_connection_claim() succeeds. The caller does
 * not own it any more. False: that is impossible, and the caller still does. */
bool rd_connection_wait(struct rd_connection *connection, int epoll, uint32_t events,
                        uint64_t deadline_ns);
/* After epoll has reported `turn` of it. False: that was an earlier wait, and the caller does not
 * own it. */
bool rd_connection_claim(struct rd_connection *connection, uint32_t turn);
/* If it waits, and its deadline has passed. */
bool rd_connection_claim_late(struct rd_connection *connection, uint64_t now_ns);
/* Does it wait for a request of which nothing has come? */
bool rd_connection_is_idle(const struct rd_connection *connection);
/* If it waits for one. */
bool rd_connection_claim_idle(struct rd_connection *connection);
/* Does it wait? */
bool rd_connection_is_waiting(const struct rd_connection *connection);

/* The number of bytes; 0: the client has closed its end; -1: there are none now; -2: an error. */
long rd_connection_receive(struct rd_connection *connection, void *out, size_t size);
/* The number of bytes, 0: none can be sent now; -2: an error. */
long rd_connection_send(struct rd_connection *connection, const void *bytes, size_t size);
/* Is there something to receive, be it the end? */
bool rd_connection_has_input(const struct rd_connection *connection);
/* And is it not the end? */
bool rd_connection_has_bytes(const struct rd_connection *connection);
/* Has the client closed its end? From any thread, while a handler answers. A client that has sent
 * more after its request is there. */
bool rd_connection_is_gone(const struct rd_connection *connection);

#endif
