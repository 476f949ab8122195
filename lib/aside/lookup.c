/* lib/aside/lookup.c - read the value of a key, and say whether it is valid.
 *
 * The key and the epoch key are read in one call. A value is alive only in the
 * epoch it was stored in; epoch.c says what that is. If the store has no epoch
 * key and the caller wants to store a value, the look-up makes one and reads again.
 */
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/store/store.h"

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

static int is_json(const recsys_value *text)
{
    json_t *parsed = NULL;
    recsys_status status = rs_json_parse(text->size == 0 ? "" : text->data, text->size,
                                         "value of another program", &parsed, NULL);

    json_decref(parsed);
    return status == RECSYS_OK;
}

/* A plain value of another program. */
static enum rs_found judge_foreign(recsys_aside *aside, struct rs_look *look)
{
    recsys_value *text = &look->text;

    rs_counts_add(&aside->counts, RS_COUNT_FOREIGN, 1);
    if ((aside->flags & RECSYS_ASIDE_TRUST_OTHERS) == 0 || !is_json(text))
        return RS_FOUND_DEAD;
    /* Nothing is known about it, so it is never refreshed and never written through. */
    look->now_ms = rs_aside_now_ms(aside);
    look->envelope = (struct rs_envelope){
        .fresh_until_ms = RECSYS_NEVER, .value = text->data, .value_size = text->size};
    look->held = *text;
    *text = (recsys_value){NULL, 0, NULL, NULL};
    return RS_FOUND_FRESH;
}

static void say_damaged(recsys_aside *aside, struct rs_look *look, int is_mismatch,
                        recsys_error *err)
{
    rs_counts_add(&aside->counts, is_mismatch ? RS_COUNT_MISMATCHES : RS_COUNT_DAMAGED, 1);
    look->found = RS_FOUND_DAMAGED;
    look->status =
        is_mismatch
            ? rs_error(err, RECSYS_E_FORMAT,
                       "cache %s: the store returned the value of another key; it is not used",
                       aside->label)
            : rs_error(err, RECSYS_E_FORMAT,
                       "cache %s: the value is damaged, or not of this library; it is not used",
                       aside->label);
}

/* Is the value alive that stands under the key, as the companion says? `held` is the companion. */
static void judge_plain(recsys_aside *aside, recsys_bytes key, struct rs_look *look,
                        recsys_error *err)
{
    struct rs_identity identity = rs_aside_identity(aside, key);
    const recsys_bytes companion = {look->held.data, look->held.size};
    const recsys_bytes text = {look->text.data, look->text.size};
    recsys_value read = look->held;

    look->is_vacant = read.data == NULL;
    look->held = (recsys_value){NULL, 0, NULL, NULL};
    if (read.data == NULL) {
        look->found = text.data == NULL ? RS_FOUND_ABSENT : judge_foreign(aside, look);
        return;
    }
    keep_prefix(look, &read);
    switch (rs_companion_read(companion, text, &identity, &look->envelope)) {
    case RS_CONTENT_VALUE:
        look->found = judge_value(aside, look);
        look->is_own = look->found == RS_FOUND_DEAD;
        break;
    case RS_CONTENT_LEASE:
        look->found = RS_FOUND_LEASE;
        if (text.data != NULL && (aside->flags & RECSYS_ASIDE_TRUST_OTHERS) != 0 &&
            judge_foreign(aside, look) == RS_FOUND_FRESH)
            look->found = RS_FOUND_FRESH;
        break;
    case RS_CONTENT_FOREIGN:
        look->found = judge_foreign(aside, look);
        break;
    case RS_CONTENT_GONE:
        look->is_own = 1; /* a restart may bring back what was there */
        look->found = RS_FOUND_DEAD;
        break;
    case RS_CONTENT_MISMATCH:
        look->is_own = 1; /* for all that is known; if not, its owner loads it again */
        say_damaged(aside, look, 1, err);
        break;
    default:
        look->is_own = 1;
        say_damaged(aside, look, 0, err);
        break;
    }
    if ((look->found == RS_FOUND_FRESH || look->found == RS_FOUND_STALE) &&
        look->held.data == NULL) {
        recsys_value *of =
            (look->envelope.flags & RS_ENVELOPE_BESIDE) != 0 ? &read : &look->text;
        look->held = *of;
        *of = (recsys_value){NULL, 0, NULL, NULL};
    }
    recsys_value_release(&read);
}

