/* daemon/backends/backend_watch.c - two threads that check Redis and PostgreSQL, apart from
 * requests.
 *
 * Two threads, so that a server that hangs does not delay the checks of the others. The store
 * thread probes every store about ten times a second; so a circuit breaker closes again without a
 * request that waits for it. Once a second it reads, leases and removes a key in each store, so
 * that /health shows the present state, also of a server that answers reads and refuses the rest.
 * The database thread asks the database once a second, makes queries of requests fail at once while
 * the database answers nobody, keeps the denylist complete and warms the caches after the start.
 *
 * To stop, both wait for the call under way, which has a time-out. While the caches are warmed this
 * may be database_timeout_ms for every key of a slice.
 */
#include "daemon/backends/backend_watch.h"

#include <stdio.h>
#include <string.h>

#include <recsys/postgres.h>
#include <recsys/redis.h>

#include "daemon/process/logger.h"
#include "daemon/process/threads.h"
#include "lib/base/clock.h"

#define PROBE_MS 100u
#define LOOK_MS 1000u
#define TRY_MS 1000u
#define SAY_AGAIN_S 60u
#define ASK_MS 1000u /* for SELECT 1, at least */
#define WARM_SLICE_MS 2000u
#define WARM_RETRY_MS 5000u

/* Store the new state, and log it if it has changed. True: logged. */
static bool note(_Atomic uint32_t *state, enum rd_state now, const char *name,
                 const recsys_error *err)
{
    uint32_t before = atomic_exchange(state, (uint32_t)now);

    if (before == (uint32_t)now)
        return false;
    if (now != RD_STATE_UP)
        rd_log(RECSYS_LOG_WARN, "%s is %s: %s", name, now == RD_STATE_DOWN ? "down" : "degraded",
               err->message);
    else
        rd_log(before == RD_STATE_DOWN ? RECSYS_LOG_INFO : RECSYS_LOG_DEBUG, "%s is up", name);
    return true;
}

/* Use a store as caches do: read two keys at once, take a lease by a script, remove. Results of
 * tasks are only read. *state: DOWN if nothing can be read. */
static recsys_status try_out(recsys_store *store, unsigned db, enum rd_state *state,
                             recsys_error *err)
{
    static const recsys_bytes nothing[2] = {{"~nothing", 8}, {"~epoch", 6}};
    recsys_value values[2] = {{0}, {0}}, present = {0};
    uint64_t incarnation;
    recsys_status status = recsys_store_get(store, nothing, 2, values, &incarnation, err);

    recsys_value_release(&values[0]);
    recsys_value_release(&values[1]);
    *state = status == RECSYS_OK ? RD_STATE_UP : RD_STATE_DOWN;
    if (status != RECSYS_OK || db == RD_DB_TASKS)
        return status;
    status =
        recsys_store_get_or_set(store, nothing[0], nothing[0], TRY_MS, &present, &incarnation, err);
    recsys_value_release(&present);
    if (status == RECSYS_OK)
        status = recsys_store_remove(store, nothing, 1, NULL, err);
    if (status != RECSYS_OK)
        *state = status == RECSYS_E_BACKEND ? RD_STATE_DEGRADED : RD_STATE_DOWN;
    return status;
}

/* Keep the server's words, because the circuit breaker's own say only that it is open; log them
 * when they are new, and once a minute. */
static void note_problem(struct rd_backend_watch *watch, unsigned db, recsys_status status,
                         bool is_logged, const recsys_error *err)
{
    struct rd_store_problem *problem = &watch->problems[db];
    uint64_t now_ns = rs_clock_ns();

    if (status == RECSYS_OK) {
        problem->words[0] = '\0';
        return;
    }
    bool is_new = status != RECSYS_E_UNAVAILABLE && status != RECSYS_E_EXHAUSTED &&
                  strcmp(problem->words, err->message) != 0;
    if (is_new)
        (void)snprintf(problem->words, sizeof problem->words, "%s", err->message);
    if (problem->words[0] == '\0' ||
        (!is_new && now_ns - problem->said_ns < SAY_AGAIN_S * UINT64_C(1000000000)))
        return;
    problem->said_ns = now_ns;
    if (!is_new || !is_logged)
        rd_log(RECSYS_LOG_WARN, "logical db %u: %s", db, problem->words);
}

