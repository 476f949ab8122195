/* daemon/models/model_changer.h - the thread that changes models. */
#ifndef RECSYSD_MODEL_CHANGER_H
#define RECSYSD_MODEL_CHANGER_H

#include <stdbool.h>
#include <stdint.h>

#include <recsys/deployment.h>

#include "lib/base/lock.h"

enum rd_step { RD_STEP_LOAD, RD_STEP_USE, RD_STEP_ROLLBACK, RD_STEP_RELOAD };

/* A step and the thread that waits for it. */
struct rd_job;

struct rd_model_changer {
    recsys_deployment *deployment; /* BORROWED */
    const char *source;            /* the model setting; BORROWED */
    uint64_t poll_s;               /* 0: never */
    const recsys_model *served;    /* after the last step; only compared */
    struct rs_lock lock;
    struct rs_signal wake;
    pthread_t thread;
    bool started;
    struct rd_job *jobs;           /* queue; protected by lock */
    bool reload, poll, busy, stop; /* protected by lock */
};

void rd_model_changer_init(struct rd_model_changer *changer, recsys_deployment *deployment,
                           const char *source, uint64_t poll_s);
/* Load and use the version that the model setting means now, on the calling thread. False:
 * logged. */
bool rd_model_reload(struct rd_model_changer *changer);

bool rd_model_changer_start(struct rd_model_changer *changer); /* false: logged */
/* Have the thread do rd_model_reload(). Returns at once. */
void rd_model_changer_reload(struct rd_model_changer *changer);
/* Have it ask now what the source means, as it does every poll_registry_s. Returns at once. */
void rd_model_changer_poll(struct rd_model_changer *changer);
/* Do one of recsys_deployment's steps for a request, and wait. The thread takes those that load;
 * the others wait for no load and are done on the caller's. `argument` may be NULL. */
recsys_status rd_model_changer_do(struct rd_model_changer *changer, enum rd_step step,
                                  const char *argument, const char *request_id, recsys_error *err);
/* End the thread. False if a load is still running at `deadline_ns`. */
bool rd_model_changer_stop(struct rd_model_changer *changer, uint64_t deadline_ns);

#endif
