/* lib/ids/ids.h - the ids of users, items or features, and the way from an id to its row.
 *
 * A row is a position in an array; an id is the name that callers use. Rows never leave the
 * library. Lookup is one probe sequence in an open-addressing table; numbers without a gap, in any
 * order, need no table.
 */
#ifndef RS_IDS_IDS_H
#define RS_IDS_IDS_H

#include <stddef.h>
#include <stdint.h>

#include "recsys/model.h"

struct rs_ids {
    uint32_t kind; /* RECSYS_ID_KIND_* */
    uint32_t n;
    int64_t *numbers;  /* by row; NULL if they have no gap: then row r has the id first + rank */
    uint64_t first;    /* the smallest of them, if `numbers` is NULL */
    char *texts;       /* each followed by a NUL; NULL for integers */
    uint64_t *offsets; /* n + 1 of them, into texts */
    uint32_t *slots;   /* row + 1, 0 = free; NULL if numbers is NULL and kind is integer */
    size_t n_slots;    /* a power of two */
    uint64_t seed;
    uint32_t *sorted; /* rows in ascending order of id; NULL = 0..n-1 */
    uint32_t *rank;   /* by row: its place in `sorted`; NULL = the row itself */
};

/* All take rows in the order in which `order` lists them: new row r has the id of old row order[r];
 * NULL = as given. The arguments are COPIED. `what` names the array in errors ("model.safetensors:
 * item_ids").
 *
 * E_FORMAT: an id negative, empty, too long, not UTF-8, or twice there. */

/* Row r of n rows is called first + r. */
recsys_status rs_ids_from_rows(struct rs_ids *ids, size_t n, uint64_t first, const uint32_t *order,
                               recsys_error *err);
recsys_status rs_ids_from_numbers(struct rs_ids *ids, const int64_t *numbers, size_t n,
                                  const uint32_t *order, const char *what, recsys_error *err);
/* offsets: n + 1, each text followed by one NUL that the offsets count. */
recsys_status rs_ids_from_texts(struct rs_ids *ids, const char *bytes, size_t n_bytes,
                                const uint64_t *offsets, size_t n, const uint32_t *order,
                                const char *what, recsys_error *err);
void rs_ids_destroy(struct rs_ids *ids);

/* The reason why no model of this kind can have `id`, as static text that follows "id": it is of
 * the other kind, above INT64_MAX, or a text without a length or longer than 255 bytes. NULL if
 * a model could have it. Every public function that takes an id refuses these as E_INVALID. */
const char *rs_ids_refuse(const struct rs_ids *ids, recsys_id id);
/* The same as a fallible call; `noun` ("user", "item") is for the message. */
recsys_status rs_ids_check(const struct rs_ids *ids, recsys_id id, const char *noun,
                           recsys_error *err);

/* 1 and the row, or 0. An id that rs_ids_refuse() refuses is never found. */
int rs_ids_find(const struct rs_ids *ids, recsys_id id, uint32_t *row);
/* The same as a fallible call: E_NOT_FOUND, or E_INVALID as rs_ids_check(). */
recsys_status rs_ids_lookup(const struct rs_ids *ids, recsys_id id, const char *noun, uint32_t *row,
                            recsys_error *err);
/* BORROWED from `ids`. */
recsys_id rs_ids_get(const struct rs_ids *ids, uint32_t row);

static inline uint32_t rs_ids_rank(const struct rs_ids *ids, uint32_t row)
{
    return ids->rank == NULL ? row : ids->rank[row];
}

#endif
