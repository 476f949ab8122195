/* lib/registry/deployed.c - describes the entries of a deployment, for the status, messages and
 * logs, and counts their memory.
 */
#include <stdio.h>
#include <string.h>

#include "lib/registry/deployment.h"

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

static uint64_t bytes_of(const recsys_model *model)
{
    recsys_model_info info = {.struct_size = (uint32_t)sizeof info};

    return model != NULL && recsys_model_get_info(model, &info, NULL) == RECSYS_OK
               ? info.mapped_bytes + info.private_bytes
               : 0;
}

uint64_t rs_deployment_count_memory(const recsys_deployment *deployment)
{
    const recsys_model *active = deployment->active.model, *previous = deployment->previous.model,
                       *candidate = deployment->candidate.model;

    return bytes_of(active) + (previous == active ? 0 : bytes_of(previous)) +
           (candidate == active || candidate == previous ? 0 : bytes_of(candidate));
}
