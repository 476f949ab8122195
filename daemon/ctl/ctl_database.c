/* daemon/ctl/ctl_database.c - recsysctl migrate, warm and revoke: database and caches.
 *
 * migrate applies the schema of the domains; applying it again changes nothing. warm loads the
 * values into Redis that recsysd loads after its start, and those again that are there, for a cron
 * job. A signal ends it at once: what it has loaded is complete, and its lock ends by itself.
 * revoke puts a token, or all tokens of a user, on the denylist without a running daemon.
 *
 * The addresses of the database and of Redis come from options or from the environment variables of
 * recsysd (RECSYSD_DATABASE, RECSYSD_REDIS …). So a job can use the same settings as the service,
 * and no password has to be on a command line.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <recsys/postgres.h>
#include <recsys/recycling.h>

#include "daemon/auth/revoked_until.h"
#include "daemon/backends/redis_dbs.h"
#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/ctl_database.h"
#include "daemon/ctl/ctl_interrupt.h"
#include "daemon/ctl/ctl_progress.h"
#include "daemon/ctl/ctl_sql.h"
#include "lib/base/clock.h"

#define MIGRATE_MS 120000u
#define REDIS_MS 1000u /* a job may be more patient than a request */
#define TOKEN_DB 0u

/* An option, else the setting of recsysd in the environment, else "". */
static const char *setting(const struct ctl_arguments *arguments, const char *name)
{
    const char *value = ctl_value(arguments, name);
    char variable[64] = "RECSYSD_";

    for (size_t i = 0, n = strlen(variable); name[i] != '\0' && n + 1 < sizeof variable; i++, n++)
        variable[n] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
    if (value == NULL)
        value = getenv(variable);
    return value != NULL ? value : "";
}

static bool is_on(const char *value)
{
    return strcmp(value, "on") == 0 || strcmp(value, "true") == 0 || strcmp(value, "yes") == 0 ||
           strcmp(value, "1") == 0;
}

recsys_source *ctl_open_database(const struct ctl_arguments *arguments)
{
    const char *conninfo = setting(arguments, "database");
    recsys_source *source = NULL;
    recsys_error err = {0};

    if (conninfo[0] == '\0')
        ctl_usage_error(arguments->command, "%s needs --database, or RECSYSD_DATABASE",
                        arguments->command->name);
    if (recsys_postgres_create(conninfo, NULL, &source, &err) != RECSYS_OK)
        (void)ctl_failed("%s", err.message);
    return source;
}

/* A logical db in Redis; *store is NULL if it is not configured. False: the reason was
 * printed. */
static bool open_redis(const struct ctl_arguments *arguments, unsigned db, recsys_store **store)
{
    struct rd_redis_settings settings = {
        .url = setting(arguments, "redis"),
        .dbs = setting(arguments, "redis-dbs"),
        .prefix = setting(arguments, "redis-prefix"),
        .ca_file = setting(arguments, "redis-ca-file"),
        .password_file = setting(arguments, "redis-password-file"),
        .single_db =
            ctl_has(arguments, "redis-single-db") || is_on(setting(arguments, "redis-single-db")),
        .pool_size = 4,
        .timeout_ms = REDIS_MS,
    };
    recsys_error err = {0};

    if (rd_redis_open(&settings, db, store, &err))
        return true;
    (void)ctl_failed("%s", err.message);
    return false;
}

static bool apply(recsys_source *source, const char *name, const unsigned char *script)
{
    recsys_error err = {0};
    recsys_status status;

    ctl_progress_begin("applying", name);
    status = recsys_source_run(source, (const char *)script, MIGRATE_MS, &err);
    ctl_progress_end();
    if (status != RECSYS_OK) {
        (void)ctl_failed("%s: %s", name, err.message);
        return false;
    }
    printf("applied %s\n", name);
    return true;
}

static int run_migrate(const struct ctl_arguments *arguments)
{
    recsys_source *source = ctl_open_database(arguments);
    bool ok = source != NULL && apply(source, "0001_domains.sql", ctl_domains_sql) &&
              apply(source, "0003_feedback.sql", ctl_feedback_sql) &&
              apply(source, "0004_outbox.sql", ctl_outbox_sql) &&
              (!ctl_has(arguments, "demo") || apply(source, "0002_demo_rows.sql", ctl_demo_sql));

    recsys_source_unref(source);
    return ok ? CTL_OK : CTL_FAILED;
}

/* Warming is useless if the values cannot be stored, so a Redis that does not answer is a
 * failure here. */
