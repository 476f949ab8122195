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
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/registry/deployment.h"
#include "lib/registry/registry.h"
#include "lib/serve/slot.h"

#define KNOWN_FLAGS                                                                                \
    (RECSYS_DEPLOYMENT_ALLOW_ID_KIND | RECSYS_DEPLOYMENT_ALLOW_NO_CATALOG |                        \
     RECSYS_DEPLOYMENT_ALLOW_NO_SEEN)

static recsys_status read_options(recsys_deployment *deployment,
                                  const recsys_deployment_options *options, recsys_error *err)
{
    recsys_deployment_options given;
    recsys_status status =
        rs_struct_read(&given, sizeof given, options, RECSYS_DEPLOYMENT_OPTIONS_SIZE_V1,
                       "recsys_deployment_create: options", err);

    if (status == RECSYS_OK)
        status = rs_struct_read(&deployment->model_options, sizeof deployment->model_options,
                                given.model_options, RECSYS_MODEL_OPTIONS_SIZE_V1,
                                "recsys_deployment_create: options.model_options", err);
    if (status == RECSYS_OK)
        status = rs_reserved(given.flags & ~KNOWN_FLAGS, "recsys_deployment_create: options.flags",
                             err);
    if (status != RECSYS_OK)
        return status;
    deployment->registry = recsys_registry_ref(given.registry);
    deployment->rules = (struct rs_canary_rules){
        .n_queries = given.n_canaries == 0 ? 32 : given.n_canaries,
        .min_items_ratio = given.min_items_ratio == 0.0f ? 0.5f : given.min_items_ratio,
        .allowed = given.flags};
    if (given.min_items_ratio != given.min_items_ratio)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_deployment_create: min_items_ratio is not a number");
    return RECSYS_OK;
}

recsys_status rs_deployment_check_source(const recsys_deployment *deployment, const char *source,
                                         recsys_error *err)
{
    recsys_registry_location found; /* has room for a path */
    const char *path;
    struct rs_uri uri;

    if (source == NULL)
        return RECSYS_OK;
    if (!rs_uri_is_registry(source))
        return rs_file_uri_read(source, found.path, sizeof found.path, &path, err);
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
        return rs_error(
            err, RECSYS_E_INVALID,
            "recsys_deployment_create: out is NULL, or source is empty; it may be NULL");
    deployment = rs_alloc_array(1, sizeof *deployment);
    if (deployment == NULL)
        return rs_error_nomem(err, "deployment");
    status = read_options(deployment, options, err);
    if (status == RECSYS_OK)
        status = rs_deployment_check_source(deployment, source, err);
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

void rs_deployment_describe(const struct rs_deployed *entry, recsys_deployment_entry *out)
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
    rs_deployment_describe(&deployment->active, &now.active);
    rs_deployment_describe(&deployment->previous, &now.previous);
    rs_deployment_describe(&deployment->candidate, &now.candidate);
    now.last_error_ms = deployment->last_error_ms;
    now.last_error = deployment->last_error;
    rs_lock_give(&deployment->state);
    rs_struct_write(out, &now, sizeof now);
    return RECSYS_OK;
}
