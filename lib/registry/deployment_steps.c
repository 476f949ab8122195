/* lib/registry/deployment_steps.c - runs the steps that change the served model: the states of
 * deployment.h.
 *
 * A step that loads holds the lock `operator` from its beginning to its end, which may be minutes.
 * `swapping` is held from the first state that looks at entries in order to change them to the end
 * of the step; nothing slow happens in between. `state` is held only while entries are read or
 * exchanged, so that asking for the status never waits for a step.
 *
 * Models are destroyed at the end of a step, without `swapping`, and never in a rollback: unmapping
 * a large one takes long, and a rollback is urgent.
 *
 * The slot keeps replaced models on a list of its own; a previous model is there, too,
 * and stays loaded because the entry holds a reference beside the slot's.
 *
 * With RECSYS_TRACE_DEPLOYMENT each state of a step is a line.
 */
#include <inttypes.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/trace.h"
#include "lib/model/estimate.h"
#include "lib/registry/registry.h"
#include "lib/registry/step.h"
#include "lib/registry/warm_up.h"
#include "lib/serve/slot.h"

static enum rs_step_event fail(struct rs_step *step, recsys_status status)
{
    step->status = status;
    step->may_pass |= rs_tried_may_succeed_later(status);
    if (step->may_pass && step->noted != NULL)
        *step->noted = 0;
    return RS_STEP_ON_FAILED;
}

static void note_event(struct rs_step *step, uint32_t kind, const struct rs_deployed *entry)
{
    recsys_deployment_event event = RECSYS_DEPLOYMENT_EVENT_INIT;
    recsys_deployment_entry model;

    rs_deployment_describe(entry, &model);
    event.kind = kind;
    event.time_ms = rs_clock_unix_ms();
    event.took_ms = (rs_clock_ns() - step->began_ns) / 1000000u;
    event.step = step->name;
    event.source = step->source;
    event.name = model.name;
    event.version = model.version;
    event.fingerprint = model.fingerprint;
    event.message = step->why;
    if (kind == RECSYS_DEPLOYMENT_FAILED) {
        event.status = step->status;
        event.message = step->problem.message;
    }
    rs_history_add(&step->deployment->history, &event);
}

static void log_entry(const char *what, const struct rs_deployed *entry)
{
    recsys_deployment_entry model;

    rs_deployment_describe(entry, &model);
    rs_log(RECSYS_LOG_INFO, "deployment: %s %s %s (%.12s)", what, model.name, model.version,
           model.fingerprint);
}

static void begin_to_swap(struct rs_step *step)
{
    if (!step->holds_swapping)
        rs_lock_take(&step->deployment->swapping);
    step->holds_swapping = 1;
}

/* -- the states, in the order of the table -- */

/* Note what is tried, for the polls to come. A poll ends here if it is what was tried before. Why
 * nothing was found is noted apart: what was tried last stays known while the source cannot be
 * asked, else the next answer would bring a model back that was rolled back. */
static int is_known(struct rs_step *step, recsys_status status)
{
    recsys_deployment *deployment = step->deployment;
    uint64_t *noted = status == RECSYS_OK ? &deployment->tried : &deployment->not_found;
    uint64_t now =
        rs_tried_hash("", status == RECSYS_OK ? step->found.stamp : step->problem.message);

    if (step->is_proposal)
        return 0;
    if (status == RECSYS_OK)
        deployment->not_found = 0;
    /* Without a model anything is worth another try: a bundle may still be on its way. */
    if (step->is_poll && now == *noted && recsys_slot_get_generation(deployment->slot) > 0)
        return 1;
    *noted = now;
    step->noted = noted;
    return 0;
}

static enum rs_step_event find(struct rs_step *step)
{
    step->found = (recsys_registry_location)RECSYS_REGISTRY_LOCATION_INIT;
    recsys_status status =
        rs_deployment_find(step->deployment, step->source, &step->found, &step->problem);

    if (is_known(step, status))
        return RS_STEP_ON_KNOWN;
    return status == RECSYS_OK ? RS_STEP_ON_FOUND : fail(step, status);
}

/* A registry that is a server may give better files later under the same version and stamp: some
 * upload after they register. So whatever is wrong with the files it gives may pass. */
static enum rs_step_event fetch(struct rs_step *step)
{
    recsys_status status =
        rs_deployment_fetch(step->deployment, step->source, &step->found, &step->problem);

    if (status == RECSYS_OK)
        return RS_STEP_ON_FETCHED;
    step->may_pass = 1;
    return fail(step, status);
}

/* Everything counts that may be in memory at once: what serves, what a rollback needs, a candidate
 * that waits, and the new model. */
