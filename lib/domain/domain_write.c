/* lib/domain/domain_write.c - change the truth, then invalidate its cached values.
 *
 * recsys_aside_write() keeps this order. A write that touches entries of several logical dbs
 * runs inside one such call for each database, one around the other, with the statement in the
 * middle. So all are invalidated, also if the statement failed.
 */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/domain/domain.h"
#include "lib/domain/pattern.h"

#define MAX_TOUCHED 64u

struct around {
    struct rs_touched {
        const struct rs_domain *domain;
        char key[RECSYS_KEY_MAX + 1];
        recsys_bytes bytes;
    } * touched;
    size_t n;
    uint32_t db; /* the logical db of the next call */
    recsys_aside_writer writer;
    void *user_data;
};

static recsys_status go_around(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    struct around *around = user_data;
    recsys_bytes keys[MAX_TOUCHED];
    recsys_aside *aside = NULL;
    size_t n = 0;

    while (n == 0 && around->db < RECSYS_DOMAIN_DBS) {
        for (size_t i = 0; i < around->n; i++)
            if (around->touched[i].domain->definition.db == around->db) {
                keys[n++] = around->touched[i].bytes;
                aside = around->touched[i].domain->aside;
            }
        around->db++;
    }
    if (n == 0)
        return around->writer(changes, around->user_data, err);
    return recsys_aside_write(aside, keys, n, go_around, around, err);
}

recsys_status rs_domains_around(const struct rs_domain *const *touched, size_t n_touched,
                                const char *const *values, size_t n, recsys_aside_writer writer,
                                void *user_data, recsys_error *err)
{
    struct around around = {.n = n_touched, .writer = writer, .user_data = user_data};
    recsys_status status = RECSYS_OK;

    if (n_touched == 0 || n_touched > MAX_TOUCHED)
        return rs_error(err, RECSYS_E_INVALID,
                        "a write must touch 1..%u domains, or nothing of it is invalidated",
                        MAX_TOUCHED);
    around.touched = rs_alloc_array(n_touched, sizeof *around.touched);
    if (around.touched == NULL)
        return rs_error_nomem(err, "keys of a write");
    for (size_t i = 0; i < n_touched && status == RECSYS_OK; i++) {
        around.touched[i].domain = touched[i];
        status = rs_domain_key(touched[i], values, n, around.touched[i].key,
                               &around.touched[i].bytes, err);
    }
    if (status == RECSYS_OK)
        status = go_around(NULL, &around, err);
    rs_free(around.touched);
    return status;
}

struct statement {
    recsys_domains *domains;
    const char *text;
    const recsys_datum *parameters;
    size_t n;
    recsys_rows *rows;
};

static recsys_status run_statement(recsys_aside_changes *changes, void *user_data,
                                   recsys_error *err)
{
    struct statement *statement = user_data;

    (void)changes;
    return recsys_source_query(statement->domains->source, statement->text, statement->parameters,
                               statement->n, statement->domains->timeout_ms, &statement->rows, err);
}

recsys_status recsys_domains_write(recsys_domains *domains, const char *const *names,
                                   size_t n_names, const char *const *values, size_t n,
                                   const char *statement, const recsys_datum *parameters,
                                   size_t n_parameters, recsys_rows **rows, recsys_error *err)
{
    const struct rs_domain *touched[MAX_TOUCHED];
    recsys_status status;

    if (rows != NULL)
        *rows = NULL;
    if (domains == NULL || names == NULL || statement == NULL ||
        (parameters == NULL && n_parameters > 0))
        return rs_error(err, RECSYS_E_INVALID, "recsys_domains_write: an argument is missing");
    for (size_t i = 0; i < n_names && i < MAX_TOUCHED; i++) {
        status = rs_domains_find(domains, names[i], "recsys_domains_write", &touched[i], err);
        if (status != RECSYS_OK)
            return status;
    }
    struct statement writing = {domains, statement, parameters, n_parameters, NULL};
    status = rs_domains_around(touched, n_names, values, n, run_statement, &writing, err);
    if (status == RECSYS_OK && rows != NULL)
        *rows = writing.rows;
    else
        recsys_rows_destroy(writing.rows);
    return status;
}

struct noted {
    recsys_domains *domains;
    const struct rs_domain *domain;
    const char *const *values;
    const char *text;
    const recsys_datum *parameters;
    size_t n;
    int64_t note;
    recsys_rows *rows;
};

static recsys_status run_noted(recsys_aside_changes *changes, void *user_data, recsys_error *err)
{
    struct noted *noted = user_data;

    (void)changes;
    return rs_noted_query(noted->domains, noted->domain, noted->values, noted->text,
                           noted->parameters, noted->n, &noted->note, &noted->rows, err);
}

