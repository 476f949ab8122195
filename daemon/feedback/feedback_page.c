/* daemon/feedback/feedback_page.c - see feedback_page.h.
 *
 * The order is that of transactions and, in one, of ids. Only transactions that are older than
 * every one that still runs are read: nothing can appear later in a place that was passed. Ids
 * alone would not do, since they are given out before their transaction commits.
 */
#include "daemon/feedback/feedback_page.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json_write.h"

static const char page[] =
    "SELECT user_id, item_id, kind, value, happened_at AS \"time\", received_at, "
    "tx::text || '-' || id AS place FROM feedback_db.events "
    "WHERE (tx, id) > ($1::text::xid8, $2::bigint) AND tx < "
    "pg_snapshot_xmin(pg_current_snapshot()) "
    "ORDER BY tx, id LIMIT $3::bigint";

/* "123-45": a transaction and an id. */
static bool read_place(const char *place, char transaction[24], int64_t *id)
{
    size_t n = strspn(place, "0123456789"), m;

    (void)snprintf(transaction, 24, "0");
    *id = 0;
    if (place[0] == '\0')
        return true;
    if (n < 1 || n > 18 || place[n] != '-')
        return false;
    m = strspn(place + n + 1, "0123456789");
    if (m < 1 || m > 18 || place[n + 1 + m] != '\0')
        return false;
    (void)snprintf(transaction, 24, "%.*s", (int)n, place);
    *id = strtoll(place + n + 1, NULL, 10);
    return true;
}

void rd_feedback_page_write(const recsys_rows *rows, size_t row, struct rs_buffer *out)
{
    for (size_t column = 0; column < RD_FEEDBACK_COLUMNS; column++) {
        recsys_datum value = recsys_rows_get(rows, row, column);

        rs_buffer_add(out, column > 0 ? "," : "{", 1);
        rs_json_put_string(out, recsys_rows_get_column(rows, column));
        rs_buffer_add(out, ":", 1);
        rs_json_put_datum(out, &value);
    }
    rs_buffer_add(out, "}", 1);
}

recsys_status rd_feedback_page_read(recsys_source *source, uint32_t timeout_ms,
                                    char place[RD_FEEDBACK_PLACE], size_t limit, recsys_rows **rows,
                                    recsys_error *err)
{
    char transaction[24];
    int64_t id;
    recsys_status status;
    size_t n;

    if (!read_place(place, transaction, &id)) {
        (void)snprintf(err->message, sizeof err->message,
                       "%s is no place that an earlier call gave", place);
        return RECSYS_E_INVALID;
    }
    {
        const recsys_datum parameters[] = {recsys_datum_text(transaction), recsys_datum_integer(id),
                                           recsys_datum_integer((int64_t)limit)};

        status = recsys_source_query(source, page, parameters, 3, timeout_ms, rows, err);
    }
    n = status == RECSYS_OK ? recsys_rows_count(*rows) : 0;
    if (n > 0)
        (void)snprintf(place, RD_FEEDBACK_PLACE, "%s",
                       recsys_rows_find(*rows, n - 1, "place").text);
    return status;
}
