/* lib/aside/lookup.c - read the value of a key, and say whether it is valid.
 *
 * The key and the epoch key are read in one call. A value is alive only in the
 * epoch it was stored in; epoch.c says what that is. If the store has no epoch
 * key and the caller wants to store a value, the look-up makes one and reads again.
 */
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/base/error.h"

#define EPOCH_ATTEMPTS 4

static void keep_prefix(struct rs_look *look, const recsys_value *value)
{
    look->prefix_size = value->size < sizeof look->prefix ? value->size : sizeof look->prefix;
    memcpy(look->prefix, value->data, look->prefix_size);
}

static enum rs_found judge_value(const recsys_aside *aside, struct rs_look *look)
{
    const struct rs_envelope *envelope = &look->envelope;

    if (look->epoch == 0 || envelope->epoch != look->epoch)
        return RS_FOUND_DEAD;
    look->now_ms = rs_aside_now_ms(aside);
    if ((envelope->flags & RS_ENVELOPE_NEGATIVE) != 0)
        return look->now_ms < envelope->fresh_until_ms ? RS_FOUND_NEGATIVE : RS_FOUND_DEAD;
    if ((aside->flags & RECSYS_ASIDE_JSON) != 0 && (envelope->flags & RS_ENVELOPE_JSON) == 0)
        return RS_FOUND_DEAD; /* from before this cache wanted JSON */
    return look->now_ms < envelope->fresh_until_ms ? RS_FOUND_FRESH : RS_FOUND_STALE;
}

static void judge(recsys_aside *aside, recsys_bytes key, struct rs_look *look, recsys_error *err)
{
    struct rs_identity identity = rs_aside_identity(aside, key);

    if (look->held.data == NULL) {
        look->found = RS_FOUND_ABSENT;
        return;
    }
    keep_prefix(look, &look->held);
    switch (rs_envelope_read(look->held.data, look->held.size, &identity, &look->envelope)) {
    case RS_CONTENT_VALUE:
        look->found = judge_value(aside, look);
        break;
    case RS_CONTENT_LEASE:
        look->found = RS_FOUND_LEASE;
        break;
    case RS_CONTENT_MISMATCH:
        rs_counts_add(&aside->counts, RS_COUNT_MISMATCHES, 1);
        look->found = RS_FOUND_DAMAGED;
        look->status = rs_error(err, RECSYS_E_FORMAT,
                                "cache %s: the store returned the value of another key; it is "
                                "not used",
                                aside->label);
        break;
    default:
        rs_counts_add(&aside->counts, RS_COUNT_DAMAGED, 1);
        look->found = RS_FOUND_DAMAGED;
        look->status = rs_error(err, RECSYS_E_FORMAT,
                                "cache %s: the value is damaged, or not of this library; it is "
                                "not used",
                                aside->label);
        break;
    }
    if (look->found != RS_FOUND_FRESH && look->found != RS_FOUND_STALE)
        recsys_value_release(&look->held);
}

/* One reading of the epoch, and of the key if there is one. 1 if the epoch is there. */
static int read_both(recsys_aside *aside, recsys_bytes key, struct rs_look *look, int *is_damaged,
                     recsys_error *err)
{
    const recsys_bytes keys[2] = {{RS_EPOCH_KEY, sizeof RS_EPOCH_KEY - 1}, key};
    recsys_value values[2] = {{0}};
    int has_epoch = 0;

    look->status = recsys_store_get(aside->store, keys, key.size == 0 ? 1 : 2, values,
                                    &look->incarnation, err);
    if (look->status != RECSYS_OK)
        return 0;
    if (atomic_load_explicit(&aside->met, memory_order_relaxed) != RS_MET)
        atomic_store_explicit(&aside->met, RS_MET, memory_order_relaxed);
    look->held = values[1];
    *is_damaged = values[0].data != NULL && values[0].size != RS_EPOCH_SIZE;
    if (values[0].data != NULL && values[0].size == RS_EPOCH_SIZE) {
        look->epoch = rs_epoch_of(values[0].data, look->incarnation);
        has_epoch = 1;
    }
    recsys_value_release(&values[0]);
    return has_epoch;
}

