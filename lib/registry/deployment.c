/* lib/registry/deployment.c - a deployment: created, asked, and destroyed.
 *
 * The slot holds what requests use. Around it are three entries: active, previous
 * and candidate, each with a reference of its own, also where two of them have the
 * same model. deployment_steps.c changes them. Asking for the status waits for no step:
 * it takes the lock `state`, which a step holds only while it exchanges entries.
 */
#include "recsys/deployment.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/callback.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/registry/deployment.h"
#include "lib/registry/registry.h"
#include "lib/serve/slot.h"

#define N_LOCKS 4u

static struct rs_lock *lock_of(recsys_deployment *deployment, unsigned i)
{
    struct rs_lock *const locks[N_LOCKS] = {&deployment->operator, & deployment->swapping,
                                            &deployment->state, &deployment->records};

    return locks[i];
}

static void free_parts(recsys_deployment *deployment, unsigned n_locks)
{
    while (n_locks > 0)
        rs_lock_destroy(lock_of(deployment, --n_locks));
    recsys_registry_unref(deployment->registry);
    rs_history_close(&deployment->history);
    rs_recent_destroy(&deployment->recent);
    rs_free(deployment->source);
    rs_free(deployment);
}

recsys_status recsys_deployment_create(const char *source, const recsys_deployment_options *options,
                                       recsys_deployment **out, recsys_error *err)
{
    recsys_deployment *deployment = NULL;
    recsys_status status;
    unsigned n_locks = 0;
    int result;

    if (out != NULL)
        *out = NULL;
    if (out == NULL || (source != NULL && *source == '\0'))
        return rs_error(
            err, RECSYS_E_INVALID,
            "recsys_deployment_create: out is NULL, or source is empty; it may be NULL");
    deployment = rs_alloc_array(1, sizeof *deployment);
    if (deployment == NULL)
        return rs_error_nomem(err, "deployment");
    status = rs_deployment_read_options(deployment, options, err);
    if (status == RECSYS_OK)
        status = rs_deployment_check_source(deployment, source, err);
    if (status != RECSYS_OK)
        goto fail;
    if (source != NULL && (deployment->source = rs_copy_text(source)) == NULL) {
        status = rs_error_nomem(err, "deployment");
        goto fail;
    }
    for (; n_locks < N_LOCKS; n_locks++)
        if ((result = rs_lock_init(lock_of(deployment, n_locks))) != 0) {
            status = rs_error_sys(err, result, "cannot make the locks of a deployment");
            goto fail;
        }
    status = recsys_slot_create(&deployment->slot, err);
    if (status != RECSYS_OK)
        goto fail;
    *out = deployment;
    return RECSYS_OK;

fail:
    free_parts(deployment, n_locks);
    return status;
}

void recsys_deployment_destroy(recsys_deployment *deployment)
{
    if (deployment == NULL)
        return;
    recsys_model_unref(deployment->candidate.model);
    recsys_model_unref(deployment->previous.model);
    recsys_model_unref(deployment->active.model);
    recsys_slot_destroy(deployment->slot);
    free_parts(deployment, N_LOCKS);
}

const char *recsys_deployment_step_name(uint32_t step)
{
    static const char *const names[] = {"none", "find", "fetch", "load", "warm", "check", "swap"};

    return step < sizeof names / sizeof names[0] ? names[step] : "unknown";
}

recsys_model *recsys_deployment_acquire(recsys_deployment *deployment)
{
    return deployment == NULL ? NULL : recsys_slot_acquire(deployment->slot);
}

/* Under state. */
static size_t count_retired(const recsys_deployment *deployment)
{
    const recsys_model *const ours[] = {deployment->previous.model, deployment->candidate.model};

    return rs_slot_count_used(deployment->slot, ours, sizeof ours / sizeof ours[0]);
}

size_t recsys_deployment_reap(recsys_deployment *deployment)
{
    if (deployment == NULL)
        return 0;
    recsys_slot_reap(deployment->slot);
    rs_history_flush(&deployment->history);
    rs_lock_take(&deployment->state);
    size_t n_used = count_retired(deployment);
    rs_lock_give(&deployment->state);
    return n_used;
}

recsys_status recsys_deployment_get_status(recsys_deployment *deployment,
                                           recsys_deployment_status *out, recsys_error *err)
{
    recsys_deployment_status now = RECSYS_DEPLOYMENT_STATUS_INIT;
    recsys_status status = rs_struct_begin(out, RECSYS_DEPLOYMENT_STATUS_SIZE_V1,
                                           "recsys_deployment_get_status: out", err);

    if (status != RECSYS_OK)
        return status;
    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_get_status: deployment is NULL");
    rs_lock_take(&deployment->state);
    now.loading = deployment->n_running > 0;
    now.step = deployment->doing;
    now.step_since_ms = deployment->doing_since_ms;
    now.n_withdrawn = deployment->n_withdrawn;
    now.needed_bytes = deployment->needed_bytes;
    now.max_memory = deployment->max_memory;
    now.memory_bytes = rs_deployment_count_memory(deployment);
    now.n_swaps = deployment->n_swaps;
    now.n_failures = deployment->n_failures;
    now.n_retired = count_retired(deployment);
    rs_deployment_describe(&deployment->active, &now.active);
    rs_deployment_describe(&deployment->previous, &now.previous);
    rs_deployment_describe(&deployment->candidate, &now.candidate);
    now.last_error_ms = deployment->last_error_ms;
    now.last_error = deployment->last_error;
    rs_lock_give(&deployment->state);
    rs_lock_take(&deployment->records);
    now.watching = rs_watch_is_on(&deployment->watch, rs_clock_ns()) != 0;
    now.n_answers = deployment->watch.tally.n_answers;
    now.n_failed_answers = deployment->watch.tally.n_failed;
    now.n_empty_answers = deployment->watch.tally.n_empty;
    now.n_recent = deployment->recent.n;
    now.n_failed_polls = deployment->schedule.n_failed;
    rs_lock_give(&deployment->records);
    rs_struct_write(out, &now, sizeof now);
    return RECSYS_OK;
}

uint64_t recsys_deployment_get_poll_wait(recsys_deployment *deployment)
{
    if (deployment == NULL)
        return 0;
    rs_lock_take(&deployment->records);
    uint64_t wait_ms = rs_poll_schedule_wait(&deployment->schedule, rs_clock_ns() / 1000000u);
    rs_lock_give(&deployment->records);
    return wait_ms;
}

recsys_status recsys_deployment_list(recsys_deployment *deployment,
                                     recsys_deployment_callback callback, void *user_data,
                                     recsys_error *err)
{
    struct rs_event **events;
    size_t n;

    if (deployment == NULL || callback == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_list: an argument is missing");
    recsys_status status = rs_history_copy(&deployment->history, &events, &n, err);
    for (size_t i = 0; i < n && status == RECSYS_OK; i++) {
        recsys_deployment_event event = rs_event_show(events[i]);
        status = rs_walk_result(callback(&event, user_data), err, "recsys_deployment_list");
    }
    rs_history_free(events, n);
    return status;
}
