/* lib/source/rows_json.c - rows as JSON, by shape.
 *
 * Values were checked when they were added; here they are only written.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json_write.h"
#include "lib/source/rows.h"

static void put_row(struct rs_buffer *out, const recsys_rows *rows, size_t row)
{
    for (size_t i = 0; i < rows->n_columns; i++) {
        const struct rs_cell *name = &rows->columns[i];
        rs_buffer_add(out, i == 0 ? "{" : ",", 1);
        rs_json_put_text(out, rows->bytes.bytes + name->is.text.start, name->is.text.size);
        rs_buffer_add(out, ":", 1);
        recsys_datum value = recsys_rows_get(rows, row, i);
        rs_json_put_datum(out, &value);
    }
    rs_buffer_add(out, "}", 1);
}

static void put_first(struct rs_buffer *out, const recsys_rows *rows, size_t row)
{
    recsys_datum value = recsys_rows_get(rows, row, 0);

    rs_json_put_datum(out, &value);
}

/* Most readers of JSON keep only one of two equal keys. */
static recsys_status check_names(const recsys_rows *rows, recsys_error *err)
{
    for (size_t i = 1; i < rows->n_columns; i++) {
        const char *name = recsys_rows_get_column(rows, i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(recsys_rows_get_column(rows, k), name) == 0)
                return rs_error(err, RECSYS_E_INVALID,
                                "two columns of the result are called \"%.100s\"; rename one "
                                "with AS",
                                name);
    }
    return RECSYS_OK;
}

recsys_status recsys_rows_format(const recsys_rows *rows, uint32_t shape, recsys_value *out,
                                 recsys_error *err)
{
    struct rs_buffer text;
    recsys_status status = RECSYS_OK;

    if (out != NULL)
        memset(out, 0, sizeof *out);
    if (rows == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_rows_format: an argument is missing");
    if (shape < RECSYS_SHAPE_OBJECT || shape > RECSYS_SHAPE_COLUMN)
        return rs_error(err, RECSYS_E_INVALID, "recsys_rows_format: unknown shape %" PRIu32, shape);
    size_t n = recsys_rows_count(rows);
    if (shape == RECSYS_SHAPE_OBJECT && n == 0)
        return rs_error(err, RECSYS_E_NOT_FOUND, "the result has no row to make an object of");
    if (shape != RECSYS_SHAPE_COLUMN)
        status = check_names(rows, err);
    if (status != RECSYS_OK)
        return status;

    rs_buffer_init(&text, RS_ROWS_MAX_BYTES);
    if (shape == RECSYS_SHAPE_OBJECT)
        put_row(&text, rows, 0);
    else {
        rs_buffer_add(&text, "[", 1);
        for (size_t row = 0; row < n && text.status == RECSYS_OK; row++) {
            if (row > 0)
                rs_buffer_add(&text, ",", 1);
            if (shape == RECSYS_SHAPE_LIST)
                put_row(&text, rows, row);
            else
                put_first(&text, rows, row);
        }
        rs_buffer_add(&text, "]", 1);
    }
    if (text.status == RECSYS_E_LIMIT)
        status = rs_error(err, RECSYS_E_LIMIT, "the result is more than 64 MiB of JSON");
    else if (text.status != RECSYS_OK)
        status = rs_error_nomem(err, "JSON of rows");
    if (status != RECSYS_OK) {
        rs_buffer_destroy(&text);
        return status;
    }
    *out = (recsys_value){text.bytes, text.size, text.bytes, rs_free};
    return RECSYS_OK;
}
