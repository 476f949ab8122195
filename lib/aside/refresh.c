/* lib/aside/refresh.c - load a value anew before it ends, and keep it if that fails.
 *
 * XFetch (Vattani et al., "Optimal probabilistic cache stampede prevention",
 * VLDB 2015): a reader of a value that is fresh for `left` more milliseconds and
 * took `delta` to load thinks it over already if -delta * beta * ln(U) >= left.
 * The more readers, the earlier one of them does, and the slower the load, the
 * earlier it begins.
 *
 * XFetch alone gives e loads an expiry. So who wants to load takes a side lease
 * first, under a key of its own because the value stays readable meanwhile; the
 * others are handed what there is. If the load fails the old value is handed
 * out and the side lease left to expire: that long nobody tries again.
 */
#include <math.h>
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/base/error.h"

/* -ln(U) is never more, for a U with 53 bits. */
#define MAX_MINUS_LN 36.8

int rs_aside_is_early(recsys_aside *aside, const struct rs_envelope *envelope, uint64_t now_ms)
{
    double left = (double)(envelope->fresh_until_ms - now_ms);
    double gap = (double)envelope->delta_ms * aside->beta;

    if (gap * MAX_MINUS_LN < left || gap <= 0.0)
        return 0; /* nearly always: no random number is needed for that */
    return -gap * log(rs_aside_random_unit(aside)) >= left;
}

static recsys_bytes side_key(recsys_bytes key, char room[RECSYS_KEY_MAX + 2])
{
    memcpy(room, key.data, key.size);
    memcpy(room + key.size, RS_SIDE_SUFFIX, 2);
    return (recsys_bytes){room, key.size + 2};
}

static recsys_status hand_out_found(struct rs_request *request, struct rs_look *look)
{
    request->outcome = look->found == RS_FOUND_FRESH ? RECSYS_ASIDE_HIT : RECSYS_ASIDE_STALE;
    *request->out = (recsys_value){look->envelope.value, look->envelope.value_size, look->held.hold,
                                   look->held.release};
    return RECSYS_OK;
}

/* This caller has the side lease. */
static recsys_status refresh(recsys_aside *aside, struct rs_request *request, struct rs_look *look,
                             recsys_bytes side, const unsigned char *lease)
{
    recsys_aside_load load = {.aside = aside, .key = request->key};
    recsys_error problem;

    rs_counts_add(&aside->counts, RS_COUNT_EARLY, look->found == RS_FOUND_FRESH);
    recsys_status status =
        rs_aside_run_loader(&load, request->loader, request->user_data, &problem);
    if (status != RECSYS_OK && status != RECSYS_E_NOT_FOUND)
        return hand_out_found(request, look);
    rs_aside_fill(&load, status, look->prefix, look->epoch);
    recsys_status given_back =
        recsys_store_replace(aside->store, side, (recsys_bytes){lease, RS_ENVELOPE_PREFIX},
                             (recsys_bytes){NULL, 0}, 0, NULL);
    if (given_back != RECSYS_OK && given_back != RECSYS_E_NOT_FOUND)
        rs_counts_error(&aside->counts, RS_OPERATION_LOAD, given_back);
    rs_look_release(look);
    request->outcome = RECSYS_ASIDE_MISS;
    if (status != RECSYS_OK) {
        if (request->err != NULL)
            *request->err = problem;
        return status;
    }
    *request->out = rs_image_hand_out(load.image);
    return RECSYS_OK;
}

recsys_status rs_aside_use(recsys_aside *aside, struct rs_request *request, struct rs_look *look)
{
    unsigned char lease[RS_ENVELOPE_PREFIX];
    char room[RECSYS_KEY_MAX + 2];

    if ((look->found == RS_FOUND_FRESH &&
         !rs_aside_is_early(aside, &look->envelope, look->now_ms)) ||
        rs_aside_is_loading(aside, request->key))
        return hand_out_found(request, look);
    recsys_bytes side = side_key(request->key, room);
    rs_lease_write(lease, rs_aside_random(aside), rs_aside_random(aside));
    recsys_status status = recsys_store_set(aside->store, side, (recsys_bytes){lease, sizeof lease},
                                            aside->lease_ms, RECSYS_STORE_IF_ABSENT, NULL);
    if (status == RECSYS_OK)
        return refresh(aside, request, look, side, lease);
    if (status != RECSYS_E_EXISTS)
        rs_counts_error(&aside->counts, RS_OPERATION_LOAD, status);
    return hand_out_found(request, look);
}
