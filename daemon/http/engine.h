/* daemon/http/engine.h - the threads that serve one set of addresses. */
#ifndef RECSYSD_ENGINE_H
#define RECSYSD_ENGINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/http/listener.h"
#include "daemon/http/slots.h"
#include "daemon/http/worker.h"
#include "lib/base/lock.h"

struct rd_engine_options {
    const char *name;   /* of its threads: "http" */
    const char *listen; /* addresses */
    uint32_t n_workers, max_connections;
    bool for_operators;
};

struct rd_engine {
    struct rd_http *http;
    const char *name;
    bool for_operators;
    struct rd_listener listeners[RD_MAX_ADDRESSES];
    size_t n_listeners;
    struct rd_slots slots;
    struct rd_worker *workers;
    uint32_t n_workers, n_begun; /* threads that run */
    pthread_t acceptor;
    bool has_acceptor;
    int stop_event;         /* readable: the workers end */
    int late_event;         /* counts `late` */
    int wake_event;         /* for the thread that accepts */
    struct rs_lock lock;    /* of the two below */
    uint32_t *late, n_late; /* slots whose deadline has passed, for the workers */

    atomic_bool closing;  /* nothing is accepted any more */
    atomic_bool stopping; /* the thread that accepts ends */
};

/* One that was not started: it has no descriptors, and 0 would be one. It may be asked and stopped.
 */
#define RD_ENGINE_INIT                                                                             \
    {                                                                                              \
        .slots = {.epoll = -1}, .stop_event = -1, .late_event = -1, .wake_event = -1               \
    }

/* False: logged. */
bool rd_engine_start(struct rd_engine *engine, struct rd_http *http,
                     const struct rd_engine_options *options);
/* The port of the first address that has one; 0: none has. */
int rd_engine_port(const struct rd_engine *engine);
/* No new connections from now on. */
void rd_engine_refuse(struct rd_engine *engine);
/* Connections that the kernel has made and that have not been accepted. */
uint32_t rd_engine_count_queued(struct rd_engine *engine);
/* Connections that are made from now on are refused; open ones stay. */
void rd_engine_close(struct rd_engine *engine);
/* Requests that wait for a worker, and connections that wait to be accepted. */
uint32_t rd_engine_count_waiting(struct rd_engine *engine);
/* End all threads and close all connections. Also after rd_engine_start() has failed. */
void rd_engine_stop(struct rd_engine *engine);

#endif
