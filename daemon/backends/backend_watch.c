/* daemon/backends/backend_watch.c - what must happen beside requests for Redis and PostgreSQL.
 *
 * Two threads, so that a frozen server of one kind does not keep the other kind
 * waiting. The store thread probes every store about ten times a second, which
 * is what lets a breaker close again without a request paying for it, and asks
 * each one something cheap once a second, so that health shows what is and not
 * what was when the last request came. The database thread asks the database
 * the same, tells requests not to ask it while it is down, keeps the list of
 * revoked tokens complete and fills the caches after the start.
 *
 * Both end within the time-out of the call they are in. While caches are warmed
 * that is a statement's, database_timeout_ms, for every key of the slice.
 */
#include "daemon/backends/backend_watch.h"

#include <string.h>
#include <time.h>

#include <recsys/redis.h>

#include "daemon/app.h"
#include "daemon/http/stamp.h"
#include "daemon/observe/logger.h"
#include "daemon/observe/threads.h"
#include "lib/base/clock.h"

#define PROBE_MS 100u
#define LOOK_MS 1000u
#define PING_MS 1000u /* for SELECT 1 */
#define WARM_SLICE_MS 2000u
#define WARM_RETRY_MS 5000u

/* False: the daemon stops. */
static bool wait_ms(struct rd_backend *backend, uint64_t ms)
{
    struct timespec until;
    bool stop;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&backend->lock);
    while (!backend->stop && pthread_cond_timedwait(&backend->wake, &backend->lock, &until) == 0)
        ;
    stop = backend->stop;
    (void)pthread_mutex_unlock(&backend->lock);
    return !stop;
}

static bool must_stop(struct rd_backend *backend)
{
    bool stop;

    (void)pthread_mutex_lock(&backend->lock);
    stop = backend->stop;
    (void)pthread_mutex_unlock(&backend->lock);
    return stop;
}

/* Remembers the state and logs its changes. */
static void note(_Atomic uint32_t *state, bool is_up, const char *name, const recsys_error *err)
{
    uint32_t now = is_up ? RD_STATE_UP : RD_STATE_DOWN, before = atomic_exchange(state, now);

    if (before == now)
        return;
    if (!is_up)
        rd_log(RECSYS_LOG_WARN, "%s is down: %s", name, err->message);
    else
        rd_log(before == RD_STATE_DOWN ? RECSYS_LOG_INFO : RECSYS_LOG_DEBUG, "%s is up", name);
}

/* A probe, which costs nothing while the breaker is closed, and now and then a command. */
static void look_at_store(struct rd_app *app, unsigned db, bool ask)
{
    static const recsys_bytes nothing = {"~nothing", 8};
    recsys_store *store = app->stores.redis[db];
    recsys_value value = {0};
    recsys_error err = {0};
    uint64_t incarnation;
    recsys_status status = recsys_store_probe(store, &err);

    if (status == RECSYS_OK && !ask)
        return;
    if (status == RECSYS_OK)
        status = recsys_store_get(store, &nothing, 1, &value, &incarnation, &err);
    recsys_value_release(&value);
    note(&app->backend.redis[db], status == RECSYS_OK, recsys_store_get_name(store), &err);
}

/* Under any other policy a full server forgets revoked tokens. */
static bool warn_of_eviction(struct rd_app *app)
{
    recsys_store *store = app->stores.redis[RD_DB_TOKENS];
    recsys_redis_stats stats = {0};

    stats.struct_size = (uint32_t)sizeof stats;
    if (store == NULL || recsys_redis_get_stats(store, &stats, NULL) != RECSYS_OK ||
        stats.maxmemory_policy[0] == '\0')
        return false;
    if (strcmp(stats.maxmemory_policy, "noeviction") != 0)
        rd_log(RECSYS_LOG_WARN,
               "%s, which has the revoked tokens, may evict them (maxmemory-policy %s): %s",
               recsys_store_get_name(store), stats.maxmemory_policy,
               app->stores.database != NULL
                   ? "they stay refused, but the database is asked more often"
                   : "they would be accepted again; use noeviction, or set database");
    return true;
}

static void *watch_stores(void *user_data)
{
    struct rd_app *app = user_data;
    uint64_t look_ns = 0;
    bool warned = false;

    do {
        bool look = rs_clock_ns() >= look_ns;

        for (unsigned db = 0; db < RD_DBS && !must_stop(&app->backend); db++)
            if (app->stores.redis[db] != NULL)
                look_at_store(app, db, look);
        if (look) {
            look_ns = rs_clock_ns() + LOOK_MS * 1000000u;
            warned = warned || warn_of_eviction(app);
        }
    } while (wait_ms(&app->backend, PROBE_MS));
    return NULL;
}

