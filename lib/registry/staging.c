/* lib/registry/staging.c - the directory in which a publisher works before readers see a version.
 *
 * It has a temporary name beside the versions of its model, and its owner holds a
 * lock (flock) on it. A killed publisher leaves the directory but not the lock: if
 * the lock is free, the owner is dead. So the next publisher may remove the
 * directory, and never disturbs a publisher in another process or thread.
 *
 * A process that gets the lock checks whether the name still means the directory it
 * locked: its owner may have renamed it to a version, or a cleaner may have removed
 * it, between the opening and the lock.
 */
#include "lib/registry/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/registry/registry.h"

#define PREFIX ".tmp-"
#define MAX_ATTEMPTS 100

/* Does `name` in `at` still mean the directory that is open as `fd`? */
static int is_same(int at, const char *name, int fd)
{
    struct stat by_name, by_fd;

    return fstatat(at, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &by_fd) == 0 &&
           by_name.st_dev == by_fd.st_dev && by_name.st_ino == by_fd.st_ino;
}

static int lock_directory(int fd, int how)
{
    int result;

    do
        result = flock(fd, how);
    while (result != 0 && errno == EINTR);
    return result;
}

/* Staging directories hold files only. If one cannot be removed, the next call tries again. */
static void remove_directory(int model, const char *name, int fd)
{
    DIR *directory = rs_registry_read_directory(fd);
    struct dirent *entry;

    if (directory != NULL) {
        while ((entry = readdir(directory)) != NULL)
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                unlinkat(fd, entry->d_name, 0);
        closedir(directory);
    }
    if (unlinkat(model, name, AT_REMOVEDIR) != 0)
        rs_log(RECSYS_LOG_WARN, "registry: cannot remove temporary directory %s (errno %d)", name,
               errno);
}

void rs_staging_clear_leftovers(int model)
{
    DIR *directory = rs_registry_read_directory(model);
    struct dirent *entry;

    if (directory == NULL)
        return;
    while ((entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
            continue;
        int fd = openat(model, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (lock_directory(fd, LOCK_EX | LOCK_NB) == 0 && is_same(model, entry->d_name, fd)) {
            rs_log(RECSYS_LOG_INFO, "registry: clearing %s, left by a publisher that was killed",
                   entry->d_name);
            remove_directory(model, entry->d_name, fd);
        }
        close(fd);
    }
    closedir(directory);
}

recsys_status rs_staging_open(int model, struct rs_staging *out, recsys_error *err)
{
    out->model = model;
    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        snprintf(out->name, sizeof out->name, PREFIX "%ld-%" PRIx64, (long)getpid(), rs_clock_ns());
        if (mkdirat(model, out->name, 0777) != 0) {
            if (errno == EEXIST)
                continue;
            break;
        }
        out->fd = openat(model, out->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (out->fd >= 0) {
            if (lock_directory(out->fd, LOCK_EX) == 0 && is_same(model, out->name, out->fd))
                return RECSYS_OK;
            close(out->fd);
            out->fd = -1;
        }
        /* Removed again: another publisher was faster than our lock. */
    }
    out->name[0] = '\0';
    return rs_error_sys(err, errno, "registry: cannot make a temporary directory");
}

int rs_staging_rename(struct rs_staging *staging, const char *name)
{
    if (fsync(staging->fd) != 0 ||
        renameat(staging->model, staging->name, staging->model, name) != 0)
        return errno;
    staging->name[0] = '\0'; /* nothing to remove any more */
    return fsync(staging->model) == 0 ? 0 : errno;
}

void rs_staging_close(struct rs_staging *staging)
{
    if (staging->fd < 0)
        return;
    if (staging->name[0] != '\0')
        remove_directory(staging->model, staging->name, staging->fd);
    close(staging->fd);
    staging->fd = -1;
}
