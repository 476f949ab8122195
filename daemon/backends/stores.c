/* daemon/backends/stores.c - makes stores, the database and the library's caches from the settings.
 *
 * If `redis` is not set, each cache is a store in this process, and limits are counted in this
 * process. The denylist then asks the database. Without a database, too, revoked tokens are only
 * known to this process and forgotten when it ends; the log says so.
 *
 * An answer never changes as long as the fingerprint of its model is the same. So answers are
 * neither refreshed early nor served stale, and their leases are short.
 */
#include "daemon/backends/stores.h"

#include <stdio.h>
#include <string.h>

#include <recsys/postgres.h>
#include <recsys/recycling.h>

#include "daemon/config/wrong.h"
#include "daemon/process/logger.h"

#define ANSWER_LEASE_MS 500u
#define SMALL_CACHE (1u << 20) /* bytes; less than this is not divided into shards */
#define LEAST_CACHE 4096u      /* a shard needs 2048 */
#define MINUTE_MS 60000u
#define FLUSH_MS 2000u /* a breaker that is open is probed several times */

struct rd_redis_settings rd_redis_settings(const struct rd_config *config)
{
    struct rd_redis_settings settings = {
        .url = config->redis,
        .dbs = config->redis_dbs,
        .prefix = config->redis_prefix,
        .ca_file = config->redis_ca_file,
        .password_file = config->redis_password_file,
        .single_db = config->redis_single_db != 0,
        .probed = true,
        .pool_size = (uint32_t)config->redis_pool,
        .share_from = (uint32_t)config->redis_share_from,
        .timeout_ms = (uint32_t)config->redis_timeout_ms,
    };

    return settings;
}

/* The logical dbs of the domains are only used with a database; 10 to 15 never. */
static bool is_used(const struct rd_config *config, unsigned db)
{
    switch (db) {
    case RD_DB_TOKENS:
        return true;
    case RD_DB_ANSWERS:
        return config->cache_bytes > 0;
    case RD_DB_LIMITS:
        return config->rate_limit > 0 || config->rate_limit_auth > 0;
    case RD_DB_TASKS:
        return true;
    default:
        return db < RD_DB_LIMITS && config->database[0] != '\0';
    }
}

/* The pool for requests, and one connection for the thread that checks the server. */
static bool make_database(struct rd_stores *stores, const struct rd_config *config,
                          recsys_error *err)
{
    recsys_postgres_options options = RECSYS_POSTGRES_OPTIONS_INIT;
    recsys_error said = {0};
    recsys_status status;

    if (config->database[0] == '\0')
        return true;
    options.pool_size = (uint32_t)config->database_pool;
    options.connect_timeout_ms = RECSYS_NEVER_32; /* each statement has a time, and this is in it */
    status = recsys_postgres_create(config->database, &options, &stores->database, &said);
    options.pool_size = 1;
    if (status == RECSYS_OK)
        status = recsys_postgres_create(config->database, &options, &stores->watch, &said);
    return status == RECSYS_OK || rd_wrong(err, "database: %s", said.message);
}

bool rd_stores_check(struct rd_stores *stores, const struct rd_config *config, recsys_error *err)
{
    struct rd_redis_settings settings = rd_redis_settings(config);
    uint32_t trusted;

    if (!rd_redis_check(&settings, err) || !rd_redis_dbs_read(config->trusted_dbs, &trusted, err))
        return false;
    for (unsigned db = 0; db < RD_DBS; db++)
        if (is_used(config, db) && !rd_redis_open(&settings, db, &stores->redis[db], err))
            return false;
    return make_database(stores, config, err);
}

static bool failed(const char *what, const recsys_error *err)
{
    rd_log(RECSYS_LOG_ERROR, "%s: %s", what, err->message);
    return false;
}

recsys_store *rd_stores_answers(const struct rd_stores *stores)
{
    return stores->answers == NULL                ? NULL
           : stores->redis[RD_DB_ANSWERS] != NULL ? stores->redis[RD_DB_ANSWERS]
                                                  : stores->memory;
}

static bool make_answers(struct rd_stores *stores, const struct rd_config *config,
                         recsys_stats *stats)
{
    recsys_cache_options cache_options = RECSYS_CACHE_OPTIONS_INIT;
    recsys_store *store = stores->redis[RD_DB_ANSWERS];
    recsys_aside_options options = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_error err = {0};

    if (config->cache_bytes == 0)
        return true;
    cache_options.max_bytes = config->cache_bytes;
    if (config->cache_bytes < SMALL_CACHE)
        cache_options.n_shards = 1;
    if (config->cache_bytes < LEAST_CACHE)
        cache_options.max_bytes = LEAST_CACHE;
    if (store == NULL) {
        if (recsys_store_create_memory("answers", &cache_options, &stores->memory, &err) !=
            RECSYS_OK)
            return failed("cache", &err);
        store = stores->memory;
    }
    options.ttl_ms = (uint32_t)(config->cache_ttl_s * 1000u);
    options.flags |= RECSYS_ASIDE_NO_STALE | RECSYS_ASIDE_NO_NEGATIVE | RECSYS_ASIDE_NO_REFRESH;
    options.lease_ms = ANSWER_LEASE_MS;
    options.max_loads = (uint32_t)config->threads; /* a worker computes one at a time */
    options.stats = stats;
    options.label = "1";
    return recsys_aside_create(store, &options, &stores->answers, &err) == RECSYS_OK ||
           failed("cache", &err);
}

