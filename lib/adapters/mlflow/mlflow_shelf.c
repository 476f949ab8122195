/* lib/adapters/mlflow/mlflow_shelf.c - see mlflow_shelf.h; mlflow_room.c removes bundles.
 *
 * Every lock is an flock, which the system gives back when its process ends, however that ends. So
 * there is nothing to repair after a crash: a directory below tmp whose lock is free is nobody's.
 */
#include "lib/adapters/mlflow/mlflow_shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/adapters/mlflow/mlflow_folder.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"

#define LOCK_PAUSE_NS 20000000L

/* mkdir -p */
static int make_path(const char *path)
{
    char part[PATH_MAX];
    size_t n = strlen(path);

    if (n >= sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(part, path, n + 1);
    for (char *at = strchr(part + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return -1;
        *at = '/';
    }
    return mkdir(part, 0777) != 0 && errno != EEXIST ? -1 : 0;
}

recsys_status rs_mlflow_shelf_open(struct rs_mlflow_shelf *shelf, const char *path,
                                   recsys_error *err)
{
    static const char *const folders[] = {"bundles", "tmp", "locks", "kept"};

    shelf->fd = -1;
    shelf->path = NULL;
    for (size_t i = 0; i < RS_MLFLOW_N_HELD; i++)
        shelf->held[i].fd = -1;
    int result = rs_lock_init(&shelf->lock);
    if (result != 0)
        return rs_error_sys(err, result, "cannot make the lock of a registry");
    shelf->path = rs_copy_text(path);
    if (shelf->path == NULL)
        return rs_error_nomem(err, "registry");
    if (make_path(path) != 0)
        return rs_error_sys(err, errno, "cannot make the cache directory %s", path);
    shelf->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (shelf->fd < 0)
        return rs_error_sys(err, errno, "cannot open the cache directory %s", path);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (mkdirat(shelf->fd, folders[i], 0777) != 0 && errno != EEXIST)
            return rs_error_sys(err, errno, "cannot make %s in the cache directory %s", folders[i],
                                path);
    return RECSYS_OK;
}

void rs_mlflow_shelf_close(struct rs_mlflow_shelf *shelf)
{
    if (shelf->path == NULL)
        return;
    for (size_t i = 0; i < RS_MLFLOW_N_HELD; i++)
        if (shelf->held[i].fd >= 0)
            close(shelf->held[i].fd);
    if (shelf->fd >= 0)
        close(shelf->fd);
    rs_lock_destroy(&shelf->lock);
    rs_free(shelf->path);
    shelf->path = NULL;
}

int rs_mlflow_shelf_find(struct rs_mlflow_shelf *shelf, const char *sum)
{
    char name[PATH_MAX];
    struct stat by_name, by_fd;

    snprintf(name, sizeof name, "bundles/%s", sum);
    int fd = openat(shelf->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    /* Locked by one who removes it, or removed between the opening and the lock: not there. */
    if (rs_mlflow_folder_lock(fd, LOCK_SH | LOCK_NB) == 0 &&
        fstatat(shelf->fd, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &by_fd) == 0 &&
        by_name.st_ino == by_fd.st_ino && by_name.st_dev == by_fd.st_dev)
        return fd;
    close(fd);
    return -1;
}

void rs_mlflow_shelf_hold(struct rs_mlflow_shelf *shelf, const char *sum, int fd)
{
    size_t at = 0;

    (void)futimens(fd, NULL); /* now */
    rs_lock_take(&shelf->lock);
    while (at < RS_MLFLOW_N_HELD - 1 && strcmp(shelf->held[at].sum, sum) != 0)
        at++;
    if (shelf->held[at].fd >= 0)
        close(shelf->held[at].fd);
    memmove(&shelf->held[1], &shelf->held[0], at * sizeof shelf->held[0]);
    snprintf(shelf->held[0].sum, sizeof shelf->held[0].sum, "%s", sum);
    shelf->held[0].fd = fd;
    rs_lock_give(&shelf->lock);
}

void rs_mlflow_shelf_let_go(struct rs_mlflow_shelf *shelf)
{
    rs_lock_take(&shelf->lock);
    for (size_t i = RS_MLFLOW_N_SERVED; i < RS_MLFLOW_N_HELD; i++) {
        if (shelf->held[i].fd >= 0)
            close(shelf->held[i].fd);
        shelf->held[i].fd = -1;
        shelf->held[i].sum[0] = '\0';
    }
    rs_lock_give(&shelf->lock);
}

recsys_status rs_mlflow_shelf_lock(struct rs_mlflow_shelf *shelf, const char *sum,
                                   uint64_t deadline_ns, int *lock, recsys_error *err)
{
    char name[32];
    const struct timespec pause = {0, LOCK_PAUSE_NS};

    snprintf(name, sizeof name, "locks/%.2s", sum);
    *lock = openat(shelf->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (*lock < 0)
        return rs_error_sys(err, errno, "cannot open %s in the cache directory %s", name,
                            shelf->path);
    while (rs_mlflow_folder_lock(*lock, LOCK_EX | LOCK_NB) != 0) {
        int problem = errno;
        if (problem == EWOULDBLOCK && rs_clock_ns() < deadline_ns) {
            (void)nanosleep(&pause, NULL);
            continue;
        }
        close(*lock);
        *lock = -1;
        if (problem == EWOULDBLOCK)
            return rs_error(err, RECSYS_E_TIMEOUT,
                            "another process downloads into the cache directory %s and did not "
                            "come to an end in time",
                            shelf->path);
        return rs_error_sys(err, problem, "cannot lock %s in the cache directory %s", name,
                            shelf->path);
    }
    return RECSYS_OK;
}

int rs_mlflow_shelf_begin(struct rs_mlflow_shelf *shelf, const char *sum)
{
    char name[PATH_MAX];

    snprintf(name, sizeof name, "tmp/%s", sum);
    if (mkdirat(shelf->fd, name, 0777) != 0 && errno != EEXIST)
        return -1;
    return openat(shelf->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

recsys_status rs_mlflow_shelf_finish(struct rs_mlflow_shelf *shelf, const char *sum, int directory,
                                     recsys_error *err)
{
    char from[PATH_MAX], to[PATH_MAX];

    snprintf(from, sizeof from, "tmp/%s", sum);
    snprintf(to, sizeof to, "bundles/%s", sum);
    int bundles = openat(shelf->fd, "bundles", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int is_done = bundles >= 0 && fsync(directory) == 0 &&
                  renameat(shelf->fd, from, shelf->fd, to) == 0 && fsync(bundles) == 0;
    int problem = errno;
    if (bundles >= 0)
        close(bundles);
    return is_done ? RECSYS_OK
                   : rs_error_sys(err, problem, "cannot put a bundle into the cache directory %s",
                                  shelf->path);
}

void rs_mlflow_shelf_discard(struct rs_mlflow_shelf *shelf, const char *folder, const char *sum)
{
    char name[PATH_MAX];

    snprintf(name, sizeof name, "%s/%s", folder, sum);
    rs_mlflow_folder_remove(shelf->fd, name);
}
