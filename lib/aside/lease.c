/* lib/aside/lease.c - one load a key and store: the states of get_or_load.h that have to do with
 * the lease.
 *
 * The lease lies under the key itself, or in the place of a plain value's companion (entry_place.c). If
 * nothing is there, the lease is set; if what is there is dead or damaged, the lease replaces
 * exactly that. A caller that is
 * slower than another process pauses and reads again, until a value
 * is there, or the lease is gone: removed, or expired with its holder.
 */
#include "lib/aside/get_or_load.h"

#define MAX_LOSSES 8 /* of a race for the lease, before a round is given up */
#define FIRST_PAUSE_MS 5
#define LAST_PAUSE_MS 50

static enum rs_load_event say_away(struct rs_load_call *call, recsys_status status)
{
    rs_counts_error(&call->aside->counts, RS_OPERATION_LOAD, status);
    call->look.status = status;
    call->look.found = RS_FOUND_AWAY;
    call->look.epoch = 0;
    return RS_LOAD_ON_AWAY;
}

static enum rs_load_event lose(struct rs_load_call *call)
{
    call->losses++;
    return RS_LOAD_ON_LOST;
}

static enum rs_load_event win(struct rs_load_call *call)
{
    call->has_lease = 1;
    return RS_LOAD_ON_OURS;
}

static recsys_bytes lease_of(const struct rs_load_call *call)
{
    return (recsys_bytes){call->lease, sizeof call->lease};
}

void rs_load_give_back(const struct rs_load_call *call, recsys_bytes key)
{
    recsys_status status = recsys_store_replace(call->aside->store, key, lease_of(call),
                                                (recsys_bytes){NULL, 0}, 0, NULL);

    if (status != RECSYS_OK && status != RECSYS_E_NOT_FOUND)
        rs_counts_error(&call->aside->counts, RS_OPERATION_LOAD, status);
}

static recsys_bytes fence_of(struct rs_load_call *call)
{
    return rs_aside_fence(call->aside, call->key, call->fence);
}

/* Absent: set the lease if no other process is faster. */
static enum rs_load_event take_absent(struct rs_load_call *call)
{
    recsys_value present = {NULL, 0, NULL, NULL};
    uint64_t incarnation = 0;
    recsys_status status =
        recsys_store_get_or_set(call->aside->store, fence_of(call), lease_of(call),
                                call->aside->lease_ms, &present, &incarnation, NULL);

    if (status != RECSYS_OK)
        return say_away(call, status);
    if (present.data != NULL) {
        recsys_value_release(&present);
        return lose(call);
    }
    if (incarnation != call->look.incarnation) { /* the store restarted after the epoch was read */
        rs_load_give_back(call, fence_of(call));
        return lose(call);
    }
    return win(call);
}

/* A dead or damaged value is there: replace it. A plain one of another program stays. */
static enum rs_load_event take_over(struct rs_load_call *call)
{
    const struct rs_place place = {{call->look.prefix, call->look.prefix_size},
                                   rs_look_seen(&call->look)};
    recsys_status status =
        call->look.is_own
            ? rs_entry_put_lease(call->aside, call->key, &place, lease_of(call))
            : recsys_store_replace(call->aside->store, fence_of(call), place.prefix, lease_of(call),
                                   call->aside->lease_ms, NULL);

    if (status == RECSYS_OK && call->look.is_own)
        recsys_value_release(&call->look.text); /* nothing is there now */
    if (status == RECSYS_OK)
        return win(call);
    return status == RECSYS_E_NOT_FOUND ? lose(call) : say_away(call, status);
}

enum rs_load_event rs_load_take(struct rs_load_call *call)
{
    recsys_aside *aside = call->aside;

    rs_lease_write(call->lease, rs_aside_random(aside), rs_aside_random(aside));
    return call->look.is_vacant ? take_absent(call) : take_over(call);
}

/* One pause, no longer than there is time. */
enum rs_load_event rs_load_wait(struct rs_load_call *call)
{
    recsys_aside *aside = call->aside;
    uint64_t now = rs_waiting_now_us(&aside->waiting);

    if (now >= call->deadline_us)
        return RS_LOAD_ON_TIME_UP;
    if (call->waits_since_us == 0) {
        call->waits_since_us = now;
        call->pause_ms = FIRST_PAUSE_MS;
    }
    uint64_t left_ms = (call->deadline_us - now - 1) / 1000 + 1;
    /* At least half of FIRST_PAUSE_MS; by chance, so that waiting callers do not all look at once.
     */
    uint32_t ms = (uint32_t)(call->pause_ms * (0.5 + 0.5 * rs_aside_random_unit(aside)));
    rs_waiting_sleep(&aside->waiting, left_ms < ms ? (uint32_t)left_ms : ms);
    call->pause_ms = call->pause_ms * 2 < LAST_PAUSE_MS ? call->pause_ms * 2 : LAST_PAUSE_MS;
    return RS_LOAD_ON_RESTED;
}

enum rs_load_event rs_load_watch(struct rs_load_call *call)
{
    rs_look_release(&call->look);
    rs_aside_look(call->aside, call->key, 1, RS_OPERATION_LOAD, &call->look, NULL);
    if (call->look.epoch != call->epoch || call->losses == MAX_LOSSES)
        return RS_LOAD_ON_NEWS;
    switch (call->look.found) {
    case RS_FOUND_LEASE:
        return RS_LOAD_ON_LEASED;
    case RS_FOUND_ABSENT:
    case RS_FOUND_DEAD:
    case RS_FOUND_DAMAGED:
        return RS_LOAD_ON_FREE;
    default:
        return RS_LOAD_ON_NEWS;
    }
}

void rs_load_end_waiting(const struct rs_load_call *call)
{
    recsys_aside *aside = call->aside;

    if (call->waits_since_us != 0)
        rs_counts_waited(&aside->counts, rs_waiting_now_us(&aside->waiting) - call->waits_since_us);
}