void rs_aside_look(recsys_aside *aside, recsys_bytes key, int wants_epoch,
                   enum rs_operation operation, struct rs_look *look, recsys_error *err)
{
    int is_damaged = 0;

    look->status = RECSYS_OK;
    look->epoch = 0;
    look->prefix_size = 0;
    look->held = (recsys_value){NULL, 0, NULL, NULL};
    for (int attempt = 0; !read_both(aside, key, look, &is_damaged, err); attempt++) {
        if (look->status == RECSYS_OK && !wants_epoch)
            break; /* without an epoch nothing is alive, and judge() will say so */
        recsys_value_release(&look->held);
        if (look->status == RECSYS_OK)
            look->status = rs_aside_make_epoch(aside, is_damaged, err);
        if (look->status == RECSYS_OK && attempt == EPOCH_ATTEMPTS)
            look->status = rs_error(err, RECSYS_E_BACKEND,
                                    "store %s: it does not keep the value of %s",
                                    recsys_store_get_name(aside->store), RS_EPOCH_KEY);
        if (look->status != RECSYS_OK) {
            rs_counts_error(&aside->counts, operation, look->status);
            if (atomic_load_explicit(&aside->met, memory_order_relaxed) == RS_MET_NOT_YET &&
                rs_aside_is_away(look->status))
                rs_aside_remember(aside, NULL, 0);
            look->found = RS_FOUND_AWAY;
            look->epoch = 0;
            return;
        }
    }
    judge(aside, key, look, err);
    if (look->found == RS_FOUND_DAMAGED)
        rs_counts_error(&aside->counts, operation, look->status);
}

void rs_look_release(struct rs_look *look)
{
    recsys_value_release(&look->held);
}

/* -- the public function -- */

static recsys_status answer(recsys_aside *aside, struct rs_look *look, recsys_value *out,
                            uint32_t *outcome, recsys_error *err)
{
    switch (look->found) {
    case RS_FOUND_FRESH:
    case RS_FOUND_STALE:
        *outcome = look->found == RS_FOUND_FRESH ? RECSYS_ASIDE_HIT : RECSYS_ASIDE_STALE;
        *out = (recsys_value){look->envelope.value, look->envelope.value_size, look->held.hold,
                              look->held.release};
        return RECSYS_OK;
    case RS_FOUND_NEGATIVE:
        *outcome = RECSYS_ASIDE_NEGATIVE;
        return rs_error(err, RECSYS_E_NOT_FOUND, "cache %s: known not to exist", aside->label);
    case RS_FOUND_AWAY:
    case RS_FOUND_DAMAGED:
        *outcome = RECSYS_ASIDE_UNKNOWN;
        return look->status;
    default:
        *outcome = RECSYS_ASIDE_MISS;
        return rs_error(err, RECSYS_E_NOT_FOUND, "cache %s: the key is not cached", aside->label);
    }
}

recsys_status recsys_aside_get(recsys_aside *aside, recsys_bytes key, recsys_value *out,
                               uint32_t *outcome, recsys_error *err)
{
    uint32_t how = 0;
    struct rs_look look;

    if (outcome != NULL)
        *outcome = 0;
    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_get: out is NULL");
    *out = (recsys_value){NULL, 0, NULL, NULL};
    recsys_status status = rs_aside_check_key(aside, key, "recsys_aside_get", err);
    if (status != RECSYS_OK)
        return status;
    uint64_t begin = rs_counts_begin(&aside->counts);
    rs_aside_look(aside, key, 0, RS_OPERATION_GET, &look, err);
    status = answer(aside, &look, out, &how, err);
    rs_counts_outcome(&aside->counts, RS_OPERATION_GET, how);
    rs_counts_end(&aside->counts, RS_OPERATION_GET, begin);
    if (outcome != NULL)
        *outcome = how;
    return status;
}
