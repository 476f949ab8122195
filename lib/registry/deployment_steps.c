/* lib/registry/deployment_steps.c - the steps that change the served model: runs the states of
 * deployment.h.
 *
 * A step holds the lock `operator` from its beginning to its end, which may be minutes;
 * it holds `state` only while entries are read or exchanged, so that asking for the
 * status never waits for a step. Steps are the only ones to change entries, so a step
 * reads them without `state`.
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
#include "lib/registry/deployment.h"
#include "lib/registry/registry.h"

/* One step of an operator: its arguments, and everything that a state leaves for later states. */
struct step {
    recsys_deployment *deployment;
    const char *name;           /* for messages */
    const char *source;         /* LOAD: of the model; NULL = none is known */
    int is_proposal;            /* the model becomes the candidate; else it is served at once */
    int is_poll;                /* LOAD: not if what the source means was tried already */
    struct rs_deployed given;   /* from LOAD or the caller; one reference */
    struct rs_deployed *chosen; /* SERVE: the entry to serve, and to empty */
    const char *version;        /* CHOOSE: which candidate is meant; NULL = any */
    uint32_t n_served;
    recsys_status status;
    recsys_error problem; /* a record of its own: the caller's may be NULL */
};

static enum rs_step_event fail(struct step *step, recsys_status status)
{
    step->status = status;
    if (!step->is_proposal && rs_tried_may_succeed_later(status))
        step->deployment->tried = 0;
    return RS_STEP_ON_FAILED;
}

static void log_entry(const char *what, const struct rs_deployed *entry)
{
    recsys_deployment_entry model;

    rs_deployment_describe(entry, &model);
    rs_log(RECSYS_LOG_INFO, "deployment: %s %s %s (%.12s)", what, model.name, model.version,
           model.fingerprint);
}

/* -- the states, in the order of the table -- */

static recsys_status find_path(struct step *step, recsys_registry_location *found)
{
    recsys_deployment *deployment = step->deployment;
    recsys_status status = rs_deployment_check_source(deployment, step->source, &step->problem);

    if (status != RECSYS_OK)
        return status;
    if (step->source == NULL)
        return rs_error(
            &step->problem, RECSYS_E_STATE,
            "this deployment was created without a source; name one to load, or bring a "
            "model with recsys_deployment_load_model()");
    if (!rs_uri_is_registry(step->source))
        return rs_file_uri_read(step->source, found->path, sizeof found->path, &step->source,
                                &step->problem);
    status = recsys_registry_resolve(deployment->registry, step->source, found, &step->problem);
    if (status != RECSYS_OK)
        return status;
    rs_log(RECSYS_LOG_INFO, "deployment: %s is %s", step->source, found->path);
    step->source = found->path;
    return RECSYS_OK;
}

/* Note what is tried, for the polls to come. A poll ends here if it is what was tried before. */
static int is_known(struct step *step, recsys_status status)
{
    recsys_deployment *deployment = step->deployment;
    uint64_t now;

    if (step->is_proposal)
        return 0;
    now = status == RECSYS_OK ? rs_tried_hash(step->source, "")
                              : rs_tried_hash("", step->problem.message);
    /* Without a model anything is worth another try: a bundle may still be on its way. */
    if (step->is_poll && now == deployment->tried && deployment->active.model != NULL)
        return 1;
    deployment->tried = now;
    return 0;
}

static enum rs_step_event load(struct step *step)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_status status = find_path(step, &found);

    if (is_known(step, status))
        return RS_STEP_ON_KNOWN;
    if (status != RECSYS_OK)
        return fail(step, status);
    uint64_t began = rs_clock_ns();
    status = recsys_model_load(step->source, &step->deployment->model_options, &step->given.model,
                               &step->problem);
    if (status != RECSYS_OK)
        return fail(step, status);
    rs_log(RECSYS_LOG_INFO, "deployment: loaded %s in %" PRIu64 " ms", step->source,
           (rs_clock_ns() - began) / 1000000u);
    return step->is_proposal ? RS_STEP_ON_LOADED : RS_STEP_ON_RELOADED;
}

