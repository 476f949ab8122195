/* lib/adapters/postgres/pg_parameters.h - parameters as libpq takes them. */
#ifndef RS_PG_PARAMETERS_H
#define RS_PG_PARAMETERS_H

#include <stddef.h>

#include "lib/base/buffer.h"
#include "recsys/source.h"

/* Parameters as text, which libpq needs. `texts` is OWNED: rs_free(); it points into `bytes`. */
recsys_status rs_pg_format_parameters(const recsys_datum *parameters, size_t n,
                                      struct rs_buffer *bytes, const char ***texts,
                                      recsys_error *err);

#endif
