/* lib/domain/domain_warm.c - load entries before the first request.
 *
 * A warm query lists the keys, and each is read as by a request: cached values stay, or are loaded
 * again under the side lease; others are loaded under the lease. Times to live are spread from a
 * half to the whole, so that entries that were loaded together do not expire together.
 *
 * One process warms at a time: the lock is the key `~warm` in the logical db that is warmed,
 * which no entry can have. Its owner renews it between two keys; if the owner dies, it ends soon.
 */
#include <stddef.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"
#include "lib/base/structs.h"
#include "lib/domain/domain.h"
#include "lib/domain/pattern.h"

#define DEFAULT_TIMEOUT_MS 60000u
#define LOCK_MS 10000u /* and the time of one statement, which nothing interrupts */
#define RENEW_NS ((uint64_t)2 * 1000000000u)
#define LOCK "~warm"

struct warming {
    recsys_domains *domains;
    uint64_t deadline_ns;
    uint64_t seed, n_keys;
    int is_again; /* cached values, too */
    /* of the logical db that is warmed */
    recsys_store *store;
    uint64_t token, renewed_ns;
    int has_lost; /* another process has the lock */
    recsys_warming counts;
};

static double spread(struct warming *warming)
{
    uint64_t random = rs_hash_number(warming->n_keys++, warming->seed);

    return 0.5 + 0.5 * ((double)(random >> 11) / 9007199254740992.0);
}

/* The values of a row as a key's parameters; `texts` has room for each. */
static recsys_status read_values(const struct rs_domain *domain, const recsys_rows *rows,
                                 size_t row, const char **values, recsys_error *err)
{
    if (recsys_rows_count_columns(rows) != domain->n_parameters)
        return rs_error(err, RECSYS_E_FORMAT,
                        "domain %s: its warm_query gives %zu columns, its key \"%s\" has %zu "
                        "parameters",
                        domain->definition.name, recsys_rows_count_columns(rows),
                        domain->definition.key, domain->n_parameters);
    for (size_t i = 0; i < domain->n_parameters; i++) {
        recsys_datum value = recsys_rows_get(rows, row, i);
        if (value.type != RECSYS_TYPE_TEXT)
            return rs_error(err, RECSYS_E_FORMAT,
                            "domain %s: column %zu of its warm_query is not text; cast it",
                            domain->definition.name, i + 1);
        values[i] = value.text;
    }
    return RECSYS_OK;
}

/* `rows` is NULL for the one key of a domain without parameters. */
static recsys_status warm_key(struct warming *warming, const struct rs_domain *domain,
                              const recsys_rows *rows, size_t row, recsys_error *err)
{
    const char *values[RS_PATTERN_PARAMETERS];
    recsys_value value = {0};
    uint32_t outcome = 0;
    recsys_status status;

    if (domain->way != NULL)
        status = domain->way->warm(warming->domains, domain, rows, row, spread(warming),
                                   warming->is_again, &outcome, err);
    else {
        status = rows == NULL ? RECSYS_OK : read_values(domain, rows, row, values, err);
        if (status == RECSYS_OK)
            status = rs_domain_read(warming->domains, domain, values, spread(warming),
                                    warming->is_again, &value, &outcome, err);
        recsys_value_release(&value);
    }
    if (status == RECSYS_OK && outcome == RECSYS_ASIDE_MISS)
        warming->counts.loaded++;
    else if (status == RECSYS_OK && outcome != RECSYS_ASIDE_UNKNOWN)
        warming->counts.present++;
    else
        warming->counts.failed++; /* UNKNOWN: loaded, but the store did not keep it */
    return status;
}

static uint64_t lock_ms(const struct warming *warming)
{
    uint32_t statement_ms = warming->domains->timeout_ms;

    return LOCK_MS + (statement_ms < LOCK_MS * 6u ? statement_ms : LOCK_MS * 6u);
}

static recsys_status take_lock(struct warming *warming, recsys_error *err)
{
    warming->renewed_ns = rs_clock_ns();
    return recsys_store_set(warming->store, (recsys_bytes){LOCK, strlen(LOCK)},
                            (recsys_bytes){&warming->token, sizeof warming->token},
                            lock_ms(warming), RECSYS_STORE_IF_ABSENT, err);
}

/* While the store does not answer, the lock may end: then another process may warm, too, which
 * costs time and nothing else. */
static int keep_lock(struct warming *warming)
{
    const recsys_bytes key = {LOCK, strlen(LOCK)};
    const recsys_bytes mine = {&warming->token, sizeof warming->token};

    if (rs_clock_ns() - warming->renewed_ns < RENEW_NS)
        return 1;
    recsys_status status =
        recsys_store_replace(warming->store, key, mine, mine, lock_ms(warming), NULL);
    if (status == RECSYS_E_NOT_FOUND)
        warming->has_lost = take_lock(warming, NULL) == RECSYS_E_EXISTS;
    else
        warming->renewed_ns = rs_clock_ns();
    return !warming->has_lost;
}

/* At most the time for all of the warming: a caller may wait for its end. */
static uint32_t time_for_a_statement(const struct warming *warming)
{
    uint64_t now = rs_clock_ns();
    uint64_t left_ms = now < warming->deadline_ns ? (warming->deadline_ns - now) / 1000000u + 1 : 1;

    return left_ms < warming->domains->timeout_ms ? (uint32_t)left_ms
                                                  : warming->domains->timeout_ms;
}

