/* tests/scenarios/c/call_serving.c - calls about which model is served: slots, deployments and
 * registries. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/scenarios/c/scenario.h"

static void close_slot(void *slot)
{
    recsys_slot_destroy(slot);
}

static void close_deployment(void *deployment)
{
    recsys_deployment_destroy(deployment);
}

static void close_registry(void *registry)
{
    recsys_registry_unref(registry);
}

/* -- slots -- */

static recsys_status call_slot(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    recsys_slot *slot;
    recsys_status status = recsys_slot_create(&slot, err);

    (void)result;
    scenario_keep(s, step, slot, close_slot);
    return status;
}

/* The model of the step; NULL if it says null. */
static recsys_model *model_or_null(struct scenario *s, const json_t *step)
{
    return json_is_null(json_object_get(step, "model")) ? NULL
                                                        : (recsys_model *)scenario_model(s, step);
}

static recsys_status call_swap(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    recsys_slot *slot = scenario_object(s, step, "slot", close_slot);
    recsys_status status = recsys_slot_swap(slot, model_or_null(s, step), err);

    json_object_set_new(result, "generation",
                        json_integer((json_int_t)recsys_slot_get_generation(slot)));
    return status;
}

/* Keep an acquired model and say its name and version. */
static void keep_acquired(struct scenario *s, const json_t *step, recsys_model *model,
                          json_t *result)
{
    recsys_model_info info = RECSYS_MODEL_INFO_INIT;
    recsys_error err;

    if (model != NULL && recsys_model_get_info(model, &info, &err) != RECSYS_OK)
        scenario_broken("a model has no description", err.message);
    json_object_set_new(result, "model", json_of_text(info.name));
    json_object_set_new(result, "version", json_of_text(info.version));
    scenario_keep(s, step, model, close_model);
}

static recsys_status call_acquire(struct scenario *s, const json_t *step, json_t *result,
                                  recsys_error *err)
{
    (void)err;
    recsys_model *model =
        member_text(step, "slot") != NULL
            ? recsys_slot_acquire(scenario_object(s, step, "slot", close_slot))
            : recsys_deployment_acquire(scenario_object(s, step, "deployment", close_deployment));
    keep_acquired(s, step, model, result);
    return RECSYS_OK;
}

static recsys_status call_reap(struct scenario *s, const json_t *step, json_t *result,
                               recsys_error *err)
{
    (void)err;
    size_t n =
        member_text(step, "slot") != NULL
            ? recsys_slot_reap(scenario_object(s, step, "slot", close_slot))
            : recsys_deployment_reap(scenario_object(s, step, "deployment", close_deployment));
    json_object_set_new(result, "in_use", json_integer((json_int_t)n));
    return RECSYS_OK;
}

static recsys_status call_close(struct scenario *s, const json_t *step, json_t *result,
                                recsys_error *err)
{
    (void)result;
    (void)err;
    if (!scenario_close(s, member_need(step, "object")))
        scenario_broken("no object of this name", member_text(step, "object"));
    return RECSYS_OK;
}

/* -- registries -- */

static recsys_status call_registry(struct scenario *s, const json_t *step, json_t *result,
                                   recsys_error *err)
{
    char root[128];
    recsys_registry *registry;

    (void)result;
    snprintf(root, sizeof root, "%s/registry-%s", s->scratch, member_need(step, "as"));
    mkdir(root, 0700);
    recsys_status status = recsys_registry_open(root, &registry, err);
    scenario_keep(s, step, registry, close_registry);
    return status;
}

static void put_location(json_t *result, const recsys_registry_location *location)
{
    json_object_set_new(result, "name", json_string(location->name));
    json_object_set_new(result, "version", json_string(location->version));
}

static recsys_status call_publish(struct scenario *s, const json_t *step, json_t *result,
                                  recsys_error *err)
{
    recsys_registry_location location = RECSYS_REGISTRY_LOCATION_INIT;
    const char *bundle =
        scenario_build(s, member_need(step, "model"), json_object_get(step, "fields"));
    recsys_status status =
        recsys_registry_publish(scenario_object(s, step, "registry", close_registry), bundle,
                                member_text(step, "name"), &location, err);

    put_location(result, &location);
    return status;
}

static recsys_status call_resolve(struct scenario *s, const json_t *step, json_t *result,
                                  recsys_error *err)
{
    recsys_registry_location location = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_status status =
        recsys_registry_resolve(scenario_object(s, step, "registry", close_registry),
                                member_text(step, "uri"), &location, err);

    put_location(result, &location);
    return status;
}