static bool check_stores(const recsys_domains *domains, const recsys_domains_options *options)
{
    static const recsys_bytes key = {"~nothing", 8};
    const recsys_domain_definition *domain;

    for (size_t i = 0; (domain = recsys_domains_list(domains, i)) != NULL; i++) {
        recsys_store *store = domain->db < options->n_stores ? options->stores[domain->db] : NULL;
        recsys_value value = {0};
        recsys_error err = {0};
        uint64_t incarnation;

        if ((domain->flags & RECSYS_DOMAIN_WARM) == 0)
            continue;
        if (store == NULL) {
            (void)ctl_failed("%s: no redis is configured for logical db %u", domain->name,
                             domain->db);
            return false;
        }
        if (recsys_store_get(store, &key, 1, &value, &incarnation, &err) != RECSYS_OK) {
            (void)ctl_failed("%s: %s", recsys_store_get_name(store), err.message);
            return false;
        }
        recsys_value_release(&value);
    }
    return true;
}

static int warm(const struct ctl_arguments *arguments, const recsys_domains_options *options)
{
    double seconds = ctl_number(arguments, "timeout", 1.0, 86400.0, 60.0);
    recsys_warming warming = {0};
    recsys_domains *domains = NULL;
    recsys_error err = {0};
    recsys_status status = recsys_domains_create(options, &domains, &err);
    int result = CTL_OK;

    if (status == RECSYS_OK)
        status = recsys_recycling_add_domains(domains, &err);
    if (status == RECSYS_OK && !check_stores(domains, options)) {
        recsys_domains_destroy(domains);
        return CTL_FAILED;
    }
    warming.struct_size = (uint32_t)sizeof warming;
    if (status == RECSYS_OK) {
        ctl_progress_begin("warming", "caches");
        status = (ctl_has(arguments, "missing-only") ? recsys_domains_warm
                                                     : recsys_domains_refresh)(
            domains, ctl_value(arguments, "domain"), (uint32_t)(seconds * 1000.0), &warming, &err);
        ctl_progress_end();
    }
    if (warming.skipped)
        puts("another process is warming the caches");
    else
        printf("%" PRIu64 " loaded, %" PRIu64 " present, %" PRIu64 " failed\n", warming.loaded,
               warming.present, warming.failed);
    if (status != RECSYS_OK)
        result = ctl_failed("%s", err.message);
    else if (warming.failed > 0)
        result = ctl_failed("some values could not be loaded");
    recsys_domains_destroy(domains);
    return result;
}

static int run_warm(const struct ctl_arguments *arguments)
{
    recsys_store *stores[RD_DBS] = {NULL};
    recsys_domains_options options = RECSYS_DOMAINS_OPTIONS_INIT;
    recsys_aside_options aside = RECSYS_ASIDE_OPTIONS_INIT;
    const char *format = ctl_value(arguments, "cache-format");
    int result = CTL_FAILED;

    if (format != NULL && strcmp(format, "envelope") == 0)
        aside.format = RECSYS_ASIDE_FORMAT_ENVELOPE;
    else if (format != NULL && strcmp(format, "plain") != 0)
        ctl_usage_error(arguments->command, "--cache-format must be plain or envelope");
    options.aside = &aside;
    options.stores = stores;
    options.n_stores = RD_DBS;
    options.source = ctl_open_database(arguments);
    if (options.source == NULL)
        return CTL_FAILED;
    if (setting(arguments, "redis")[0] == '\0' && setting(arguments, "redis-dbs")[0] == '\0')
        ctl_usage_error(arguments->command, "warm needs --redis, or RECSYSD_REDIS");
    for (unsigned db = 0; db < RD_DBS; db++)
        if (!open_redis(arguments, db, &stores[db]))
            goto done;
    ctl_interrupt_with("what was loaded until now is in Redis, and the lock of this warming ends "
                       "within some seconds");
    result = warm(arguments, &options);

done:
    for (unsigned db = 0; db < RD_DBS; db++)
        recsys_store_unref(stores[db]);
    recsys_source_unref(options.source);
    return result;
}

/* A token until it expires. */
static recsys_status revoke_one(const struct ctl_arguments *arguments, recsys_denylist *denylist,
                                const char *jti, recsys_error *err)
{
    double expires = ctl_number(arguments, "expires-at", 1.0, (double)RD_MAX_TIME_S, 0.0);

    return recsys_denylist_revoke(denylist, (recsys_bytes){jti, strlen(jti)},
                                  ctl_value(arguments, "user"), ctl_value(arguments, "reason"),
                                  (uint64_t)expires, err);
}