/* The content, not the version: a version may have been published twice. */
static enum rs_step_event compare(struct step *step)
{
    const struct rs_deployed *active = &step->deployment->active;
    recsys_deployment_entry served, other;

    rs_deployment_describe(active, &served);
    rs_deployment_describe(&step->given, &other);
    return active->model != NULL && strcmp(served.fingerprint, other.fingerprint) == 0
               ? RS_STEP_ON_SAME
               : RS_STEP_ON_OTHER;
}

static enum rs_step_event check(struct step *step)
{
    const recsys_deployment *deployment = step->deployment;
    recsys_status status = rs_canary_run(step->given.model, deployment->active.model,
                                         &deployment->rules, &step->problem);

    if (status != RECSYS_OK)
        return fail(step, status);
    step->chosen = &step->given;
    return step->is_proposal ? RS_STEP_ON_PROPOSED : RS_STEP_ON_ACCEPTED;
}

static enum rs_step_event propose(struct step *step)
{
    recsys_deployment *deployment = step->deployment;

    rs_lock_take(&deployment->state);
    recsys_model *unused = deployment->candidate.model;
    deployment->candidate = (struct rs_deployed){step->given.model, rs_clock_unix_ms()};
    rs_lock_give(&deployment->state);
    log_entry("candidate is", &deployment->candidate);
    step->given.model = unused;
    return RS_STEP_ON_KEPT;
}

static enum rs_step_event choose(struct step *step)
{
    const recsys_deployment *deployment = step->deployment;
    recsys_deployment_entry candidate;

    if (step->chosen == &deployment->previous) {
        if (deployment->previous.model != NULL)
            return RS_STEP_ON_CHOSEN;
        return fail(step, rs_error(&step->problem, RECSYS_E_STATE,
                                   "cannot roll back: no other model has been served before this "
                                   "one"));
    }
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

/* The chosen entry's reference moves to `active`; that entry is empty afterwards. */
static enum rs_step_event serve(struct step *step)
{
    recsys_deployment *deployment = step->deployment;
    recsys_status status = recsys_slot_swap(deployment->slot, step->chosen->model, &step->problem);

    if (status != RECSYS_OK)
        return fail(step, status);
    rs_lock_take(&deployment->state);
    uint64_t now = rs_clock_unix_ms();
    struct rs_deployed next = {step->chosen->model, now};
    *step->chosen = (struct rs_deployed){NULL, 0};
    recsys_model *dropped = deployment->previous.model; /* NULL in a rollback */
    deployment->previous = (struct rs_deployed){deployment->active.model, now};
    deployment->active = next;
    deployment->n_swaps++;
    rs_lock_give(&deployment->state);

    log_entry("serving", &deployment->active);
    recsys_model_unref(dropped);
    recsys_slot_reap(deployment->slot);
    step->n_served = 1;
    return RS_STEP_ON_SERVED;
}

static enum rs_step_event note_failure(struct step *step)
{
    recsys_deployment *deployment = step->deployment;

