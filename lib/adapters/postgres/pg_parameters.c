/* lib/adapters/postgres/pg_parameters.c - see pg_parameters.h. */
#include "lib/adapters/postgres/pg_parameters.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/real.h"

/* NUL-terminated; the caller has checked that there is no NUL within. */
static void put_parameter(struct rs_buffer *bytes, const recsys_datum *value)
{
    char real[RS_REAL_SIZE];

    switch (value->type) {
    case RECSYS_TYPE_BOOL:
        rs_buffer_add_text(bytes, value->number ? "true" : "false");
        break;
    case RECSYS_TYPE_INTEGER:
        rs_buffer_format(bytes, "%" PRId64, value->number);
        break;
    case RECSYS_TYPE_REAL:
        if (isfinite(value->real))
            rs_real_write(value->real, real);
        rs_buffer_add_text(bytes, isfinite(value->real) ? real
                                  : isnan(value->real)  ? "NaN"
                                  : value->real > 0     ? "Infinity"
                                                        : "-Infinity");
        break;
    default:
        rs_buffer_add(bytes, value->text, value->size);
    }
    rs_buffer_add(bytes, "", 1);
}

recsys_status rs_pg_format_parameters(const recsys_datum *parameters, size_t n,
                                      struct rs_buffer *bytes, const char ***texts,
                                      recsys_error *err)
{
    const char **all;
    size_t at = 0;

    *texts = NULL;
    if (n == 0)
        return RECSYS_OK;
    for (size_t i = 0; i < n; i++)
        if (parameters[i].type != RECSYS_TYPE_NULL)
            put_parameter(bytes, &parameters[i]);
    if (bytes->status == RECSYS_E_LIMIT)
        return rs_error(err, RECSYS_E_LIMIT, "the parameters are more than 64 MiB together");
    all = rs_alloc_array(n, sizeof *all);
    if (bytes->status != RECSYS_OK || all == NULL) {
        rs_free(all);
        return rs_error_nomem(err, "parameters");
    }
    for (size_t i = 0; i < n; i++)
        if (parameters[i].type != RECSYS_TYPE_NULL) {
            all[i] = bytes->bytes + at;
            at += strlen(all[i]) + 1;
        }
    *texts = all;
    return RECSYS_OK;
}
