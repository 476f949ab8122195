/* daemon/models/model_changer.c - everything that happens beside requests.
 *
 * Two threads. The changer carries out every step that changes a model, one
 * after the other, whoever asks: the routes, SIGHUP, poll_registry_s, or the
 * want of a model (wait_for_model). The keeper gives the memory of replaced models back
 * and brings the metrics up to date; it has its own thread because a load may
 * take minutes and memory should not wait.
 *
 * Signals are blocked everywhere and fetched by the main thread with sigwait(),
 * so no code of ours ever runs inside a signal handler.
 */
#include "daemon/models/model_changer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/app.h"
#include "daemon/http/stamp.h"
#include "daemon/observe/logger.h"
#include "daemon/observe/threads.h"
#include "lib/base/clock.h"

#define KEEP_MS 150u
#define RETRY_S 2u

struct rd_job {
    struct rd_job *next;
    enum rd_step step;
    const char *argument;
    recsys_error *err;
    recsys_status status;
    bool done; /* protected by the changer's lock */
};

bool rd_reload(struct rd_app *app)
{
    recsys_error err = {0};
    uint32_t changed = 0;

    if (recsys_deployment_reload(app->deployment, &changed, &err) != RECSYS_OK) {
        rd_log(RECSYS_LOG_ERROR, "cannot load model %s: %s", app->config.model, err.message);
        return false;
    }
    if (changed)
        rd_log(RECSYS_LOG_INFO, "model %s loaded", app->config.model);
    return true;
}

/* Waits on `wake`, the lock held, for at most `ms`. */
static void wait_ms(struct rd_changer *changer, uint64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&changer->wake, &changer->lock, &until);
}

static bool has_model(struct rd_app *app)
{
    recsys_model *model = recsys_deployment_acquire(app->deployment);

    recsys_model_unref(model);
    return model != NULL;
}

/* Milliseconds until the next look at the registry; a day if there will be none. */
static uint64_t interval_ms(struct rd_app *app)
{
    if (!has_model(app))
        return RETRY_S * 1000u;
    return app->config.poll_registry_s > 0 ? app->config.poll_registry_s * 1000u : 86400000u;
}

static recsys_status carry_out(struct rd_app *app, const struct rd_job *job)
{
    switch (job->step) {
    case RD_STEP_LOAD:
        return recsys_deployment_load(app->deployment, job->argument, job->err);
    case RD_STEP_USE:
        return recsys_deployment_use(app->deployment, job->argument, job->err);
    case RD_STEP_ROLLBACK:
        return recsys_deployment_rollback(app->deployment, job->err);
    case RD_STEP_RELOAD:
        break;
    }
    return recsys_deployment_reload(app->deployment, NULL, job->err);
}

/* The next thing to do, done without the lock. */
static void change(struct rd_app *app)
{
    struct rd_changer *changer = &app->changer;
    struct rd_job *job = changer->jobs;

    if (job != NULL)
        changer->jobs = job->next;
    else
        changer->reload = false;
    changer->busy = true;
    (void)pthread_mutex_unlock(&changer->lock);
    if (job != NULL)
        job->status = carry_out(app, job);
    else
        (void)rd_reload(app);
    (void)pthread_mutex_lock(&changer->lock);
    if (job != NULL)
        job->done = true;
    changer->busy = false;
    (void)pthread_cond_broadcast(&changer->wake);
}

static void *change_models(void *user_data)
{
    struct rd_app *app = user_data;
    struct rd_changer *changer = &app->changer;
    uint64_t due = rs_clock_ns() + interval_ms(app) * 1000000u;

    (void)pthread_mutex_lock(&changer->lock);
    while (!changer->stop) {
        uint64_t now = rs_clock_ns();

        if (now >= due && (app->config.poll_registry_s > 0 || !has_model(app)))
            changer->reload = true;
        if (now >= due)
            due = now + interval_ms(app) * 1000000u;
        if (changer->reload || changer->jobs != NULL)
            change(app);
        else
            wait_ms(changer, (due - now) / 1000000u + 1);
    }
    (void)pthread_mutex_unlock(&changer->lock);
    return NULL;
}

