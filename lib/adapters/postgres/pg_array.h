/* lib/adapters/postgres/pg_array.h - PostgreSQL's text of an array, as JSON. */
#ifndef RS_PG_ARRAY_H
#define RS_PG_ARRAY_H

#include "lib/adapters/postgres/pg_scalar.h"

/* An array's text as JSON, into scratch->json. */
void rs_pg_read_array(uint32_t type, const char *text, size_t size, struct rs_pg_scratch *scratch);

#endif
