/* lib/registry/deployment.c - which model is served, and how that changes.
 *
 * The slot holds what requests use. Around it are three entries: active,
 * previous (kept loaded for a rollback) and candidate, each with a reference
 * of its own, also where two of them have the same model. An operator step
 * holds `operator` from its beginning to its end, which may be minutes; `state`
 * only while entries are read or exchanged, so that asking for the status never
 * waits for a step. Steps are the only ones to change entries, so a step reads
 * them without `state`.
 *
 * Every step has the form begin, work, end: whatever fails, the entries are as
 * before, and end() writes the failure where the status shows it.
 *
 * The slot keeps replaced models on its own list; a previous model is there
 * too, and stays alive because we hold a reference beside the slot's.
 */
#include "recsys/deployment.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/lock.h"
#include "lib/base/log.h"
#include "lib/base/structs.h"
#include "lib/registry/canary.h"
#include "lib/registry/registry.h"
#include "lib/serve/slot.h"


struct entry {
    recsys_model *model; /* one reference; NULL = empty */
    uint64_t since_ms;
};

struct recsys_deployment {
    recsys_slot *slot;
    char *source; /* NULL = none */
    recsys_registry *registry; /* one reference; NULL = none */
    recsys_model_options model_options;
    uint32_t n_canaries;
    float min_items_ratio;

    struct rs_lock operator; /* held by the step that runs */
    struct rs_lock state;
    /* all protected by state; entries are written with both locks held */
    struct entry active, previous, candidate;
    uint32_t loading;
    uint64_t n_swaps, n_failures, last_error_ms;
    recsys_error last_error;
};

static recsys_status read_options(recsys_deployment *deployment,
                                  const recsys_deployment_options *options, recsys_error *err)
{
    recsys_deployment_options given;
    recsys_status status = rs_struct_read(&given, sizeof given, options,
                                          RECSYS_DEPLOYMENT_OPTIONS_SIZE_V1,
                                          "recsys_deployment_create: options", err);

    if (status == RECSYS_OK)
        status = rs_struct_read(&deployment->model_options, sizeof deployment->model_options,
                                given.model_options, RECSYS_MODEL_OPTIONS_SIZE_V1,
                                "recsys_deployment_create: options.model_options", err);
    if (status == RECSYS_OK)
        status = rs_reserved(given.reserved, "recsys_deployment_create: options.reserved", err);
    if (status != RECSYS_OK)
        return status;
    deployment->registry = recsys_registry_ref(given.registry);
    deployment->n_canaries = given.n_canaries == 0 ? 32 : given.n_canaries;
    deployment->min_items_ratio = given.min_items_ratio;
    if (given.min_items_ratio != given.min_items_ratio)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_deployment_create: min_items_ratio is not a number");
    if (deployment->min_items_ratio == 0.0f)
        deployment->min_items_ratio = 0.5f;
    return RECSYS_OK;
}

static recsys_status check_source(const recsys_deployment *deployment, const char *source,
                                  recsys_error *err)
{
    struct rs_uri uri;

    if (source == NULL || !rs_uri_is_registry(source))
        return RECSYS_OK;
    if (deployment->registry == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "cannot deploy %.200s: no registry was given in the options", source);
    return rs_uri_parse(source, &uri, err);
}

recsys_status recsys_deployment_create(const char *source, const recsys_deployment_options *options,
                                       recsys_deployment **out, recsys_error *err)
{
    recsys_deployment *deployment = NULL;
    recsys_status status;
    int result, n_locks = 0;

    if (out != NULL)
        *out = NULL;
    if (out == NULL || (source != NULL && *source == '\0'))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_deployment_create: out is NULL, or source is empty; it may be NULL");
    deployment = rs_alloc_array(1, sizeof *deployment);
    if (deployment == NULL)
        return rs_error_nomem(err, "deployment");
    status = read_options(deployment, options, err);
    if (status == RECSYS_OK)
        status = check_source(deployment, source, err);
    if (status != RECSYS_OK)
        goto fail;
    if (source != NULL && (deployment->source = rs_copy_text(source)) == NULL) {
        status = rs_error_nomem(err, "deployment");
        goto fail;
    }
    if ((result = rs_lock_init(&deployment->operator)) != 0 ||
        (n_locks = 1, result = rs_lock_init(&deployment->state)) != 0) {
        status = rs_error_sys(err, result, "cannot make the locks of a deployment");
        goto fail;
    }
    n_locks = 2;
    status = recsys_slot_create(&deployment->slot, err);
    if (status != RECSYS_OK)
        goto fail;
    *out = deployment;
    return RECSYS_OK;

fail:
    if (n_locks > 1)
        rs_lock_destroy(&deployment->state);
    if (n_locks > 0)
        rs_lock_destroy(&deployment->operator);
    recsys_registry_unref(deployment->registry);
    rs_free(deployment->source);
    rs_free(deployment);
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
    rs_lock_destroy(&deployment->state);
    rs_lock_destroy(&deployment->operator);
    recsys_registry_unref(deployment->registry);
    rs_free(deployment->source);
    rs_free(deployment);
}

