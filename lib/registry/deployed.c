/* lib/registry/deployed.c - describes an entry of a deployment, for the status, messages and logs.
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