/* A probe, which costs nothing while the breaker is closed, and if `ask` commands, too. */
static void look_at_store(struct rd_backend_watch *watch, unsigned db, bool ask)
{
    recsys_store *store = watch->stores->redis[db];
    recsys_error err = {0};
    recsys_status status = recsys_store_probe(store, &err);
    enum rd_state state = RD_STATE_DOWN;

    if (status == RECSYS_OK && !ask)
        return;
    if (status == RECSYS_OK)
        status = try_out(store, db, &state, &err);
    bool is_logged = note(&watch->redis[db], state, recsys_store_get_name(store), &err);
    note_problem(watch, db, status, is_logged, &err);
}

/* With any policy but noeviction, a server without free memory deletes revoked tokens. */
static bool warn_of_eviction(struct rd_backend_watch *watch)
{
    recsys_store *store = watch->stores->redis[RD_DB_TOKENS];
    recsys_redis_stats stats = {0};

    stats.struct_size = (uint32_t)sizeof stats;
    if (store == NULL || recsys_redis_get_stats(store, &stats, NULL) != RECSYS_OK ||
        stats.maxmemory_policy[0] == '\0')
        return false;
    if (strcmp(stats.maxmemory_policy, "noeviction") != 0)
        rd_log(RECSYS_LOG_WARN, "%s may evict revoked tokens (maxmemory-policy %s): %s",
               recsys_store_get_name(store), stats.maxmemory_policy,
               watch->stores->database != NULL
                   ? "they are still refused, but the database is asked more often"
                   : "they would be accepted again; use noeviction, or set database");
    return true;
}

static void *watch_stores(void *user_data)
{
    struct rd_backend_watch *watch = user_data;
    uint64_t look_ns = 0;
    bool warned = false;

    rs_thread_name("store-watch");
    do {
        bool look = rs_clock_ns() >= look_ns;

        for (unsigned db = 0; db < RD_DBS && !rd_pause_is_ended(&watch->pause); db++)
            if (watch->stores->redis[db] != NULL)
                look_at_store(watch, db, look);
        if (look) {
            look_ns = rs_clock_ns() + LOOK_MS * 1000000u;
            warned = warned || warn_of_eviction(watch);
        }
    } while (rd_pause_wait(&watch->pause, PROBE_MS));
    return NULL;
}

static bool ask_database(struct rd_backend_watch *watch, recsys_error *err)
{
    recsys_rows *rows = NULL;
    recsys_status status =
        recsys_source_query(watch->stores->watch, "SELECT 1", NULL, 0, watch->ask_ms, &rows, err);

    recsys_rows_destroy(rows);
    return status == RECSYS_OK;
}

/* The statements of requests that the database has answered without a failure. */
static uint64_t count_answers(const struct rd_backend_watch *watch)
{
    recsys_postgres_stats stats = RECSYS_POSTGRES_STATS_INIT;

    if (recsys_postgres_get_stats(watch->stores->database, &stats, NULL) != RECSYS_OK)
        return 0;
    return stats.queries - stats.failures;
}

/* Two attempts, because a restarted server has closed the connection; together they take as long as
 * a statement may, so that a database which is only slow is no worse off here than there. While the
 * database is down, requests do not wait for it: else all workers would soon wait for a server that
 * hangs. One that answered a request meanwhile is not down: this thread has one connection, and
 * where Redis is away, too, no token could be checked. */
static void look_at_database(struct rd_backend_watch *watch)
{
    recsys_error err = {0};
    uint64_t n_answers = count_answers(watch);
    bool is_up = ask_database(watch, &err) || ask_database(watch, &err);

    if (!is_up && count_answers(watch) > n_answers) {
        rd_log_seldom(RECSYS_LOG_WARN,
                      "the database answers requests, but not the thread that checks it: %s",
                      err.message);
        is_up = true;
    }
    (void)note(&watch->database, is_up ? RD_STATE_UP : RD_STATE_DOWN, "the database", &err);
    recsys_source_set_away(watch->stores->database, !is_up);
}

