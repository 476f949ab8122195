/* daemon/http/slots.h - the connections of a listener, and the epoll set in which they wait. */
#ifndef RECSYSD_SLOTS_H
#define RECSYSD_SLOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/http/connection.h"
#include "daemon/http/settings.h"
#include "lib/base/lock.h"

/* SYNCHRONIZED. */
struct rd_slots {
    struct rd_http *http;
    int epoll;
    struct rd_connection *connections;
    uint32_t n;
    _Atomic uint32_t n_used; /* slots from here on have never been used */
    atomic_bool is_full; /* connections wait to be accepted, so that replies shall close theirs */
    struct rs_lock lock; /* of the two below */
    uint32_t *free, n_free;
};

/* False: no memory or no descriptor; errno says which. */
bool rd_slots_init(struct rd_slots *slots, struct rd_http *http, uint32_t n);
/* Closes all; nobody else uses the slots any more. */
void rd_slots_destroy(struct rd_slots *slots);

bool rd_slots_are_taken(struct rd_slots *slots);
/* Takes over `fd` and lets it wait for a request. False: no room; `fd` is closed. */
bool rd_slots_open(struct rd_slots *slots, int fd, const char *remote);
/* The owner: close it, and release the slot and what it holds. */
void rd_slots_close(struct rd_slots *slots, struct rd_connection *connection);
/* Of data that epoll has reported. NULL: nobody's any more. */
struct rd_connection *rd_slots_claim(struct rd_slots *slots, uint64_t data);
/* A connection, now owned by the caller, whose deadline has passed, from slot *at on. NULL: no
 * more. */
struct rd_connection *rd_slots_claim_late(struct rd_slots *slots, uint64_t now_ns, uint32_t *at);
/* Close a connection that has been without a request for longest, at least 1 s, and has sent
 * nothing that nobody has read yet. False: none was found. */
bool rd_slots_evict(struct rd_slots *slots);
/* Connections that could go on, and that no thread has taken yet. */
uint32_t rd_slots_count_ready(struct rd_slots *slots);

#endif
