/* lib/domain/domains.c - the set: create it, add a row, find one.
 *
 * A logical db gets its store and its recsys_aside when its first domain is added; that
 * domain's time to live becomes the cache's. A read gives the time to live of its entry; a
 * write-through uses the cache's.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/aside/plain_key.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/base/utf8.h"
#include "lib/domain/domain.h"
#include "lib/domain/pattern.h"
#include "lib/store/store.h"

#define DEFAULT_MEMORY (16u << 20)
#define DEFAULT_TIMEOUT_MS 2000u

static recsys_status read_options(recsys_domains *domains, recsys_domains_options *given,
                                  const recsys_domains_options *options, recsys_error *err)
{
    recsys_status status =
        rs_struct_read(given, sizeof *given, options, RECSYS_DOMAINS_OPTIONS_SIZE_V1,
                       "recsys_domains_create: options", err);

    if (status == RECSYS_OK)
        status = rs_struct_read(&domains->aside, sizeof domains->aside, given->aside,
                                RECSYS_ASIDE_OPTIONS_SIZE_V1,
                                "recsys_domains_create: options.aside", err);
    if (status != RECSYS_OK)
        return status;
    if (given->source == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_domains_create: options.source is NULL; a set of domains reads "
                        "from a database");
    status = rs_reserved(given->flags, "recsys_domains_create: options.flags", err);
    if (status == RECSYS_OK)
        status = rs_reserved(given->reserved, "recsys_domains_create: options.reserved", err);
    if (status == RECSYS_OK)
        status = rs_reserved(given->trusted_dbs >> RECSYS_DOMAIN_DBS,
                             "recsys_domains_create: options.trusted_dbs beyond the logical dbs",
                             err);
    if (status != RECSYS_OK)
        return status;
    if (given->n_stores > RECSYS_DOMAIN_DBS || (given->n_stores > 0 && given->stores == NULL))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_domains_create: options.n_stores is %u; there are %u logical dbs, "
                        "and options.stores must not be NULL",
                        given->n_stores, RECSYS_DOMAIN_DBS);
    domains->aside.struct_size = (uint32_t)sizeof domains->aside;
    if (domains->aside.max_value_bytes == 0) /* each domain has a limit of its own */
        domains->aside.max_value_bytes = RS_DOMAIN_MAX_BYTES;
    domains->source = recsys_source_ref(given->source);
    domains->stats = recsys_stats_ref(given->stats);
    domains->memory_bytes = given->memory_bytes == 0 ? DEFAULT_MEMORY : given->memory_bytes;
    domains->trusted_dbs = given->trusted_dbs;
    domains->timeout_ms = given->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : given->timeout_ms;
    for (size_t i = 0; i < given->n_stores; i++)
        domains->dbs[i].store = recsys_store_ref(given->stores[i]);
    return RECSYS_OK;
}