static void judge(recsys_aside *aside, recsys_bytes key, struct rs_look *look, recsys_error *err)
{
    struct rs_identity identity = rs_aside_identity(aside, key);

    look->is_vacant = look->held.data == NULL;
    if (look->held.data == NULL) {
        look->found = RS_FOUND_ABSENT;
        return;
    }
    keep_prefix(look, &look->held);
    switch (rs_envelope_read(look->held.data, look->held.size, &identity,
                             aside->store->is_in_process, &look->envelope)) {
    case RS_CONTENT_VALUE:
        look->found = judge_value(aside, look);
        break;
    case RS_CONTENT_LEASE:
        look->found = RS_FOUND_LEASE;
        break;
    case RS_CONTENT_MISMATCH:
        say_damaged(aside, look, 1, err);
        break;
    default:
        say_damaged(aside, look, 0, err);
        break;
    }
    if (look->found != RS_FOUND_FRESH && look->found != RS_FOUND_STALE)
        recsys_value_release(&look->held);
}

/* One reading of the epoch, and of the key if there is one, with the companion of a plain value. 1
 * if the epoch is there. */
static int read_all(recsys_aside *aside, recsys_bytes key, struct rs_look *look, int *is_damaged,
                     recsys_error *err)
{
    char fence[RS_FENCE_MAX];
    recsys_bytes keys[3] = {{RS_EPOCH_KEY, sizeof RS_EPOCH_KEY - 1}, key, key};
    recsys_value values[3]; /* recsys_store_get() empties the first n */
    size_t n = key.size == 0 ? 1 : aside->is_plain ? 3 : 2;
    int has_epoch = 0;

    if (n == 3)
        keys[1] = rs_aside_fence(aside, key, fence);
    for (size_t i = n; i < 3; i++)
        values[i] = (recsys_value){NULL, 0, NULL, NULL};
    look->status = recsys_store_get(aside->store, keys, n, values, &look->incarnation, err);
    if (look->status != RECSYS_OK)
        return 0;
    if (atomic_load_explicit(&aside->met, memory_order_relaxed) != RS_MET)
        atomic_store_explicit(&aside->met, RS_MET, memory_order_relaxed);
    look->held = values[1];
    look->text = values[2];
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
    look->is_own = 0;
    look->held = (recsys_value){NULL, 0, NULL, NULL};
    look->text = (recsys_value){NULL, 0, NULL, NULL};
    for (int attempt = 0; !read_all(aside, key, look, &is_damaged, err); attempt++) {
        if (look->status == RECSYS_OK && !wants_epoch)
            break; /* without an epoch nothing is alive, and judge() will say so */
        rs_look_release(look);
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
    if (aside->is_plain)
        judge_plain(aside, key, look, err);
    else
        judge(aside, key, look, err);
    if (look->found == RS_FOUND_DAMAGED)
        rs_counts_error(&aside->counts, operation, look->status);
}

void rs_look_release(struct rs_look *look)
{
    recsys_value_release(&look->held);
    recsys_value_release(&look->text);
}

recsys_bytes rs_look_seen(const struct rs_look *look)
{
    const recsys_value *value = look->text.data != NULL ? &look->text : &look->held;

    return (recsys_bytes){value->data, value->size};
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
    recsys_value_release(&look.text);
    rs_counts_outcome(&aside->counts, RS_OPERATION_GET, how);
    rs_counts_end(&aside->counts, RS_OPERATION_GET, begin);
    if (outcome != NULL)
        *outcome = how;
    return status;
}
