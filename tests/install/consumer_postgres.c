/* tests/install/consumer_postgres.c - a program of somebody who has installed librecsys-postgres.
 */
#include <stdio.h>

#include <recsys/postgres.h>
#include <recsys/recsys.h>

/* Nobody listens on port 1 of the loopback interface: the message says so. */
int main(void)
{
    recsys_source *source = NULL;
    recsys_rows *rows = NULL;
    recsys_error err;

    if (recsys_postgres_create("host=127.0.0.1 port=1 dbname=none", NULL, &source, &err) !=
        RECSYS_OK)
        return fprintf(stderr, "%s\n", err.message), 1;
    recsys_status status = recsys_source_query(source, "SELECT 1", NULL, 0, 0, &rows, &err);
    printf("%s: %s\n", recsys_status_name(status), err.message);
    recsys_rows_destroy(rows);
    recsys_source_unref(source);
    return status != RECSYS_E_IO;
}
