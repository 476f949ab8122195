/* lib/adapters/mlflow/mlflow_folder.c - see mlflow_folder.h. */
#include "lib/adapters/mlflow/mlflow_folder.h"

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
#include "lib/base/log.h"

int rs_mlflow_folder_lock(int fd, int how)
{
    int result;

    do
        result = flock(fd, how);
    while (result != 0 && errno == EINTR);
    return result;
}

DIR *rs_mlflow_folder_open(int shelf, const char *name)
{
    int fd = openat(shelf, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (folder == NULL && fd >= 0)
        close(fd);
    return folder;
}

int rs_mlflow_folder_is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

void rs_mlflow_folder_remove(int shelf, const char *name)
{
    char gone[64];
    struct dirent *entry;

    snprintf(gone, sizeof gone, "tmp/old-%ld-%" PRIx64, (long)getpid(), rs_clock_ns());
    if (renameat(shelf, name, shelf, gone) != 0)
        return;
    DIR *folder = rs_mlflow_folder_open(shelf, gone);
    if (folder != NULL) {
        while ((entry = readdir(folder)) != NULL)
            if (!rs_mlflow_folder_is_dots(entry->d_name))
                (void)unlinkat(dirfd(folder), entry->d_name, 0);
        closedir(folder);
    }
    if (unlinkat(shelf, gone, AT_REMOVEDIR) != 0)
        rs_log(RECSYS_LOG_WARN, "registry: cannot remove %s from the cache (errno %d)", gone,
               errno);
}