recsys_status rs_domains_write_noted(recsys_domains *domains, const char *name,
                                     const char *const *values, size_t n, const char *statement,
                                     const recsys_datum *parameters, size_t n_parameters,
                                     recsys_rows **rows, recsys_error *err)
{
    struct noted noted = {domains, NULL, values, statement, parameters, n_parameters, 0, NULL};
    recsys_status status = rs_domains_find(domains, name, "a write", &noted.domain, err);

    *rows = NULL;
    if (status != RECSYS_OK)
        return status;
    status = rs_domains_around(&noted.domain, 1, values, n, run_noted, &noted, err);
    rs_owed_settle(&domains->owed, noted.note);
    if (status == RECSYS_OK)
        *rows = noted.rows;
    else
        recsys_rows_destroy(noted.rows);
    return status;
}

recsys_status recsys_domains_invalidate(recsys_domains *domains, const char *name,
                                        const char *const *values, size_t n, recsys_error *err)
{
    const struct rs_domain *domain;
    char key[RECSYS_KEY_MAX + 1];
    recsys_bytes bytes;
    recsys_status status =
        rs_domains_find(domains, name, "recsys_domains_invalidate", &domain, err);

    if (status == RECSYS_OK && n != domain->n_parameters)
        status =
            rs_error(err, RECSYS_E_INVALID, "domain %s: its key is \"%s\", %zu values were given",
                     name, domain->definition.key, n);
    if (status == RECSYS_OK)
        status = rs_domain_key(domain, values, n, key, &bytes, err);
    return status == RECSYS_OK ? recsys_aside_invalidate(domain->aside, &bytes, 1, err) : status;
}

recsys_status recsys_domains_flush(recsys_domains *domains, uint32_t timeout_ms, recsys_error *err)
{
    uint64_t began_ns = rs_clock_ns();
    uint32_t total_ms = timeout_ms == 0 ? 2000 : timeout_ms;
    recsys_status worst = RECSYS_OK;

    if (domains == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_domains_flush: domains is NULL");
    for (size_t i = 0; i < RECSYS_DOMAIN_DBS; i++) {
        uint64_t gone_ms = (rs_clock_ns() - began_ns) / 1000000u;
        uint32_t left_ms = gone_ms < total_ms ? total_ms - (uint32_t)gone_ms : 1;
        if (domains->dbs[i].aside == NULL)
            continue;
        recsys_status status = recsys_aside_flush(
            domains->dbs[i].aside, timeout_ms == RECSYS_NEVER_32 ? timeout_ms : left_ms,
            worst == RECSYS_OK ? err : NULL);
        if (worst == RECSYS_OK)
            worst = status; /* go on with the others: each has one attempt at least */
    }
    return worst;
}

/* Invalidate the keys of one user in a domain with more parameters: all keys with the same
 * beginning. */
static recsys_status invalidate_matching(const struct rs_domain *domain, const char *user_id,
                                         recsys_error *err)
{
    const char *pattern = domain->definition.key;
    char start[RECSYS_KEY_MAX + 1], key[RECSYS_KEY_MAX + 1];
    recsys_bytes parts[RS_PATTERN_PARAMETERS + 1], value = {user_id, strlen(user_id)};
    size_t length = rs_pattern_first_part(pattern), size = sizeof key, n = 0;
    recsys_status status;

    memcpy(start, pattern, length);
    start[length] = '\0';
    status = recsys_key_format(start, &value, 1, key, &size, err);
    if (status != RECSYS_OK)
        return status;
    parts[n++] = (recsys_bytes){key, size};
    for (const char *at = pattern + length; *at != '\0';) {
        at = strchr(at, '}') + 1;
        parts[n++] = (recsys_bytes){at, strcspn(at, "{")};
        at += strcspn(at, "{");
    }
    return recsys_aside_invalidate_matching(domain->aside, parts, n, NULL, err);
}

recsys_status recsys_domains_invalidate_user(recsys_domains *domains, const char *user_id,
                                             recsys_error *err)
{
    recsys_status worst = RECSYS_OK;

    if (domains == NULL || user_id == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_domains_invalidate_user: an argument is missing");
    for (size_t i = 0; i < domains->n_domains; i++) {
        const struct rs_domain *domain = domains->domains[i];
        recsys_status status;
        if (!(domain->definition.flags & RECSYS_DOMAIN_PER_USER))
            continue;
        if (domain->n_parameters == 1)
            status = recsys_domains_invalidate(domains, domain->definition.name, &user_id, 1, err);
        else
            status = invalidate_matching(domain, user_id, err);
        if (status != RECSYS_OK)
            worst = status; /* go on with the other keys */
    }
    return worst;
}
