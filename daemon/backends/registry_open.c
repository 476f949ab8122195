/* daemon/backends/registry_open.c - see registry_open.h. */
#include "daemon/backends/registry_open.h"

#include <string.h>

#include <recsys/mlflow.h>

bool rd_registry_is_server(const char *registry)
{
    return strncmp(registry, "http://", 7) == 0 || strncmp(registry, "https://", 8) == 0;
}

recsys_status rd_registry_open(const struct rd_registry_settings *settings, recsys_registry **out,
                               recsys_error *err)
{
    recsys_mlflow_options options = RECSYS_MLFLOW_OPTIONS_INIT;

    if (!rd_registry_is_server(settings->registry))
        return recsys_registry_open(settings->registry, out, err);
    options.timeout_ms = (uint32_t)settings->timeout_ms;
    options.stall_timeout_ms = (uint32_t)settings->stall_timeout_s * 1000u;
    options.download_timeout_ms = (uint32_t)settings->download_timeout_s * 1000u;
    options.cache_bytes = settings->cache_bytes;
    options.cache = settings->cache;
    options.user = settings->user;
    options.password_file = settings->password_file;
    options.token_file = settings->token_file;
    options.ca_file = settings->ca_file;
    options.workspace = settings->workspace;
    options.host = settings->host;
    return recsys_mlflow_create(settings->registry, &options, out, err);
}
