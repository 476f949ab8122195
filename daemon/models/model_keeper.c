/* daemon/models/model_keeper.c - reaps models and updates metrics, on a thread of its own.
 *
 * The thread that changes models does not do this, because a load may take minutes, and the memory
 * of retired models should not wait for it.
 */
#include "daemon/models/model_keeper.h"

#include "daemon/process/threads.h"
#include "lib/base/clock.h"

#define KEEP_MS 150u

static void *keep(void *user_data)
{
    struct rd_model_keeper *keeper = user_data;
    bool stop = false;

    rs_thread_name("model-keeper");
    while (!stop) {
        for (size_t i = 0; i < keeper->traffic->named->n; i++)
            (void)recsys_deployment_reap(keeper->traffic->named->all[i].deployment);
        rd_metrics_keep(keeper->metrics, keeper->traffic);
        rs_lock_take(&keeper->lock);
        if (!keeper->stop)
            (void)rs_signal_wait_until(&keeper->wake, &keeper->lock,
                                       rs_clock_ns() + KEEP_MS * UINT64_C(1000000));
        stop = keeper->stop;
        rs_lock_give(&keeper->lock);
    }
    return NULL;
}

bool rd_model_keeper_start(struct rd_model_keeper *keeper, struct rd_traffic *traffic,
                           struct rd_metrics *metrics)
{
    keeper->traffic = traffic;
    keeper->metrics = metrics;
    if (rs_lock_init(&keeper->lock) != 0 || rs_signal_init(&keeper->wake) != 0)
        return false;
    keeper->started = rd_thread_start(&keeper->thread, keep, keeper, "reaps models");
    return keeper->started;
}

void rd_model_keeper_stop(struct rd_model_keeper *keeper)
{
    if (!keeper->started)
        return;
    rs_lock_take(&keeper->lock);
    keeper->stop = true;
    rs_signal_all(&keeper->wake);
    rs_lock_give(&keeper->lock);
    rs_thread_join(keeper->thread);
    keeper->started = false;
}
