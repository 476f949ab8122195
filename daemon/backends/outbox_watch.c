/* daemon/backends/outbox_watch.c - a thread that calls recsys_domains_sync() twice a second.
 *
 * On a connection and a thread of its own: reads trust Redis for two seconds after each call, so
 * neither a slow check of a server nor requests that use all connections may delay it.
 */
#include "daemon/backends/outbox_watch.h"

#include <recsys/postgres.h>

#include "daemon/process/logger.h"
#include "daemon/process/threads.h"

#define SYNC_MS 500u

static void sync_once(struct rd_outbox_watch *watch)
{
    recsys_outbox outbox = RECSYS_OUTBOX_INIT;
    recsys_error err = {0};

    if (recsys_domains_sync(watch->stores->domains, watch->source, &outbox, &err) != RECSYS_OK) {
        rd_log_seldom(RECSYS_LOG_WARN, "cannot read the outbox: %s", err.message);
        return;
    }
    if (atomic_exchange(&watch->is_on, outbox.is_on) != outbox.is_on)
        rd_log(RECSYS_LOG_INFO, outbox.is_on ? "the outbox of the database is used"
                                             : "the outbox of the database is gone");
    atomic_fetch_add(&watch->delivered, outbox.delivered);
    atomic_store(&watch->waiting, outbox.waiting);
}

static void *run(void *user_data)
{
    struct rd_outbox_watch *watch = user_data;

    rs_thread_name("outbox-watch");
    while (rd_pause_wait(&watch->pause, SYNC_MS))
        sync_once(watch);
    return NULL;
}

static bool has_redis(const struct rd_stores *stores)
{
    for (unsigned db = 0; db < RD_DBS; db++)
        if (stores->redis[db] != NULL)
            return true;
    return false;
}

bool rd_outbox_watch_start(struct rd_outbox_watch *watch, const struct rd_stores *stores,
                           const struct rd_config *config)
{
    recsys_postgres_options options = RECSYS_POSTGRES_OPTIONS_INIT;
    recsys_error err = {0};

    watch->stores = stores;
    if (stores->domains == NULL || !has_redis(stores))
        return true;
    options.pool_size = 1;
    if (recsys_postgres_create(config->database, &options, &watch->source, &err) != RECSYS_OK) {
        rd_log(RECSYS_LOG_ERROR, "outbox: %s", err.message);
        return false;
    }
    if (!rd_pause_init(&watch->pause))
        return false;
    sync_once(watch); /* before the first request trusts what is in Redis */
    watch->has_thread = rd_thread_start(&watch->thread, run, watch, "delivers what the outbox has");
    return watch->has_thread;
}

void rd_outbox_watch_stop(struct rd_outbox_watch *watch)
{
    if (watch->has_thread) {
        rd_pause_end(&watch->pause);
        rs_thread_join(watch->thread);
        watch->has_thread = false;
    }
    recsys_source_unref(watch->source);
    watch->source = NULL;
}
