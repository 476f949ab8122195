/* lib/registry/recent.h - the requests that users made last, kept to warm up the next model. */
#ifndef RS_REGISTRY_RECENT_H
#define RS_REGISTRY_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/recommend.h"

struct rs_recent_request;

/* A ring of `room` requests. ONE THREAD AT A TIME. Zeroed: keeps nothing. */
struct rs_recent {
    struct rs_recent_request *ring;
    size_t room, n, next;
};

recsys_status rs_recent_init(struct rs_recent *recent, size_t room, recsys_error *err);
void rs_recent_destroy(struct rs_recent *recent);

/* Keep the user and the plain fields of `request`, in the place of the oldest one. A request with a
 * vector, or with liked items, is not kept: what made it is the caller's memory. */
void rs_recent_add(struct rs_recent *recent, const recsys_request *request);

/* A copy of all that are kept; destroy it, too. Their texts are its own. */
recsys_status rs_recent_copy(const struct rs_recent *recent, struct rs_recent *out,
                             recsys_error *err);
/* Number `i` of those that are kept, in any order. */
recsys_request rs_recent_get(const struct rs_recent *recent, size_t i);

#endif
