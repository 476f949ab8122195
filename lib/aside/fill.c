/* lib/aside/fill.c - run a loader, and store its value in the place that was kept for it.
 *
 * The place is a lease, or the beginning of the value that is loaded again. The
 * store compares it and stores in one step, so a fill never undoes a removal,
 * because a removal of the key also takes the place away. A value that cannot or
 * need not be stored gives the place back in the same way; if that succeeds, the
 * key has not been removed until now.
 *
 * A loader that asks for the key it is loading would wait for itself, or load
 * without end. Each thread knows the loads it is in; in a simulation, where all
 * threads are one, no thread does.
 */
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/aside/load_shown.h"
#include "lib/base/callback.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"

static _Thread_local const recsys_aside_load *innermost;

int rs_aside_is_loading(const recsys_aside *aside, recsys_bytes key)
{
    for (const recsys_aside_load *load = innermost; load != NULL; load = load->around)
        if (load->aside == aside && load->key.size == key.size &&
            memcmp(load->key.data, key.data, key.size) == 0)
            return 1;
    return 0;
}

recsys_status rs_aside_load_set_shown(recsys_aside_load *load, recsys_bytes value,
                                      recsys_bytes shown, uint64_t version, uint64_t ttl_ms,
                                      uint32_t flags, recsys_error *err)
{
    if (load == NULL || (value.data == NULL && value.size > 0) || value.size > INT32_MAX)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_load_set: an argument is missing, or the value is larger "
                        "than 2 GiB");
    recsys_status status =
        rs_reserved(flags & ~(uint32_t)RECSYS_ASIDE_UNCACHED, "recsys_aside_load_set: flags", err);
    if (status != RECSYS_OK)
        return status;
    if (load->image != NULL)
        return rs_error(err, RECSYS_E_STATE,
                        "recsys_aside_load_set: called twice for one load");
    status = rs_aside_check_value(load->aside, value, err);
    if (status != RECSYS_OK)
        return status;
    struct rs_identity identity = rs_aside_identity(load->aside, load->key);
    load->image = rs_image_create_shown(&identity, value, shown);
    if (load->image == NULL)
        return rs_error_nomem(err, "loaded value");
    load->version = version;
    load->ttl_ms = ttl_ms;
    load->flags = flags;
    return RECSYS_OK;
}

recsys_status recsys_aside_load_set(recsys_aside_load *load, recsys_bytes value, uint64_t version,
                                    uint64_t ttl_ms, uint32_t flags, recsys_error *err)
{
    return rs_aside_load_set_shown(load, value, (recsys_bytes){NULL, 0}, version, ttl_ms, flags,
                                   err);
}

recsys_status rs_aside_run_loader(recsys_aside_load *load, recsys_aside_loader loader,
                                  void *user_data, recsys_error *problem)
{
    recsys_aside *aside = load->aside;
    uint64_t begin = rs_waiting_now_us(&aside->waiting);

    rs_counts_add(&aside->counts, RS_COUNT_LOADS, 1);
    int is_simulated = aside->waiting.sleep_ms != NULL;
    load->around = innermost;
    if (!is_simulated)
        innermost = load;
    recsys_error said = {0};
    recsys_status status = loader(load, user_data, &said);
    if (!is_simulated)
        innermost = load->around;
    uint64_t took = (rs_waiting_now_us(&aside->waiting) - begin + 999) / 1000;
    load->delta_ms = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    status = rs_callback_result(status, &said, problem, "recsys_aside_get_or_load: the loader");
    if (status == RECSYS_OK && load->image == NULL)
        status = rs_error(problem, RECSYS_E_INVALID,
                          "cache %s: the loader returned success without recsys_aside_load_set(); "
                          "that is a bug of the loader",
                          aside->label);
    if (status != RECSYS_OK) {
        rs_image_unref(load->image);
        load->image = NULL;
        if (status != RECSYS_E_NOT_FOUND)
            rs_counts_add(&aside->counts, RS_COUNT_LOAD_FAILURES, 1);
    }
    return status;
}

static enum rs_filled judge(recsys_aside *aside, recsys_status status)
{
    if (status == RECSYS_OK)
        return RS_FILLED_PROVED;
    if (status == RECSYS_E_NOT_FOUND)
        return RS_FILLED_REFUSED;
    rs_counts_error(&aside->counts, RS_OPERATION_LOAD, status);
    return RS_FILLED_UNKNOWN;
}

enum rs_filled rs_aside_fill(recsys_aside_load *load, recsys_status status,
                             const struct rs_place *place, uint64_t epoch)
{
    recsys_aside *aside = load->aside;
    struct rs_image *image = load->image;
    struct rs_envelope envelope = {.version = load->version, .delta_ms = load->delta_ms};
    int is_too_large = image != NULL && image->size - image->offset > aside->max_value_bytes;
    enum rs_filled filled;

    if (is_too_large)
        rs_counts_add(&aside->counts, RS_COUNT_TOO_LARGE, 1);
    if (image != NULL && !is_too_large && (load->flags & RECSYS_ASIDE_UNCACHED) == 0)
        filled = judge(aside, rs_entry_put(aside, load->key, place, image, &envelope, epoch,
                                           load->ttl_ms, NULL));
    else if (status == RECSYS_E_NOT_FOUND && aside->negative_ttl_ms > 0)
        filled = judge(aside, rs_entry_put_negative(aside, load->key, place, &envelope, epoch));
    else
        return judge(aside, rs_entry_clear(aside, load->key, place));
    if (filled == RS_FILLED_PROVED)
        rs_counts_add(&aside->counts, RS_COUNT_FILLS, 1);
    else if (filled == RS_FILLED_REFUSED)
        rs_counts_add(&aside->counts, RS_COUNT_FILLS_REFUSED, 1);
    return filled;
}