recsys_model *recsys_deployment_acquire(recsys_deployment *deployment)
{
    return deployment == NULL ? NULL : recsys_slot_acquire(deployment->slot);
}

static void begin(recsys_deployment *deployment)
{
    rs_lock_take(&deployment->operator);
    rs_lock_take(&deployment->state);
    deployment->loading = 1;
    rs_lock_give(&deployment->state);
}

/* `problem` is the step's own record: the caller may not have wanted one. */
static recsys_status end(recsys_deployment *deployment, const char *step, recsys_status status,
                         const recsys_error *problem, recsys_error *err)
{
    rs_lock_take(&deployment->state);
    deployment->loading = 0;
    if (status != RECSYS_OK) {
        deployment->n_failures++;
        deployment->last_error = *problem;
        deployment->last_error_ms = rs_clock_unix_ms();
    }
    rs_lock_give(&deployment->state);
    rs_lock_give(&deployment->operator);
    if (status != RECSYS_OK) {
        rs_log(RECSYS_LOG_WARN, "deployment: %s failed, serving as before: %s", step,
               problem->message);
        if (err != NULL)
            *err = *problem;
    }
    return status;
}

static void describe(const struct entry *entry, recsys_deployment_entry *out)
{
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};

    memset(out, 0, sizeof *out);
    if (entry->model == NULL || recsys_model_get_info(entry->model, &info, NULL) != RECSYS_OK)
        return;
    snprintf(out->name, sizeof out->name, "%s", info.name);
    snprintf(out->version, sizeof out->version, "%s", info.version);
    snprintf(out->fingerprint, sizeof out->fingerprint, "%s", info.fingerprint);
    out->since_ms = entry->since_ms;
}

static void log_entry(const char *what, const struct entry *entry)
{
    recsys_deployment_entry model;

    describe(entry, &model);
    rs_log(RECSYS_LOG_INFO, "deployment: %s %s %s (%.12s)", what, model.name, model.version,
           model.fingerprint);
}

static recsys_status load_source(recsys_deployment *deployment, const char *source,
                                 recsys_model **out, recsys_error *err)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_status status = check_source(deployment, source, err);

    if (status != RECSYS_OK)
        return status;
    if (source == NULL)
        return rs_error(err, RECSYS_E_STATE,
                        "this deployment was created without a source; name one to load, or bring a "
                        "model with recsys_deployment_load_model()");
    if (rs_uri_is_registry(source)) {
        status = recsys_registry_resolve(deployment->registry, source, &found, err);
        if (status != RECSYS_OK)
            return status;
        rs_log(RECSYS_LOG_INFO, "deployment: %s is %s", source, found.path);
        source = found.path;
    }
    uint64_t began = rs_clock_ns();
    status = recsys_model_load(source, &deployment->model_options, out, err);
    if (status == RECSYS_OK)
        rs_log(RECSYS_LOG_INFO, "deployment: loaded %s in %" PRIu64 " ms", source,
               (rs_clock_ns() - began) / 1000000u);
    return status;
}

static recsys_status run_canary(const recsys_deployment *deployment, const recsys_model *model,
                                recsys_error *err)
{
    return rs_canary_run(model, deployment->active.model, deployment->n_canaries,
                         deployment->min_items_ratio, err);
}

/* Serve the model of `from`, whose reference moves to `active`; what was active
 * becomes previous. `from` is empty afterwards, and as it was after a failure. */
static recsys_status serve(recsys_deployment *deployment, struct entry *from, recsys_error *err)
{
    recsys_status status = recsys_slot_swap(deployment->slot, from->model, err);

    if (status != RECSYS_OK)
        return status;
    rs_lock_take(&deployment->state);
    uint64_t now = rs_clock_unix_ms();
    struct entry next = {from->model, now};
    *from = (struct entry){NULL, 0};
    recsys_model *dropped = deployment->previous.model; /* NULL in a rollback */
    deployment->previous = (struct entry){deployment->active.model, now};
    deployment->active = next;
    deployment->n_swaps++;
    rs_lock_give(&deployment->state);

    log_entry("serving", &deployment->active);
    recsys_model_unref(dropped);
    recsys_slot_reap(deployment->slot);
    return RECSYS_OK;
}