recsys_status rd_changer_do(struct rd_app *app, enum rd_step step, const char *argument,
                            recsys_error *err)
{
    struct rd_changer *changer = &app->changer;
    struct rd_job job = {NULL, step, argument, err, RECSYS_E_STATE, false};
    struct rd_job **end = &changer->jobs;

    (void)pthread_mutex_lock(&changer->lock);
    while (*end != NULL)
        end = &(*end)->next;
    *end = &job;
    (void)pthread_cond_broadcast(&changer->wake);
    while (!job.done && !(changer->stop && !changer->busy))
        (void)pthread_cond_wait(&changer->wake, &changer->lock);
    if (!job.done)
        (void)snprintf(err->message, sizeof err->message, "the daemon is stopping");
    (void)pthread_mutex_unlock(&changer->lock);
    return job.status;
}

static void *keep(void *user_data)
{
    struct rd_app *app = user_data;
    struct rd_changer *changer = &app->changer;
    bool stop = false;

    while (!stop) {
        (void)recsys_deployment_reap(app->deployment);
        rd_metrics_keep(app);
        (void)pthread_mutex_lock(&changer->lock);
        if (!changer->stop)
            wait_ms(changer, KEEP_MS);
        stop = changer->stop;
        (void)pthread_mutex_unlock(&changer->lock);
    }
    return NULL;
}

bool rd_changer_start(struct rd_app *app)
{
    struct rd_changer *changer = &app->changer;
    pthread_condattr_t attributes;

    memset(changer, 0, sizeof *changer);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&changer->lock, NULL);
    (void)pthread_cond_init(&changer->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (!rd_thread_start(&changer->change_thread, change_models, app, "changes models"))
        return false;
    if (!rd_thread_start(&changer->keep_thread, keep, app, "does what can wait")) {
        (void)pthread_mutex_lock(&changer->lock);
        changer->stop = true;
        (void)pthread_cond_broadcast(&changer->wake);
        (void)pthread_mutex_unlock(&changer->lock);
        (void)pthread_join(changer->change_thread, NULL);
        return false;
    }
    changer->started = true;
    return true;
}

void rd_changer_reload(struct rd_app *app)
{
    struct rd_changer *changer = &app->changer;

    (void)pthread_mutex_lock(&changer->lock);
    changer->reload = true;
    (void)pthread_cond_broadcast(&changer->wake);
    (void)pthread_mutex_unlock(&changer->lock);
}

bool rd_changer_stop(struct rd_app *app, uint64_t deadline_ns)
{
    struct rd_changer *changer = &app->changer;
    uint64_t now;
    bool idle;

    if (!changer->started)
        return true;
    (void)pthread_mutex_lock(&changer->lock);
    changer->stop = true;
    (void)pthread_cond_broadcast(&changer->wake);
    while (changer->busy && (now = rs_clock_ns()) < deadline_ns)
        wait_ms(changer, (deadline_ns - now) / 1000000u + 1);
    idle = !changer->busy;
    (void)pthread_mutex_unlock(&changer->lock);
    if (!idle)
        return false;
    (void)pthread_join(changer->change_thread, NULL);
    (void)pthread_join(changer->keep_thread, NULL);
    changer->started = false; /* the lock stays: a late request may still look at `stop` */
    return true;
}

static void fill(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
}

void rd_signals_block(void)
{
    struct sigaction ignore;
    sigset_t set;

    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &ignore, NULL);
    fill(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void rd_signals_wait(struct rd_app *app)
{
    sigset_t set;
    int number = 0;

    fill(&set);
    while (sigwait(&set, &number) == 0 && number == SIGHUP) {
        rd_log(RECSYS_LOG_INFO, "SIGHUP: reloading");
        rd_changer_reload(app);
    }
    rd_log(RECSYS_LOG_INFO, "%s: stopping", number == SIGTERM ? "SIGTERM" : "SIGINT");
}
