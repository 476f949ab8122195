/* lib/aside/changes.c - change the truth, then the cached values.
 *
 * The writer runs first, so nothing can be invalidated before the commit. All
 * memory is allocated before it runs: afterwards nothing may fail for lack of it.
 *
 * A value that the writer gave takes the place of a cached one of a lower
 * version, by compare and replace, so two writers end with the higher version
 * whatever their order. A lease is removed: the value that its holder loads may
 * be from before the write. If there is no value, none is stored: a later load
 * reads the new truth. Everything else is removed.
 */
#include "lib/aside/aside.h"
#include "lib/base/alloc.h"
#include "lib/base/callback.h"
#include "lib/base/error.h"

#define ATTEMPTS 4

struct recsys_aside_changes {
    recsys_aside *aside;
    const recsys_bytes *keys;
    size_t n;
    struct rs_image **images; /* by key; NULL = remove it */
    uint64_t *versions;
    recsys_bytes *removals; /* room for all keys */
};

recsys_status recsys_aside_changes_set(recsys_aside_changes *changes, size_t index,
                                       recsys_bytes value, uint64_t version, recsys_error *err)
{
    if (changes == NULL || (value.data == NULL && value.size > 0) || value.size > INT32_MAX)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_changes_set: an argument is missing, or the value is larger "
                        "than 2 GiB");
    if (index >= changes->n || version == 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_changes_set: there are %zu keys, %zu is none of them; or the "
                        "version is 0",
                        changes->n, index);
    rs_image_unref(changes->images[index]);
    changes->images[index] = NULL;
    recsys_status status = rs_aside_check_value(changes->aside, value, err);
    if (status != RECSYS_OK)
        return status;
    if (value.size > changes->aside->max_value_bytes) {
        rs_counts_add(&changes->aside->counts, RS_COUNT_TOO_LARGE, 1);
        return RECSYS_OK; /* the key is removed: the next reader loads it */
    }
    struct rs_identity identity = rs_aside_identity(changes->aside, changes->keys[index]);
    changes->images[index] = rs_image_create(&identity, value);
    changes->versions[index] = version;
    return changes->images[index] == NULL ? rs_error_nomem(err, "value for a cache") : RECSYS_OK;
}

/* Put the image in the place of the value that was seen. */
static recsys_status replace_seen(recsys_aside *aside, recsys_bytes key, struct rs_image *image,
                                  uint64_t version, const struct rs_look *look)
{
    struct rs_envelope envelope = {.version = version, .delta_ms = look->envelope.delta_ms};
    const struct rs_place place = {{look->prefix, look->prefix_size}, rs_look_seen(look)};
    recsys_status status =
        rs_entry_put(aside, key, &place, image, &envelope, look->epoch, 0, NULL);

    if (status != RECSYS_OK && status != RECSYS_E_NOT_FOUND)
        rs_counts_error(&aside->counts, RS_OPERATION_WRITE, status);
    return status;
}

/* 1 if nothing under the key is older than the write, 0 to remove it, -1 to look again. */
static int write_over(recsys_aside *aside, recsys_bytes key, struct rs_image *image,
                      uint64_t version, const struct rs_look *look)
{
    if (look->found == RS_FOUND_ABSENT)
        return 1;
    if ((look->found != RS_FOUND_FRESH && look->found != RS_FOUND_STALE) ||
        look->envelope.version == 0)
        return 0; /* an entry without a version, also a negative one, may be newer or older */
    if (look->envelope.version >= version)
        return 1;
    recsys_status status = replace_seen(aside, key, image, version, look);
    return status == RECSYS_E_NOT_FOUND ? -1 : status == RECSYS_OK;
}

static int write_through(recsys_aside *aside, recsys_bytes key, struct rs_image *image,
                         uint64_t version)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        struct rs_look look;
        rs_aside_look(aside, key, 0, RS_OPERATION_WRITE, &look, NULL);
        int is_done = write_over(aside, key, image, version, &look);
        rs_look_release(&look);
        if (is_done >= 0)
            return is_done;
    }
    return 0;
}

static void settle(recsys_aside_changes *changes, recsys_status status)
{
    recsys_aside *aside = changes->aside;
    size_t n_removals = 0;

    for (size_t i = 0; i < changes->n; i++) {
        if (status == RECSYS_OK && changes->images[i] != NULL &&
            write_through(aside, changes->keys[i], changes->images[i], changes->versions[i]))
            rs_flights_unlist(&aside->flights, changes->keys[i]);
        else
            changes->removals[n_removals++] = changes->keys[i];
    }
    rs_aside_invalidate_keys(aside, changes->removals, n_removals, RS_OPERATION_WRITE);
}

static recsys_status check(const recsys_aside *aside, const recsys_bytes *keys, size_t n,
                           recsys_aside_writer writer, recsys_error *err)
{
    if (writer == NULL || (keys == NULL && n > 0))
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_write: an argument is missing");
    if (aside == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_write: the cache is NULL");
    for (size_t i = 0; i < n; i++) {
        recsys_status status = rs_aside_check_key(aside, keys[i], "recsys_aside_write", err);
        if (status != RECSYS_OK)
            return status;
    }
    return RECSYS_OK;
}

recsys_status recsys_aside_write(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                                 recsys_aside_writer writer, void *user_data, recsys_error *err)
{
    recsys_aside_changes changes = {aside, keys, n, NULL, NULL, NULL};
    recsys_error said = {0}, problem = {0};
    recsys_status status = check(aside, keys, n, writer, err);

    if (status != RECSYS_OK)
        return status;
    changes.images = rs_alloc_array(n, sizeof(struct rs_image *));
    changes.versions = rs_alloc_array(n, sizeof *changes.versions);
    changes.removals = rs_alloc_array(n, sizeof *changes.removals);
    if (changes.images == NULL || changes.versions == NULL || changes.removals == NULL) {
        status = rs_error_nomem(err, "write; nothing was written");
        goto done;
    }
    status = writer(&changes, user_data, &said);
    status = rs_callback_result(status, &said, &problem, "recsys_aside_write: the writer");
    uint64_t begin = rs_counts_begin(&aside->counts);
    settle(&changes, status);
    rs_counts_end(&aside->counts, RS_OPERATION_WRITE, begin);
    for (size_t i = 0; i < n; i++)
        rs_image_unref(changes.images[i]);
    if (status != RECSYS_OK && err != NULL)
        *err = problem;
done:
    rs_free(changes.removals);
    rs_free(changes.versions);
    rs_free(changes.images);
    return status;
}
