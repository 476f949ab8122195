/* daemon/http/worker.h - what a worker thread keeps from one request to the next. */
#ifndef RECSYSD_WORKER_H
#define RECSYSD_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/http/request_id.h"
#include "daemon/http/settings.h"
#include "daemon/process/timestamp.h"
#include "lib/base/lock.h"

struct rd_engine;
struct rd_slots;
struct rd_exchange;

/* ONE THREAD AT A TIME. */
struct rd_worker {
    struct rd_http *http;
    struct rd_engine *engine;
    struct rd_slots *slots;
    bool for_operators; /* of health_listen */
    const char *name;   /* of its threads */
    uint32_t number;
    pthread_t thread;
    struct rd_timestamp timestamp;
    struct rd_request_ids ids;
    struct rd_exchange *spare; /* for the next connection that has none; may be NULL */
    void *deflater;            /* zlib's; made on first use */
    void *scratch;             /* the application's; see free_scratch */
};

#endif
