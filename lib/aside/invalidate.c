/* lib/aside/invalidate.c - invalidate keys, keys of a form, or everything.
 *
 * Keys of a form are found by a scan of the store, a step at a time. The scan need
 * not find keys that are stored while it runs: a load that begins after the truth
 * has changed reads the new truth. Values and leases from before are there during
 * the whole scan, so the scan finds them. If it fails, a new epoch replaces it as
 * soon as the store answers.
 */
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/store/match.h"
#include "lib/store/store.h"

#define MAX_PARTS 8u
#define MAX_PARTS_BYTES 256u
#define MAX_STEP_BYTES ((size_t)64 << 20) /* of keys that one step of the walk may give */

recsys_status recsys_aside_invalidate(recsys_aside *aside, const recsys_bytes *keys, size_t n,
                                      recsys_error *err)
{
    if (aside == NULL || (keys == NULL && n > 0))
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_invalidate: an argument is missing");
    for (size_t i = 0; i < n; i++) {
        recsys_status status = rs_aside_check_key(aside, keys[i], "recsys_aside_invalidate", err);
        if (status != RECSYS_OK)
            return status;
    }
    uint64_t begin = rs_counts_begin(&aside->counts);
    rs_aside_invalidate_keys(aside, keys, n, RS_OPERATION_DELETE);
    rs_counts_end(&aside->counts, RS_OPERATION_DELETE, begin);
    return RECSYS_OK;
}

/* A new epoch now or as soon as possible. */
static void invalidate_all(recsys_aside *aside)
{
    recsys_status status = rs_aside_new_epoch(aside, NULL);

    if (status == RECSYS_E_IO)
        status = rs_aside_new_epoch(aside, NULL);
    if (status != RECSYS_OK) {
        rs_counts_error(&aside->counts, RS_OPERATION_DELETE, status);
        rs_journal_add_all(&aside->journal);
        rs_aside_remember(aside, NULL, 0);
    }
}

