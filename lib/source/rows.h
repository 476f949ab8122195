/* lib/source/rows.h - the cells of rows, and checks of values. Private to lib/source. */
#ifndef RS_SOURCE_ROWS_H
#define RS_SOURCE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "recsys/source.h"

/* The largest size of a result's values together, and of the JSON made of them. */
#define RS_ROWS_MAX_BYTES ((size_t)64 << 20)

struct rs_cell {
    union {
        int64_t number;
        double real;
        struct {
            uint32_t start, size; /* in recsys_rows.bytes */
        } text;
    } is;
    uint32_t type;
};

struct recsys_rows {
    struct rs_buffer bytes; /* names and texts, a NUL after each */
    struct rs_cell *columns;
    size_t n_columns, room_columns;
    struct rs_cell *cells;
    size_t n_cells, room_cells;
};

/* 1 unless the last row lacks values. */
int rs_rows_are_whole(const recsys_rows *rows);

/* Check that a value fits its type. E_INVALID for a type that does not exist or a text that is
 * missing, E_UNSUPPORTED for a reserved field that is not 0; `bad_text` if the text is not UTF-8
 * without NUL, not a number, not JSON. `what` names it in the message: "parameter $2". */
recsys_status rs_datum_check(const recsys_datum *value, recsys_status bad_text, const char *what,
                             recsys_error *err);

#endif
