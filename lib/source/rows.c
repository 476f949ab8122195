/* lib/source/rows.c - typed values, row by row.
 *
 * A cell is 16 bytes: a number, or the place of its text in one block that all texts share. So a
 * result of a thousand rows needs a few allocations, and its size is always known and kept below 64
 * MiB. Values of a driver are checked once, when they are added; rows_json.c need not check them
 * again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json_scan.h"
#include "lib/base/utf8.h"
#include "lib/source/rows.h"

recsys_datum recsys_datum_integer(int64_t number)
{
    return (recsys_datum){.type = RECSYS_TYPE_INTEGER, .number = number};
}

recsys_datum recsys_datum_real(double real)
{
    return (recsys_datum){.type = RECSYS_TYPE_REAL, .real = real};
}

recsys_datum recsys_datum_text(const char *text)
{
    if (text == NULL)
        return (recsys_datum){.type = RECSYS_TYPE_NULL};
    return (recsys_datum){.type = RECSYS_TYPE_TEXT, .text = text, .size = strlen(text)};
}

static int has_text(uint32_t type)
{
    return type >= RECSYS_TYPE_TEXT && type <= RECSYS_TYPE_TIME;
}

recsys_status rs_datum_check(const recsys_datum *value, recsys_status bad_text, const char *what,
                             recsys_error *err)
{
    if (value->reserved != 0)
        return rs_error(err, RECSYS_E_UNSUPPORTED, "%s: its `reserved` is %" PRIu32 ", must be 0",
                        what, value->reserved);
    if (value->type > RECSYS_TYPE_TIME)
        return rs_error(err, RECSYS_E_INVALID, "%s has the unknown type %" PRIu32, what,
                        value->type);
    if (value->type == RECSYS_TYPE_BOOL && value->number != 0 && value->number != 1)
        return rs_error(err, RECSYS_E_INVALID, "%s is a boolean of value %" PRId64, what,
                        value->number);
    if (!has_text(value->type))
        return RECSYS_OK;
    if (value->text == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s has a text type but no text", what);
    if (value->size > RS_ROWS_MAX_BYTES)
        return rs_error(err, RECSYS_E_LIMIT, "%s has %zu bytes, more than 64 MiB", what,
                        value->size);
    if (!rs_utf8_is_valid(value->text, value->size))
        return rs_error(err, bad_text, "%s is not UTF-8 without NUL (%zu bytes)", what,
                        value->size);
    if (value->type == RECSYS_TYPE_NUMBER && !rs_json_is_number(value->text, value->size))
        return rs_error(err, bad_text, "%s is not a number as JSON writes it: \"%.*s\"", what,
                        value->size < 60 ? (int)value->size : 60, value->text);
    if (value->type == RECSYS_TYPE_JSON && !rs_json_is_valid(value->text, value->size))
        return rs_error(err, bad_text, "%s is not well-formed JSON (%zu bytes)", what, value->size);
    return RECSYS_OK;
}

recsys_status recsys_rows_create(recsys_rows **out, recsys_error *err)
{
    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_rows_create: out is missing");
    *out = rs_alloc_array(1, sizeof **out);
    if (*out == NULL)
        return rs_error_nomem(err, "rows");
    rs_buffer_init(&(*out)->bytes, RS_ROWS_MAX_BYTES);
    return RECSYS_OK;
}

void recsys_rows_destroy(recsys_rows *rows)
{
    if (rows == NULL)
        return;
    rs_free(rows->cells);
    rs_free(rows->columns);
    rs_buffer_destroy(&rows->bytes);
    rs_free(rows);
}

static recsys_status too_large(recsys_error *err)
{
    return rs_error(err, RECSYS_E_LIMIT,
                    "the result is larger than 64 MiB; ask for less at once (LIMIT)");
}

/* One more cell at the end of an array; NULL if there is no memory. */
static struct rs_cell *add_cell(struct rs_cell **cells, size_t *n, size_t *room)
{
    if (*n == *room) {
        size_t larger = *room == 0 ? 16 : *room * 2;
        struct rs_cell *moved = rs_resize_array(*cells, larger, sizeof *moved);
        if (moved == NULL)
            return NULL;
        *cells = moved;
        *room = larger;
    }
    return &(*cells)[(*n)++];
}

/* Add `text` to the block. A failure changes nothing. */
static recsys_status keep_text(recsys_rows *rows, struct rs_cell *cell, const char *text,
                               size_t size, recsys_error *err)
{
    size_t start = rows->bytes.size;

    rs_buffer_add(&rows->bytes, text, size);
    rs_buffer_add(&rows->bytes, "", 1);
    recsys_status status = rows->bytes.status;
    if (status != RECSYS_OK) {
        rows->bytes.size = start;
        rows->bytes.status = RECSYS_OK;
        return status == RECSYS_E_LIMIT ? too_large(err) : rs_error_nomem(err, "rows");
    }
    cell->is.text.start = (uint32_t)start;
    cell->is.text.size = (uint32_t)size;
    return RECSYS_OK;
}

