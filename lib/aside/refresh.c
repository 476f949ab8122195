/* lib/aside/refresh.c - load a value again before it ends, and keep it if that fails: the states of
 * get_or_load.h for a value that was found.
 *
 * XFetch (Vattani et al., "Optimal probabilistic cache stampede prevention",
 * VLDB 2015): a reader of a value that is fresh for `left` more milliseconds and
 * took `delta` to load loads it again already if -delta * beta * ln(U) >= left.
 * The more readers, the earlier one of them does, and the slower the load, the
 * earlier it begins.
 *
 * XFetch alone gives e loads an expiry. So a reader that wants to load takes a side
 * lease first, under a key of its own because the value stays readable meanwhile; other
 * readers get the present value. A flight under the same key keeps those of this process
 * from trying while a loader hangs for longer than the lease.
 *
 * If the load fails, the caller gets the old value, and the side lease stays for a pause in
 * which no process tries again: lease_ms, or ten times as long as the attempt took, at most
 * 30 s. So however long the time-out of a loader is, one reader waits for it during a tenth of
 * the time, and all others have the old value at once.
 */
#include <math.h>

#include "lib/aside/get_or_load.h"

/* -ln(U) is never more, for a U with 53 bits. */
#define MAX_MINUS_LN 36.8

#define PAUSE_FACTOR 10u
#define MAX_PAUSE_MS 30000u

int rs_aside_is_early(recsys_aside *aside, const struct rs_envelope *envelope, uint64_t now_ms)
{
    double left = (double)(envelope->fresh_until_ms - now_ms);
    double gap = (double)envelope->delta_ms * aside->beta;

    if (gap * MAX_MINUS_LN < left)
        return 0; /* nearly always: no random number is needed for that */
    return -gap * log(rs_aside_random_unit(aside)) >= left;
}

enum rs_load_event rs_load_use(struct rs_load_call *call)
{
    const struct rs_look *look = &call->look;
    /* Of a value of another program, which is in no epoch, nothing is known. */
    int is_due = (call->is_again && look->envelope.epoch == look->epoch) ||
                 look->found == RS_FOUND_STALE ||
                 rs_aside_is_early(call->aside, &look->envelope, look->now_ms);

    return is_due && !rs_aside_is_loading(call->aside, call->key) ? RS_LOAD_ON_DUE
                                                                  : RS_LOAD_ON_NOT_DUE;
}

/* 0: another thread of this process refreshes the value. */
static int join_refresh(struct rs_load_call *call)
{
    struct rs_flights *flights = &call->aside->flights;
    struct rs_flight *before;
    struct rs_answer none;
    int may_share;

    if (rs_flights_join(flights, call->side_key, call->look.epoch, &call->flight, &before,
                        &may_share) == RS_JOINED_LEAD)
        return 1;
    (void)rs_flights_follow(flights, call->flight, 0, 0, &none); /* leaves it */
    call->flight = NULL;
    return 0;
}

static void end_refresh(struct rs_load_call *call)
{
    rs_flights_finish(&call->aside->flights, call->flight, NULL);
    call->flight = NULL;
}

enum rs_load_event rs_load_claim(struct rs_load_call *call)
{
    recsys_aside *aside = call->aside;

    call->side_key = rs_aside_side_key(aside, call->key, call->side_text);
    if (!join_refresh(call))
        return RS_LOAD_ON_LOST;
    rs_lease_write(call->lease, rs_aside_random(aside), rs_aside_random(aside));
    recsys_status status = recsys_store_set(aside->store, call->side_key,
                                            (recsys_bytes){call->lease, sizeof call->lease},
                                            aside->lease_ms, RECSYS_STORE_IF_ABSENT, NULL);
    if (status == RECSYS_OK)
        return RS_LOAD_ON_OURS;
    if (status != RECSYS_E_EXISTS)
        rs_counts_error(&aside->counts, RS_OPERATION_LOAD, status);
    end_refresh(call);
    return RS_LOAD_ON_LOST;
}

/* After a failure: keep the side lease, or take it again if it has expired meanwhile. If another
 * process has it now, that one refreshes. */
static void pause_refreshes(const struct rs_load_call *call)
{
    recsys_aside *aside = call->aside;
    const recsys_bytes lease = {call->lease, sizeof call->lease};
    uint64_t pause_ms = (uint64_t)call->load.delta_ms * PAUSE_FACTOR;

    if (pause_ms > MAX_PAUSE_MS)
        pause_ms = MAX_PAUSE_MS;
    if (pause_ms < aside->lease_ms)
        pause_ms = aside->lease_ms;
    recsys_status status =
        recsys_store_replace(aside->store, call->side_key, lease, lease, pause_ms, NULL);
    if (status == RECSYS_E_NOT_FOUND)
        status = recsys_store_set(aside->store, call->side_key, lease, pause_ms,
                                  RECSYS_STORE_IF_ABSENT, NULL);
    if (status != RECSYS_OK && status != RECSYS_E_EXISTS)
        rs_counts_error(&aside->counts, RS_OPERATION_LOAD, status);
}

enum rs_load_event rs_load_reload(struct rs_load_call *call)
{
    rs_counts_add(&call->aside->counts, RS_COUNT_EARLY, call->look.found == RS_FOUND_FRESH);
    call->load = (recsys_aside_load){.aside = call->aside, .key = call->key};
    call->loaded = rs_aside_run_loader(&call->load, call->loader, call->user_data, &call->problem);
    if (call->loaded == RECSYS_OK || call->loaded == RECSYS_E_NOT_FOUND)
        return RS_LOAD_ON_LOADED;
    pause_refreshes(call);
    end_refresh(call);
    return RS_LOAD_ON_FAILED;
}

enum rs_load_event rs_load_replace(struct rs_load_call *call)
{
    const struct rs_place place = {{call->look.prefix, call->look.prefix_size},
                                   rs_look_seen(&call->look)};

    rs_aside_fill(&call->load, call->loaded, &place, call->look.epoch);
    rs_load_give_back(call, call->side_key);
    end_refresh(call);
    rs_look_release(&call->look);
    rs_load_hand_out(call, call->loaded, call->load.image, &call->problem);
    return RS_LOAD_ON_REPLACED;
}

enum rs_load_event rs_load_serve(struct rs_load_call *call)
{
    const struct rs_look *look = &call->look;

    call->outcome = look->found == RS_FOUND_FRESH ? RECSYS_ASIDE_HIT : RECSYS_ASIDE_STALE;
    call->status = RECSYS_OK;
    *call->out = (recsys_value){look->envelope.value, look->envelope.value_size, look->held.hold,
                                look->held.release};
    return RS_LOAD_ON_SERVED;
}
