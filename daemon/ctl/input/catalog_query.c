/* daemon/ctl/input/catalog_query.c - a catalogue from the rows of a query on PostgreSQL.
 *
 * The server makes a JSON object of each row (row_to_json). A cursor brings them in portions, so
 * neither side has all of them in memory, in a transaction that can only read.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/input/catalog_input.h"
#include "lib/base/error.h"

#define MAX_STATEMENT ((size_t)1 << 20)
#define FETCH "FETCH 1000 FROM entries"

static recsys_status run(recsys_transaction *transaction, const char *statement, recsys_error *err)
{
    recsys_rows *rows = NULL;
    recsys_status status = recsys_transaction_query(transaction, statement, NULL, 0, &rows, err);

    recsys_rows_destroy(rows);
    return status;
}

/* The query without blanks and semicolons at its end, as it may stand in brackets. */
static int query_size(const char *query)
{
    size_t size = strlen(query);

    while (size > 0 && strchr("; \t\r\n", query[size - 1]) != NULL)
        size--;
    return (int)size;
}

static recsys_status open_cursor(recsys_transaction *transaction, const char *query,
                                 recsys_error *err)
{
    struct rs_buffer statement = RS_BUFFER_INIT(MAX_STATEMENT);
    recsys_status status;

    /* The line break ends a comment at the end of the query. */
    rs_buffer_format(&statement,
                     "DECLARE entries NO SCROLL CURSOR FOR "
                     "SELECT row_to_json(entry) AS entry FROM (%.*s\n) AS entry",
                     query_size(query), query);
    if (statement.status != RECSYS_OK)
        status = rs_error(err, RECSYS_E_LIMIT, "the query is longer than 1 MiB");
    else if ((status = run(transaction, "SET TRANSACTION READ ONLY", err)) == RECSYS_OK)
        status = run(transaction, statement.bytes, err);
    rs_buffer_destroy(&statement);
    return status;
}

/* Text of the server is UTF-8 and well-formed; only a repeated column may be wrong. */
static void add_row(struct ctl_catalog_input *input, uint64_t number, recsys_datum datum)
{
    json_error_t problem;
    json_t *entry = json_loadb(datum.text, datum.size, JSON_REJECT_DUPLICATES, &problem);

    if (entry == NULL || !json_is_object(entry))
        ctl_problems_add(&input->problems, number, "%.200s", entry == NULL ? problem.text : "");
    else
        ctl_catalog_add(input, number, entry);
    json_decref(entry);
}

recsys_status ctl_catalog_read_query(struct ctl_catalog_input *input, recsys_source *source,
                                     const char *query, recsys_error *err)
{
    recsys_transaction *transaction = NULL;
    recsys_rows *rows = NULL;
    uint64_t number = 0;
    size_t n = 1;
    recsys_status status = recsys_transaction_begin(source, RECSYS_NEVER_32, &transaction, err);

    if (status != RECSYS_OK)
        return status;
    status = open_cursor(transaction, query, err);
    while (status == RECSYS_OK && n > 0) {
        status = recsys_transaction_query(transaction, FETCH, NULL, 0, &rows, err);
        n = status == RECSYS_OK ? recsys_rows_count(rows) : 0;
        for (size_t i = 0; i < n; i++)
            add_row(input, ++number, recsys_rows_get(rows, i, 0));
        recsys_rows_destroy(rows);
        rows = NULL;
    }
    recsys_transaction_rollback(transaction);
    return status;
}
