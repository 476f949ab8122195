/* daemon/models/model_changer.c - carries out the steps that change a model.
 *
 * Routes, SIGHUP, webhooks, poll_registry_s and wait_for_model ask for steps. This thread takes
 * those that load, one after the other. Use and rollback only exchange models that are loaded; the
 * worker that was asked does them at once, also while a load runs.
 */
#include "daemon/models/model_changer.h"

#include <stdio.h>

#include "daemon/process/logger.h"
#include "daemon/process/threads.h"
#include "lib/base/clock.h"

#define DAY_MS 86400000u

struct rd_job {
    struct rd_job *next;
    enum rd_step step;
    const char *argument, *request_id;
    recsys_error *err;
    recsys_status status;
    bool done; /* protected by the changer's lock */
};

/* Once for each model that comes to be served. */
static void warn_of_seen(struct rd_model_changer *changer)
{
    recsys_model *model = recsys_deployment_acquire(changer->deployment);
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;

    if (model != NULL && model != changer->served &&
        recsys_model_get_info(model, &info, NULL) == RECSYS_OK && info.n_users > 0 &&
        info.n_seen == 0)
        rd_log(RECSYS_LOG_WARN,
               "model %s %s has no seen lists, so it recommends what users have had already "
               "(recsysctl import --ratings adds them)",
               info.name, info.version);
    changer->served = model;
    recsys_model_unref(model);
}

bool rd_model_reload(struct rd_model_changer *changer)
{
    recsys_error err = {0};
    uint32_t changed = 0;

    if (recsys_deployment_reload(changer->deployment, &changed, &err) != RECSYS_OK) {
        rd_log(RECSYS_LOG_ERROR, "cannot load model %s: %s", changer->source, err.message);
        return false;
    }
    if (changed)
        rd_log(RECSYS_LOG_INFO, "model %s loaded", changer->source);
    warn_of_seen(changer);
    return true;
}

/* Not what is served or was refused already. The library logs a failure, once. */
static void poll_registry(struct rd_model_changer *changer)
{
    uint32_t changed = 0;

    if (recsys_deployment_poll(changer->deployment, &changed, NULL) == RECSYS_OK && changed)
        rd_log(RECSYS_LOG_INFO, "model %s loaded", changer->source);
}

static bool has_model(const struct rd_model_changer *changer)
{
    recsys_model *model = recsys_deployment_acquire(changer->deployment);

    recsys_model_unref(model);
    return model != NULL;
}

/* Is the registry checked now and then? Without a model it is in any case. */
static bool is_polling(const struct rd_model_changer *changer)
{
    return changer->poll_s > 0 || !has_model(changer);
}

static recsys_status carry_out(recsys_deployment *deployment, const struct rd_job *job)
{
    switch (job->step) {
    case RD_STEP_LOAD:
        return recsys_deployment_load(deployment, job->argument, job->err);
    case RD_STEP_USE:
        return recsys_deployment_use(deployment, job->argument, job->err);
    case RD_STEP_ROLLBACK:
        return recsys_deployment_rollback(deployment, job->err);
    case RD_STEP_RELOAD:
        break;
    }
    return recsys_deployment_reload(deployment, NULL, job->err);
}

/* Take the next step, without the lock. */
static void change(struct rd_model_changer *changer)
{
    struct rd_job *job = changer->jobs;
    bool reload = changer->reload;

    if (job != NULL)
        changer->jobs = job->next;
    else
        changer->reload = changer->poll = false;
    changer->busy = true;
    rs_lock_give(&changer->lock);
    recsys_log_set_request(job != NULL ? job->request_id : NULL);
    if (job != NULL)
        job->status = carry_out(changer->deployment, job);
    else if (reload)
        (void)rd_model_reload(changer);
    else
        poll_registry(changer);
    warn_of_seen(changer);
    rs_lock_take(&changer->lock);
    if (job != NULL)
        job->done = true;
    changer->busy = false;
    rs_signal_all(&changer->wake);
}

