/* lib/aside/join.c - one load a key and process: the states of get_or_load.h that have to do with
 * flights.
 *
 * A caller leads a flight or follows one (flights.h). A leader that gets a value or
 * other news instead of the lease steps down: its followers, and it, judge again.
 *
 * While the store is away (epoch 0) a leader first waits for the sealed flight before
 * its own, so that new callers find a flight that they may follow; then it takes one
 * of the max_loads places.
 */
#include "lib/aside/get_or_load.h"
#include "lib/base/error.h"

static enum rs_load_event begin_to_lead(struct rs_load_call *call)
{
    call->epoch = call->look.epoch;
    call->losses = 0;
    call->waits_since_us = 0;
    switch (call->look.found) {
    case RS_FOUND_AWAY:
        return RS_LOAD_ON_AWAY;
    case RS_FOUND_LEASE:
        return RS_LOAD_ON_LEASED;
    default:
        return RS_LOAD_ON_FREE;
    }
}

enum rs_load_event rs_load_join(struct rs_load_call *call)
{
    if (rs_flights_join(&call->aside->flights, call->key, call->look.epoch, &call->flight,
                        &call->before, &call->may_share) == RS_JOINED_FOLLOW)
        return RS_LOAD_ON_FOLLOWING;
    return begin_to_lead(call);
}

enum rs_load_event rs_load_follow(struct rs_load_call *call)
{
    recsys_aside *aside = call->aside;
    struct rs_answer answer;
    enum rs_followed followed = rs_flights_follow(&aside->flights, call->flight, call->may_share,
                                                  call->deadline_us, &answer);

    call->flight = NULL;
    if (followed != RS_FOLLOWED_ANSWER) {
        call->round++;
        return RS_LOAD_ON_AGAIN;
    }
    rs_counts_add(&aside->counts, RS_COUNT_SHARED, 1);
    rs_load_hand_out(call, answer.status, answer.image, &answer.error);
    return RS_LOAD_ON_ANSWERED;
}

enum rs_load_event rs_load_step_down(struct rs_load_call *call)
{
    rs_load_end_waiting(call);
    rs_flights_finish(&call->aside->flights, call->flight, NULL);
    call->flight = NULL;
    call->round++;
    return RS_LOAD_ON_ENDED;
}

enum rs_load_event rs_load_gather(struct rs_load_call *call)
{
    struct rs_answer none;

    if (call->before != NULL)
        rs_flights_follow(&call->aside->flights, call->before, 0, call->deadline_us, &none);
    return RS_LOAD_ON_ENDED;
}

enum rs_load_event rs_load_enter(struct rs_load_call *call)
{
    struct rs_flights *flights = &call->aside->flights;

    if (rs_flights_enter(flights, call->deadline_us)) {
        call->has_place = 1;
        return RS_LOAD_ON_ENTERED;
    }
    rs_flights_finish(flights, call->flight, NULL);
    call->outcome = RECSYS_ASIDE_UNKNOWN;
    call->status = rs_error(call->err, RECSYS_E_EXHAUSTED,
                            "cache %s: the store is away and %u loaders are running; raise "
                            "max_loads if the source can answer more at once",
                            call->aside->label, flights->max_loads);
    return RS_LOAD_ON_FULL;
}