static bool make_domains(struct rd_stores *stores, const struct rd_config *config,
                         recsys_stats *stats)
{
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;
    recsys_aside_options aside = RECSYS_ASIDE_OPTIONS_INIT;
    recsys_error err = {0};

    if (stores->database == NULL)
        return true;
    /* A loader may take as long as a statement, and no caller waits longer for another one's
     * loader. */
    aside.lease_ms = aside.wait_ms = (uint32_t)config->database_timeout_ms;
    aside.max_loads = (uint32_t)config->threads; /* the database's pool is the limit */
    options.stores = stores->redis;
    options.n_stores = RD_DBS;
    options.source = stores->database;
    options.stats = stats;
    options.timeout_ms = (uint32_t)config->database_timeout_ms;
    options.aside = &aside;
    if (config->cache_format == RD_ENVELOPE)
        aside.format = RECSYS_ASIDE_FORMAT_ENVELOPE;
    if (!rd_redis_dbs_read(config->trusted_dbs, &options.trusted_dbs, &err))
        return failed("domains", &err);
    return (recsys_domains_create(&options, &stores->domains, &err) == RECSYS_OK &&
            recsys_recycling_add_domains(stores->domains, &err) == RECSYS_OK) ||
           failed("domains", &err);
}

static bool make_denylist(struct rd_stores *stores, const struct rd_config *config,
                          recsys_stats *stats, bool has_tokens)
{
    recsys_store *store = stores->redis[RD_DB_TOKENS];
    recsys_denylist_options options = RECSYS_DENYLIST_OPTIONS_INIT;
    recsys_error err = {0};

    if (store == NULL && stores->database == NULL) {
        if (!has_tokens)
            return true; /* no tokens, nothing to revoke */
        rd_log(RECSYS_LOG_WARN, "neither redis nor database is set: revoked tokens are known to "
                                "this process alone and forgotten when it ends");
        if (recsys_store_create_memory("tokens", NULL, &stores->revoked, &err) != RECSYS_OK)
            return failed("denylist", &err);
        store = stores->revoked;
    }
    options.stats = stats;
    options.timeout_ms = (uint32_t)config->revocation_timeout_ms;
    if (options.timeout_ms > config->database_timeout_ms)
        options.timeout_ms = (uint32_t)config->database_timeout_ms;
    if (recsys_denylist_create(store, stores->database, &options, &stores->denylist, &err) !=
        RECSYS_OK)
        return failed("denylist", &err);
    /* Once before the first request; then the thread of backend_watch.c does it. */
    if (has_tokens && recsys_denylist_sync(stores->denylist, &err) != RECSYS_OK)
        rd_log(RECSYS_LOG_WARN, "cannot read the revoked tokens yet: %s", err.message);
    return true;
}

static bool make_limiter(recsys_store *store, uint64_t rate, uint64_t burst, uint32_t flags,
                         const char *prefix, recsys_limiter **out)
{
    recsys_limiter_options options = RECSYS_LIMITER_OPTIONS_INIT;
    recsys_error err = {0};

    if (rate == 0)
        return true;
    options.flags = flags;
    options.rate = (uint32_t)rate;
    options.burst = (uint32_t)burst;
    options.period_ms = MINUTE_MS;
    options.prefix = prefix;
    return recsys_limiter_create(store, &options, out, &err) == RECSYS_OK ||
           failed("limiter", &err);
}

bool rd_stores_start(struct rd_stores *stores, const struct rd_config *config, recsys_stats *stats,
                     bool has_tokens)
{
    recsys_store *store = stores->redis[RD_DB_LIMITS];

    return make_answers(stores, config, stats) && make_domains(stores, config, stats) &&
           make_denylist(stores, config, stats, has_tokens) &&
           make_limiter(store, config->rate_limit, config->rate_burst, 0,
                        "limit:api:", &stores->limiter) &&
           make_limiter(store, config->rate_limit_auth, 0, RECSYS_LIMITER_STRICT,
                        "limit:auth:", &stores->auth_limiter);
}

void rd_stores_flush(struct rd_stores *stores)
{
    recsys_error err = {0};

    if (stores->domains != NULL &&
        recsys_domains_flush(stores->domains, FLUSH_MS, &err) != RECSYS_OK)
        rd_log(RECSYS_LOG_WARN, "stopping: %s", err.message);
}

void rd_stores_stop(struct rd_stores *stores)
{
    recsys_limiter_destroy(stores->auth_limiter);
    recsys_limiter_destroy(stores->limiter);
    recsys_denylist_destroy(stores->denylist);
    recsys_domains_destroy(stores->domains);
    recsys_aside_destroy(stores->answers);
    recsys_source_unref(stores->watch);
    recsys_source_unref(stores->database);
    recsys_store_unref(stores->revoked);
    recsys_store_unref(stores->memory);
    for (unsigned db = 0; db < RD_DBS; db++)
        recsys_store_unref(stores->redis[db]);
    memset(stores, 0, sizeof *stores);
}
