/* lib/builder/folder.c - see folder.h.
 *
 * rename(2) makes the complete directory appear in one step. Plain rename() would silently replace
 * an empty directory, so RENAME_NOREPLACE is used on Linux. Where it is missing, a check comes
 * first; then for some microseconds another program's empty directory could still be replaced.
 *
 * A process that is killed leaves the temporary directory, PATH.tmp-..., which
 * may be removed. Nothing reads it.
 */
#include "lib/builder/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/hash.h"

#define MAX_ATTEMPTS 100
#define NO_REPLACE 1u /* RENAME_NOREPLACE, which libc shows only with _GNU_SOURCE */

static recsys_status open_parent(struct rs_folder *folder, recsys_error *err)
{
    const char *parent = ".";
    char *copy = NULL;

    if (folder->name > folder->path) {
        size_t size = (size_t)(folder->name - folder->path);
        copy = rs_copy_bytes(folder->path, size);
        if (copy == NULL)
            return rs_error_nomem(err, folder->path);
        parent = copy;
    }
    folder->parent = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    recsys_status status = RECSYS_OK;
    if (folder->parent < 0)
        status = rs_error_sys(err, errno, "cannot write %.200s: cannot open directory %.200s",
                              folder->path, parent);
    rs_free(copy);
    return status;
}

static recsys_status split_path(struct rs_folder *folder, const char *path, recsys_error *err)
{
    size_t size = strlen(path);

    while (size > 1 && path[size - 1] == '/')
        size--;
    folder->path = rs_copy_bytes(path, size);
    if (folder->path == NULL)
        return rs_error_nomem(err, "path");
    const char *slash = strrchr(folder->path, '/');
    folder->name = slash == NULL ? folder->path : slash + 1;
    if (folder->name[0] == '\0' || strcmp(folder->name, ".") == 0 ||
        strcmp(folder->name, "..") == 0)
        return rs_error(err, RECSYS_E_INVALID, "\"%.200s\" cannot be the path of a new directory",
                        path);
    return RECSYS_OK;
}

static recsys_status exists(const struct rs_folder *folder, recsys_error *err)
{
    return rs_error(err, RECSYS_E_EXISTS, "%.400s is there already; bundles are never replaced",
                    folder->path);
}

static recsys_status make_temporary(struct rs_folder *folder, recsys_error *err)
{
    size_t room = strlen(folder->name) + 32;

    folder->temporary = rs_alloc(room);
    if (folder->temporary == NULL)
        return rs_error_nomem(err, folder->path);
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        uint64_t number = rs_hash_number(rs_clock_ns(), rs_hash_seed());
        snprintf(folder->temporary, room, "%s.tmp-%016" PRIx64, folder->name, number);
        if (mkdirat(folder->parent, folder->temporary, 0777) == 0) {
            folder->folder = openat(folder->parent, folder->temporary,
                                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (folder->folder >= 0)
                return RECSYS_OK;
            return rs_error_sys(err, errno, "cannot open %.400s", folder->temporary);
        }
        if (errno != EEXIST)
            break;
    }
    recsys_status status =
        rs_error_sys(err, errno, "cannot make a directory beside %.400s", folder->path);
    rs_free(folder->temporary);
    folder->temporary = NULL;
    return status;
}

recsys_status rs_folder_open(struct rs_folder *folder, const char *path, recsys_error *err)
{
    struct stat info;
    recsys_status status;

    memset(folder, 0, sizeof *folder);
    folder->parent = folder->folder = -1;
    if ((status = split_path(folder, path, err)) != RECSYS_OK ||
        (status = open_parent(folder, err)) != RECSYS_OK)
        return status;
    /* An early check, before gigabytes are written; rs_folder_publish() checks again. */
    if (fstatat(folder->parent, folder->name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        return exists(folder, err);
    return make_temporary(folder, err);
}

/* 0 or -1 with errno, EEXIST if the new name is taken. */
static int rename_new(int parent, const char *from, const char *to)
{
    struct stat info;

#if defined(__linux__) && defined(SYS_renameat2)
    if (syscall(SYS_renameat2, parent, from, parent, to, NO_REPLACE) == 0)
        return 0;
    if (errno != ENOSYS && errno != EINVAL)
        return -1;
#endif
    if (fstatat(parent, to, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    return renameat(parent, from, parent, to);
}

/* Some file systems cannot sync a directory and return EINVAL: no failure. */
static int sync_directory(int descriptor)
{
    return fsync(descriptor) == 0 || errno == EINVAL ? 0 : -1;
}

recsys_status rs_folder_publish(struct rs_folder *folder, recsys_error *err)
{
    if (sync_directory(folder->folder) != 0)
        return rs_error_sys(err, errno, "cannot sync %.400s", folder->temporary);
    if (rename_new(folder->parent, folder->temporary, folder->name) != 0) {
        if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
            return exists(folder, err);
        return rs_error_sys(err, errno, "cannot rename %.200s to %.200s", folder->temporary,
                            folder->path);
    }
    if (sync_directory(folder->parent) != 0) {
        /* After a failure there must be no bundle. */
        recsys_status status =
            rs_error_sys(err, errno, "cannot sync the directory of %.400s", folder->path);
        (void)rename_new(folder->parent, folder->name, folder->temporary);
        return status;
    }
    rs_free(folder->temporary);
    folder->temporary = NULL;
    return RECSYS_OK;
}

void rs_folder_close(struct rs_folder *folder, const char *const *names)
{
    if (folder->temporary != NULL) {
        for (; folder->folder >= 0 && *names != NULL; names++)
            unlinkat(folder->folder, *names, 0);
        unlinkat(folder->parent, folder->temporary, AT_REMOVEDIR);
    }
    if (folder->folder >= 0)
        close(folder->folder);
    if (folder->parent >= 0)
        close(folder->parent);
    rs_free(folder->temporary);
    rs_free(folder->path);
    memset(folder, 0, sizeof *folder);
    folder->parent = folder->folder = -1;
}
