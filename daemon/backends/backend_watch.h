/* daemon/backends/backend_watch.h - the threads that look after Redis and PostgreSQL. */
#ifndef RECSYSD_BACKEND_WATCH_H
#define RECSYSD_BACKEND_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/backends/redis_dbs.h"

struct rd_app;

/* How a server is, as far as was seen last. */
enum rd_state { RD_STATE_UNKNOWN, RD_STATE_UP, RD_STATE_DOWN };

/* Filled by rd_backend_start(). */
struct rd_backend {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop; /* protected by lock */
    pthread_t store_thread, database_thread;
    bool has_store_thread, has_database_thread;
    _Atomic uint32_t redis[RD_DBS], database; /* enum rd_state */
};

bool rd_backend_start(struct rd_app *app);
/* Also after it has failed, or was never called. Waits for a call under way, no longer than its
 * time-out. */
void rd_backend_stop(struct rd_app *app);

#endif