static recsys_status call_set_alias(struct scenario *s, const json_t *step, json_t *result,
                                    recsys_error *err)
{
    recsys_registry *registry = scenario_object(s, step, "registry", close_registry);
    const char *name = member_text(step, "name"), *alias = member_text(step, "alias");

    (void)result;
    return recsys_registry_set_alias(registry, name, alias, member_text(step, "version"), err);
}

static recsys_status call_remove_alias(struct scenario *s, const json_t *step, json_t *result,
                                       recsys_error *err)
{
    recsys_registry *registry = scenario_object(s, step, "registry", close_registry);

    (void)result;
    return recsys_registry_remove_alias(registry, member_text(step, "name"),
                                        member_text(step, "alias"), err);
}

static int32_t add_entry(const recsys_registry_entry *entry, void *entries)
{
    json_array_append_new(entries,
                          json_pack("[s,s,s?]", entry->name, entry->version, entry->alias));
    return 0;
}

static recsys_status call_registry_list(struct scenario *s, const json_t *step, json_t *result,
                                        recsys_error *err)
{
    json_t *entries = json_array();

    json_object_set_new(result, "entries", entries);
    return recsys_registry_list(scenario_object(s, step, "registry", close_registry),
                                member_text(step, "name"), add_entry, entries, err);
}

/* -- deployments -- */

static recsys_status call_deployment(struct scenario *s, const json_t *step, json_t *result,
                                     recsys_error *err)
{
    recsys_deployment_options options = RECSYS_DEPLOYMENT_OPTIONS_INIT;
    recsys_deployment *deployment;

    (void)result;
    options.registry = scenario_object(s, step, "registry", close_registry);
    options.min_items_ratio = (float)member_real(step, "min_items_ratio");
    recsys_status status =
        recsys_deployment_create(member_text(step, "source"), &options, &deployment, err);
    scenario_keep(s, step, deployment, close_deployment);
    return status;
}

static recsys_status call_deploy(struct scenario *s, const json_t *step, json_t *result,
                                 recsys_error *err)
{
    recsys_deployment *deployment = scenario_object(s, step, "deployment", close_deployment);

    (void)result;
    if (member_text(step, "model") != NULL)
        return recsys_deployment_load_model(deployment, model_or_null(s, step), err);
    return recsys_deployment_load(deployment, member_text(step, "source"), err);
}

static recsys_status call_use(struct scenario *s, const json_t *step, json_t *result,
                              recsys_error *err)
{
    (void)result;
    return recsys_deployment_use(scenario_object(s, step, "deployment", close_deployment),
                                 member_text(step, "version"), err);
}

static recsys_status call_rollback(struct scenario *s, const json_t *step, json_t *result,
                                   recsys_error *err)
{
    (void)result;
    return recsys_deployment_rollback(scenario_object(s, step, "deployment", close_deployment),
                                      err);
}

static recsys_status call_reload(struct scenario *s, const json_t *step, json_t *result,
                                 recsys_error *err)
{
    uint32_t changed = 0;
    recsys_status status = recsys_deployment_reload(
        scenario_object(s, step, "deployment", close_deployment), &changed, err);

    json_object_set_new(result, "changed", json_boolean(changed));
    return status;
}

static recsys_status call_status(struct scenario *s, const json_t *step, json_t *result,
                                 recsys_error *err)
{
    recsys_deployment_status now = RECSYS_DEPLOYMENT_STATUS_INIT;
    recsys_status status = recsys_deployment_get_status(
        scenario_object(s, step, "deployment", close_deployment), &now, err);

    json_object_set_new(result, "active", json_string(now.active.version));
    json_object_set_new(result, "previous", json_string(now.previous.version));
    json_object_set_new(result, "candidate", json_string(now.candidate.version));
    json_object_set_new(result, "n_swaps", json_integer((json_int_t)now.n_swaps));
    json_object_set_new(result, "n_failures", json_integer((json_int_t)now.n_failures));
    json_object_set_new(result, "last_error",
                        json_string(recsys_status_name(now.last_error.status)));
    return status;
}

const struct named_call serving_calls[] = {
    {"slot", call_slot},
    {"swap", call_swap},
    {"acquire", call_acquire},
    {"reap", call_reap},
    {"close", call_close},
    {"registry", call_registry},
    {"publish", call_publish},
    {"resolve", call_resolve},
    {"set_alias", call_set_alias},
    {"remove_alias", call_remove_alias},
    {"registry_list", call_registry_list},
    {"deployment", call_deployment},
    {"deploy", call_deploy},
    {"use", call_use},
    {"rollback", call_rollback},
    {"reload", call_reload},
    {"status", call_status},
    {NULL, NULL},
};
