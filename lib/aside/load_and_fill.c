/* lib/aside/load_and_fill.c - load, store, answer: the last states of get_or_load.h.
 *
 * With the lease the value is stored in its place (fill.c). Followers may have it if
 * the lease lay under the key until the fill, in one epoch and incarnation of the
 * store: a restart may have brought back a lease that had been removed. Without the
 * lease, while the store is away, only callers that followed before the loader began
 * may have it. A failure cannot be too old: all followers may have it.
 */
#include "lib/aside/get_or_load.h"

static int is_away(const struct rs_load_call *call)
{
    return call->look.epoch == 0;
}

void rs_load_hand_out(struct rs_load_call *call, recsys_status status, struct rs_image *image,
                      const recsys_error *problem)
{
    call->outcome = is_away(call) ? RECSYS_ASIDE_UNKNOWN : RECSYS_ASIDE_MISS;
    call->status = status;
    if (status == RECSYS_OK)
        *call->out = rs_image_hand_out(image);
    else if (call->err != NULL)
        *call->err = *problem;
}

enum rs_load_event rs_load_load(struct rs_load_call *call)
{
    recsys_aside *aside = call->aside;

    if (call->has_lease)
        rs_load_end_waiting(call);
    if (is_away(call))
        rs_flights_seal(&aside->flights, call->flight);
    call->load = (recsys_aside_load){.aside = aside, .key = call->key};
    call->loaded = rs_aside_run_loader(&call->load, call->loader, call->user_data, &call->problem);
    call->is_shared = is_away(call);
    return call->has_lease ? RS_LOAD_ON_KEPT : RS_LOAD_ON_UNKEPT;
}

enum rs_load_event rs_load_fill(struct rs_load_call *call)
{
    int is_followed = rs_flights_seal(&call->aside->flights, call->flight);
    const struct rs_place place = {{call->lease, sizeof call->lease}, rs_look_seen(&call->look)};
    enum rs_filled filled = rs_aside_fill(&call->load, call->loaded, &place, call->look.epoch);

    if (filled == RS_FILLED_REFUSED && call->aside->is_plain) /* it may be the value that changed */
        rs_load_give_back(call, rs_aside_fence(call->aside, call->key, call->fence));
    return filled == RS_FILLED_PROVED && is_followed ? RS_LOAD_ON_SHARED : RS_LOAD_ON_UNSHARED;
}

enum rs_load_event rs_load_confirm(struct rs_load_call *call)
{
    struct rs_look look;

    rs_aside_look(call->aside, (recsys_bytes){NULL, 0}, 0, RS_OPERATION_LOAD, &look, NULL);
    rs_look_release(&look);
    call->is_shared = look.epoch == call->look.epoch;
    return call->is_shared ? RS_LOAD_ON_CONFIRMED : RS_LOAD_ON_CHANGED;
}

enum rs_load_event rs_load_answer(struct rs_load_call *call)
{
    struct rs_flights *flights = &call->aside->flights;
    struct rs_answer answer = {.status = call->loaded, .image = call->load.image};
    int is_failure = call->loaded != RECSYS_OK && call->loaded != RECSYS_E_NOT_FOUND;

    if (call->loaded != RECSYS_OK)
        answer.error = call->problem;
    rs_flights_finish(flights, call->flight, call->is_shared || is_failure ? &answer : NULL);
    rs_load_hand_out(call, call->loaded, call->load.image, &call->problem);
    if (call->has_place)
        rs_flights_leave(flights);
    return RS_LOAD_ON_ANSWERED;
}
