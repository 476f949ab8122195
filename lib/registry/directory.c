/* lib/registry/directory.c - the directories of a registry: open a model's, list what is in
 * one, and describe where a version is.
 *
 * A version is a directory whose name is its number; a name is that of a model or
 * an alias. Entries of any other form are skipped: they are not the registry's.
 * Lists are sorted, versions by number and names by their bytes.
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

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct rs_listed *)a)->name, ((const struct rs_listed *)b)->name);
}

static int compare_versions(const void *a, const void *b)
{
    uint64_t x = ((const struct rs_listed *)a)->version, y = ((const struct rs_listed *)b)->version;

    return x < y ? -1 : x > y;
}

/* ENOMEM or 0. */
static int add_entry(struct rs_listing *entries, const char *name, uint64_t version)
{
    if (entries->n == entries->room) {
        size_t room = entries->room == 0 ? 32 : entries->room * 2;
        struct rs_listed *list = rs_resize_array(entries->list, room, sizeof *list);
        if (list == NULL)
            return ENOMEM;
        entries->list = list;
        entries->room = room;
    }
    struct rs_listed *entry = &entries->list[entries->n++];
    memset(entry, 0, sizeof *entry);
    memcpy(entry->name, name, strnlen(name, RS_REGISTRY_MAX_NAME));
    entry->version = version;
    return 0;
}

static int is_directory(int at, const char *name)
{
    struct stat about;

    return fstatat(at, name, &about, 0) == 0 && S_ISDIR(about.st_mode);
}

int rs_registry_has_version(int model, uint64_t version)
{
    char name[32];

    snprintf(name, sizeof name, "%" PRIu64, version);
    return version != 0 && is_directory(model, name);
}

DIR *rs_registry_read_directory(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = copy < 0 ? NULL : fdopendir(copy);

    if (directory == NULL && copy >= 0) {
        int saved = errno;
        close(copy);
        errno = saved;
    }
    return directory;
}

recsys_status rs_registry_list_directory(int fd, int want_versions, struct rs_listing *out,
                                         recsys_error *err)
{
    DIR *directory = rs_registry_read_directory(fd);
    struct dirent *found = NULL;
    int problem = 0;

    if (directory == NULL)
        return rs_error_sys(err, errno, "registry: cannot read a directory");
    while (problem == 0 && (errno = 0, found = readdir(directory)) != NULL) {
        uint64_t version = rs_registry_parse_version(found->d_name);
        if (want_versions) {
            if (version != 0 && is_directory(fd, found->d_name))
                problem = add_entry(out, "", version);
        } else if (rs_registry_check_name(found->d_name, "name", NULL) == RECSYS_OK) {
            problem = add_entry(out, found->d_name, 0);
        }
    }
    if (problem == 0 && found == NULL)
        problem = errno;
    closedir(directory);
    if (problem != 0)
        return rs_error_sys(err, problem, "registry: cannot list a directory");
    if (out->n > 0)
        qsort(out->list, out->n, sizeof *out->list,
              want_versions ? compare_versions : compare_names);
    return RECSYS_OK;
}

recsys_status rs_registry_find_highest(int fd, uint64_t *highest, recsys_error *err)
{
    struct rs_listing entries = {NULL, 0, 0};
    recsys_status status = rs_registry_list_directory(fd, 1, &entries, err);

    *highest = entries.n > 0 ? entries.list[entries.n - 1].version : 0;
    rs_free(entries.list);
    return status;
}

recsys_status rs_registry_open_model(const struct rs_local *local, const char *name, int *fd,
                                     recsys_error *err)
{
    char path[PATH_MAX];

    *fd = -1;
    if (snprintf(path, sizeof path, "%s/%s", local->root, name) >= (int)sizeof path)
        return rs_error_sys(err, ENAMETOOLONG, "registry: cannot open model %s", name);
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0)
        return RECSYS_OK;
    if (errno == ENOENT || errno == ENOTDIR)
        return rs_error(err, RECSYS_E_NOT_FOUND, "registry %s: there is no model \"%s\"",
                        local->root, name);
    return rs_error_sys(err, errno, "registry: cannot open %s", path);
}

recsys_status rs_local_locate(const struct rs_local *local, const char *name, uint64_t version,
                              recsys_registry_location *out, recsys_error *err)
{
    int length =
        snprintf(out->path, sizeof out->path, "%s/%s/%" PRIu64, local->root, name, version);

    if (length < 0 || (size_t)length >= sizeof out->path)
        return rs_error(err, RECSYS_E_LIMIT,
                        "registry: the path of version %" PRIu64
                        " of model \"%s\" is %d bytes long",
                        version, name, length);
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->version, sizeof out->version, "%" PRIu64, version);
    snprintf(out->stamp, sizeof out->stamp, "%016" PRIx64, rs_tried_hash(out->path, ""));
    return RECSYS_OK;
}
