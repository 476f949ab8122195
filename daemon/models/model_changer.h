/* daemon/models/model_changer.h - the thread that changes models and the one that tidies up. */
#ifndef RECSYSD_MODEL_CHANGER_H
#define RECSYSD_MODEL_CHANGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <recsys/status.h>

struct rd_app;

enum rd_step { RD_STEP_LOAD, RD_STEP_USE, RD_STEP_ROLLBACK, RD_STEP_RELOAD };

/* A step that somebody waits for. */
struct rd_job;

/* Filled by rd_changer_start(). */
struct rd_changer {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t change_thread, keep_thread;
    bool started;
    struct rd_job *jobs;     /* those that wait for the changer; protected by lock */
    bool reload, busy, stop; /* protected by lock */
};

/* Load and use what the model setting means now. False if that failed; it is logged. */
bool rd_reload(struct rd_app *app);

bool rd_changer_start(struct rd_app *app);
/* Have the changer thread do rd_reload(). Returns at once. */
void rd_changer_reload(struct rd_app *app);
/* Have it do one of recsys_deployment's steps, and wait. `argument` may be NULL. */
recsys_status rd_changer_do(struct rd_app *app, enum rd_step step, const char *argument,
                            recsys_error *err);
/* End both threads. False if a load is still running at `deadline_ns`. */
bool rd_changer_stop(struct rd_app *app, uint64_t deadline_ns);

/* Block the signals we act on, in this thread and those it starts later. */
void rd_signals_block(void);
/* Wait for them: SIGHUP reloads, SIGTERM and SIGINT return. */
void rd_signals_wait(struct rd_app *app);

#endif