recsys_status recsys_aside_invalidate_all(recsys_aside *aside, recsys_error *err)
{
    if (aside == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_aside_invalidate_all: the cache is NULL");
    recsys_status status = rs_store_check_fork(aside->store, err);
    if (status != RECSYS_OK)
        return status;
    uint64_t begin = rs_counts_begin(&aside->counts);
    invalidate_all(aside);
    rs_flights_unlist_all(&aside->flights);
    rs_counts_end(&aside->counts, RS_OPERATION_DELETE, begin);
    return RECSYS_OK;
}

/* -- keys of a form -- */

/* One walk through the store: over the keys of entries or over those of their companions. */
struct finding {
    const recsys_aside *aside;
    const recsys_bytes *parts;
    size_t n;
    int is_of_companions;
    struct rs_buffer found; /* keys of entries, each after its size */
};

static int32_t collect(recsys_bytes key, void *user_data)
{
    struct finding *finding = user_data;

    if (finding->is_of_companions) {
        if (!rs_aside_entry_of(key, &key) ||
            !rs_key_matches(key.data, key.size, finding->parts, finding->n))
            return 0;
    } else if (rs_aside_is_own(finding->aside, key.data, key.size))
        return 0;
    rs_buffer_add(&finding->found, &key.size, sizeof key.size);
    rs_buffer_add(&finding->found, key.data, key.size);
    return 0;
}

static recsys_status remove_found(recsys_aside *aside, const struct rs_buffer *found,
                                  uint64_t *n_removed, recsys_error *err)
{
    recsys_bytes keys[RS_REMOVE_BATCH];
    recsys_status status = RECSYS_OK;

    for (size_t at = 0; at < found->size && status == RECSYS_OK;) {
        uint64_t n_gone = 0;
        size_t n = 0;
        for (; at < found->size && n < RS_REMOVE_BATCH; n++) {
            memcpy(&keys[n].size, found->bytes + at, sizeof keys[n].size);
            keys[n].data = found->bytes + at + sizeof keys[n].size;
            at += sizeof keys[n].size + keys[n].size;
        }
        status = rs_entry_remove(aside, keys, n, &n_gone, err);
        *n_removed += n_gone;
    }
    return status;
}

static recsys_status walk(struct finding *finding, recsys_aside *aside, uint64_t *n_removed,
                          recsys_error *err)
{
    struct rs_buffer *found = &finding->found;
    recsys_bytes parts[MAX_PARTS + 2] = {{"~", 1}}; /* of companions: ~?key, or ~?key? */
    size_t n = finding->n, n_parts = n + 1;
    uint64_t cursor = 0;
    recsys_status status;

    memcpy(parts + 1, finding->parts, n * sizeof *parts);
    if (finding->parts[n - 1].size > 0)
        parts[n_parts++] = (recsys_bytes){"", 0};
    do {
        rs_buffer_clear(found);
        status = finding->is_of_companions
                     ? recsys_store_scan(aside->store, parts, n_parts, &cursor, collect, finding, err)
                     : recsys_store_scan(aside->store, finding->parts, n, &cursor, collect, finding,
                                         err);
        if (status == RECSYS_OK && found->status != RECSYS_OK)
            status =
                rs_error(err, found->status, "cache %s: no room for the keys found", aside->label);
        if (status == RECSYS_OK)
            status = remove_found(aside, found, n_removed, err);
    } while (status == RECSYS_OK && cursor != 0);
    return status;
}

/* A plain value may be without a companion, and a companion that is a lease without a value. */
static recsys_status walk_all(recsys_aside *aside, const recsys_bytes *parts, size_t n,
                              uint64_t *n_removed, recsys_error *err)
{
    struct finding finding = {aside, parts, n, aside->is_plain, {0}};
    recsys_status status = RECSYS_OK;

    rs_buffer_init(&finding.found, MAX_STEP_BYTES);
    if (aside->is_plain)
        status = walk(&finding, aside, n_removed, err);
    finding.is_of_companions = 0;
    if (status == RECSYS_OK)
        status = walk(&finding, aside, n_removed, err);
    rs_buffer_destroy(&finding.found);
    return status;
}

static recsys_status check_parts(const recsys_bytes *parts, size_t n, recsys_error *err)
{
    size_t size = 0;

    if (parts == NULL || n < 2 || n > MAX_PARTS)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_invalidate_matching: a form has 2 to %u parts, this one %zu",
                        MAX_PARTS, n);
    for (size_t i = 0; i < n; i++) {
        if ((parts[i].data == NULL && parts[i].size > 0) || parts[i].size > MAX_PARTS_BYTES)
            size = MAX_PARTS_BYTES + 1;
        else
            size += parts[i].size;
    }
    if (size == 0 || size > MAX_PARTS_BYTES)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_invalidate_matching: the parts have 1 to %u bytes together; "
                        "to invalidate everything use recsys_aside_invalidate_all()",
                        MAX_PARTS_BYTES);
    return RECSYS_OK;
}

recsys_status recsys_aside_invalidate_matching(recsys_aside *aside, const recsys_bytes *parts,
                                               size_t n, uint64_t *n_removed, recsys_error *err)
{
    uint64_t n_gone = 0;

    if (n_removed != NULL)
        *n_removed = 0;
    if (aside == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_aside_invalidate_matching: the cache is NULL");
    recsys_status status = check_parts(parts, n, err);
    if (status == RECSYS_OK)
        status = rs_store_check_fork(aside->store, err);
    if (status != RECSYS_OK)
        return status;
    uint64_t begin = rs_counts_begin(&aside->counts);
    status = walk_all(aside, parts, n, &n_gone, err);
    if (status != RECSYS_OK) {
        rs_counts_error(&aside->counts, RS_OPERATION_DELETE, status);
        rs_journal_add_all(&aside->journal);
        rs_aside_remember(aside, NULL, 0);
    }
    rs_counts_add(&aside->counts, RS_COUNT_INVALIDATIONS, n_gone);
    rs_flights_unlist_matching(&aside->flights, parts, n);
    rs_counts_end(&aside->counts, RS_OPERATION_DELETE, begin);
    if (status == RECSYS_OK && n_removed != NULL)
        *n_removed = n_gone;
    return status;
}
