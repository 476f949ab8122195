/* lib/domain/domain_read.c - reading an entry: from the cache, or by the domain's query.
 *
 * A list is cached once, with max_rows rows, for readers with any limit: their answers are cut from
 * this entry. A reader that wants more than max_rows gets the rows from the database, unless the
 * cached list is shorter than max_rows: then there are no more.
 *
 * The cache keeps "there is no such row" for its usual time. A domain with a time of its own for
 * that caches the value `null`, which no shape has.
 */
#include <string.h>

#include "lib/aside/load_again.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/json_span.h"
#include "lib/domain/columns.h"
#include "lib/domain/domain.h"
#include "lib/domain/pattern.h"

#define NONE "null"

struct domain_reading {
    recsys_domains *domains;
    const struct rs_domain *domain;
    const char *const *values;
    double ttl_share;
    const recsys_error *unreached; /* the database, a moment ago: it is not asked again. Or NULL */
};

uint32_t rs_domain_ttl_ms(const struct rs_domain *domain, double ttl_share)
{
    return (uint32_t)(domain->definition.ttl_s * 1000.0 * ttl_share);
}

/* Run the domain's query, with `n_rows` if it has max_rows. */
static recsys_status query(const struct domain_reading *reading, uint32_t n_rows,
                           recsys_rows **rows, recsys_error *err)
{
    const struct rs_domain *domain = reading->domain;
    recsys_datum parameters[RS_PATTERN_PARAMETERS + 1];
    size_t n = domain->n_parameters;

    for (size_t i = 0; i < n; i++)
        parameters[i] = recsys_datum_text(reading->values[i]);
    if (domain->definition.max_rows > 0)
        parameters[n++] = recsys_datum_integer(n_rows);
    return recsys_source_query(reading->domains->source, domain->definition.query, parameters, n,
                               reading->domains->timeout_ms, rows, err);
}

/* *is_settled becomes 1 if no row will change any more, and if there is no such column. */
static recsys_status look_if_settled(const struct rs_domain *domain, const recsys_rows *rows,
                                     int *is_settled, recsys_error *err)
{
    const char *name = domain->definition.settled_column;
    int column = name == NULL ? -1 : rs_columns_find(rows, name);

    *is_settled = 1;
    if (name == NULL)
        return RECSYS_OK;
    if (column < 0)
        return rs_error(err, RECSYS_E_FORMAT, "domain %s: its query has no column %s",
                        domain->definition.name, name);
    for (size_t row = 0; row < recsys_rows_count(rows); row++) {
        recsys_datum settled = recsys_rows_get(rows, row, (size_t)column);
        if (settled.type != RECSYS_TYPE_BOOL && settled.type != RECSYS_TYPE_NULL)
            return rs_error(err, RECSYS_E_FORMAT, "domain %s: column %s is not a BOOL",
                            domain->definition.name, name);
        if (settled.type == RECSYS_TYPE_NULL || settled.number == 0)
            *is_settled = 0;
    }
    return RECSYS_OK;
}

/* The rows for a reader: without the library's column. */
static recsys_status format_rows(const struct rs_domain *domain, const recsys_rows *rows,
                                 recsys_value *out, recsys_error *err)
{
    const char *hidden = domain->definition.settled_column;
    recsys_rows *shown = NULL;
    recsys_status status;

    if (hidden == NULL)
        return recsys_rows_format(rows, domain->definition.shape, out, err);
    status = rs_columns_without(rows, &hidden, 1, &shown, err);
    if (status == RECSYS_OK)
        status = recsys_rows_format(shown, domain->definition.shape, out, err);
    recsys_rows_destroy(shown);
    return status;
}

static recsys_status set_none(const struct rs_domain *domain, recsys_aside_load *load,
                              recsys_error *err)
{
    uint32_t ttl_s = domain->definition.negative_ttl_s;
    recsys_bytes none = {NONE, strlen(NONE)};

    if (domain->definition.flags & RECSYS_DOMAIN_NO_NEGATIVE)
        return recsys_aside_load_set(load, none, 0, 0, RECSYS_ASIDE_UNCACHED, err);
    if (ttl_s == 0)
        return rs_error(err, RECSYS_E_NOT_FOUND, "domain %s: there is none",
                        domain->definition.name);
    return recsys_aside_load_set(load, none, 0, ttl_s * 1000u, 0, err);
}