/* `model` becomes the candidate if the canary has nothing against it; its
 * reference is taken over in any case. */
static recsys_status propose(recsys_deployment *deployment, recsys_model *model, recsys_error *err)
{
    recsys_status status = run_canary(deployment, model, err);

    if (status == RECSYS_OK) {
        rs_lock_take(&deployment->state);
        recsys_model *unused = deployment->candidate.model;
        deployment->candidate = (struct entry){model, rs_clock_unix_ms()};
        rs_lock_give(&deployment->state);
        log_entry("candidate is", &deployment->candidate);
        model = unused;
    }
    recsys_model_unref(model);
    recsys_slot_reap(deployment->slot); /* it may have been the last beside the slot's */
    return status;
}

recsys_status recsys_deployment_load(recsys_deployment *deployment, const char *source,
                                     recsys_error *err)
{
    recsys_error problem = {0};
    recsys_model *model = NULL;

    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_load: deployment is NULL");
    begin(deployment);
    recsys_status status =
        load_source(deployment, source == NULL ? deployment->source : source, &model, &problem);
    if (status == RECSYS_OK)
        status = propose(deployment, model, &problem);
    return end(deployment, "load", status, &problem, err);
}

recsys_status recsys_deployment_load_model(recsys_deployment *deployment, recsys_model *model,
                                           recsys_error *err)
{
    recsys_error problem = {0};

    if (deployment == NULL || model == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_deployment_load_model: an argument is missing");
    begin(deployment);
    recsys_status status = propose(deployment, recsys_model_ref(model), &problem);
    return end(deployment, "load", status, &problem, err);
}

recsys_status recsys_deployment_use(recsys_deployment *deployment, const char *version,
                                    recsys_error *err)
{
    recsys_error problem = {0};
    recsys_deployment_entry candidate;
    recsys_status status;

    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_use: deployment is NULL");
    begin(deployment);
    describe(&deployment->candidate, &candidate);
    if (deployment->candidate.model == NULL)
        status = rs_error(&problem, RECSYS_E_STATE, "there is no candidate to use; load one first");
    else if (version != NULL && strcmp(version, candidate.version) != 0)
        status = rs_error(&problem, RECSYS_E_CONFLICT,
                          "cannot use version %.100s: the candidate is %s version %s", version,
                          candidate.name, candidate.version);
    else
        status = serve(deployment, &deployment->candidate, &problem);
    return end(deployment, "use", status, &problem, err);
}

recsys_status recsys_deployment_rollback(recsys_deployment *deployment, recsys_error *err)
{
    recsys_error problem = {0};
    recsys_status status;

    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_rollback: deployment is NULL");
    begin(deployment);
    if (deployment->previous.model == NULL)
        status = rs_error(&problem, RECSYS_E_STATE,
                          "cannot roll back: no other model has been served before this one");
    else
        status = serve(deployment, &deployment->previous, &problem);
    return end(deployment, "rollback", status, &problem, err);
}

/* The content, not the version: a version may have been published twice. */
static int is_served(const recsys_deployment *deployment, recsys_model *model)
{
    recsys_deployment_entry active, other;

    describe(&deployment->active, &active);
    describe(&(struct entry){model, 0}, &other);
    return deployment->active.model != NULL && strcmp(active.fingerprint, other.fingerprint) == 0;
}

recsys_status recsys_deployment_reload(recsys_deployment *deployment, uint32_t *changed,
                                       recsys_error *err)
{
    recsys_error problem = {0};
    struct entry loaded = {NULL, 0};

    if (changed != NULL)
        *changed = 0;
    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_reload: deployment is NULL");
    begin(deployment);
    recsys_status status =
        load_source(deployment, deployment->source, &loaded.model, &problem);
    if (status == RECSYS_OK && !is_served(deployment, loaded.model)) {
        status = run_canary(deployment, loaded.model, &problem);
        if (status == RECSYS_OK)
            status = serve(deployment, &loaded, &problem);
        if (status == RECSYS_OK && changed != NULL)
            *changed = 1;
    }
    recsys_model_unref(loaded.model);
    return end(deployment, "reload", status, &problem, err);
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
    now.loading = deployment->loading;
    now.n_swaps = deployment->n_swaps;
    now.n_failures = deployment->n_failures;
    now.n_retired = count_retired(deployment);
    describe(&deployment->active, &now.active);
    describe(&deployment->previous, &now.previous);
    describe(&deployment->candidate, &now.candidate);
    now.last_error_ms = deployment->last_error_ms;
    now.last_error = deployment->last_error;
    rs_lock_give(&deployment->state);
    rs_struct_write(out, &now, sizeof now);
    return RECSYS_OK;
}
