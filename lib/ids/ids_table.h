/* lib/ids/ids_table.h - the parts that integer and text ids share. Private to lib/ids. */
#ifndef RS_IDS_IDS_TABLE_H
#define RS_IDS_IDS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/ids/ids.h"

static inline size_t rs_ids_old_row(const uint32_t *order, size_t row)
{
    return order == NULL ? row : order[row];
}

/* Empty ids for n rows. E_LIMIT if they are too many. */
recsys_status rs_ids_begin(struct rs_ids *ids, size_t n, uint32_t kind, const char *what,
                           recsys_error *err);

/* Make `rank` from `sorted`. Both are dropped if `sorted` is 0..n-1. */
recsys_status rs_ids_finish_order(struct rs_ids *ids, recsys_error *err);

/* The empty table of slots. */
recsys_status rs_ids_make_slots(struct rs_ids *ids, recsys_error *err);

/* The slot that holds the id, or the free one where it belongs. */
size_t rs_ids_slot_of_number(const struct rs_ids *ids, int64_t number);
size_t rs_ids_slot_of_text(const struct rs_ids *ids, const char *text, size_t size);

#endif