recsys_status recsys_domains_create(const recsys_domains_options *options, recsys_domains **out,
                                    recsys_error *err)
{
    recsys_domains_options given;

    if (out != NULL)
        *out = NULL;
    if (out == NULL || options == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_domains_create: an argument is missing");
    recsys_domains *domains = rs_alloc_array(1, sizeof *domains);
    if (domains == NULL)
        return rs_error_nomem(err, "domains");
    int result = rs_owed_init(&domains->owed);
    if (result != 0) {
        rs_free(domains);
        return rs_error_sys(err, result, "cannot make the lock of an outbox");
    }
    recsys_status status = read_options(domains, &given, options, err);
    if (status != RECSYS_OK) {
        recsys_domains_destroy(domains);
        return status;
    }
    *out = domains;
    return RECSYS_OK;
}

static void destroy_domain(struct rs_domain *domain)
{
    if (domain->made != NULL)
        domain->way->unmake(domain->made);
    rs_definition_destroy(domain);
    rs_free(domain);
}

void rs_domains_shrink(recsys_domains *domains, size_t n)
{
    while (domains->n_domains > n)
        destroy_domain(domains->domains[--domains->n_domains]);
}

void recsys_domains_destroy(recsys_domains *domains)
{
    if (domains == NULL)
        return;
    rs_domains_shrink(domains, 0);
    rs_free(domains->domains);
    for (size_t i = 0; i < RECSYS_DOMAIN_DBS; i++) {
        recsys_aside_destroy(domains->dbs[i].aside);
        recsys_store_unref(domains->dbs[i].store);
    }
    recsys_source_unref(domains->source);
    recsys_stats_unref(domains->stats);
    rs_owed_destroy(&domains->owed);
    rs_free(domains);
}

/* Are values of this logical db plain? Nobody else reads what is in this process. */
static int is_plain(const recsys_domains *domains, uint32_t db)
{
    const recsys_store *store = domains->dbs[db].store;

    if (domains->aside.format != 0)
        return domains->aside.format == RECSYS_ASIDE_FORMAT_PLAIN;
    return store != NULL && !store->is_in_process && rs_store_can_exchange(store);
}

static recsys_status open_database(recsys_domains *domains, uint32_t db, uint32_t ttl_s,
                                   recsys_error *err)
{
    struct rs_database *database = &domains->dbs[db];
    recsys_aside_options options = domains->aside;
    char label[16], name[16];

    if (database->aside != NULL)
        return RECSYS_OK;
    snprintf(label, sizeof label, "%u", db);
    snprintf(name, sizeof name, "db%u", db);
    if (database->store == NULL) {
        recsys_cache_options cache = RECSYS_CACHE_OPTIONS_INIT;
        cache.max_bytes = domains->memory_bytes;
        recsys_status status = recsys_store_create_memory(name, &cache, &database->store, err);
        if (status != RECSYS_OK)
            return status;
    }
    if (is_plain(domains, db)) {
        options.format = RECSYS_ASIDE_FORMAT_PLAIN;
        if ((domains->trusted_dbs >> db & 1u) != 0)
            options.flags |= RECSYS_ASIDE_TRUST_OTHERS;
    }
    options.ttl_ms = ttl_s * 1000u;
    options.label = label;
    options.stats = domains->stats;
    return recsys_aside_create(database->store, &options, &database->aside, err);
}

/* Two domains that could make the same key would return each other's entries. */
static recsys_status check_against_others(const recsys_domains *domains,
                                          const recsys_domain_definition *definition,
                                          recsys_error *err)
{
    for (size_t i = 0; i < domains->n_domains; i++) {
        const recsys_domain_definition *other = &domains->domains[i]->definition;
        if (strcmp(other->name, definition->name) == 0)
            return rs_error(err, RECSYS_E_EXISTS,
                            "recsys_domains_add: there is a domain %s already", other->name);
        if (other->db != definition->db)
            continue;
        int overlaps = rs_pattern_overlaps(other->key, definition->key,
                                           is_plain(domains, definition->db));
        if (overlaps < 0)
            return rs_error_nomem(err, "domain");
        if (overlaps)
            return rs_error(err, RECSYS_E_EXISTS,
                            "recsys_domains_add: keys of %s, \"%.100s\", can be keys of %s, "
                            "\"%.100s\"; give it another beginning or another db",
                            definition->name, definition->key, other->name, other->key);
    }
    return RECSYS_OK;
}

recsys_status rs_domains_add(recsys_domains *domains, const recsys_domain_definition *definition,
                             const struct rs_domain_way *way, recsys_error *err)
{
    struct rs_domain *domain = rs_alloc_array(1, sizeof *domain), **more;
    recsys_status status;

    if (domain == NULL)
        return rs_error_nomem(err, "domain");
    domain->way = way;
    status = rs_definition_copy(domain, definition, err);
    if (status != RECSYS_OK)
        goto fail;
    status = check_against_others(domains, &domain->definition, err);
    if (status != RECSYS_OK)
        goto fail;
    status = open_database(domains, domain->definition.db, domain->definition.ttl_s, err);
    if (status != RECSYS_OK)
        goto fail;
    more = rs_resize_array(domains->domains, domains->n_domains + 1, sizeof(struct rs_domain *));
    if (more == NULL) {
        status = rs_error_nomem(err, "domain");
        goto fail;
    }
    domain->aside = domains->dbs[domain->definition.db].aside;
    domain->store = domains->dbs[domain->definition.db].store;
    domain->is_plain = is_plain(domains, domain->definition.db);
    domain->made = way == NULL || way->make == NULL ? NULL : way->make();
    domains->domains = more;
    domains->domains[domains->n_domains++] = domain;
    return RECSYS_OK;

fail:
    destroy_domain(domain);
    return status;
}

recsys_status recsys_domains_add(recsys_domains *domains,
                                 const recsys_domain_definition *definition, recsys_error *err)
{
    if (domains == NULL || definition == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_domains_add: an argument is missing");
    return rs_domains_add(domains, definition, NULL, err);
}

const recsys_domain_definition *recsys_domains_list(const recsys_domains *domains, size_t index)
{
    if (domains == NULL || index >= domains->n_domains)
        return NULL;
    return &domains->domains[index]->definition;
}

recsys_aside *recsys_domains_get_aside(recsys_domains *domains, uint32_t db)
{
    return domains == NULL || db >= RECSYS_DOMAIN_DBS ? NULL : domains->dbs[db].aside;
}

recsys_status rs_domains_find(const recsys_domains *domains, const char *name, const char *function,
                              const struct rs_domain **out, recsys_error *err)
{
    *out = NULL;
    if (domains == NULL || name == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: an argument is missing", function);
    for (size_t i = 0; i < domains->n_domains; i++)
        if (strcmp(domains->domains[i]->definition.name, name) == 0) {
            *out = domains->domains[i];
            return RECSYS_OK;
        }
    return rs_error(err, RECSYS_E_UNDEFINED, "%s: there is no domain \"%.100s\"", function, name);
}

recsys_status rs_domain_check_text(const char *function, const char *what, const char *text,
                                   size_t min, size_t max, recsys_error *err)
{
    size_t size = text == NULL ? 0 : strnlen(text, max + 1);

    if (text == NULL)
        return rs_error(err, RECSYS_E_INVALID, "%s: %s is NULL", function, what);
    if (size < min || size > max)
        return rs_error(err, RECSYS_E_INVALID, "%s: %s must be of %zu..%zu bytes", function, what,
                        min, max);
    if (!rs_utf8_is_valid(text, size))
        return rs_error(err, RECSYS_E_INVALID, "%s: %s is not UTF-8", function, what);
    return RECSYS_OK;
}

recsys_status rs_domain_key(const struct rs_domain *domain, const char *const *values, size_t n,
                            char *key, recsys_bytes *out, recsys_error *err)
{
    recsys_bytes bytes[RS_PATTERN_PARAMETERS];
    size_t size = RECSYS_KEY_MAX + 1;

    if (n < domain->n_parameters || (n > 0 && values == NULL))
        return rs_error(err, RECSYS_E_INVALID,
                        "domain %s has %zu parameters, \"%s\"; %zu values were given",
                        domain->definition.name, domain->n_parameters, domain->definition.key, n);
    for (size_t i = 0; i < domain->n_parameters; i++) {
        recsys_status status = rs_domain_check_text(domain->definition.name, "a parameter",
                                                    values[i], 1, RECSYS_KEY_MAX, err);
        if (status != RECSYS_OK)
            return status;
        bytes[i] = (recsys_bytes){values[i], strlen(values[i])};
    }
    recsys_status status =
        domain->is_plain
            ? rs_key_format_plain(domain->definition.key, bytes, domain->n_parameters, key, &size,
                                  err)
            : recsys_key_format(domain->definition.key, bytes, domain->n_parameters, key, &size,
                                err);
    *out = (recsys_bytes){key, status == RECSYS_OK ? size : 0};
    return status;
}

static void free_text(void *hold)
{
    rs_free(hold);
}

void rs_value_own(recsys_value *value, char *text, size_t size)
{
    *value = (recsys_value){.data = text, .size = size, .hold = text, .release = free_text};
}
