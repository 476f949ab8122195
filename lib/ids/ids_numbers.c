/* lib/ids/ids_numbers.c - integer ids: the numbers of rows, or any numbers.
 *
 * Ids that are n numbers without a gap in any order, as most files have them
 * (0..n-1, 1..n), need no table: `sorted` leads from an id to its row and `rank`
 * back. Ids that are ascending already are not sorted.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/radix.h"
#include "lib/ids/ids_table.h"

recsys_status rs_ids_from_rows(struct rs_ids *ids, size_t n, uint64_t first, const uint32_t *order,
                               recsys_error *err)
{
    recsys_status status = rs_ids_begin(ids, n, RECSYS_ID_KIND_INTEGER, "rows", err);

    ids->first = first;
    if (status != RECSYS_OK || order == NULL || n == 0)
        return status;
    ids->sorted = rs_alloc_array(n, sizeof *ids->sorted);
    if (ids->sorted == NULL)
        return rs_error_nomem(err, "order of ids");
    for (size_t row = 0; row < n; row++)
        ids->sorted[order[row]] = (uint32_t)row;
    status = rs_ids_finish_order(ids, err);
    if (status != RECSYS_OK)
        rs_ids_destroy(ids);
    return status;
}

static recsys_status twice(const int64_t *numbers, const uint32_t *order, size_t row, size_t other,
                           const char *what, recsys_error *err)
{
    size_t a = rs_ids_old_row(order, row), b = rs_ids_old_row(order, other);

    return rs_error(err, RECSYS_E_FORMAT, "%s: id %" PRId64 " is there twice, in rows %zu and %zu",
                    what, numbers[a], a < b ? a : b, a < b ? b : a);
}

/* All ids lie in first..first + n - 1. If no two are equal, they are exactly these numbers. */
static recsys_status take_dense(struct rs_ids *ids, const int64_t *numbers, const uint32_t *order,
                                const char *what, recsys_error *err)
{
    ids->sorted = rs_alloc_array(ids->n, sizeof *ids->sorted);
    if (ids->sorted == NULL)
        return rs_error_nomem(err, what);
    memset(ids->sorted, 0xFF, ids->n * sizeof *ids->sorted);
    for (uint32_t row = 0; row < ids->n; row++) {
        uint32_t *place = &ids->sorted[(uint64_t)numbers[rs_ids_old_row(order, row)] - ids->first];
        if (*place != UINT32_MAX)
            return twice(numbers, order, row, *place, what, err);
        *place = row;
    }
    return rs_ids_finish_order(ids, err);
}

static recsys_status sort_numbers(struct rs_ids *ids, recsys_error *err)
{
    size_t n = ids->n, at = 1;

    while (at < n && ids->numbers[at - 1] < ids->numbers[at])
        at++;
    if (at >= n)
        return RECSYS_OK;
    uint32_t *spare = rs_alloc_array(n, sizeof *spare);
    ids->sorted = rs_alloc_array(n, sizeof *ids->sorted);
    if (spare == NULL || ids->sorted == NULL) {
        rs_free(spare);
        return rs_error_nomem(err, "order of ids");
    }
    for (size_t row = 0; row < n; row++)
        ids->sorted[row] = (uint32_t)row;
    /* None is negative, so signed and unsigned order agree. */
    rs_radix_sort((const uint64_t *)ids->numbers, ids->sorted, spare, n);
    rs_free(spare);
    return rs_ids_finish_order(ids, err);
}

static recsys_status take_sparse(struct rs_ids *ids, const int64_t *numbers, const uint32_t *order,
                                 const char *what, recsys_error *err)
{
    ids->numbers = rs_alloc_array(ids->n, sizeof *ids->numbers);
    if (ids->numbers == NULL)
        return rs_error_nomem(err, what);
    recsys_status status = rs_ids_make_slots(ids, err);
    if (status != RECSYS_OK)
        return status;
    for (uint32_t row = 0; row < ids->n; row++) {
        int64_t number = numbers[rs_ids_old_row(order, row)];
        size_t slot = rs_ids_slot_of_number(ids, number);
        if (ids->slots[slot] != 0)
            return twice(numbers, order, row, ids->slots[slot] - 1, what, err);
        ids->numbers[row] = number;
        ids->slots[slot] = row + 1;
    }
    return sort_numbers(ids, err);
}

recsys_status rs_ids_from_numbers(struct rs_ids *ids, const int64_t *numbers, size_t n,
                                  const uint32_t *order, const char *what, recsys_error *err)
{
    recsys_status status = rs_ids_begin(ids, n, RECSYS_ID_KIND_INTEGER, what, err);
    int64_t smallest = INT64_MAX, largest = 0;

    if (status != RECSYS_OK)
        return status;
    for (size_t row = 0; row < n; row++) {
        if (numbers[row] < 0)
            return rs_error(err, RECSYS_E_FORMAT,
                            "%s[%zu] is %" PRId64 ", ids go from 0 to %" PRId64, what, row,
                            numbers[row], INT64_MAX);
        if (numbers[row] > largest)
            largest = numbers[row];
        if (numbers[row] < smallest)
            smallest = numbers[row];
    }
    if (n == 0)
        return RECSYS_OK;
    ids->first = (uint64_t)smallest;
    status = (uint64_t)(largest - smallest) < n ? take_dense(ids, numbers, order, what, err)
                                                : take_sparse(ids, numbers, order, what, err);
    if (status != RECSYS_OK)
        rs_ids_destroy(ids);
    return status;
}