static enum rs_step_event weigh(struct rs_step *step)
{
    recsys_deployment *deployment = step->deployment;
    struct rs_estimate needed;
    recsys_status status =
        rs_model_estimate(step->found.path, &deployment->model_options, &needed, &step->problem);

    if (status != RECSYS_OK)
        return fail(step, status);
    uint64_t needed_bytes = needed.mapped_bytes + needed.private_bytes;
    rs_lock_take(&deployment->state);
    uint64_t used_bytes = rs_deployment_count_memory(deployment);
    deployment->needed_bytes = needed_bytes;
    rs_lock_give(&deployment->state);
    if (deployment->max_memory == 0 || (needed_bytes <= deployment->max_memory &&
                                        used_bytes <= deployment->max_memory - needed_bytes))
        return RS_STEP_ON_FITS;
    step->may_pass = 1; /* a candidate may be used meanwhile, and then takes no place of its own */
    return fail(step, rs_error(&step->problem, RECSYS_E_LIMIT,
                               "%.200s needs about %" PRIu64 " MB (%" PRIu64 " mapped, %" PRIu64
                               " private), and the models that are loaded have %" PRIu64
                               " MB; that is more than max_memory, %" PRIu64 " MB, allows",
                               step->found.path, needed_bytes >> 20, needed.mapped_bytes >> 20,
                               needed.private_bytes >> 20, used_bytes >> 20,
                               deployment->max_memory >> 20));
}

static enum rs_step_event load(struct rs_step *step)
{
    uint64_t began = rs_clock_ns();
    recsys_status status = recsys_model_load(step->found.path, &step->deployment->model_options,
                                             &step->given.model, &step->problem);

    if (status != RECSYS_OK)
        return fail(step, status);
    status = rs_deployment_name(step->deployment, step->source, &step->found, step->given.model,
                                &step->problem);
    if (status != RECSYS_OK)
        return fail(step, status);
    rs_log(RECSYS_LOG_INFO, "deployment: loaded %s in %" PRIu64 " ms", step->found.path,
           (rs_clock_ns() - began) / 1000000u);
    return step->is_proposal ? RS_STEP_ON_LOADED : RS_STEP_ON_RELOADED;
}

/* The content, not the version: a version may have been published twice. */
static enum rs_step_event compare(struct rs_step *step)
{
    struct rs_deployed active = {recsys_slot_acquire(step->deployment->slot), 0};
    recsys_deployment_entry served, other;

    rs_deployment_describe(&active, &served);
    rs_deployment_describe(&step->given, &other);
    int is_same = active.model != NULL && strcmp(served.fingerprint, other.fingerprint) == 0;
    recsys_model_unref(active.model);
    return is_same ? RS_STEP_ON_SAME : RS_STEP_ON_OTHER;
}

static enum rs_step_event warm(struct rs_step *step)
{
    recsys_deployment *deployment = step->deployment;
    int replaces = recsys_slot_get_generation(deployment->slot) > 0;
    struct rs_recent recent;
    struct rs_warmed warmed;
    uint64_t began = rs_clock_ns();

    rs_lock_take(&deployment->records);
    recsys_status status = rs_recent_copy(&deployment->recent, &recent, &step->problem);
    rs_lock_give(&deployment->records);
    if (status == RECSYS_OK)
        status = rs_warm_up(step->given.model, replaces, &recent, &warmed, &step->problem);
    rs_recent_destroy(&recent);
    if (status != RECSYS_OK)
        return fail(step, status);
    rs_log(RECSYS_LOG_INFO,
           "deployment: read %" PRIu64 " KB and answered %" PRIu64 " recent requests in %" PRIu64
           " ms; %" PRIu64 " answers are empty, %" PRIu64 " failed",
           warmed.n_bytes / 1024u, warmed.n_replayed, (rs_clock_ns() - began) / 1000000u,
           warmed.n_empty, warmed.n_failed);
    return RS_STEP_ON_WARMED;
}

static enum rs_step_event check(struct rs_step *step)
{
    const recsys_deployment *deployment = step->deployment;
    recsys_model *active = recsys_slot_acquire(deployment->slot);
    recsys_status status =
        rs_canary_run(step->given.model, active, &deployment->rules, &step->problem);

    recsys_model_unref(active);
    if (status != RECSYS_OK)
        return fail(step, status);
    step->chosen = &step->given;
    return step->is_proposal ? RS_STEP_ON_PROPOSED : RS_STEP_ON_ACCEPTED;
}

static enum rs_step_event propose(struct rs_step *step)
{
    recsys_deployment *deployment = step->deployment;

