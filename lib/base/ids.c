/* lib/base/ids.c - from ids to rows and back.
 *
 * Lookup is linear probing in a table that is at most half full, hashed with the random seed of the
 * process. Ids that are n numbers without a gap in any order, as most files have them (0..n-1,
 * 1..n), need no table: `sorted` is the way in and `rank` the way back.
 *
 * Numbers are sorted by radix; so are texts, by the eight bytes behind their common beginning, and
 * texts that are equal so far are merged by their whole length. Ids that are ascending already are
 * not sorted.
 */
#include "lib/base/ids.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/base/radix.h"
#include "lib/base/utf8.h"

static size_t old_row(const uint32_t *order, size_t row)
{
    return order == NULL ? row : order[row];
}

static recsys_status begin_ids(struct rs_ids *ids, size_t n, uint32_t kind, const char *what,
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

/* Make `rank` from `sorted`. Both are dropped if `sorted` is 0..n-1. */
static recsys_status finish_order(struct rs_ids *ids, recsys_error *err)
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

static recsys_status make_slots(struct rs_ids *ids, recsys_error *err)
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

/* The slot that holds the id, or the free one where it belongs. */
static size_t find_number(const struct rs_ids *ids, int64_t number)
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

static size_t find_text(const struct rs_ids *ids, const char *text, size_t size)
{
    size_t mask = ids->n_slots - 1;
    size_t slot = rs_hash_bytes(text, size, ids->seed) & mask;

    while (ids->slots[slot] != 0 && !is_text(ids, ids->slots[slot] - 1, text, size))
        slot = (slot + 1) & mask;
    return slot;
}

recsys_status rs_ids_from_rows(struct rs_ids *ids, size_t n, uint64_t first, const uint32_t *order,
                               recsys_error *err)
{
    recsys_status status = begin_ids(ids, n, RECSYS_ID_KIND_INTEGER, "rows", err);

    ids->first = first;
    if (status != RECSYS_OK || order == NULL || n == 0)
        return status;
    ids->sorted = rs_alloc_array(n, sizeof *ids->sorted);
    if (ids->sorted == NULL)
        return rs_error_nomem(err, "order of ids");
    for (size_t row = 0; row < n; row++)
        ids->sorted[order[row]] = (uint32_t)row;
    status = finish_order(ids, err);
    if (status != RECSYS_OK)
        rs_ids_destroy(ids);
    return status;
}

static recsys_status twice(const int64_t *numbers, const uint32_t *order, size_t row, size_t other,
                           const char *what, recsys_error *err)
{
    size_t a = old_row(order, row), b = old_row(order, other);

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
        uint32_t *place = &ids->sorted[(uint64_t)numbers[old_row(order, row)] - ids->first];
        if (*place != UINT32_MAX)
            return twice(numbers, order, row, *place, what, err);
        *place = row;
    }
    return finish_order(ids, err);
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
    return finish_order(ids, err);
}