static recsys_status load_entry(recsys_aside_load *load, void *user_data, recsys_error *err)
{
    const struct domain_reading *reading = user_data;
    const struct rs_domain *domain = reading->domain;
    recsys_rows *rows = NULL;
    recsys_value value = {0};
    uint64_t version = 0;
    int is_settled = 1;

    if (reading->unreached != NULL)
        return rs_error_copy(err, reading->unreached);
    recsys_status status = query(reading, domain->definition.max_rows, &rows, err);
    if (status != RECSYS_OK)
        return status;
    if (domain->definition.shape == RECSYS_SHAPE_OBJECT && recsys_rows_count(rows) == 0) {
        status = set_none(domain, load, err);
        goto done;
    }
    status = look_if_settled(domain, rows, &is_settled, err);
    if (status == RECSYS_OK && domain->definition.version_column != NULL)
        status = rs_columns_version(rows, domain->definition.version_column,
                                    domain->definition.name, &version, err);
    if (status == RECSYS_OK)
        status = format_rows(domain, rows, &value, err);
    if (status == RECSYS_OK) {
        int is_kept = is_settled && value.size <= domain->definition.max_bytes;
        status = recsys_aside_load_set(load, (recsys_bytes){value.data, value.size}, version,
                                       rs_domain_ttl_ms(domain, reading->ttl_share),
                                       is_kept ? 0 : RECSYS_ASIDE_UNCACHED, err);
    }

done:
    recsys_value_release(&value);
    recsys_rows_destroy(rows);
    return status;
}

/* A value that another program has stored may be any JSON. */
static int has_shape(const struct rs_domain *domain, const recsys_value *json)
{
    const char *text = json->data;

    if (json->size == strlen(NONE) && memcmp(text, NONE, json->size) == 0)
        return 1;
    return json->size > 0 &&
           text[0] == (domain->definition.shape == RECSYS_SHAPE_OBJECT ? '{' : '[');
}

/* For as long as the store is not trusted (owed.h). 0 if the database is not reached: then the
 * store is trusted, though the sync has not found out yet. */
static int read_past_cache(struct domain_reading *reading, recsys_value *json, uint32_t *outcome,
                           recsys_status *status, recsys_error *problem, recsys_error *err)
{
    const struct rs_domain *domain = reading->domain;
    recsys_rows *rows = NULL;

    *status = query(reading, domain->definition.max_rows, &rows, problem);
    if (*status == RECSYS_E_IO || *status == RECSYS_E_TIMEOUT) {
        reading->unreached = problem;
        return 0;
    }
    if (outcome != NULL)
        *outcome = RECSYS_ASIDE_UNKNOWN;
    *status =
        *status == RECSYS_OK ? format_rows(domain, rows, json, err) : rs_error_copy(err, problem);
    recsys_rows_destroy(rows);
    return 1;
}

recsys_status rs_domain_read(recsys_domains *domains, const struct rs_domain *domain,
                             const char *const *values, double ttl_share, int is_again,
                             recsys_value *json, uint32_t *outcome, recsys_error *err)
{
    struct domain_reading reading = {domains, domain, values, ttl_share, NULL};
    recsys_error problem; /* not cleared, which a hit would have to pay for */
    char key[RECSYS_KEY_MAX + 1];
    recsys_bytes bytes;
    recsys_status status = rs_domain_key(domain, values, domain->n_parameters, key, &bytes, err);

    if (status != RECSYS_OK)
        return status;
    if (!rs_owed_is_trusted(&domains->owed) &&
        read_past_cache(&reading, json, outcome, &status, &problem, err))
        return status;
    status = is_again ? rs_aside_load_again(domain->aside, bytes, load_entry, &reading, json,
                                            outcome, err)
                      : recsys_aside_get_or_load(domain->aside, bytes, load_entry, &reading, 0,
                                                 json, outcome, err);
    if (status == RECSYS_OK && !has_shape(domain, json)) {
        recsys_value_release(json);
        status = recsys_aside_invalidate(domain->aside, &bytes, 1, err);
        if (status == RECSYS_OK)
            status = recsys_aside_get_or_load(domain->aside, bytes, load_entry, &reading, 0, json,
                                              outcome, err);
        if (status == RECSYS_OK && !has_shape(domain, json)) {
            recsys_value_release(json);
            return rs_error(err, RECSYS_E_FORMAT, "domain %s: what is cached has another shape",
                            domain->definition.name);
        }
    }
    if (status == RECSYS_OK && json->size == strlen(NONE) &&
        memcmp(json->data, NONE, json->size) == 0) {
        recsys_value_release(json);
        if (outcome != NULL && (*outcome == RECSYS_ASIDE_HIT || *outcome == RECSYS_ASIDE_STALE))
            *outcome = RECSYS_ASIDE_NEGATIVE;
        status = RECSYS_E_NOT_FOUND;
    }
    if (status == RECSYS_E_NOT_FOUND)
        return rs_error(err, status, "domain %s: there is no %s", domain->definition.name, key);
    return status;
}

