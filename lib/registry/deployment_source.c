/* lib/registry/deployment_source.c - what the source of a deployment means: a path, a file: URI, or
 * a models:/ URI that the registry resolves.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/model/model.h"
#include "lib/registry/deployment.h"
#include "lib/registry/registry.h"

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

/* A disk that is away for a moment, or not mounted, is no other model. */
static recsys_status check_is_there(const char *path, recsys_error *err)
{
    char manifest[sizeof((recsys_registry_location *)0)->path + sizeof "/recsys.json"];
    struct stat about;

    if (stat(path, &about) != 0)
        return rs_error_sys(err, errno, "cannot open %.300s", path);
    snprintf(manifest, sizeof manifest, "%s/recsys.json", path);
    if (S_ISDIR(about.st_mode) && stat(manifest, &about) != 0)
        return rs_error_sys(err, errno, "cannot open %.300s", manifest);
    return RECSYS_OK;
}

static recsys_status find_file(const char *source, recsys_registry_location *out, recsys_error *err)
{
    const char *path;
    recsys_status status = rs_file_uri_read(source, out->path, sizeof out->path, &path, err);

    if (status != RECSYS_OK)
        return status;
    if (path != out->path &&
        snprintf(out->path, sizeof out->path, "%s", path) >= (int)sizeof out->path)
        return rs_error(err, RECSYS_E_LIMIT, "cannot load %.200s…: a path has at most %zu bytes",
                        path, sizeof out->path - 1);
    status = check_is_there(out->path, err);
    if (status != RECSYS_OK)
        return status;
    snprintf(out->stamp, sizeof out->stamp, "%016" PRIx64, rs_tried_hash(out->path, ""));
    return RECSYS_OK;
}

recsys_status rs_deployment_find(const recsys_deployment *deployment, const char *source,
                                 recsys_registry_location *out, recsys_error *err)
{
    recsys_status status = rs_deployment_check_source(deployment, source, err);

    if (status != RECSYS_OK)
        return status;
    if (source == NULL)
        return rs_error(
            err, RECSYS_E_STATE,
            "this deployment was created without a source; name one to load, or bring a "
            "model with recsys_deployment_load_model()");
    if (!rs_uri_is_registry(source))
        return find_file(source, out, err);
    return recsys_registry_find(deployment->registry, source, out, err);
}

recsys_status rs_deployment_fetch(const recsys_deployment *deployment, const char *source,
                                  recsys_registry_location *location, recsys_error *err)
{
    if (!rs_uri_is_registry(source))
        return RECSYS_OK;
    recsys_status status = recsys_registry_fetch(deployment->registry, location, err);
    if (status == RECSYS_OK)
        rs_log(RECSYS_LOG_DEBUG, "deployment: %s is %s", source, location->path);
    return status;
}

recsys_status rs_deployment_name(const recsys_deployment *deployment, const char *source,
                                 const recsys_registry_location *location, recsys_model *model,
                                 recsys_error *err)
{
    recsys_value described;
    recsys_bytes description = {"{}", 2};
    recsys_error why = {0};

    if (!rs_uri_is_registry(source))
        return RECSYS_OK;
    if (recsys_registry_describe(deployment->registry, location, &described, &why) != RECSYS_OK) {
        rs_log(RECSYS_LOG_WARN, "deployment: %s is not described: %s", source, why.message);
        return rs_model_set_registered(model, location->name, location->version, description, err);
    }
    description = (recsys_bytes){described.data, described.size};
    recsys_status status =
        rs_model_set_registered(model, location->name, location->version, description, err);
    recsys_value_release(&described);
    return status;
}
