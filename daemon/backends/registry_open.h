/* daemon/backends/registry_open.h - the registry of models: a directory, or an MLflow server. */
#ifndef RECSYSD_REGISTRY_OPEN_H
#define RECSYSD_REGISTRY_OPEN_H

#include <stdbool.h>
#include <stdint.h>

#include <recsys/registry.h>

/* For both programs. Texts may be ""; those after `registry` are for a server. */
struct rd_registry_settings {
    const char *registry; /* a path, or http://... or https://... */
    const char *cache, *user, *password_file, *token_file, *ca_file, *workspace, *host;
    uint64_t cache_bytes, timeout_ms, stall_timeout_s, download_timeout_s; /* 0 = the library's */
};

bool rd_registry_is_server(const char *registry);

/* Fails as recsys_registry_open() or recsys_mlflow_create(). */
recsys_status rd_registry_open(const struct rd_registry_settings *settings, recsys_registry **out,
                               recsys_error *err);

#endif
