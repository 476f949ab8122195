/* lib/ids/ids_table.c - see ids_table.h.
 *
 * Lookup is linear probing in a table that is at most half full, hashed with the
 * random seed of the process.
 */
#include "lib/ids/ids_table.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"

recsys_status rs_ids_begin(struct rs_ids *ids, size_t n, uint32_t kind, const char *what,
                           recsys_error *err)
{
    memset(ids, 0, sizeof *ids);
    ids->kind = kind;
    if (n > UINT32_MAX)
        return rs_error(err, RECSYS_E_LIMIT, "%s: %zu ids are too many, at most %" PRIu32, what, n,
                        UINT32_MAX);
    ids->n = (uint32_t)n;
    return RECSYS_OK;
}

void rs_ids_destroy(struct rs_ids *ids)
{
    rs_free(ids->numbers);
    rs_free(ids->texts);
    rs_free(ids->offsets);
    rs_free(ids->slots);
    rs_free(ids->sorted);
    rs_free(ids->rank);
    memset(ids, 0, sizeof *ids);
}

recsys_status rs_ids_finish_order(struct rs_ids *ids, recsys_error *err)
{
    size_t n = ids->n, at = 0;

    while (at < n && ids->sorted[at] == at)
        at++;
    if (at == n) {
        rs_free(ids->sorted);
        ids->sorted = NULL;
        return RECSYS_OK;
    }
    ids->rank = rs_alloc_array(n, sizeof *ids->rank);
    if (ids->rank == NULL)
        return rs_error_nomem(err, "order of ids");
    for (size_t i = 0; i < n; i++)
        ids->rank[ids->sorted[i]] = (uint32_t)i;
    return RECSYS_OK;
}

recsys_status rs_ids_make_slots(struct rs_ids *ids, recsys_error *err)
{
    size_t n_slots = 16;

    while (n_slots / 2 < ids->n)
        n_slots *= 2;
    ids->slots = rs_alloc_array(n_slots, sizeof *ids->slots);
    if (ids->slots == NULL)
        return rs_error_nomem(err, "table of ids");
    ids->n_slots = n_slots;
    ids->seed = rs_hash_seed();
    return RECSYS_OK;
}

size_t rs_ids_slot_of_number(const struct rs_ids *ids, int64_t number)
{
    size_t mask = ids->n_slots - 1;
    size_t slot = rs_hash_number((uint64_t)number, ids->seed) & mask;

    while (ids->slots[slot] != 0 && ids->numbers[ids->slots[slot] - 1] != number)
        slot = (slot + 1) & mask;
    return slot;
}

static int is_text(const struct rs_ids *ids, uint32_t row, const char *text, size_t size)
{
    uint64_t at = ids->offsets[row];

    return ids->offsets[row + 1u] - at == size + 1 && memcmp(ids->texts + at, text, size) == 0;
}

size_t rs_ids_slot_of_text(const struct rs_ids *ids, const char *text, size_t size)
{
    size_t mask = ids->n_slots - 1;
    size_t slot = rs_hash_bytes(text, size, ids->seed) & mask;

    while (ids->slots[slot] != 0 && !is_text(ids, ids->slots[slot] - 1, text, size))
        slot = (slot + 1) & mask;
    return slot;
}
