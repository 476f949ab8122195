/* lib/domain/columns.h - remove columns from rows, and read the version of a row. */
#ifndef RS_DOMAIN_COLUMNS_H
#define RS_DOMAIN_COLUMNS_H

#include "recsys/source.h"

/* The place of a column, or -1. */
int rs_columns_find(const recsys_rows *rows, const char *name);

/* A copy without the columns `names`; OWNED. */
recsys_status rs_columns_without(const recsys_rows *rows, const char *const *names, size_t n,
                                 recsys_rows **out, recsys_error *err);

/* The first row's version: a positive integer. E_FORMAT with `what` in the message. */
recsys_status rs_columns_version(const recsys_rows *rows, const char *name, const char *what,
                                 uint64_t *out, recsys_error *err);

#endif