    begin_to_swap(step);
    rs_lock_take(&deployment->state);
    recsys_model *unused = deployment->candidate.model;
    deployment->candidate = (struct rs_deployed){step->given.model, rs_clock_unix_ms()};
    rs_lock_give(&deployment->state);
    log_entry("candidate is", &deployment->candidate);
    step->given.model = unused;
    return RS_STEP_ON_KEPT;
}

static enum rs_step_event choose_previous(struct rs_step *step)
{
    const recsys_deployment *deployment = step->deployment;

    if (step->blamed != NULL && step->blamed != deployment->active.model)
        return RS_STEP_ON_GONE;
    if (deployment->previous.model != NULL)
        return RS_STEP_ON_CHOSEN;
    return fail(step, rs_error(&step->problem, RECSYS_E_STATE,
                               "cannot roll back: no other model has been served before this one"));
}

static enum rs_step_event choose(struct rs_step *step)
{
    const recsys_deployment *deployment = step->deployment;
    recsys_deployment_entry candidate;

    begin_to_swap(step);
    if (step->chosen == &deployment->previous)
        return choose_previous(step);
    if (deployment->candidate.model == NULL)
        return fail(step, rs_error(&step->problem, RECSYS_E_STATE,
                                   "there is no candidate to use; load one first"));
    rs_deployment_describe(&deployment->candidate, &candidate);
    if (step->version != NULL && strcmp(step->version, candidate.version) != 0)
        return fail(step, rs_error(&step->problem, RECSYS_E_CONFLICT,
                                   "cannot use version %.100s: the candidate is %s version %s",
                                   step->version, candidate.name, candidate.version));
    return RS_STEP_ON_CHOSEN;
}

/* Why the watch has rolled back, where failures are shown: it is one of the model. */
static void note_withdrawal(recsys_deployment *deployment, const struct rs_deployed *withdrawn,
                            const char *why, uint64_t now)
{
    recsys_deployment_entry model;

    rs_deployment_describe(withdrawn, &model);
    (void)rs_error(&deployment->last_error, RECSYS_E_REJECTED, "rolled back %s %s: %s", model.name,
                   model.version, why);
    deployment->last_error_ms = now;
    deployment->n_withdrawn++;
}

/* The chosen entry's reference moves to `active`; that entry is empty afterwards. */
static enum rs_step_event serve(struct rs_step *step)
{
    recsys_deployment *deployment = step->deployment;
    int is_rollback = step->chosen == &deployment->previous;

    begin_to_swap(step);
    recsys_status status = rs_slot_exchange(deployment->slot, step->chosen->model, &step->problem);
    if (status != RECSYS_OK)
        return fail(step, status);
    rs_lock_take(&deployment->state);
    uint64_t now = rs_clock_unix_ms();
    struct rs_deployed next = {step->chosen->model, now};
    *step->chosen = (struct rs_deployed){NULL, 0};
    step->dropped = deployment->previous.model; /* NULL in a rollback */
    deployment->previous = (struct rs_deployed){deployment->active.model, now};
    deployment->active = next;
    deployment->n_swaps++;
    if (step->why != NULL)
        note_withdrawal(deployment, &deployment->previous, step->why, now);
    rs_lock_take(&deployment->records);
    rs_watch_begin(&deployment->watch, next.model, !is_rollback, rs_clock_ns());
    rs_lock_give(&deployment->records);
    rs_lock_give(&deployment->state);

    note_event(step, RECSYS_DEPLOYMENT_SERVED, &deployment->active);
    log_entry("serving", &deployment->active);
    step->n_served = 1;
    return RS_STEP_ON_SERVED;
}

static enum rs_step_event note_failure(struct rs_step *step)
{
    recsys_deployment *deployment = step->deployment;

    rs_lock_take(&deployment->state);
    int is_repeated =
        step->is_poll && strcmp(deployment->last_error.message, step->problem.message) == 0;
    deployment->n_failures++;
    deployment->last_error = step->problem;
    deployment->last_error_ms = rs_clock_unix_ms();
    rs_lock_give(&deployment->state);
    if (!is_repeated)
        note_event(step, RECSYS_DEPLOYMENT_FAILED, &step->given);
    rs_log(is_repeated ? RECSYS_LOG_DEBUG : RECSYS_LOG_WARN,
           "deployment: %s failed, serving as before: %s", step->name, step->problem.message);
    return RS_STEP_ON_NOTED;
}

/* -- the machine -- */

