/* lib/registry/local.c - a directory as a registry: finding and listing versions of models.
 *
 * The directory is the database: there is no index that could disagree with
 * it and nothing to repair after a crash. A version exists if its directory
 * has its final name, which publish.c gives it last; see alias.c for aliases.
 * Everything else in the directory is ignored.
 *
 * Any thread; every function blocks on the file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/registry/registry.h"

static recsys_status find_version(const recsys_registry_question *question, int model,
                                  uint64_t *version, recsys_error *err)
{
    const char *alias = question->stage != NULL ? question->stage : question->alias;

    if (question->version != NULL) {
        *version = rs_registry_parse_version(question->version);
        if (!rs_registry_has_version(model, *version))
            return rs_error(err, RECSYS_E_NOT_FOUND, "registry: model \"%s\" has no version %s",
                            question->name, question->version);
        return RECSYS_OK;
    }
    if (alias != NULL) {
        *version = rs_registry_read_alias(model, alias);
        if (*version == 0)
            return rs_error(err, RECSYS_E_NOT_FOUND,
                            "registry: model \"%s\" has no alias \"%s\" that points to a version",
                            question->name, alias);
        return RECSYS_OK;
    }
    recsys_status status = rs_registry_find_highest(model, version, err);
    if (status == RECSYS_OK && *version == 0)
        return rs_error(err, RECSYS_E_NOT_FOUND, "registry: model \"%s\" has no version yet",
                        question->name);
    return status;
}

static recsys_status find(void *self, const recsys_registry_question *question,
                          recsys_registry_location *out, recsys_error *err)
{
    const struct rs_local *local = self;
    uint64_t version = 0;
    int model;
    recsys_status status;

    /* Such a name cannot be here, and the URI with it is taken for one of another form. */
    if (rs_registry_check_name(question->name, "model name", NULL) != RECSYS_OK ||
        (question->alias != NULL &&
         rs_registry_check_name(question->alias, "alias", NULL) != RECSYS_OK))
        return rs_uri_refuse(question->uri, err);
    status = rs_registry_open_model(local, question->name, &model, err);
    if (status != RECSYS_OK)
        return status;
    status = find_version(question, model, &version, err);
    close(model);
    return status != RECSYS_OK ? status : rs_local_locate(local, question->name, version, out, err);
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
static recsys_status list_model(const struct rs_local *local, const char *name,
                                recsys_registry_callback callback, void *user_data, int32_t *stop,
                                recsys_error *err)
{
    struct rs_listing versions = {NULL, 0, 0}, aliases = {NULL, 0, 0};
    int model, links;
    recsys_status status = rs_registry_open_model(local, name, &model, err);

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

static recsys_status list(void *self, const char *name, recsys_registry_callback callback,
                          void *user_data, recsys_error *err)
{
    const struct rs_local *local = self;
    struct rs_listing models = {NULL, 0, 0};
    int32_t stop = 0;
    recsys_status status;

    if (name != NULL) {
        status = rs_registry_check_name(name, "model name", err);
        return status != RECSYS_OK ? status
                                   : list_model(local, name, callback, user_data, &stop, err);
    }
    int root = open(local->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return rs_error_sys(err, errno, "registry: cannot open %s", local->root);
    status = rs_registry_list_directory(root, 0, &models, err);
    close(root);
    for (size_t i = 0; status == RECSYS_OK && i < models.n && stop == 0; i++) {
        status = list_model(local, models.list[i].name, callback, user_data, &stop, err);
        if (status == RECSYS_E_NOT_FOUND) /* a file, or a model whose first version is on its way */
            status = RECSYS_OK;
    }
    rs_free(models.list);
    return status;
}

static void destroy(void *self)
{
    struct rs_local *local = self;

    if (local != NULL)
        rs_free(local->root);
    rs_free(local);
}

recsys_status recsys_registry_open(const char *root, recsys_registry **out, recsys_error *err)
{
    recsys_registry_driver driver = RECSYS_REGISTRY_DRIVER_INIT;
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
    struct rs_local *local = rs_alloc_array(1, sizeof *local);
    if (local == NULL || (local->root = rs_copy_text(path)) == NULL) {
        rs_free(local);
        return rs_error_nomem(err, "registry");
    }
    driver.destroy = destroy;
    driver.find = find;
    driver.list = list;
    driver.publish = rs_local_publish;
    driver.set_alias = rs_local_set_alias;
    return recsys_registry_create(path, &driver, local, out, err);
}
