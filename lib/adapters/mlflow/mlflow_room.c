/* lib/adapters/mlflow/mlflow_room.c - see mlflow_room.h. */
#include "lib/adapters/mlflow/mlflow_room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/adapters/mlflow/mlflow_folder.h"
#include "lib/adapters/mlflow/mlflow_kept.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

/* A directory below bundles or tmp. */
struct shelved {
    char name[PATH_MAX / 16]; /* "bundles/..." */
    const char *sum;          /* in it */
    uint64_t n_bytes;
    struct timespec used;
    int is_bundle;
};

struct shelved_list {
    struct shelved *list;
    size_t n, room;
    uint64_t n_bytes;
};

static uint64_t count_bytes(int shelf, const char *name)
{
    DIR *folder = rs_mlflow_folder_open(shelf, name);
    struct dirent *entry;
    uint64_t n = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        struct stat about;
        if (fstatat(dirfd(folder), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(about.st_mode))
            n += (uint64_t)about.st_size;
    }
    if (folder != NULL)
        closedir(folder);
    return n;
}

static recsys_status add(struct shelved_list *out, int shelf, const char *folder, const char *name,
                         int is_bundle, recsys_error *err)
{
    struct stat about;

    if (out->n == out->room) {
        size_t room = out->room == 0 ? 16 : out->room * 2;
        struct shelved *list = rs_resize_array(out->list, room, sizeof *list);
        if (list == NULL)
            return rs_error_nomem(err, "list of bundles");
        out->list = list;
        out->room = room;
    }
    struct shelved *entry = &out->list[out->n];
    memset(entry, 0, sizeof *entry);
    if (snprintf(entry->name, sizeof entry->name, "%s/%s", folder, name) >=
            (int)sizeof entry->name ||
        fstatat(shelf, entry->name, &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(about.st_mode))
        return RECSYS_OK; /* nothing of ours */
    entry->used = about.st_mtim;
    entry->is_bundle = is_bundle;
    entry->n_bytes = count_bytes(shelf, entry->name);
    out->n_bytes += entry->n_bytes;
    out->n++;
    return RECSYS_OK;
}

static recsys_status list_folder(const struct rs_mlflow_shelf *shelf, const char *folder,
                                 int is_bundle, struct shelved_list *out, recsys_error *err)
{
    DIR *directory = rs_mlflow_folder_open(shelf->fd, folder);
    struct dirent *entry;
    recsys_status status = RECSYS_OK;

    if (directory == NULL)
        return rs_error_sys(err, errno, "cannot read %s in the cache directory %s", folder,
                            shelf->path);
    while (status == RECSYS_OK && (entry = readdir(directory)) != NULL)
        if (!rs_mlflow_folder_is_dots(entry->d_name))
            status = add(out, shelf->fd, folder, entry->d_name, is_bundle, err);
    closedir(directory);
    return status;
}

/* Downloads of dead processes first, then bundles by their last use. */
static int compare(const void *a, const void *b)
{
    const struct shelved *x = a, *y = b;

    if (x->is_bundle != y->is_bundle)
        return x->is_bundle - y->is_bundle;
    if (x->used.tv_sec != y->used.tv_sec)
        return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    return x->used.tv_nsec < y->used.tv_nsec ? -1 : x->used.tv_nsec > y->used.tv_nsec;
}

/* Remove it if nobody uses it: 1. */
static int remove_unused(struct rs_mlflow_shelf *shelf, const struct shelved *entry)
{
    char lock_name[32];
    int fd, is_removed = 0;

    if (entry->is_bundle) {
        fd = openat(shelf->fd, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    } else {
        snprintf(lock_name, sizeof lock_name, "locks/%.2s", entry->sum);
        fd = openat(shelf->fd, lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    }
    if (fd >= 0 && rs_mlflow_folder_lock(fd, LOCK_EX | LOCK_NB) == 0) {
        rs_mlflow_folder_remove(shelf->fd, entry->name);
        is_removed = 1;
    }
    if (fd >= 0)
        close(fd);
    return is_removed;
}

static int has_room(const struct shelved_list *all, uint64_t needed, uint64_t max)
{
    return all->n_bytes <= max && needed <= max - all->n_bytes;
}

static void remove_downloads(struct rs_mlflow_shelf *shelf, struct shelved_list *all,
                             const char *downloading)
{
    for (size_t i = 0; i < all->n && !all->list[i].is_bundle; i++)
        if (strcmp(all->list[i].sum, downloading) != 0 && remove_unused(shelf, &all->list[i]))
            all->n_bytes -= all->list[i].n_bytes;
}

/* Until there is room; none of those in `staying`. */
static void remove_bundles(struct rs_mlflow_shelf *shelf, struct shelved_list *all, uint64_t needed,
                           uint64_t max, const json_t *staying, uint64_t *n_removed)
{
    for (size_t i = 0; i < all->n && !has_room(all, needed, max); i++) {
        struct shelved *entry = &all->list[i];
        if (!entry->is_bundle || json_object_get(staying, entry->sum) != NULL ||
            !remove_unused(shelf, entry))
            continue;
        rs_mlflow_kept_forget(shelf, entry->sum);
        rs_log(RECSYS_LOG_INFO, "registry: removed bundle %.12s from the cache", entry->sum);
        entry->is_bundle = 0; /* not twice */
        all->n_bytes -= entry->n_bytes;
        ++*n_removed;
    }
}

static recsys_status free_bytes(struct rs_mlflow_shelf *shelf, struct shelved_list *all,
                                const char *downloading, uint64_t needed, uint64_t max,
                                json_t *fetching, uint64_t *n_removed, recsys_error *err)
{
    json_t *kept = rs_mlflow_kept_sums(shelf);

    if (kept == NULL || json_object_update(kept, fetching) != 0) {
        json_decref(kept);
        return rs_error_nomem(err, "list of bundles");
    }
    for (size_t i = 0; i < all->n; i++)
        all->list[i].sum = strchr(all->list[i].name, '/') + 1;
    remove_downloads(shelf, all, downloading);
    remove_bundles(shelf, all, needed, max, kept, n_removed);
    if (!has_room(all, needed, max)) {
        rs_mlflow_shelf_let_go(shelf);
        remove_bundles(shelf, all, needed, max, kept, n_removed);
    }
    remove_bundles(shelf, all, needed, max, fetching, n_removed);
    json_decref(kept);
    if (has_room(all, needed, max))
        return RECSYS_OK;
    return rs_error(err, RECSYS_E_LIMIT,
                    "the bundle needs %" PRIu64 " bytes in the cache directory %s, which may have "
                    "%" PRIu64 " and has %" PRIu64 " that are in use; raise the limit of the cache",
                    needed, shelf->path, max, all->n_bytes);
}

recsys_status rs_mlflow_room_make(struct rs_mlflow_shelf *shelf, const char *downloading,
                                  uint64_t needed, uint64_t max, json_t *fetching, uint64_t *cached,
                                  uint64_t *n_removed, recsys_error *err)
{
    struct shelved_list all = {NULL, 0, 0, 0};
    int lock = openat(shelf->fd, "locks/evict", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);

    if (lock < 0 || rs_mlflow_folder_lock(lock, LOCK_EX) != 0) {
        int problem = errno;
        if (lock >= 0)
            close(lock);
        return rs_error_sys(err, problem, "cannot lock the cache directory %s", shelf->path);
    }
    recsys_status status = list_folder(shelf, "bundles", 1, &all, err);
    if (status == RECSYS_OK)
        status = list_folder(shelf, "tmp", 0, &all, err);
    if (status == RECSYS_OK) {
        if (all.n > 1)
            qsort(all.list, all.n, sizeof *all.list, compare);
        status = free_bytes(shelf, &all, downloading, needed, max, fetching, n_removed, err);
    }
    if (cached != NULL)
        *cached = all.n_bytes;
    rs_free(all.list);
    close(lock);
    return status;
}
