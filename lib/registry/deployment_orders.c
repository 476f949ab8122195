/* lib/registry/deployment_orders.c - the orders of an operator, and what answers say: each call is
 * one step of a deployment.
 */
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/structs.h"
#include "lib/registry/step.h"

recsys_status recsys_deployment_load(recsys_deployment *deployment, const char *source,
                                     recsys_error *err)
{
    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_load: deployment is NULL");
    struct rs_step step = {.deployment = deployment,
                        .name = "load",
                        .source = source == NULL ? deployment->source : source,
                        .is_proposal = 1};
    return rs_step_run(&step, RS_STEP_FIND, err);
}

recsys_status recsys_deployment_load_model(recsys_deployment *deployment, recsys_model *model,
                                           recsys_error *err)
{
    if (deployment == NULL || model == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_deployment_load_model: an argument is missing");
    struct rs_step step = {.deployment = deployment,
                        .name = "load",
                        .given = {recsys_model_ref(model), 0},
                        .is_proposal = 1};
    return rs_step_run(&step, RS_STEP_WARM, err);
}

recsys_status recsys_deployment_use(recsys_deployment *deployment, const char *version,
                                    recsys_error *err)
{
    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_use: deployment is NULL");
    struct rs_step step = {.deployment = deployment,
                        .name = "use",
                        .chosen = &deployment->candidate,
                        .version = version};
    return rs_step_run(&step, RS_STEP_CHOOSE, err);
}

recsys_status recsys_deployment_rollback(recsys_deployment *deployment, recsys_error *err)
{
    if (deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_rollback: deployment is NULL");
    struct rs_step step = {
        .deployment = deployment, .name = "rollback", .chosen = &deployment->previous};
    return rs_step_run(&step, RS_STEP_CHOOSE, err);
}

/* Reload and poll. */
static recsys_status serve_source(struct rs_step *step, uint32_t *changed, recsys_error *err)
{
    recsys_status status;

    if (changed != NULL)
        *changed = 0;
    if (step->deployment == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_%s: deployment is NULL",
                        step->name);
    step->source = step->deployment->source;
    status = rs_step_run(step, RS_STEP_FIND, err);
    if (changed != NULL)
        *changed = step->n_served;
    return status;
}

recsys_status recsys_deployment_reload(recsys_deployment *deployment, uint32_t *changed,
                                       recsys_error *err)
{
    struct rs_step step = {.deployment = deployment, .name = "reload"};

    return serve_source(&step, changed, err);
}

recsys_status recsys_deployment_poll(recsys_deployment *deployment, uint32_t *changed,
                                     recsys_error *err)
{
    struct rs_step step = {.deployment = deployment, .name = "poll", .is_poll = 1};

    return serve_source(&step, changed, err);
}

static recsys_status check_record(const recsys_deployment *deployment, const recsys_model *model,
                                  const recsys_request *requests, const struct rs_tally *found,
                                  recsys_error *err)
{
    if (deployment == NULL || model == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_deployment_record: %s is NULL",
                        deployment == NULL ? "deployment" : "model");
    if (found->n_failed > found->n_answers || found->n_empty > found->n_answers - found->n_failed)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_deployment_record: there are more failed and empty answers than "
                        "answers");
    if (requests != NULL && (requests[0].struct_size < RECSYS_REQUEST_SIZE_V1 ||
                             requests[0].struct_size > RS_STRUCT_MAX_SIZE))
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_deployment_record: requests[0].struct_size is not set");
    return RECSYS_OK;
}

recsys_status recsys_deployment_record(recsys_deployment *deployment, const recsys_model *model,
                                       const recsys_request *requests, uint64_t n_answers,
                                       uint64_t n_failed, uint64_t n_empty, recsys_error *err)
{
    struct rs_tally found = {n_answers, n_failed, n_empty};
    recsys_status status = check_record(deployment, model, requests, &found, err);
    char why[200];

    if (status != RECSYS_OK || n_answers == 0)
        return status;
    rs_lock_take(&deployment->records);
    if (requests != NULL)
        rs_recent_add(&deployment->recent, &requests[0]);
    int is_bad = rs_watch_count(&deployment->watch, model, &found, rs_clock_ns(), why, sizeof why);
    rs_lock_give(&deployment->records);
    if (is_bad) {
        struct rs_step step = {.deployment = deployment,
                               .name = "rollback by the watch",
                               .chosen = &deployment->previous,
                               .blamed = model,
                               .why = why};
        (void)rs_step_run(&step, RS_STEP_CHOOSE, NULL);
    }
    return RECSYS_OK;
}
