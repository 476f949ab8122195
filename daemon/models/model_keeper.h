/* daemon/models/model_keeper.h - the thread that reaps models and updates metrics. */
#ifndef RECSYSD_MODEL_KEEPER_H
#define RECSYSD_MODEL_KEEPER_H

#include <stdbool.h>

#include <recsys/deployment.h>

#include "daemon/observe/metrics.h"
#include "lib/base/lock.h"

struct rd_model_keeper {
    recsys_deployment *deployment; /* BORROWED */
    struct rd_metrics *metrics;    /* BORROWED */
    struct rs_lock lock;
    struct rs_signal wake;
    pthread_t thread;
    bool started;
    bool stop; /* protected by lock */
};

bool rd_model_keeper_start(struct rd_model_keeper *keeper, recsys_deployment *deployment,
                           struct rd_metrics *metrics); /* false: logged */
void rd_model_keeper_stop(struct rd_model_keeper *keeper);

#endif