    rs_lock_take(&deployment->state);
    int is_repeated =
        step->is_poll && strcmp(deployment->last_error.message, step->problem.message) == 0;
    deployment->n_failures++;
    deployment->last_error = step->problem;
    deployment->last_error_ms = rs_clock_unix_ms();
    rs_lock_give(&deployment->state);
    rs_log(is_repeated ? RECSYS_LOG_DEBUG : RECSYS_LOG_WARN,
           "deployment: %s failed, serving as before: %s", step->name, step->problem.message);
    return RS_STEP_ON_NOTED;
}

/* -- the machine -- */

static enum rs_step_event (*const acts[RS_STEP_N_STATES])(struct step *step) = {
    [RS_STEP_LOAD] = load,         [RS_STEP_COMPARE] = compare, [RS_STEP_CHECK] = check,
    [RS_STEP_PROPOSE] = propose,   [RS_STEP_CHOOSE] = choose,   [RS_STEP_SERVE] = serve,
    [RS_STEP_FAIL] = note_failure,
};

#define NEXT(state, event, next) [RS_STEP_##state][RS_STEP_ON_##event] = RS_STEP_##next,
static const unsigned char next_of[RS_STEP_N_STATES][RS_STEP_N_EVENTS] = {
    RS_STEP_TRANSITIONS(NEXT)};

static void set_loading(recsys_deployment *deployment, uint32_t loading)
{
    rs_lock_take(&deployment->state);
    deployment->loading = loading;
    rs_lock_give(&deployment->state);
}

/* Run the step that begins in `state`. The reference of `step->given` is given back in any case. */
static recsys_status run(struct step *step, enum rs_step_state state, recsys_error *err)
{
#define TEXT(name) #name,
    static const char *const states[] = {RS_STEP_STATES(TEXT)};
    static const char *const events[] = {RS_STEP_EVENTS(TEXT)};
    recsys_deployment *deployment = step->deployment;

    rs_lock_take(&deployment->operator);
    set_loading(deployment, 1);
    while (state != RS_STEP_IDLE) {
        enum rs_step_event event = acts[state](step);
        enum rs_step_state next = next_of[state][event];
        rs_trace(RECSYS_TRACE_DEPLOYMENT, "%s: %s: %s -> %s", step->name, states[state],
                 events[event], states[next]);
        state = next;
    }
    recsys_model_unref(step->given.model);
    if (step->is_proposal)
        recsys_slot_reap(deployment->slot); /* perhaps only the slot still has a reference */
    set_loading(deployment, 0);
    rs_lock_give(&deployment->operator);
    if (step->status != RECSYS_OK && err != NULL)
        *err = step->problem;
    return step->status;
}

/* -- the public functions -- */

recsys_status recsys_deployment_load(recsys_deployment *deployment, const char *source,
                                     recsys_error *err)
{
    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_load: deployment is NULL");
    struct step step = {.deployment = deployment,
                        .name = "load",
                        .source = source == NULL ? deployment->source : source,
                        .is_proposal = 1};
    return run(&step, RS_STEP_LOAD, err);
}

recsys_status recsys_deployment_load_model(recsys_deployment *deployment, recsys_model *model,
                                           recsys_error *err)
{
    if (deployment == NULL || model == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_deployment_load_model: an argument is missing");
    struct step step = {.deployment = deployment,
                        .name = "load",
                        .given = {recsys_model_ref(model), 0},
                        .is_proposal = 1};
    return run(&step, RS_STEP_CHECK, err);
}

recsys_status recsys_deployment_use(recsys_deployment *deployment, const char *version,
                                    recsys_error *err)
{
    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_use: deployment is NULL");
    struct step step = {.deployment = deployment,
                        .name = "use",
                        .chosen = &deployment->candidate,
                        .version = version};
    return run(&step, RS_STEP_CHOOSE, err);
}

recsys_status recsys_deployment_rollback(recsys_deployment *deployment, recsys_error *err)
{
    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_rollback: deployment is NULL");
    struct step step = {
        .deployment = deployment, .name = "rollback", .chosen = &deployment->previous};
    return run(&step, RS_STEP_CHOOSE, err);
}

/* Reload and poll. */
static recsys_status serve_source(struct step *step, uint32_t *changed, recsys_error *err)
{
    recsys_status status;

    if (changed != NULL)
        *changed = 0;
    if (step->deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_%s: deployment is NULL",
                        step->name);
    step->source = step->deployment->source;
    status = run(step, RS_STEP_LOAD, err);
    if (changed != NULL)
        *changed = step->n_served;
    return status;
}

recsys_status recsys_deployment_reload(recsys_deployment *deployment, uint32_t *changed,
                                       recsys_error *err)
{
    struct step step = {.deployment = deployment, .name = "reload"};

    return serve_source(&step, changed, err);
}

recsys_status recsys_deployment_poll(recsys_deployment *deployment, uint32_t *changed,
                                     recsys_error *err)
{
    struct step step = {.deployment = deployment, .name = "poll", .is_poll = 1};

    return serve_source(&step, changed, err);
}
