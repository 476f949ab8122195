/* lib/aside/flights.h - the loads that run in this process, and the callers that wait for them.
 *
 * The first caller that misses a key leads a flight; callers that miss the same
 * key in the same epoch meanwhile follow it. The answer of a flight is true for a
 * follower only if nothing was invalidated between the leader's load and the moment
 * the follower began. Two things can show that:
 *
 *   The lease lay under the key until the fill, in one incarnation of the store. Then
 *   the answer is true for everyone who followed before the fill was sent.
 *   The follower began before the load did. This is the rule while the store is away
 *   (epoch 0) and there are no leases.
 *
 * From the moment at which its answer would not be true for new callers, a flight
 * is sealed. A caller that meets a sealed flight waits for its end and looks
 * again; while the store is away it gathers the next flight meanwhile.
 *
 * When this process invalidates a key its flights are unlisted: their fill will
 * be refused, so later callers do not wait for them.
 */
#ifndef RS_ASIDE_FLIGHTS_H
#define RS_ASIDE_FLIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/aside/image.h"
#include "lib/aside/waiting.h"
#include "lib/base/lock.h"
#include "recsys/store.h"

struct rs_flight;

struct rs_flights {
    struct rs_lock lock;
    struct rs_flight *first; /* those that can be found; protected by lock */
    uint32_t n_loads;        /* while the store is away; protected by lock */
    uint32_t max_loads;
    struct rs_signal load_ended;
    struct rs_waiting waiting;
};

/* The result of a flight. */
struct rs_answer {
    recsys_status status;
    struct rs_image *image; /* one reference, with RECSYS_OK */
    recsys_error error;     /* with any other status */
};

enum rs_joined {
    RS_JOINED_LEAD,  /* *flight is the caller's to finish; NULL for lack of memory */
    RS_JOINED_FOLLOW /* wait for it */
};

enum rs_followed {
    RS_FOLLOWED_ANSWER, /* `answer` is filled in */
    RS_FOLLOWED_AGAIN,  /* look again: the answer is not for this caller */
    RS_FOLLOWED_TIMEOUT
};

/* 0, or an errno. */
int rs_flights_init(struct rs_flights *flights, uint32_t max_loads,
                    const struct rs_waiting *waiting);
void rs_flights_destroy(struct rs_flights *flights);

/* `key` must stay until the flight is finished. With LEAD *before receives a
 * flight to wait for first, or NULL. */
enum rs_joined rs_flights_join(struct rs_flights *flights, recsys_bytes key, uint64_t epoch,
                               struct rs_flight **flight, struct rs_flight **before,
                               int *may_share);
enum rs_followed rs_flights_follow(struct rs_flights *flights, struct rs_flight *flight,
                                   int may_share, uint64_t deadline_us, struct rs_answer *answer);
/* For leaders; a flight of NULL is allowed. Sealing says whether there are
 * followers. The answer stays the caller's; NULL: all followers look again. */
int rs_flights_seal(struct rs_flights *flights, struct rs_flight *flight);
void rs_flights_finish(struct rs_flights *flights, struct rs_flight *flight,
                       const struct rs_answer *answer);

/* After an invalidation: a later caller leads a flight of its own. */
void rs_flights_unlist(struct rs_flights *flights, recsys_bytes key);
void rs_flights_unlist_matching(struct rs_flights *flights, const recsys_bytes *parts, size_t n);
void rs_flights_unlist_all(struct rs_flights *flights);

/* While the store is away all processes load at once; each of them only
 * max_loads at a time. 0 if the deadline was over first. */
int rs_flights_enter(struct rs_flights *flights, uint64_t deadline_us);
void rs_flights_leave(struct rs_flights *flights);

#endif
