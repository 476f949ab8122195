/* daemon/backends/backend_watch.h - the threads that check Redis and PostgreSQL. */
#ifndef RECSYSD_BACKEND_WATCH_H
#define RECSYSD_BACKEND_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/backends/redis_dbs.h"
#include "daemon/backends/stores.h"
#include "daemon/process/pause.h"

/* The result of the last check of a server. DEGRADED: it can be read, and refuses what else a
 * cache needs (no memory left, no permission, a replica). */
enum rd_state { RD_STATE_UNKNOWN, RD_STATE_UP, RD_STATE_DOWN, RD_STATE_DEGRADED };

struct rd_store_problem {
    char words[504];  /* the server's own, and what to do; "" if there is none */
    uint64_t said_ns; /* when they were logged */
};

/* Filled by rd_backend_watch_start(). */
struct rd_backend_watch {
    const struct rd_stores *stores;
    bool has_tokens, warm_caches;
    uint32_t ask_ms; /* for SELECT 1 */
    struct rd_pause pause;
    pthread_t store_thread, database_thread;
    bool has_store_thread, has_database_thread;
    struct rd_store_problem problems[RD_DBS]; /* of the store thread alone */
    _Atomic uint32_t redis[RD_DBS], database; /* enum rd_state */
};

/* `has_tokens`: keep the denylist complete; config: how long the database may take, and whether to
 * warm the caches once. */
bool rd_backend_watch_start(struct rd_backend_watch *watch, const struct rd_stores *stores,
                            const struct rd_config *config, bool has_tokens);
/* Also after a start that failed, or without one. Waits for a call under way, at most for its
 * time-out. */
void rd_backend_watch_stop(struct rd_backend_watch *watch);

#endif
