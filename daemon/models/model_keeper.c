/* daemon/models/model_keeper.c - reaps models and updates metrics, on a thread of its own.
 *
 * The thread that changes models does not do this, because a load may take minutes, and the memory
 * of retired models should not wait for it.
 */
#include "daemon/models/model_keeper.h"

#include "daemon/process/threads.h"

#define KEEP_MS 150u

static void *keep(void *user_data)
{
    struct rd_model_keeper *keeper = user_data;

    rs_thread_name("model-keeper");
    do {
        for (size_t i = 0; i < keeper->traffic->named->n; i++)
            (void)recsys_deployment_reap(keeper->traffic->named->all[i].deployment);
        rd_metrics_keep(keeper->metrics, keeper->traffic);
    } while (rd_pause_wait(&keeper->pause, KEEP_MS));
    return NULL;
}

bool rd_model_keeper_start(struct rd_model_keeper *keeper, struct rd_traffic *traffic,
                           struct rd_metrics *metrics)
{
    keeper->traffic = traffic;
    keeper->metrics = metrics;
    if (!rd_pause_init(&keeper->pause))
        return false;
    keeper->started = rd_thread_start(&keeper->thread, keep, keeper, "reaps models");
    return keeper->started;
}

void rd_model_keeper_stop(struct rd_model_keeper *keeper)
{
    if (!keeper->started)
        return;
    rd_pause_end(&keeper->pause);
    rs_thread_join(keeper->thread);
    keeper->started = false;
}