static bool ask_database(struct rd_app *app, recsys_error *err)
{
    recsys_rows *rows = NULL;
    recsys_status status =
        recsys_source_query(app->stores.watch, "SELECT 1", NULL, 0, PING_MS, &rows, err);

    recsys_rows_destroy(rows);
    return status == RECSYS_OK;
}

/* Asked twice, since a server that was restarted has closed the connection. While it is down
 * requests do not wait for it: a frozen server would soon have every worker waiting. */
static void look_at_database(struct rd_app *app)
{
    recsys_error err = {0};
    bool is_up = ask_database(app, &err) || ask_database(app, &err);

    note(&app->backend.database, is_up, "the database", &err);
    recsys_source_set_away(app->stores.database, !is_up);
}

static void sync_denylist(struct rd_app *app)
{
    recsys_error err = {0};

    if (recsys_denylist_sync(app->stores.denylist, &err) != RECSYS_OK)
        rd_log_seldom(RECSYS_LOG_WARN, "revoked tokens cannot be read: %s", err.message);
}

/* A slice of the warming. True: all is warm, or another process sees to it. */
static bool warm(struct rd_app *app, recsys_warming *sum)
{
    recsys_warming warming = {0};
    recsys_error err = {0};
    recsys_status status;

    warming.struct_size = (uint32_t)sizeof warming;
    status = recsys_domains_warm(app->stores.domains, NULL, WARM_SLICE_MS, &warming, &err);
    sum->loaded += warming.loaded;
    if (status == RECSYS_OK && warming.skipped)
        rd_log(RECSYS_LOG_INFO, "another process warms the caches");
    else if (status == RECSYS_OK)
        rd_log(RECSYS_LOG_INFO, "caches warmed: %llu entries loaded, %llu were there, %llu failed",
               (unsigned long long)sum->loaded, (unsigned long long)warming.present,
               (unsigned long long)warming.failed);
    else if (status != RECSYS_E_TIMEOUT)
        rd_log_seldom(RECSYS_LOG_WARN, "caches cannot be warmed yet: %s", err.message);
    return status == RECSYS_OK;
}

/* Database and stores: what is loaded must be kept, too. */
static bool are_up(struct rd_app *app)
{
    for (unsigned db = 0; db < RD_DBS; db++)
        if (app->stores.redis[db] != NULL && atomic_load(&app->backend.redis[db]) != RD_STATE_UP)
            return false;
    return atomic_load(&app->backend.database) == RD_STATE_UP;
}

static void *watch_database(void *user_data)
{
    struct rd_app *app = user_data;
    bool warmed = app->stores.domains == NULL || !app->config.warm;
    recsys_warming sum = {0};
    uint64_t warm_ns = 0;

    do {
        if (app->stores.watch != NULL)
            look_at_database(app);
        if (app->stores.denylist != NULL && rd_jwt_is_on(&app->auth.jwt) &&
            atomic_load(&app->backend.database) != RD_STATE_DOWN && !must_stop(&app->backend))
            sync_denylist(app);
        if (!warmed && are_up(app) && rs_clock_ns() >= warm_ns && !must_stop(&app->backend)) {
            warmed = warm(app, &sum);
            warm_ns = rs_clock_ns() + WARM_RETRY_MS * UINT64_C(1000000);
        }
    } while (wait_ms(&app->backend, LOOK_MS));
    return NULL;
}

bool rd_backend_start(struct rd_app *app)
{
    struct rd_backend *backend = &app->backend;
    pthread_condattr_t attributes;
    bool any = false;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&backend->lock, NULL);
    (void)pthread_cond_init(&backend->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    for (unsigned db = 0; db < RD_DBS; db++)
        any = any || app->stores.redis[db] != NULL;
    if (any)
        backend->has_store_thread =
            rd_thread_start(&backend->store_thread, watch_stores, app, "watches the stores");
    if (any && !backend->has_store_thread)
        return false;
    any = app->stores.database != NULL || app->stores.denylist != NULL;
    if (any)
        backend->has_database_thread =
            rd_thread_start(&backend->database_thread, watch_database, app, "watches the database");
    return !any || backend->has_database_thread;
}

void rd_backend_stop(struct rd_app *app)
{
    struct rd_backend *backend = &app->backend;

    if (!backend->has_store_thread && !backend->has_database_thread)
        return;
    (void)pthread_mutex_lock(&backend->lock);
    backend->stop = true;
    (void)pthread_cond_broadcast(&backend->wake);
    (void)pthread_mutex_unlock(&backend->lock);
    if (backend->has_store_thread)
        (void)pthread_join(backend->store_thread, NULL);
    if (backend->has_database_thread)
        (void)pthread_join(backend->database_thread, NULL);
    backend->has_store_thread = backend->has_database_thread = false;
}