static void sync_denylist(struct rd_backend_watch *watch)
{
    recsys_error err = {0};

    if (recsys_denylist_sync(watch->stores->denylist, &err) != RECSYS_OK)
        rd_log_seldom(RECSYS_LOG_WARN, "cannot read the revoked tokens: %s", err.message);
}

/* Warm the caches for a few seconds. True: complete, or another process does it. */
static bool warm(struct rd_backend_watch *watch, recsys_warming *sum)
{
    recsys_warming warming = {0};
    recsys_error err = {0};
    recsys_status status;

    warming.struct_size = (uint32_t)sizeof warming;
    status = recsys_domains_warm(watch->stores->domains, NULL, WARM_SLICE_MS, &warming, &err);
    sum->loaded += warming.loaded;
    if (status == RECSYS_OK && warming.skipped)
        rd_log(RECSYS_LOG_INFO, "another process warms the caches");
    else if (status == RECSYS_OK)
        rd_log(RECSYS_LOG_INFO, "caches warmed: %llu entries loaded, %llu were there, %llu failed",
               (unsigned long long)sum->loaded, (unsigned long long)warming.present,
               (unsigned long long)warming.failed);
    else if (status != RECSYS_E_TIMEOUT)
        rd_log_seldom(RECSYS_LOG_WARN, "cannot warm the caches yet: %s", err.message);
    return status == RECSYS_OK;
}

/* Do the database and all stores answer? Values are loaded from one and kept in the others. */
static bool are_up(struct rd_backend_watch *watch)
{
    for (unsigned db = 0; db < RD_DBS; db++)
        if (watch->stores->redis[db] != NULL && atomic_load(&watch->redis[db]) != RD_STATE_UP)
            return false;
    return atomic_load(&watch->database) == RD_STATE_UP;
}

static void *watch_database(void *user_data)
{
    struct rd_backend_watch *watch = user_data;
    bool warmed = watch->stores->domains == NULL || !watch->warm_caches;
    recsys_warming sum = {0};
    uint64_t warm_ns = 0;

    rs_thread_name("database-watch");
    do {
        if (watch->stores->watch != NULL)
            look_at_database(watch);
        if (watch->stores->denylist != NULL && watch->has_tokens &&
            atomic_load(&watch->database) != RD_STATE_DOWN && !rd_pause_is_ended(&watch->pause))
            sync_denylist(watch);
        if (!warmed && are_up(watch) && rs_clock_ns() >= warm_ns &&
            !rd_pause_is_ended(&watch->pause)) {
            warmed = warm(watch, &sum);
            warm_ns = rs_clock_ns() + WARM_RETRY_MS * UINT64_C(1000000);
        }
    } while (rd_pause_wait(&watch->pause, LOOK_MS));
    return NULL;
}

bool rd_backend_watch_start(struct rd_backend_watch *watch, const struct rd_stores *stores,
                            const struct rd_config *config, bool has_tokens)
{
    bool any = false;

    watch->stores = stores;
    watch->has_tokens = has_tokens;
    watch->warm_caches = config->warm != 0;
    watch->ask_ms = (uint32_t)config->database_timeout_ms / 2;
    if (watch->ask_ms < ASK_MS)
        watch->ask_ms = ASK_MS;
    if (!rd_pause_init(&watch->pause))
        return false;
    for (unsigned db = 0; db < RD_DBS; db++)
        any = any || stores->redis[db] != NULL;
    if (any)
        watch->has_store_thread =
            rd_thread_start(&watch->store_thread, watch_stores, watch, "watches the stores");
    if (any && !watch->has_store_thread)
        return false;
    any = stores->database != NULL || stores->denylist != NULL;
    if (any)
        watch->has_database_thread =
            rd_thread_start(&watch->database_thread, watch_database, watch, "watches the database");
    return !any || watch->has_database_thread;
}

void rd_backend_watch_stop(struct rd_backend_watch *watch)
{
    if (!watch->has_store_thread && !watch->has_database_thread)
        return;
    rd_pause_end(&watch->pause);
    if (watch->has_store_thread)
        rs_thread_join(watch->store_thread);
    if (watch->has_database_thread)
        rs_thread_join(watch->database_thread);
    watch->has_store_thread = watch->has_database_thread = false;
}
