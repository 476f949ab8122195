/* lib/adapters/postgres/pg_value.h - what PostgreSQL writes as text, as typed values, and
 * parameters as text. */
#ifndef RS_PG_VALUE_H
#define RS_PG_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "recsys/source.h"

/* What becomes of a type: RECSYS_TYPE_*, of its elements if it is an array. */
struct rs_pg_type {
    uint32_t type;
    uint32_t is_array;
};

struct rs_pg_type rs_pg_find_type(uint32_t oid);

/* Where text is made that a value then borrows. */
struct rs_pg_scratch {
    char time[40];
    struct rs_buffer json, element;
};

void rs_pg_scratch_init(struct rs_pg_scratch *scratch);
void rs_pg_scratch_destroy(struct rs_pg_scratch *scratch);

/* The value of a type's text output, which is NUL-terminated. It borrows from
 * `text` and `scratch`. What the type cannot say in JSON is TEXT as it stands.
 * An array that does not look like one gives JSON that recsys_rows_add() refuses. */
recsys_status rs_pg_read_value(struct rs_pg_type type, const char *text, size_t size,
                               struct rs_pg_scratch *scratch, recsys_datum *out, recsys_error *err);

/* Without arrays; cannot fail. */
void rs_pg_read_scalar(uint32_t type, const char *text, size_t size, struct rs_pg_scratch *scratch,
                       recsys_datum *out);
/* An array's text as JSON, into scratch->json. */
void rs_pg_read_array(uint32_t type, const char *text, size_t size, struct rs_pg_scratch *scratch);

/* Parameters as libpq takes them. `texts` is OWNED: rs_free(); it points into `bytes`. */
recsys_status rs_pg_format_parameters(const recsys_datum *parameters, size_t n,
                                      struct rs_buffer *bytes, const char ***texts,
                                      recsys_error *err);

#endif