/* Keep the first `limit` elements of a list. */
static recsys_status cut_list(const struct rs_domain *domain, uint32_t limit, recsys_value *json,
                              recsys_error *err)
{
    size_t n, cut;

    if (rs_span_count(json->data, json->size, limit, &n, &cut) != RECSYS_OK)
        return rs_error(err, RECSYS_E_FORMAT, "domain %s: what is cached is not a list",
                        domain->definition.name);
    if (n <= limit)
        return RECSYS_OK;
    char *text = rs_alloc(cut + 2);
    if (text == NULL)
        return rs_error_nomem(err, "list");
    memcpy(text, json->data, cut);
    text[cut] = ']';
    text[cut + 1] = '\0';
    recsys_value_release(json);
    rs_value_own(json, text, cut + 1);
    return RECSYS_OK;
}

/* The cached list has max_rows rows at most, and the reader wants more. */
static recsys_status read_beyond(const struct domain_reading *reading, uint32_t limit,
                                 recsys_value *json, uint32_t *outcome, recsys_error *err)
{
    const struct rs_domain *domain = reading->domain;
    recsys_rows *rows = NULL;
    size_t n, cut;
    recsys_status status;

    if (rs_span_count(json->data, json->size, 0, &n, &cut) != RECSYS_OK)
        return rs_error(err, RECSYS_E_FORMAT, "domain %s: what is cached is not a list",
                        domain->definition.name);
    if (n < domain->definition.max_rows)
        return RECSYS_OK;
    recsys_value_release(json);
    status = query(reading, limit, &rows, err);
    if (status == RECSYS_OK)
        status = format_rows(domain, rows, json, err);
    recsys_rows_destroy(rows);
    if (outcome != NULL)
        *outcome = RECSYS_ASIDE_MISS;
    return status;
}

recsys_status recsys_domains_get(recsys_domains *domains, const char *name,
                                 const char *const *values, size_t n, uint32_t limit,
                                 recsys_value *json, uint32_t *outcome, recsys_error *err)
{
    const struct rs_domain *domain;
    recsys_status status;

    if (json != NULL)
        memset(json, 0, sizeof *json);
    if (outcome != NULL)
        *outcome = 0;
    if (json == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_domains_get: json is NULL");
    status = rs_domains_find(domains, name, "recsys_domains_get", &domain, err);
    if (status != RECSYS_OK)
        return status;
    if (domain->way != NULL)
        return rs_error(err, RECSYS_E_INVALID, "domain %s is read by %s()", name,
                        domain->way->read_by);
    uint32_t max_rows = domain->definition.max_rows;
    if (limit > 0 && max_rows == 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "domain %s has no max_rows, so it takes no limit, but %u was given", name,
                        limit);
    if (n != domain->n_parameters)
        return rs_error(err, RECSYS_E_INVALID,
                        "domain %s: its key is \"%s\", %zu values were given", name,
                        domain->definition.key, n);
    status = rs_domain_read(domains, domain, values, 1.0, 0, json, outcome, err);
    if (status == RECSYS_OK && limit > max_rows) {
        struct domain_reading reading = {domains, domain, values, 1.0, NULL};
        status = read_beyond(&reading, limit, json, outcome, err);
    } else if (status == RECSYS_OK && limit > 0)
        status = cut_list(domain, limit, json, err);
    if (status != RECSYS_OK)
        recsys_value_release(json);
    return status;
}