static recsys_status warm_domain(struct warming *warming, const struct rs_domain *domain,
                                 recsys_error *err)
{
    recsys_rows *rows = NULL;
    recsys_error said;
    recsys_status status, worst = RECSYS_OK;

    if (domain->definition.warm_query == NULL)
        return warm_key(warming, domain, NULL, 0, err);
    status = recsys_source_query(warming->domains->source, domain->definition.warm_query, NULL, 0,
                                 time_for_a_statement(warming), &rows, err);
    if (status != RECSYS_OK)
        return status;
    for (size_t row = 0; row < recsys_rows_count(rows); row++) {
        if (rs_clock_ns() >= warming->deadline_ns) {
            worst = rs_error(err, RECSYS_E_TIMEOUT,
                             "domain %s: warming ran out of time at key %zu of %zu",
                             domain->definition.name, row, recsys_rows_count(rows));
            break;
        }
        if (!keep_lock(warming))
            break;
        status = warm_key(warming, domain, rows, row, &said);
        /* The row was removed meanwhile, or its key or value is too large to be kept, and always
         * will be. */
        if (status != RECSYS_OK && status != RECSYS_E_NOT_FOUND && status != RECSYS_E_LIMIT)
            worst = rs_error_copy(err, &said);
    }
    recsys_rows_destroy(rows);
    return worst;
}

static int is_wanted(const struct rs_domain *domain, const char *name)
{
    return (domain->definition.flags & RECSYS_DOMAIN_WARM) &&
           (name == NULL || strcmp(domain->definition.name, name) == 0);
}

/* Warm all wanted domains of one logical db, under its lock. */
static recsys_status warm_database(struct warming *warming, uint32_t db, const char *name,
                                   recsys_error *err)
{
    recsys_bytes key = {LOCK, strlen(LOCK)}, none = {NULL, 0};
    recsys_bytes mine = {&warming->token, sizeof warming->token};
    recsys_error said;
    recsys_status status, worst = RECSYS_OK;

    if (rs_clock_ns() >= warming->deadline_ns)
        return rs_error(err, RECSYS_E_TIMEOUT, "warming ran out of time before logical db %u", db);
    warming->store = warming->domains->dbs[db].store;
    warming->token = rs_hash_number(rs_clock_ns(), warming->seed);
    warming->has_lost = 0;
    status = take_lock(warming, &said);
    if (status == RECSYS_E_EXISTS) {
        warming->counts.skipped = 1;
        return RECSYS_OK;
    }
    if (status != RECSYS_OK)
        return rs_error_copy(err, &said); /* there is nothing to warm while the store is away */
    for (size_t i = 0; i < warming->domains->n_domains; i++) {
        const struct rs_domain *domain = warming->domains->domains[i];
        if (domain->definition.db != db || !is_wanted(domain, name))
            continue;
        status = warm_domain(warming, domain, err);
        if (status != RECSYS_OK)
            worst = status;
        if (status == RECSYS_E_TIMEOUT || warming->has_lost)
            break;
    }
    if (warming->has_lost)
        warming->counts.skipped = 1;
    /* Only if this process still has it: after it expired, another may have taken it. */
    status = recsys_store_replace(warming->store, key, mine, none, 0, NULL);
    (void)status;
    return worst;
}

static recsys_status warm_all(recsys_domains *domains, const char *name, uint32_t timeout_ms,
                              int is_again, const char *function, recsys_warming *out,
                              recsys_error *err)
{
    struct warming warming = {.domains = domains, .seed = rs_hash_seed(), .is_again = is_again};
    const struct rs_domain *one;
    recsys_status status = RECSYS_OK, worst = RECSYS_OK;
    int is_any[RECSYS_DOMAIN_DBS] = {0};

    if (out != NULL)
        status = rs_struct_begin(out, RECSYS_WARMING_SIZE_V1, function, err);
    if (status != RECSYS_OK)
        return status;
    if (domains == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: domains is NULL", function);
    if (name != NULL) {
        status = rs_domains_find(domains, name, function, &one, err);
        if (status != RECSYS_OK)
            return status;
        if (!(one->definition.flags & RECSYS_DOMAIN_WARM))
            return rs_error(err, RECSYS_E_INVALID, "domain %s has nothing to warm", name);
    }
    warming.deadline_ns =
        timeout_ms == RECSYS_NEVER_32
            ? UINT64_MAX
            : rs_clock_ns() +
                  (timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : timeout_ms) * UINT64_C(1000000);
    for (size_t i = 0; i < domains->n_domains; i++)
        if (is_wanted(domains->domains[i], name))
            is_any[domains->domains[i]->definition.db] = 1;
    for (uint32_t db = 0; db < RECSYS_DOMAIN_DBS; db++) {
        status = is_any[db] ? warm_database(&warming, db, name, err) : RECSYS_OK;
        if (status != RECSYS_OK)
            worst = status;
    }
    if (out != NULL)
        rs_struct_write(out, &warming.counts, sizeof warming.counts);
    return worst;
}

recsys_status recsys_domains_warm(recsys_domains *domains, const char *name, uint32_t timeout_ms,
                                  recsys_warming *out, recsys_error *err)
{
    return warm_all(domains, name, timeout_ms, 0, "recsys_domains_warm", out, err);
}

recsys_status recsys_domains_refresh(recsys_domains *domains, const char *name, uint32_t timeout_ms,
                                     recsys_warming *out, recsys_error *err)
{
    return warm_all(domains, name, timeout_ms, 1, "recsys_domains_refresh", out, err);
}
