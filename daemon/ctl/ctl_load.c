/* daemon/ctl/ctl_load.c - the model that a subcommand works on. */
#include <string.h>

#include "daemon/backends/registry_open.h"
#include "daemon/config/link.h"
#include "daemon/ctl/ctl_command.h"
#include "daemon/ctl/ctl_progress.h"
#include "lib/base/cores.h"

/* For a single file; 0 and 0 are what the model says. */
static recsys_model_options read_options(const struct ctl_arguments *arguments)
{
    recsys_model_options options = RECSYS_MODEL_OPTIONS_INIT;
    const char *metric = ctl_value(arguments, "metric"), *link = ctl_value(arguments, "link");
    recsys_error err;

    if (link != NULL && !rd_link_read(link, "--link", &options, &err))
        ctl_usage_error(arguments->command, "%s", err.message);
    if (metric == NULL)
        return options;
    if (strcmp(metric, "inner_product") == 0)
        options.metric = RECSYS_METRIC_INNER_PRODUCT;
    else if (strcmp(metric, "cosine") == 0)
        options.metric = RECSYS_METRIC_COSINE;
    else
        ctl_usage_error(arguments->command, "--metric must be inner_product or cosine, not '%s'",
                        metric);
    return options;
}

static const char *or_empty(const struct ctl_arguments *arguments, const char *option)
{
    const char *value = ctl_value(arguments, option);

    return value == NULL ? "" : value;
}

recsys_status ctl_open_registry(const struct ctl_arguments *arguments, recsys_registry **out,
                                recsys_error *err)
{
    const char *cache = ctl_value(arguments, "registry-cache");
    const struct rd_registry_settings settings = {
        .registry = ctl_value(arguments, "registry"),
        .cache = cache == NULL ? "/var/cache/recsysd" : cache,
        .user = or_empty(arguments, "registry-user"),
        .password_file = or_empty(arguments, "registry-password-file"),
        .token_file = or_empty(arguments, "registry-token-file"),
        .ca_file = or_empty(arguments, "registry-ca-file"),
        .workspace = or_empty(arguments, "registry-workspace"),
        .host = "",
    };

    return rd_registry_open(&settings, out, err);
}

recsys_status ctl_load(const struct ctl_arguments *arguments, const char *path, const char *doing,
                       recsys_model **out, recsys_error *err)
{
    const char *root = ctl_value(arguments, "registry");
    recsys_registry *registry = NULL;
    recsys_status status = RECSYS_OK;
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    recsys_model_options options = read_options(arguments);

    if (strncmp(path, "models:", 7u) == 0) {
        if (root == NULL)
            ctl_usage_error(arguments->command, "%s needs --registry", path);
        status = ctl_open_registry(arguments, &registry, err);
        if (status == RECSYS_OK)
            status = recsys_registry_resolve(registry, path, &found, err);
        path = found.path;
    }
    if (status == RECSYS_OK) {
        ctl_progress_begin(doing, path);
        options.n_threads = rs_cores();
        status = recsys_model_load(path, &options, out, err);
        ctl_progress_end();
    }
    recsys_registry_unref(registry);
    return status;
}
