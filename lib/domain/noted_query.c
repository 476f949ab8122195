/* lib/domain/noted_query.c - a statement that adds a row to the outbox (owed.h). */
#include <string.h>

#include "lib/aside/aside.h"
#include "lib/base/buffer.h"
#include "lib/base/error.h"
#include "lib/domain/domain.h"

#define MAX_PARAMETERS 16u
#define MAX_STATEMENT ((size_t)64 << 10)

/* "WITH noted AS (INSERT …) " before the statement: one round trip, one transaction. */
static recsys_status add_note(struct rs_buffer *text, const char *statement, size_t n,
                              recsys_error *err)
{
    rs_buffer_format(text,
                     "WITH noted AS (INSERT INTO cache_db.outbox (id, db, key) VALUES "
                     "($%zu::bigint, $%zu::smallint, $%zu::text)) ",
                     n + 1, n + 2, n + 3);
    rs_buffer_add_text(text, statement);
    return text->status == RECSYS_OK ? RECSYS_OK : rs_error_nomem(err, "statement");
}

recsys_status rs_noted_query(recsys_domains *domains, const struct rs_domain *domain,
                              const char *const *values, const char *statement,
                              const recsys_datum *parameters, size_t n, int64_t *note,
                              recsys_rows **rows, recsys_error *err)
{
    recsys_datum all[MAX_PARAMETERS + 3];
    char key[RECSYS_KEY_MAX + 1];
    recsys_bytes bytes;
    struct rs_buffer text;

    *note = 0;
    if (atomic_load(&domains->owed.is_on) == 0 || n > MAX_PARAMETERS)
        return recsys_source_query(domains->source, statement, parameters, n, domains->timeout_ms,
                                   rows, err);
    recsys_status status = rs_domain_key(domain, values, domain->n_parameters, key, &bytes, err);
    if (status != RECSYS_OK)
        return status;
    rs_buffer_init(&text, MAX_STATEMENT);
    status = add_note(&text, statement, n, err);
    if (status == RECSYS_OK) {
        int64_t id = (int64_t)(rs_aside_random(domain->aside) >> 1) | 1;
        memcpy(all, parameters, n * sizeof *all);
        all[n] = recsys_datum_integer(id);
        all[n + 1] = recsys_datum_integer(domain->definition.db);
        all[n + 2] = recsys_datum_text(key);
        status = recsys_source_query(domains->source, text.bytes, all, n + 3, domains->timeout_ms,
                                     rows, err);
        *note = id;
    }
    rs_buffer_destroy(&text);
    return status;
}
