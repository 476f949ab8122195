/* examples/07_domains.c - the domain caches over real servers.
 *
 *   07_domains "postgresql://user@host/database" redis://host:6379
 *
 * The database must have the schema: recsysctl migrate --demo --database ...
 */
#include <stdio.h>

#include <recsys/postgres.h>
#include <recsys/recsys.h>
#include <recsys/recycling.h>
#include <recsys/redis.h>

/* Logical dbs 0..15 of one server; each has a pool and a breaker of its own. */
static recsys_status open_stores(const char *url, recsys_store *stores[RECSYS_DOMAIN_DBS],
                                 recsys_error *err)
{
    for (uint32_t db = 0; db < RECSYS_DOMAIN_DBS; db++) {
        recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
        char buffer[512], name[16];
        recsys_status status;

        status = recsys_redis_read_url(url, buffer, sizeof buffer, &options, err);
        if (status == RECSYS_OK) {
            (void)snprintf(name, sizeof name, "%u", db);
            options.db = db;
            status = recsys_redis_create(name, &options, NULL, &stores[db], err);
        }
        if (status != RECSYS_OK)
            return status;
    }
    return RECSYS_OK;
}

static recsys_status show(recsys_domains *domains, const char *domain, const char *id,
                          recsys_error *err)
{
    static const char *const outcomes[] = {"", "hit", "stale", "negative", "miss", "unknown"};
    recsys_value json;
    uint32_t outcome;
    recsys_status status = recsys_domains_get(domains, domain, &id, 1, 0, &json, &outcome, err);

    if (status == RECSYS_OK)
        printf("%s %s: %.*s\n", domain, outcomes[outcome], (int)json.size, (const char *)json.data);
    recsys_value_release(&json);
    return status;
}

static recsys_status run(recsys_domains *domains, recsys_error *err)
{
    static const char members[] = "{\"name\":\"Kim\"}";
    recsys_bytes change = {members, sizeof members - 1};
    recsys_value json;
    recsys_status status;

    if ((status = show(domains, "user.profile", "1", err)) != RECSYS_OK ||
        (status = recsys_recycling_update_user(domains, "1", change, &json, err)) != RECSYS_OK)
        return status;
    recsys_value_release(&json);
    if ((status = show(domains, "user.profile", "1", err)) != RECSYS_OK ||
        (status = show(domains, "user.profile", "1", err)) != RECSYS_OK ||
        (status = recsys_recycling_find_nearby(domains, 37.5665, 126.9780, 5, &json, NULL, err)) !=
            RECSYS_OK)
        return status;
    printf("near Seoul City Hall: %.*s\n", (int)json.size, (const char *)json.data);
    recsys_value_release(&json);
    return RECSYS_OK;
}

int main(int argc, char **argv)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;
    recsys_store *stores[RECSYS_DOMAIN_DBS] = {NULL};
    recsys_source *source = NULL;
    recsys_domains *domains = NULL;
    recsys_error err = {0};
    int failed = 1;

    if (argc != 3) {
        fprintf(stderr, "usage: 07_domains CONNINFO REDIS_URL\n");
        return 2;
    }
    if (recsys_postgres_create(argv[1], NULL, &source, &err) == RECSYS_OK &&
        open_stores(argv[2], stores, &err) == RECSYS_OK) {
        options.stores = stores;
        options.n_stores = RECSYS_DOMAIN_DBS;
        options.source = source;
        if (recsys_domains_create(&options, &domains, &err) == RECSYS_OK &&
            recsys_recycling_add_domains(domains, &err) == RECSYS_OK &&
            run(domains, &err) == RECSYS_OK)
            failed = 0;
    }
    if (failed)
        fprintf(stderr, "%s\n", err.message);
    recsys_domains_destroy(domains);
    for (uint32_t db = 0; db < RECSYS_DOMAIN_DBS; db++)
        recsys_store_unref(stores[db]);
    recsys_source_unref(source);
    return failed;
}
