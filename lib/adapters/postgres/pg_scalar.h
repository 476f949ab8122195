/* lib/adapters/postgres/pg_scalar.h - PostgreSQL's types, and its text of one value that is no
 * array. */
#ifndef RS_PG_SCALAR_H
#define RS_PG_SCALAR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buffer.h"
#include "recsys/source.h"

/* The RECSYS_TYPE_* of a type, or of its elements if it is an array. */
struct rs_pg_type {
    uint32_t type;
    uint32_t is_array;
};

struct rs_pg_type rs_pg_find_type(uint32_t oid);

/* Memory for text that a value BORROWS. */
struct rs_pg_scratch {
    char time[40];
    struct rs_buffer json, element;
};

/* Without arrays; cannot fail. */
void rs_pg_read_scalar(uint32_t type, const char *text, size_t size, struct rs_pg_scratch *scratch,
                       recsys_datum *out);

#endif
