/* lib/domain/columns.c - see columns.h.
 *
 * A query may select columns for this library that are not for the reader of the entry: whether a
 * row is settled, whether an award was new. The rows are copied without them.
 */
#include "lib/domain/columns.h"

#include <string.h>

#include "lib/base/error.h"

int rs_columns_find(const recsys_rows *rows, const char *name)
{
    for (size_t i = 0; i < recsys_rows_count_columns(rows); i++)
        if (strcmp(recsys_rows_get_column(rows, i), name) == 0)
            return (int)i;
    return -1;
}

static int is_one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return 0;
}

recsys_status rs_columns_without(const recsys_rows *rows, const char *const *names, size_t n,
                                 recsys_rows **out, recsys_error *err)
{
    size_t n_columns = recsys_rows_count_columns(rows);
    recsys_rows *copy = NULL;
    recsys_status status = recsys_rows_create(&copy, err);

    *out = NULL;
    for (size_t i = 0; i < n_columns && status == RECSYS_OK; i++)
        if (!is_one_of(recsys_rows_get_column(rows, i), names, n))
            status = recsys_rows_add_column(copy, recsys_rows_get_column(rows, i), err);
    for (size_t row = 0; row < recsys_rows_count(rows) && status == RECSYS_OK; row++)
        for (size_t i = 0; i < n_columns && status == RECSYS_OK; i++)
            if (!is_one_of(recsys_rows_get_column(rows, i), names, n))
                status = recsys_rows_add(copy, recsys_rows_get(rows, row, i), err);
    if (status != RECSYS_OK) {
        recsys_rows_destroy(copy);
        return status;
    }
    *out = copy;
    return RECSYS_OK;
}

recsys_status rs_columns_version(const recsys_rows *rows, const char *name, const char *what,
                                 uint64_t *out, recsys_error *err)
{
    recsys_datum version = recsys_rows_find(rows, 0, name);

    *out = 0;
    if (version.type != RECSYS_TYPE_INTEGER || version.number <= 0)
        return rs_error(err, RECSYS_E_FORMAT,
                        "domain %s: its query gave no positive integer in column %s, which must "
                        "be the row's version",
                        what, name);
    *out = (uint64_t)version.number;
    return RECSYS_OK;
}
