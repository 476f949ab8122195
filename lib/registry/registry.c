/* lib/registry/registry.c - finding, listing and naming the versions of models.
 *
 * The directory is the database: there is no index that could disagree with
 * it and nothing to repair after a crash. A version exists if its directory
 * has its final name, which publish.c gives it last; see alias.c for aliases.
 * Everything else in the directory is ignored.
 *
 * Any thread; every function blocks on the file system.
 */
#include "lib/registry/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/callback.h"
#include "lib/base/error.h"
#include "lib/base/refs.h"
#include "lib/base/structs.h"

recsys_status recsys_registry_open(const char *root, recsys_registry **out, recsys_error *err)
{
    char path[PATH_MAX];
    struct stat about;

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_registry_open: out is NULL");
    *out = NULL;
    if (root == NULL || *root == '\0')
        return rs_error(err, RECSYS_E_INVALID, "recsys_registry_open: root is missing");
    /* Absolute: the host may change its working directory. */
    if (realpath(root, path) == NULL || stat(path, &about) != 0)
        return rs_error_sys(err, errno, "cannot open registry %s", root);
    if (!S_ISDIR(about.st_mode))
        return rs_error_sys(err, ENOTDIR, "cannot open registry %s", root);
    recsys_registry *registry = rs_alloc_array(1, sizeof *registry);
    if (registry == NULL || (registry->root = rs_copy_text(path)) == NULL) {
        rs_free(registry);
        return rs_error_nomem(err, "registry");
    }
    atomic_init(&registry->refs, 1u);
    *out = registry;
    return RECSYS_OK;
}

recsys_registry *recsys_registry_ref(recsys_registry *registry)
{
    if (registry != NULL)
        rs_refs_take(&registry->refs);
    return registry;
}

void recsys_registry_unref(recsys_registry *registry)
{
    if (registry == NULL || !rs_refs_drop(&registry->refs))
        return;
    rs_free(registry->root);
    rs_free(registry);
}

static recsys_status find_version(const struct rs_uri *uri, int model, uint64_t *version,
                                  recsys_error *err)
{
    if (uri->version != 0) {
        if (!rs_registry_has_version(model, uri->version))
            return rs_error(err, RECSYS_E_NOT_FOUND,
                            "registry: model \"%s\" has no version %" PRIu64, uri->name,
                            uri->version);
        *version = uri->version;
        return RECSYS_OK;
    }
    if (uri->alias[0] != '\0') {
        *version = rs_registry_read_alias(model, uri->alias);
        if (*version == 0)
            return rs_error(err, RECSYS_E_NOT_FOUND,
                            "registry: model \"%s\" has no alias \"%s\" that points to a version",
                            uri->name, uri->alias);
        return RECSYS_OK;
    }
    recsys_status status = rs_registry_find_highest(model, version, err);
    if (status == RECSYS_OK && *version == 0)
        return rs_error(err, RECSYS_E_NOT_FOUND, "registry: model \"%s\" has no version yet",
                        uri->name);
    return status;
}

recsys_status rs_registry_locate(const recsys_registry *registry, const char *name,
                                 uint64_t version, recsys_registry_location *out, recsys_error *err)
{
    recsys_registry_location found = RECSYS_REGISTRY_LOCATION_INIT;
    int length =
        snprintf(found.path, sizeof found.path, "%s/%s/%" PRIu64, registry->root, name, version);

    if (length < 0 || (size_t)length >= sizeof found.path)
        return rs_error(err, RECSYS_E_LIMIT,
                        "registry: the path of version %" PRIu64
                        " of model \"%s\" is %d bytes long",
                        version, name, length);
    snprintf(found.name, sizeof found.name, "%s", name);
    snprintf(found.version, sizeof found.version, "%" PRIu64, version);
    rs_struct_write(out, &found, sizeof found);
    return RECSYS_OK;
}

