/* daemon/feedback/feedback_page.h - reads all events from PostgreSQL, page by page. */
#ifndef RECSYSD_FEEDBACK_PAGE_H
#define RECSYSD_FEEDBACK_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include <recsys/source.h>

#include "lib/base/buffer.h"

#define RD_FEEDBACK_PLACE 48u
#define RD_FEEDBACK_COLUMNS 6u

/*
 * At most `limit` events behind `place` ("" = from the first). `place` becomes that of the last
 * one. Events of transactions that began while an older one still runs come later: none is ever
 * left out. The first RD_FEEDBACK_COLUMNS columns are user_id, item_id, kind, value, time and
 * received_at.
 *
 * rows  OWNED
 * Fails with: E_INVALID (no page has ended at this place), the database's status.
 */
recsys_status rd_feedback_page_read(recsys_source *source, uint32_t timeout_ms,
                                    char place[RD_FEEDBACK_PLACE], size_t limit, recsys_rows **rows,
                                    recsys_error *err);
/* One of them as a JSON object. */
void rd_feedback_page_write(const recsys_rows *rows, size_t row, struct rs_buffer *out);

#endif