static recsys_status take_sparse(struct rs_ids *ids, const int64_t *numbers, const uint32_t *order,
                                 const char *what, recsys_error *err)
{
    ids->numbers = rs_alloc_array(ids->n, sizeof *ids->numbers);
    if (ids->numbers == NULL)
        return rs_error_nomem(err, what);
    recsys_status status = make_slots(ids, err);
    if (status != RECSYS_OK)
        return status;
    for (uint32_t row = 0; row < ids->n; row++) {
        int64_t number = numbers[old_row(order, row)];
        size_t slot = find_number(ids, number);
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
    recsys_status status = begin_ids(ids, n, RECSYS_ID_KIND_INTEGER, what, err);
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

static recsys_status check_texts(const char *bytes, size_t n_bytes, const uint64_t *offsets,
                                 size_t n, const char *what, recsys_error *err)
{
    if (offsets[0] != 0 || offsets[n] != n_bytes)
        return rs_error(err, RECSYS_E_FORMAT,
                        "%s: offsets go from %" PRIu64 " to %" PRIu64 ", want 0 to %zu", what,
                        offsets[0], offsets[n], n_bytes);
    for (size_t row = 0; row < n; row++) {
        uint64_t from = offsets[row], to = offsets[row + 1];
        if (to < from || to > n_bytes)
            return rs_error(err, RECSYS_E_FORMAT, "%s: offset %zu is out of order", what, row + 1);
        if (to - from < 2 || to - from > RECSYS_ID_MAX_TEXT + 1u)
            return rs_error(err, RECSYS_E_FORMAT,
                            "%s[%zu] takes %" PRIu64 " bytes with its NUL, want 2 to %u", what, row,
                            to - from, RECSYS_ID_MAX_TEXT + 1u);
        if (bytes[to - 1] != '\0')
            return rs_error(err, RECSYS_E_FORMAT, "%s[%zu] does not end in a NUL", what, row);
        if (!rs_utf8_is_valid(bytes + from, (size_t)(to - from) - 1))
            return rs_error(err, RECSYS_E_FORMAT, "%s[%zu] is not UTF-8 text", what, row);
    }
    return RECSYS_OK;
}

static recsys_status copy_texts(struct rs_ids *ids, const char *bytes, size_t n_bytes,
                                const uint64_t *offsets, const uint32_t *order, const char *what,
                                recsys_error *err)
{
    uint64_t at = 0;

    ids->texts = rs_alloc(n_bytes);
    ids->offsets = rs_alloc_array((size_t)ids->n + 1, sizeof *ids->offsets);
    if (ids->texts == NULL || ids->offsets == NULL)
        return rs_error_nomem(err, what);
    for (size_t row = 0; row < ids->n; row++) {
        size_t from = old_row(order, row);
        uint64_t size = offsets[from + 1] - offsets[from];
        memcpy(ids->texts + at, bytes + offsets[from], size);
        at += size;
        ids->offsets[row + 1] = at;
    }
    return RECSYS_OK;
}

static recsys_status insert_texts(struct rs_ids *ids, const uint32_t *order, const char *what,
                                  recsys_error *err)
{
    recsys_status status = make_slots(ids, err);

    if (status != RECSYS_OK)
        return status;
    for (uint32_t row = 0; row < ids->n; row++) {
        const char *text = ids->texts + ids->offsets[row];
        size_t slot = find_text(ids, text, ids->offsets[row + 1u] - ids->offsets[row] - 1);
        if (ids->slots[slot] != 0) {
            size_t a = old_row(order, row), b = old_row(order, ids->slots[slot] - 1);
            return rs_error(err, RECSYS_E_FORMAT,
                            "%s: id \"%s\" is there twice, in rows %zu and %zu", what, text,
                            a < b ? a : b, a < b ? b : a);
        }
        ids->slots[slot] = row + 1;
    }
    return RECSYS_OK;
}

/* How many bytes all texts begin with, at least. */
static size_t common_beginning(const struct rs_ids *ids)
{
    size_t common = ids->offsets[1] - 1;

    for (size_t row = 1; row < ids->n && common > 0; row++) {
        const char *text = ids->texts + ids->offsets[row];
        size_t i = 0;
        /* The NUL of a shorter text ends the loop: text 0 has none there. */
        while (i < common && text[i] == ids->texts[i])
            i++;
        common = i;
    }
    return common;
}

static uint64_t text_head(const char *text, size_t skip)
{
    uint64_t head = 0;

    text += skip;
    for (unsigned i = 0; i < 8; i++) {
        head = head << 8 | (unsigned char)*text;
        if (*text != '\0')
            text++;
    }
    return head;
}

/* strcmp compares as unsigned bytes, and no text has a NUL inside. */
static int comes_before(const struct rs_ids *ids, uint32_t a, uint32_t b)
{
    return strcmp(ids->texts + ids->offsets[a], ids->texts + ids->offsets[b]) < 0;
}

/* Merge bottom-up: rows whose texts begin alike. */
static void sort_run(const struct rs_ids *ids, uint32_t *rows, uint32_t *spare, size_t n)
{
    uint32_t *from = rows, *to = spare;

    for (size_t width = 1; width < n; width *= 2) {
        for (size_t begin = 0; begin < n; begin += 2 * width) {
            size_t middle = begin + width < n ? begin + width : n;
            size_t end = middle + width < n ? middle + width : n;
            size_t a = begin, b = middle;
            for (size_t at = begin; at < end; at++) {
                int second = a == middle || (b < end && comes_before(ids, from[b], from[a]));
                to[at] = second ? from[b++] : from[a++];
            }
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != rows)
        memcpy(rows, from, n * sizeof *rows);
}

static int is_ascending(const struct rs_ids *ids)
{
    for (uint32_t row = 1; row < ids->n; row++)
        if (!comes_before(ids, row - 1, row))
            return 0;
    return 1;
}

static recsys_status sort_texts(struct rs_ids *ids, recsys_error *err)
{
    size_t n = ids->n, skip = common_beginning(ids);
    recsys_status status = RECSYS_OK;

    if (is_ascending(ids))
        return RECSYS_OK;
    uint64_t *heads = rs_alloc_array(n, sizeof *heads);
    uint32_t *spare = rs_alloc_array(n, sizeof *spare);
    ids->sorted = rs_alloc_array(n, sizeof *ids->sorted);
    if (heads == NULL || spare == NULL || ids->sorted == NULL) {
        status = rs_error_nomem(err, "order of ids");
        goto done;
    }
    for (size_t row = 0; row < n; row++) {
        heads[row] = text_head(ids->texts + ids->offsets[row], skip);
        ids->sorted[row] = (uint32_t)row;
    }
    rs_radix_sort(heads, ids->sorted, spare, n);
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && heads[ids->sorted[end]] == heads[ids->sorted[begin]];)
            end++;
        sort_run(ids, ids->sorted + begin, spare, end - begin);
    }
    status = finish_order(ids, err);
done:
    rs_free(heads);
    rs_free(spare);
    return status;
}

recsys_status rs_ids_from_texts(struct rs_ids *ids, const char *bytes, size_t n_bytes,
                                const uint64_t *offsets, size_t n, const uint32_t *order,
                                const char *what, recsys_error *err)
{
    recsys_status status = begin_ids(ids, n, RECSYS_ID_KIND_TEXT, what, err);

    if (status == RECSYS_OK)
        status = check_texts(bytes, n_bytes, offsets, n, what, err);
    if (status != RECSYS_OK || n == 0)
        return status;
    status = copy_texts(ids, bytes, n_bytes, offsets, order, what, err);
    if (status == RECSYS_OK)
        status = insert_texts(ids, order, what, err);
    if (status == RECSYS_OK)
        status = sort_texts(ids, err);
    if (status != RECSYS_OK)
        rs_ids_destroy(ids);
    return status;
}

const char *rs_ids_refuse(const struct rs_ids *ids, recsys_id id)
{
    if ((id.text != NULL) != (ids->kind == RECSYS_ID_KIND_TEXT))
        return id.text != NULL ? "is a string, but this model's are integers"
                               : "is an integer, but this model's are strings";
    if (id.text == NULL)
        return id.number > INT64_MAX ? "is larger than 9223372036854775807" : NULL;
    if (id.number == 0)
        return "is a string without a length; recsys_id.number says how many bytes it has";
    return id.number > RECSYS_ID_MAX_TEXT ? "is a string longer than 255 bytes" : NULL;
}

int rs_ids_find(const struct rs_ids *ids, recsys_id id, uint32_t *row)
{
    size_t slot;

    if (ids->n == 0 || rs_ids_refuse(ids, id) != NULL)
        return 0;
    if (ids->kind == RECSYS_ID_KIND_TEXT) {
        slot = find_text(ids, id.text, (size_t)id.number);
    } else if (ids->numbers == NULL) {
        uint64_t place = id.number - ids->first; /* below `first` it is a huge number */
        if (place >= ids->n)
            return 0;
        *row = ids->sorted == NULL ? (uint32_t)place : ids->sorted[place];
        return 1;
    } else {
        slot = find_number(ids, (int64_t)id.number);
    }
    if (ids->slots[slot] == 0)
        return 0;
    *row = ids->slots[slot] - 1;
    return 1;
}

recsys_status rs_ids_check(const struct rs_ids *ids, recsys_id id, const char *noun,
                           recsys_error *err)
{
    const char *problem = rs_ids_refuse(ids, id);

    if (problem == NULL)
        return RECSYS_OK;
    if (id.text == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s id %" PRIu64 " %s", noun, id.number, problem);
    return rs_error(err, RECSYS_E_INVALID, "%s id %s", noun, problem);
}

recsys_status rs_ids_lookup(const struct rs_ids *ids, recsys_id id, const char *noun, uint32_t *row,
                            recsys_error *err)
{
    if (rs_ids_find(ids, id, row))
        return RECSYS_OK;
    recsys_status status = rs_ids_check(ids, id, noun, err);
    if (status != RECSYS_OK)
        return status;
    if (id.text == NULL)
        return rs_error(err, RECSYS_E_NOT_FOUND, "no %s %" PRIu64, noun, id.number);
    if (!rs_utf8_is_valid(id.text, (size_t)id.number))
        return rs_error(err, RECSYS_E_NOT_FOUND, "no %s of this id, which is not UTF-8", noun);
    return rs_error(err, RECSYS_E_NOT_FOUND, "no %s \"%.*s\"", noun, (int)id.number, id.text);
}

recsys_id rs_ids_get(const struct rs_ids *ids, uint32_t row)
{
    recsys_id id = {NULL, 0};

    if (ids->kind == RECSYS_ID_KIND_TEXT) {
        id.text = ids->texts + ids->offsets[row];
        id.number = ids->offsets[row + 1u] - ids->offsets[row] - 1;
    } else if (ids->numbers != NULL) {
        id.number = (uint64_t)ids->numbers[row];
    } else {
        id.number = (uint64_t)rs_ids_rank(ids, row) + ids->first;
    }
    return id;
}
