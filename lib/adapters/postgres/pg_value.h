/* lib/adapters/postgres/pg_value.h - PostgreSQL's text as typed values. */
#ifndef RS_PG_VALUE_H
#define RS_PG_VALUE_H

#include "lib/adapters/postgres/pg_scalar.h"

void rs_pg_scratch_init(struct rs_pg_scratch *scratch);
void rs_pg_scratch_destroy(struct rs_pg_scratch *scratch);

/* The value of a type's text output, which is NUL-terminated. It borrows from `text` and
 * `scratch`. A value that JSON cannot hold as its type becomes TEXT. An array that does not look
 * like one gives JSON that recsys_rows_add() refuses. */
recsys_status rs_pg_read_value(struct rs_pg_type type, const char *text, size_t size,
                               struct rs_pg_scratch *scratch, recsys_datum *out, recsys_error *err);

#endif
