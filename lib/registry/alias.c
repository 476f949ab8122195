/* lib/registry/alias.c - names for versions that move.
 *
 * An alias is a symbolic link, replaced by renaming a new one over it, so a
 * reader sees the old version or the new one. A lock on the directory of
 * aliases keeps two processes from using the one temporary name at once; it is
 * held for three system calls and goes away with its process.
 *
 * Links are read, never followed: one that does not say ../<version> was not made by
 * this library and counts as absent.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/registry/registry.h"

#define NEW_LINK ".tmp-link"

uint64_t rs_registry_read_alias(int model, const char *alias)
{
    char path[RS_REGISTRY_MAX_NAME + 16], target[32];

    snprintf(path, sizeof path, "aliases/%s", alias);
    ssize_t length = readlinkat(model, path, target, sizeof target - 1);
    if (length < 4)
        return 0;
    target[length] = '\0';
    uint64_t version = strncmp(target, "../", 3) == 0 ? rs_registry_parse_version(target + 3) : 0;
    return version != 0 && rs_registry_has_version(model, version) ? version : 0;
}

/* Under the lock of the directory of aliases, so that a killed predecessor's
 * link is simply overwritten and two processes do not share the name. */
static int move_alias(int aliases, const char *alias, uint64_t version)
{
    char target[32];

    snprintf(target, sizeof target, "../%" PRIu64, version);
    while (flock(aliases, LOCK_EX) != 0)
        if (errno != EINTR)
            return errno;
    if (unlinkat(aliases, NEW_LINK, 0) != 0 && errno != ENOENT)
        return errno;
    if (symlinkat(target, aliases, NEW_LINK) != 0 ||
        renameat(aliases, NEW_LINK, aliases, alias) != 0 || fsync(aliases) != 0)
        return errno;
    return 0; /* closing the descriptor gives the lock back */
}

static recsys_status point_alias(const struct rs_local *local, const char *name, const char *alias,
                                 const char *version, recsys_error *err)
{
    int model, aliases = -1, problem = 0;
    recsys_status status = rs_registry_open_model(local, name, &model, err);

    if (status != RECSYS_OK)
        return status;
    uint64_t number = rs_registry_parse_version(version);
    if (!rs_registry_has_version(model, number)) {
        close(model);
        return rs_error(err, RECSYS_E_NOT_FOUND, "registry: model \"%s\" has no version \"%.100s\"",
                        name, version);
    }
    if ((mkdirat(model, "aliases", 0777) != 0 && errno != EEXIST) ||
        (aliases = openat(model, "aliases", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        problem = errno;
    else
        problem = move_alias(aliases, alias, number);
    if (problem == 0 && fsync(model) != 0)
        problem = errno;
    if (aliases >= 0)
        close(aliases);
    close(model);
    if (problem != 0)
        return rs_error_sys(err, problem, "registry: cannot point alias %s of %s to %s", alias,
                            name, version);
    return RECSYS_OK;
}

static recsys_status remove_alias(const struct rs_local *local, const char *name, const char *alias,
                                  recsys_error *err)
{
    int model, problem = 0;
    recsys_status status = rs_registry_open_model(local, name, &model, err);

    if (status != RECSYS_OK)
        return status;
    int aliases = openat(model, "aliases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (aliases < 0 || unlinkat(aliases, alias, 0) != 0 || fsync(aliases) != 0)
        problem = errno;
    if (aliases >= 0)
        close(aliases);
    close(model);
    if (problem == ENOENT)
        return rs_error(err, RECSYS_E_NOT_FOUND, "registry: model \"%s\" has no alias \"%s\"", name,
                        alias);
    if (problem != 0)
        return rs_error_sys(err, problem, "registry: cannot remove alias %s of %s", alias, name);
    return RECSYS_OK;
}

recsys_status rs_local_set_alias(void *self, const char *name, const char *alias,
                                 const char *version, recsys_error *err)
{
    recsys_status status = rs_registry_check_name(name, "model name", err);

    if (status == RECSYS_OK)
        status = rs_registry_check_name(alias, "alias", err);
    if (status != RECSYS_OK)
        return status;
    return version == NULL ? remove_alias(self, name, alias, err)
                           : point_alias(self, name, alias, version, err);
}
