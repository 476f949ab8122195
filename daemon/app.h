/* daemon/app.h - what the parts of one running daemon share.
 *
 * Made by main.c, in this order: configuration, keys, stores, registry,
 * deployment, metrics, caches, background threads, server; taken down the other
 * way round.
 * Everything here is either set before the server starts and then only read,
 * or says how it is protected.
 */
#ifndef RECSYSD_APP_H
#define RECSYSD_APP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <recsys/recsys.h>

#include "daemon/auth/keys.h"
#include "daemon/backends/backend_watch.h"
#include "daemon/backends/stores.h"
#include "daemon/config/config.h"
#include "daemon/models/model_changer.h"
#include "daemon/observe/metrics.h"
#include "daemon/observe/store_metrics.h"

struct mg_context;

struct rd_app {
    struct rd_config config;
    recsys_registry *registry; /* NULL without --registry */
    recsys_deployment *deployment;
    struct rd_stores stores;
    struct rd_metrics metrics;
    struct rd_store_metrics store_metrics;
    struct rd_auth auth;
    struct rd_changer changer;
    struct rd_backend backend;

    /* Batches share one recommender, so that 64 workers do not keep 64 large ones. */
    pthread_mutex_t batch_lock;
    recsys_recommender *batch_recommender; /* protected by batch_lock */

    struct mg_context *server;
    atomic_bool draining;    /* set once, when the daemon has been asked to stop */
    _Atomic uint32_t active; /* requests between their first and last byte */
};

#endif