recsys_status recsys_rows_add_column(recsys_rows *rows, const char *name, recsys_error *err)
{
    recsys_datum text = recsys_datum_text(name);

    if (rows == NULL || name == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_rows_add_column: an argument is missing");
    if (rows->n_cells > 0)
        return rs_error(err, RECSYS_E_STATE,
                        "cannot add the column \"%.100s\": the rows have values already", name);
    recsys_status status = rs_datum_check(&text, RECSYS_E_FORMAT, "a column's name", err);
    if (status != RECSYS_OK)
        return status;
    struct rs_cell *cell = add_cell(&rows->columns, &rows->n_columns, &rows->room_columns);
    if (cell == NULL)
        return rs_error_nomem(err, "rows");
    cell->type = RECSYS_TYPE_TEXT;
    status = keep_text(rows, cell, name, text.size, err);
    if (status != RECSYS_OK)
        rows->n_columns--;
    return status;
}

/* The name of the next value, for messages. */
static void name_next(const recsys_rows *rows, char *out, size_t room)
{
    const char *column = recsys_rows_get_column(rows, rows->n_cells % rows->n_columns);

    snprintf(out, room, "row %zu, column \"%.64s\"", rows->n_cells / rows->n_columns + 1, column);
}

recsys_status recsys_rows_add(recsys_rows *rows, recsys_datum value, recsys_error *err)
{
    char what[128];

    if (rows == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_rows_add: rows is missing");
    if (rows->n_columns == 0)
        return rs_error(err, RECSYS_E_INVALID, "recsys_rows_add: the rows have no columns yet");
    name_next(rows, what, sizeof what);
    recsys_status status = rs_datum_check(&value, RECSYS_E_FORMAT, what, err);
    if (status != RECSYS_OK)
        return status;
    size_t used = rows->bytes.size + (rows->n_cells + 1) * sizeof *rows->cells;
    if (used > RS_ROWS_MAX_BYTES || (has_text(value.type) && value.size > RS_ROWS_MAX_BYTES - used))
        return too_large(err);
    struct rs_cell *cell = add_cell(&rows->cells, &rows->n_cells, &rows->room_cells);
    if (cell == NULL)
        return rs_error_nomem(err, "rows");
    cell->type = value.type;
    if (value.type == RECSYS_TYPE_REAL)
        cell->is.real = value.real;
    else if (has_text(value.type))
        status = keep_text(rows, cell, value.text, value.size, err);
    else
        cell->is.number = value.number;
    if (status != RECSYS_OK)
        rows->n_cells--;
    return status;
}

size_t recsys_rows_count(const recsys_rows *rows)
{
    return rows == NULL || rows->n_columns == 0 ? 0 : rows->n_cells / rows->n_columns;
}

int rs_rows_are_whole(const recsys_rows *rows)
{
    return rows->n_columns == 0 || rows->n_cells % rows->n_columns == 0;
}

size_t recsys_rows_count_columns(const recsys_rows *rows)
{
    return rows == NULL ? 0 : rows->n_columns;
}

const char *recsys_rows_get_column(const recsys_rows *rows, size_t column)
{
    if (rows == NULL || column >= rows->n_columns)
        return NULL;
    return rows->bytes.bytes + rows->columns[column].is.text.start;
}

recsys_datum recsys_rows_get(const recsys_rows *rows, size_t row, size_t column)
{
    recsys_datum value = {.type = RECSYS_TYPE_NULL};

    if (column >= recsys_rows_count_columns(rows) || row >= recsys_rows_count(rows))
        return value;
    const struct rs_cell *cell = &rows->cells[row * rows->n_columns + column];
    value.type = cell->type;
    if (cell->type == RECSYS_TYPE_REAL)
        value.real = cell->is.real;
    else if (has_text(cell->type)) {
        value.text = rows->bytes.bytes + cell->is.text.start;
        value.size = cell->is.text.size;
    } else if (cell->type != RECSYS_TYPE_NULL)
        value.number = cell->is.number;
    return value;
}

recsys_datum recsys_rows_find(const recsys_rows *rows, size_t row, const char *column)
{
    for (size_t i = 0; column != NULL && i < recsys_rows_count_columns(rows); i++)
        if (strcmp(recsys_rows_get_column(rows, i), column) == 0)
            return recsys_rows_get(rows, row, i);
    return (recsys_datum){.type = RECSYS_TYPE_NULL};
}
