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

recsys_status recsys_aside_load_set(recsys_aside_load *load, recsys_bytes value, uint64_t version,
                                    uint64_t ttl_ms, uint32_t flags, recsys_error *err)
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
    load->image = rs_image_create(&identity, value);
    if (load->image == NULL)
        return rs_error_nomem(err, "loaded value");
    load->version = version;
    load->ttl_ms = ttl_ms;
    load->flags = flags;
    return RECSYS_OK;
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

static enum rs_filled replace(recsys_aside_load *load, const unsigned char *place,
                              recsys_bytes value, uint64_t ttl_ms)
{
    recsys_aside *aside = load->aside;
    recsys_status status = recsys_store_replace(
        aside->store, load->key, (recsys_bytes){place, RS_ENVELOPE_PREFIX}, value, ttl_ms, NULL);

    if (status == RECSYS_OK)
        return RS_FILLED_PROVED;
    if (status == RECSYS_E_NOT_FOUND)
        return RS_FILLED_REFUSED;
    rs_counts_error(&aside->counts, RS_OPERATION_LOAD, status);
    return RS_FILLED_UNKNOWN;
}

static enum rs_filled fill_value(recsys_aside_load *load, const unsigned char *place,
                                 uint64_t epoch)
{
    struct rs_image *image = load->image;
    struct rs_envelope envelope = {.version = load->version,
                                   .delta_ms = load->delta_ms,
                                   .value_size = image->size - image->offset};
    uint64_t ttl =
        rs_aside_stamp(load->aside, load->key, image->bytes, &envelope, epoch, load->ttl_ms);

    return replace(load, place, (recsys_bytes){image->bytes, image->size}, ttl);
}

static enum rs_filled fill_negative(recsys_aside_load *load, const unsigned char *place,
                                    uint64_t epoch)
{
    struct rs_identity identity = rs_aside_identity(load->aside, load->key);
    struct rs_envelope envelope = {.flags = RS_ENVELOPE_NEGATIVE, .delta_ms = load->delta_ms};
    unsigned char bytes[RS_ENVELOPE_HEAD + RS_LABEL_MAX + 1 + RECSYS_KEY_MAX];
    uint64_t ttl = rs_aside_stamp(load->aside, load->key, bytes, &envelope, epoch,
                                  load->aside->negative_ttl_ms);

    return replace(load, place, (recsys_bytes){bytes, rs_envelope_size(&identity, 0)}, ttl);
}

enum rs_filled rs_aside_fill(recsys_aside_load *load, recsys_status status,
                             const unsigned char place[RS_ENVELOPE_PREFIX], uint64_t epoch)
{
    recsys_aside *aside = load->aside;
    const struct rs_image *image = load->image;
    int is_too_large = image != NULL && image->size - image->offset > aside->max_value_bytes;
    enum rs_filled filled;

    if (is_too_large)
        rs_counts_add(&aside->counts, RS_COUNT_TOO_LARGE, 1);
    if (image != NULL && !is_too_large && (load->flags & RECSYS_ASIDE_UNCACHED) == 0)
        filled = fill_value(load, place, epoch);
    else if (status == RECSYS_E_NOT_FOUND && aside->negative_ttl_ms > 0)
        filled = fill_negative(load, place, epoch);
    else
        return replace(load, place, (recsys_bytes){NULL, 0}, 0);
    if (filled == RS_FILLED_PROVED)
        rs_counts_add(&aside->counts, RS_COUNT_FILLS, 1);
    else if (filled == RS_FILLED_REFUSED)
        rs_counts_add(&aside->counts, RS_COUNT_FILLS_REFUSED, 1);
    return filled;
}