static const struct {
    enum rs_step_event (*act)(struct rs_step *step);
    uint32_t doing; /* for the status; 0 = as before */
} rows[RS_STEP_N_STATES] = {
    [RS_STEP_FIND] = {find, RECSYS_DEPLOYMENT_STEP_FIND},
    [RS_STEP_FETCH] = {fetch, RECSYS_DEPLOYMENT_STEP_FETCH},
    [RS_STEP_WEIGH] = {weigh, 0},
    [RS_STEP_LOAD] = {load, RECSYS_DEPLOYMENT_STEP_LOAD},
    [RS_STEP_COMPARE] = {compare, 0},
    [RS_STEP_WARM] = {warm, RECSYS_DEPLOYMENT_STEP_WARM},
    [RS_STEP_CHECK] = {check, RECSYS_DEPLOYMENT_STEP_CHECK},
    [RS_STEP_PROPOSE] = {propose, RECSYS_DEPLOYMENT_STEP_SWAP},
    [RS_STEP_CHOOSE] = {choose, RECSYS_DEPLOYMENT_STEP_SWAP},
    [RS_STEP_SERVE] = {serve, RECSYS_DEPLOYMENT_STEP_SWAP},
    [RS_STEP_FAIL] = {note_failure, 0},
};

#define NEXT(state, event, next) [RS_STEP_##state][RS_STEP_ON_##event] = RS_STEP_##next,
static const unsigned char next_of[RS_STEP_N_STATES][RS_STEP_N_EVENTS] = {
    RS_STEP_TRANSITIONS(NEXT)};

/* A rollback during a load shows as the load: that is what takes long. */
static void show(struct rs_step *step, uint32_t doing)
{
    recsys_deployment *deployment = step->deployment;

    if (doing == 0)
        return;
    rs_lock_take(&deployment->state);
    if (step->holds_operator || deployment->n_running == 1) {
        deployment->doing = doing;
        deployment->doing_since_ms = rs_clock_unix_ms();
    }
    rs_lock_give(&deployment->state);
}

static void begin(struct rs_step *step, enum rs_step_state state)
{
    recsys_deployment *deployment = step->deployment;

    step->holds_operator = state != RS_STEP_CHOOSE;
    if (step->holds_operator)
        rs_lock_take(&deployment->operator);
    step->began_ns = rs_clock_ns();
    rs_lock_take(&deployment->state);
    deployment->n_running++;
    rs_lock_give(&deployment->state);
}

/* Without a model every step counts as a poll: the first load, which fails perhaps because a server
 * is not there yet, is to be tried again soon and not somewhere in the first interval. */
static void note_poll(struct rs_step *step)
{
    recsys_deployment *deployment = step->deployment;
    int is_serving = recsys_slot_get_generation(deployment->slot) > 0;
    int failed = step->status != RECSYS_OK && step->may_pass;

    if (!step->is_poll && is_serving)
        return;
    rs_lock_take(&deployment->records);
    rs_poll_schedule_note(&deployment->schedule, failed, is_serving, rs_clock_ns() / 1000000u);
    rs_lock_give(&deployment->records);
}

static void end(struct rs_step *step)
{
    recsys_deployment *deployment = step->deployment;
    int is_rollback = step->chosen == &deployment->previous;

    if (step->holds_swapping)
        rs_lock_give(&deployment->swapping);
    recsys_model_unref(step->given.model);
    recsys_model_unref(step->dropped);
    if (!is_rollback)
        recsys_slot_reap(deployment->slot);
    if (step->why == NULL) /* else this is a request's thread; reaping writes it */
        rs_history_flush(&deployment->history);
    note_poll(step);
    rs_lock_take(&deployment->state);
    if (--deployment->n_running == 0 || step->holds_operator) {
        deployment->doing = RECSYS_DEPLOYMENT_STEP_NONE;
        deployment->doing_since_ms = 0;
    }
    rs_lock_give(&deployment->state);
    if (step->holds_operator)
        rs_lock_give(&deployment->operator);
}

recsys_status rs_step_run(struct rs_step *step, enum rs_step_state state, recsys_error *err)
{
#define TEXT(name) #name,
    static const char *const states[] = {RS_STEP_STATES(TEXT)};
    static const char *const events[] = {RS_STEP_EVENTS(TEXT)};

    begin(step, state);
    while (state != RS_STEP_IDLE) {
        show(step, rows[state].doing);
        enum rs_step_event event = rows[state].act(step);
        enum rs_step_state next = next_of[state][event];
        rs_trace(RECSYS_TRACE_DEPLOYMENT, "%s: %s: %s -> %s", step->name, states[state],
                 events[event], states[next]);
        state = next;
    }
    end(step);
    if (step->status != RECSYS_OK && err != NULL)
        *err = step->problem;
    return step->status;
}
