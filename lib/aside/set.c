/* lib/aside/set.c - store a value that the caller knows to be true.
 *
 * It replaces any value, and also a lease, so the value of a load that is running is
 * not stored after it. The old value is no longer true in any case: if the new one
 * cannot be stored, the key is removed.
 */
#include <inttypes.h>

#include "lib/aside/aside.h"
#include "lib/base/error.h"

static recsys_status make_image(recsys_aside *aside, recsys_bytes key, recsys_bytes value,
                                struct rs_image **image, recsys_error *err)
{
    struct rs_identity identity = rs_aside_identity(aside, key);

    if (value.size > aside->max_value_bytes) {
        rs_counts_add(&aside->counts, RS_COUNT_TOO_LARGE, 1);
        return rs_error(err, RECSYS_E_LIMIT,
                        "cache %s: the value has %zu bytes, at most %" PRIu64 " are stored",
                        aside->label, value.size, aside->max_value_bytes);
    }
    recsys_status status = rs_aside_check_value(aside, value, err);
    if (status != RECSYS_OK)
        return status;
    *image = rs_image_create(&identity, value);
    return *image == NULL ? rs_error_nomem(err, "value for a cache") : RECSYS_OK;
}

static recsys_status store_image(recsys_aside *aside, recsys_bytes key, struct rs_image *image,
                                 uint64_t version, uint64_t ttl_ms, recsys_error *err)
{
    struct rs_envelope envelope = {.version = version};
    struct rs_look look;

    rs_aside_look(aside, (recsys_bytes){NULL, 0}, 1, RS_OPERATION_SET, &look, err);
    if (look.found == RS_FOUND_AWAY)
        return look.status;
    recsys_status status =
        rs_entry_put(aside, key, NULL, image, &envelope, look.epoch, ttl_ms, err);
    if (status != RECSYS_OK)
        rs_counts_error(&aside->counts, RS_OPERATION_SET, status);
    return status;
}

recsys_status recsys_aside_set(recsys_aside *aside, recsys_bytes key, recsys_bytes value,
                               uint64_t version, uint64_t ttl_ms, recsys_error *err)
{
    struct rs_image *image = NULL;
    recsys_error problem; /* another process' epoch is no failure of this call */
    recsys_status status = rs_aside_check_key(aside, key, "recsys_aside_set", err);

    if (status != RECSYS_OK)
        return status;
    if (value.data == NULL && value.size > 0)
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_set: the value is missing");
    uint64_t begin = rs_counts_begin(&aside->counts);
    status = make_image(aside, key, value, &image, &problem);
    if (status == RECSYS_OK)
        status = store_image(aside, key, image, version, ttl_ms, &problem);
    rs_image_unref(image);
    if (rs_aside_is_away(status))
        rs_aside_remember(aside, &key, 1); /* the store may still receive the value */
    else if (status != RECSYS_OK)
        rs_aside_invalidate_keys(aside, &key, 1, RS_OPERATION_SET);
    rs_flights_unlist(&aside->flights, key);
    rs_counts_end(&aside->counts, RS_OPERATION_SET, begin);
    if (status != RECSYS_OK && err != NULL)
        *err = problem;
    return status;
}
