/* daemon/backends/outbox_watch.h - the thread that delivers what writers of all processes owe. */
#ifndef RECSYSD_OUTBOX_WATCH_H
#define RECSYSD_OUTBOX_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/backends/stores.h"
#include "daemon/process/pause.h"

/* Filled by rd_outbox_watch_start(). */
struct rd_outbox_watch {
    const struct rd_stores *stores;
    recsys_source *source; /* one connection */
    struct rd_pause pause;
    pthread_t thread;
    bool has_thread;
    _Atomic uint32_t is_on;     /* the database has the table */
    _Atomic uint64_t delivered; /* removals that another process owed, or this one late */
    _Atomic uint64_t waiting;   /* by the last call */
};

/* Syncs once, then starts the thread; neither without Redis or a database. False: logged. */
bool rd_outbox_watch_start(struct rd_outbox_watch *watch, const struct rd_stores *stores,
                           const struct rd_config *config);
/* Also after a start that failed, or without one. */
void rd_outbox_watch_stop(struct rd_outbox_watch *watch);

#endif