recsys_status recsys_registry_resolve(recsys_registry *registry, const char *uri,
                                      recsys_registry_location *out, recsys_error *err)
{
    struct rs_uri parsed;
    uint64_t version = 0;
    int model;
    recsys_status status =
        rs_struct_begin(out, RECSYS_REGISTRY_LOCATION_SIZE_V1, "recsys_registry_resolve: out", err);

    if (status != RECSYS_OK)
        return status;
    if (registry == NULL || uri == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_registry_resolve: an argument is missing");
    status = rs_uri_parse(uri, &parsed, err);
    if (status == RECSYS_OK)
        status = rs_registry_open_model(registry, parsed.name, &model, err);
    if (status != RECSYS_OK)
        return status;
    status = find_version(&parsed, model, &version, err);
    close(model);
    return status != RECSYS_OK ? status
                               : rs_registry_locate(registry, parsed.name, version, out, err);
}

static int32_t tell(recsys_registry_callback callback, void *user_data, const char *name,
                    uint64_t version, const char *alias)
{
    char number[RS_REGISTRY_NUMBER_SIZE];
    const recsys_registry_entry entry = {(uint32_t)sizeof entry, 0u, name, number, alias};

    snprintf(number, sizeof number, "%" PRIu64, version);
    return callback(&entry, user_data);
}

/* Gather first, then call: the callback may take its time and use the registry. */
static recsys_status list_model(const recsys_registry *registry, const char *name,
                                recsys_registry_callback callback, void *user_data, int32_t *stop,
                                recsys_error *err)
{
    struct rs_listing versions = {NULL, 0, 0}, aliases = {NULL, 0, 0};
    int model, links;
    recsys_status status = rs_registry_open_model(registry, name, &model, err);

    if (status != RECSYS_OK)
        return status;
    status = rs_registry_list_directory(model, 1, &versions, err);
    if (status == RECSYS_OK && versions.n == 0)
        status =
            rs_error(err, RECSYS_E_NOT_FOUND, "registry: model \"%s\" has no version yet", name);
    links = openat(model, "aliases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (status == RECSYS_OK && links >= 0)
        status = rs_registry_list_directory(links, 0, &aliases, err);
    if (links >= 0)
        close(links);
    for (size_t i = 0; i < aliases.n; i++)
        aliases.list[i].version = rs_registry_read_alias(model, aliases.list[i].name);
    close(model);

    if (status == RECSYS_OK) {
        for (size_t i = 0; i < versions.n && *stop == 0; i++)
            *stop = tell(callback, user_data, name, versions.list[i].version, NULL);
        for (size_t i = 0; i < aliases.n && *stop == 0; i++)
            if (aliases.list[i].version != 0)
                *stop =
                    tell(callback, user_data, name, aliases.list[i].version, aliases.list[i].name);
    }
    rs_free(versions.list);
    rs_free(aliases.list);
    return status;
}

recsys_status recsys_registry_list(recsys_registry *registry, const char *name,
                                   recsys_registry_callback callback, void *user_data,
                                   recsys_error *err)
{
    struct rs_listing models = {NULL, 0, 0};
    int32_t stop = 0;
    recsys_status status;

    if (registry == NULL || callback == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_registry_list: an argument is missing");
    if (name != NULL) {
        status = rs_registry_check_name(name, "model name", err);
        if (status == RECSYS_OK)
            status = list_model(registry, name, callback, user_data, &stop, err);
        return status != RECSYS_OK
                   ? status
                   : rs_walk_result(stop, err, "recsys_registry_list: the callback");
    }
    int root = open(registry->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return rs_error_sys(err, errno, "registry: cannot open %s", registry->root);
    status = rs_registry_list_directory(root, 0, &models, err);
    close(root);
    for (size_t i = 0; status == RECSYS_OK && i < models.n && stop == 0; i++) {
        recsys_error reason = {0}; /* a call that succeeds does not write the caller's record */
        status = list_model(registry, models.list[i].name, callback, user_data, &stop, &reason);
        if (status == RECSYS_E_NOT_FOUND) /* a file, or a model whose first version is on its way */
            status = RECSYS_OK;
        else if (status != RECSYS_OK && err != NULL)
            *err = reason;
    }
    rs_free(models.list);
    return status != RECSYS_OK ? status
                               : rs_walk_result(stop, err, "recsys_registry_list: the callback");
}
