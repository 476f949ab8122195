/* examples/08_own_domain.c - a domain cache of your own: one definition, then get and write.
 *
 *   08_own_domain "postgresql://user@host/database" [redis://host:6379/10]
 *
 * The data are the favourites of a shop's users, in a table that the program makes. Without a Redis
 * the cache is in this process; with one, all processes share it and nothing else changes.
 */
#include <stdio.h>

#include <recsys/postgres.h>
#include <recsys/recsys.h>
#include <recsys/redis.h>

static recsys_status add_favourites(recsys_domains *domains, recsys_error *err)
{
    recsys_domain_definition favourites = RECSYS_DOMAIN_DEFINITION_INIT;

    favourites.name = "shop.favourites";
    favourites.flags = RECSYS_DOMAIN_PER_USER;
    favourites.db = 10; /* 10 to 15 are free for domains of yours */
    favourites.shape = RECSYS_SHAPE_LIST;
    favourites.ttl_s = 600;
    favourites.max_rows = 50;
    favourites.key = "shop:favourites:{user_id}";
    favourites.query = "SELECT item_id FROM shop.favourites WHERE user_id = $1 "
                       "ORDER BY item_id LIMIT $2";
    return recsys_domains_add(domains, &favourites, err);
}

static recsys_status show(recsys_domains *domains, const char *user, recsys_error *err)
{
    static const char *const outcomes[] = {"", "hit", "stale", "negative", "miss", "unknown"};
    recsys_value json;
    uint32_t outcome;
    recsys_status status =
        recsys_domains_get(domains, "shop.favourites", &user, 1, 0, &json, &outcome, err);

    if (status == RECSYS_OK)
        printf("%-4s %.*s\n", outcomes[outcome], (int)json.size, (const char *)json.data);
    recsys_value_release(&json);
    return status;
}

/* One statement changes the table; then the cached list of this user is removed. */
static recsys_status like(recsys_domains *domains, const char *user, int64_t item,
                          recsys_error *err)
{
    static const char *const names[] = {"shop.favourites"};
    static const char insert[] =
        "INSERT INTO shop.favourites VALUES ($1, $2) ON CONFLICT DO NOTHING";
    recsys_datum row[2];

    row[0] = recsys_datum_text(user);
    row[1] = recsys_datum_integer(item);
    return recsys_domains_write(domains, names, 1, &user, 1, insert, row, 2, NULL, err);
}

static const char TABLE[] = "CREATE SCHEMA IF NOT EXISTS shop;"
                            "CREATE TABLE IF NOT EXISTS shop.favourites"
                            " (user_id text, item_id bigint, PRIMARY KEY (user_id, item_id));"
                            "DELETE FROM shop.favourites WHERE user_id = 'ada'";

static recsys_status open_redis(const char *url, recsys_store **store, recsys_error *err)
{
    recsys_redis_options options = RECSYS_REDIS_OPTIONS_INIT;
    char buffer[512];
    recsys_status status = recsys_redis_read_url(url, buffer, sizeof buffer, &options, err);

    return status != RECSYS_OK ? status : recsys_redis_create("shop", &options, NULL, store, err);
}

int main(int argc, char **argv)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;
    recsys_store *stores[11] = {NULL}; /* NULL: an in-process one is made */
    recsys_source *source = NULL;
    recsys_domains *domains = NULL;
    recsys_error err = {0};
    int failed = 1;

    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: 08_own_domain CONNINFO [REDIS_URL]\n");
        return 2;
    }
    if (recsys_postgres_create(argv[1], NULL, &source, &err) == RECSYS_OK &&
        (argc == 2 || open_redis(argv[2], &stores[10], &err) == RECSYS_OK)) {
        options.stores = stores;
        options.n_stores = 11;
        options.source = source;
        if (recsys_domains_create(&options, &domains, &err) == RECSYS_OK &&
            add_favourites(domains, &err) == RECSYS_OK &&
            recsys_source_run(source, TABLE, 0, &err) == RECSYS_OK &&
            like(domains, "ada", 296, &err) == RECSYS_OK &&
            show(domains, "ada", &err) == RECSYS_OK && show(domains, "ada", &err) == RECSYS_OK &&
            like(domains, "ada", 318, &err) == RECSYS_OK && show(domains, "ada", &err) == RECSYS_OK)
            failed = 0;
    }
    if (failed)
        fprintf(stderr, "%s\n", err.message);
    recsys_domains_destroy(domains);
    recsys_store_unref(stores[10]);
    recsys_source_unref(source);
    return failed;
}
