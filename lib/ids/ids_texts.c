/* lib/ids/ids_texts.c - ids and names that are texts.
 *
 * They are sorted by radix, by the eight bytes behind their common beginning;
 * texts that are equal so far are merged by their whole length. Texts that are
 * ascending already are not sorted.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/radix.h"
#include "lib/base/utf8.h"
#include "lib/ids/ids_table.h"

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
        size_t from = rs_ids_old_row(order, row);
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
    recsys_status status = rs_ids_make_slots(ids, err);

    if (status != RECSYS_OK)
        return status;
    for (uint32_t row = 0; row < ids->n; row++) {
        const char *text = ids->texts + ids->offsets[row];
        size_t slot =
            rs_ids_slot_of_text(ids, text, ids->offsets[row + 1u] - ids->offsets[row] - 1);
        if (ids->slots[slot] != 0) {
            size_t a = rs_ids_old_row(order, row), b = rs_ids_old_row(order, ids->slots[slot] - 1);
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
    status = rs_ids_finish_order(ids, err);
done:
    rs_free(heads);
    rs_free(spare);
    return status;
}

recsys_status rs_ids_from_texts(struct rs_ids *ids, const char *bytes, size_t n_bytes,
                                const uint64_t *offsets, size_t n, const uint32_t *order,
                                const char *what, recsys_error *err)
{
    recsys_status status = rs_ids_begin(ids, n, RECSYS_ID_KIND_TEXT, what, err);

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