/* Tokens have their iat in whole seconds: those of this second are among them. */
static recsys_status revoke_all(const struct ctl_arguments *arguments, recsys_denylist *denylist,
                                const char *user, recsys_error *err)
{
    return recsys_denylist_revoke_user(denylist, user, ctl_value(arguments, "reason"),
                                       rs_clock_unix_ms() / 1000u + 1u, err);
}

static void check_what_is_revoked(const struct ctl_arguments *arguments)
{
    if (!ctl_has(arguments, "all")) {
        if (arguments->n_operands == 0)
            ctl_usage_error(arguments->command, "revoke needs JTI, or --all USER");
        (void)ctl_required(arguments, "expires-at");
    } else if (arguments->n_operands > 0 || ctl_has(arguments, "expires-at") ||
               ctl_has(arguments, "user")) {
        ctl_usage_error(arguments->command,
                        "--all revokes all tokens of its user that were issued until now: give no "
                        "JTI, --expires-at or --user beside it");
    }
}

static int run_revoke(const struct ctl_arguments *arguments)
{
    const char *all_of = ctl_value(arguments, "all");
    recsys_store *store = NULL;
    recsys_denylist *denylist = NULL;
    recsys_error err = {0};
    int result = CTL_FAILED;

    check_what_is_revoked(arguments);
    recsys_source *source = ctl_open_database(arguments);
    if (source == NULL || !open_redis(arguments, TOKEN_DB, &store))
        goto done;
    recsys_status status = recsys_denylist_create(store, source, NULL, &denylist, &err);
    if (status == RECSYS_OK)
        status = all_of != NULL ? revoke_all(arguments, denylist, all_of, &err)
                                : revoke_one(arguments, denylist, arguments->operands[0], &err);
    if (status != RECSYS_OK) {
        result = ctl_failed("%s", err.message);
    } else {
        printf(all_of != NULL ? "revoked all tokens of %s\n" : "revoked %s\n",
               all_of != NULL ? all_of : arguments->operands[0]);
        result = CTL_OK;
    }

done:
    recsys_denylist_destroy(denylist);
    recsys_store_unref(store);
    recsys_source_unref(source);
    return result;
}

#define REDIS_OPTIONS                                                                              \
    {"redis", CTL_ONE, "URL", "redis://host:port; else RECSYSD_REDIS"},                            \
        {"redis-dbs", CTL_ONE, "LIST", "logical dbs on other servers, as recsysd's redis_dbs"},    \
        {"redis-prefix", CTL_ONE, "TEXT", "text in front of every key"},                           \
        {"redis-single-db", CTL_SWITCH, NULL,                                                      \
         "prefixes instead of database numbers, as recsysd's redis_single_db"},                    \
        {"redis-password-file", CTL_ONE, "FILE", "its first line is the password"},                \
    {                                                                                              \
        "redis-ca-file", CTL_ONE, "FILE", "certificates of rediss:// servers"                      \
    }

static const struct ctl_option migrate_options[] = {
    CTL_DATABASE_OPTION,
    {"demo", CTL_SWITCH, NULL, "also insert rows to try the routes with"},
    CTL_END,
};
static const struct ctl_option warm_options[] = {
    CTL_DATABASE_OPTION,
    REDIS_OPTIONS,
    {"cache-format", CTL_ONE, "NAME", "plain or envelope, as recsysd's cache_format (plain)"},
    {"domain", CTL_ONE, "NAME", "only this domain, for example info.guide"},
    {"missing-only", CTL_SWITCH, NULL, "leave what is cached as it is"},
    {"timeout", CTL_ONE, "SECONDS", "time for all domains (60)"},
    CTL_END,
};
static const struct ctl_option revoke_options[] = {
    CTL_DATABASE_OPTION,
    REDIS_OPTIONS,
    {"expires-at", CTL_ONE, "SECONDS", "the token's exp, in seconds since 1970; needed"},
    {"all", CTL_ONE, "USER", "instead of JTI: all tokens of this user that were issued until now"},
    {"user", CTL_ONE, "ID", "the user of the token"},
    {"reason", CTL_ONE, "TEXT", "text for the denylist's entry"},
    CTL_END,
};

const struct ctl_command ctl_migrate = {
    "migrate",
    "",
    0,
    0,
    "make the tables of the domains and of feedback in PostgreSQL; may be repeated",
    migrate_options,
    run_migrate};
const struct ctl_command ctl_warm = {
    "warm",       "",      0, 0, "load guides and popular places into Redis, for cron",
    warm_options, run_warm};
const struct ctl_command ctl_revoke = {
    "revoke",       "[JTI]",   0, 1, "revoke a token until it expires, or all tokens of a user",
    revoke_options, run_revoke};
