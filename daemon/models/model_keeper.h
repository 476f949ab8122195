/* daemon/models/model_keeper.h - the thread that reaps models and updates metrics. */
#ifndef RECSYSD_MODEL_KEEPER_H
#define RECSYSD_MODEL_KEEPER_H

#include <stdbool.h>

#include "daemon/observe/metrics.h"
#include "daemon/traffic/named_models.h"
#include "lib/base/lock.h"

struct rd_model_keeper {
    const struct rd_named_models *named; /* BORROWED */
    struct rd_metrics *metrics;          /* BORROWED */
    struct rs_lock lock;
    struct rs_signal wake;
    pthread_t thread;
    bool started;
    bool stop; /* protected by lock */
};

bool rd_model_keeper_start(struct rd_model_keeper *keeper, const struct rd_named_models *named,
                           struct rd_metrics *metrics); /* false: logged */
void rd_model_keeper_stop(struct rd_model_keeper *keeper);

#endif
