/* daemon/backends/backend_watch.h - the threads that look after Redis and PostgreSQL. */
#ifndef RECSYSD_BACKEND_WATCH_H
#define RECSYSD_BACKEND_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/backends/redis_dbs.h"
#include "daemon/backends/stores.h"
#include "lib/base/lock.h"

/* How a server is, as far as was seen last. */
enum rd_state { RD_STATE_UNKNOWN, RD_STATE_UP, RD_STATE_DOWN };

/* Filled by rd_backend_watch_start(). */
struct rd_backend_watch {
    const struct rd_stores *stores;
    bool has_tokens, warm_caches;
    struct rs_lock lock;
    struct rs_signal wake;
    bool stop; /* protected by lock */
    pthread_t store_thread, database_thread;
    bool has_store_thread, has_database_thread;
    _Atomic uint32_t redis[RD_DBS], database; /* enum rd_state */
};

/* `has_tokens`: keep the list of revoked tokens complete; `warm_caches`: fill them once. */
bool rd_backend_watch_start(struct rd_backend_watch *watch, const struct rd_stores *stores,
                            bool has_tokens, bool warm_caches);
/* Also after it has failed, or was never called. Waits for a call under way, no longer than its
 * time-out. */
void rd_backend_watch_stop(struct rd_backend_watch *watch);

#endif