static void *change_models(void *user_data)
{
    struct rd_model_changer *changer = user_data;

    rs_thread_name("model-changer");
    rs_lock_take(&changer->lock);
    while (!changer->stop) {
        uint64_t wait_ms =
            is_polling(changer) ? recsys_deployment_get_poll_wait(changer->deployment) : DAY_MS;

        if (wait_ms == 0)
            changer->poll = true;
        if (changer->reload || changer->poll || changer->jobs != NULL)
            change(changer);
        else
            (void)rs_signal_wait_until(&changer->wake, &changer->lock,
                                       rs_clock_ns() + wait_ms * UINT64_C(1000000));
    }
    rs_lock_give(&changer->lock);
    return NULL;
}

static void add(struct rd_model_changer *changer, struct rd_job *job)
{
    struct rd_job **end = &changer->jobs;

    while (*end != NULL)
        end = &(*end)->next;
    *end = job;
    rs_signal_all(&changer->wake);
}

/* Before its caller, on whose stack it is, goes. */
static void withdraw(struct rd_model_changer *changer, const struct rd_job *job)
{
    struct rd_job **at = &changer->jobs;

    while (*at != NULL && *at != job)
        at = &(*at)->next;
    if (*at != NULL)
        *at = job->next;
}

recsys_status rd_model_changer_do(struct rd_model_changer *changer, enum rd_step step,
                                  const char *argument, const char *request_id, recsys_error *err)
{
    struct rd_job job = {NULL, step, argument, request_id, err, RECSYS_E_STATE, false};

    if (step == RD_STEP_USE || step == RD_STEP_ROLLBACK)
        return carry_out(changer->deployment, &job);
    rs_lock_take(&changer->lock);
    if (!changer->stop) {
        add(changer, &job);
        while (!job.done && !(changer->stop && !changer->busy))
            rs_signal_wait(&changer->wake, &changer->lock);
        withdraw(changer, &job);
    }
    if (!job.done)
        (void)snprintf(err->message, sizeof err->message, "the daemon is stopping");
    rs_lock_give(&changer->lock);
    return job.status;
}

void rd_model_changer_init(struct rd_model_changer *changer, recsys_deployment *deployment,
                           const char *source, uint64_t poll_s)
{
    changer->deployment = deployment;
    changer->source = source;
    changer->poll_s = poll_s;
}

bool rd_model_changer_start(struct rd_model_changer *changer)
{
    if (rs_lock_init(&changer->lock) != 0 || rs_signal_init(&changer->wake) != 0)
        return false;
    changer->started = rd_thread_start(&changer->thread, change_models, changer, "changes models");
    return changer->started;
}

void rd_model_changer_reload(struct rd_model_changer *changer)
{
    rs_lock_take(&changer->lock);
    changer->reload = true;
    rs_signal_all(&changer->wake);
    rs_lock_give(&changer->lock);
}

void rd_model_changer_poll(struct rd_model_changer *changer)
{
    rs_lock_take(&changer->lock);
    changer->poll = true;
    rs_signal_all(&changer->wake);
    rs_lock_give(&changer->lock);
}

bool rd_model_changer_stop(struct rd_model_changer *changer, uint64_t deadline_ns)
{
    bool idle;

    if (!changer->started)
        return true;
    rs_lock_take(&changer->lock);
    changer->stop = true;
    rs_signal_all(&changer->wake);
    while (changer->busy && rs_clock_ns() < deadline_ns)
        (void)rs_signal_wait_until(&changer->wake, &changer->lock, deadline_ns);
    idle = !changer->busy;
    rs_lock_give(&changer->lock);
    if (!idle)
        return false;
    rs_thread_join(changer->thread);
    changer->started = false; /* the lock is not destroyed: a late request may still read `stop` */
    return true;
}
