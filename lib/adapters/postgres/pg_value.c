/* lib/adapters/postgres/pg_value.c - see pg_value.h. */
#include "lib/adapters/postgres/pg_value.h"

#include "lib/adapters/postgres/pg_array.h"
#include "lib/base/error.h"

#define MAX_BYTES ((size_t)64 << 20)

void rs_pg_scratch_init(struct rs_pg_scratch *scratch)
{
    rs_buffer_init(&scratch->json, MAX_BYTES);
    rs_buffer_init(&scratch->element, MAX_BYTES);
}

void rs_pg_scratch_destroy(struct rs_pg_scratch *scratch)
{
    rs_buffer_destroy(&scratch->element);
    rs_buffer_destroy(&scratch->json);
}

recsys_status rs_pg_read_value(struct rs_pg_type type, const char *text, size_t size,
                               struct rs_pg_scratch *scratch, recsys_datum *out, recsys_error *err)
{
    if (!type.is_array) {
        rs_pg_read_scalar(type.type, text, size, scratch, out);
        return RECSYS_OK;
    }
    rs_pg_read_array(type.type, text, size, scratch);
    if (scratch->json.status == RECSYS_E_LIMIT || scratch->element.status == RECSYS_E_LIMIT)
        return rs_error(err, RECSYS_E_LIMIT, "an array is more than 64 MiB of JSON");
    if (scratch->json.status != RECSYS_OK || scratch->element.status != RECSYS_OK)
        return rs_error_nomem(err, "PostgreSQL array");
    *out = (recsys_datum){
        .type = RECSYS_TYPE_JSON, .text = scratch->json.bytes, .size = scratch->json.size};
    return RECSYS_OK;
}
