/* daemon/models/model_keeper.h - the thread that reaps models and updates metrics. */
#ifndef RECSYSD_MODEL_KEEPER_H
#define RECSYSD_MODEL_KEEPER_H

#include <stdbool.h>

#include "daemon/observe/metrics.h"
#include "daemon/process/pause.h"
#include "daemon/traffic/traffic.h"

struct rd_model_keeper {
    struct rd_traffic *traffic; /* BORROWED */
    struct rd_metrics *metrics; /* BORROWED */
    struct rd_pause pause;
    pthread_t thread;
    bool started;
};

bool rd_model_keeper_start(struct rd_model_keeper *keeper, struct rd_traffic *traffic,
                           struct rd_metrics *metrics); /* false: logged */
void rd_model_keeper_stop(struct rd_model_keeper *keeper);

#endif
