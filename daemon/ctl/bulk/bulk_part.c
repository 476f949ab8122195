/* daemon/ctl/bulk/bulk_part.c - the file while it is not whole.
 *
 * A part is called OUT.part-IDENTITY. The identity is a hash of everything that the answers depend
 * on, so a part is continued only by a run that would write the same bytes; a run that differs
 * removes it. The lock keeps two processes from writing one OUT. When the part is whole it is
 * renamed, so OUT exists only if it is.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/ctl/bulk/bulk.h"

#define MODE 0666 /* less the umask */
#define IDENTITY_DIGITS 16

static bool failed(const char *path)
{
    ctl_failed("%s: %s", path, strerror(errno));
    return false;
}

/* Open and lock. -1: said why. */
static int open_locked(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, MODE);

    if (fd < 0) {
        failed(path);
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (errno == EWOULDBLOCK)
        ctl_failed("%s: another process is writing it", path);
    else
        failed(path);
    close(fd);
    return -1;
}

static bool remove_part(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2u;
    char *path = ctl_allocate(1u, size);
    int fd;
    bool good;

    snprintf(path, size, "%s/%s", folder, name);
    fd = open_locked(path, O_RDWR);
    good = fd >= 0 && (unlink(path) == 0 || failed(path));
    if (good)
        fprintf(stderr,
                "recsysctl: %s is of another model, other users or options; starting over\n", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return good;
}

/* A part's name ends with its identity; what has another ending is somebody else's file. */
static bool is_identity(const char *text)
{
    return strspn(text, "0123456789abcdef") == IDENTITY_DIGITS && text[IDENTITY_DIGITS] == '\0';
}

/* Remove the parts of OUT that runs with another identity have left. */
static bool remove_others(const char *out, const char *own)
{
    const char *slash = strrchr(out, '/'), *name = slash != NULL ? slash + 1 : out;
    const char *own_name = own + (name - out);
    size_t prefix = strlen(name) + strlen(".part-");
    char *folder =
        slash == NULL ? strdup(".") : strndup(out, slash == out ? 1u : (size_t)(slash - out));
    DIR *directory = folder != NULL ? opendir(folder) : NULL;
    const struct dirent *entry;
    bool good = directory != NULL || failed(folder != NULL ? folder : out);

    while (good && (entry = readdir(directory)) != NULL)
        if (strncmp(entry->d_name, own_name, prefix) == 0 && is_identity(entry->d_name + prefix) &&
            strcmp(entry->d_name, own_name) != 0)
            good = remove_part(folder, entry->d_name);
    if (directory != NULL)
        closedir(directory);
    free(folder);
    return good;
}

static bool go_on(struct ctl_bulk_part *part, enum ctl_bulk_format format)
{
    uint64_t offset;

    if (!ctl_bulk_resume(part->fd, format, &offset, &part->n_done) ||
        ftruncate(part->fd, (off_t)offset) != 0 || lseek(part->fd, (off_t)offset, SEEK_SET) < 0)
        return failed(part->path);
    if (part->n_done > 0u)
        fprintf(stderr, "recsysctl: going on with %s after %" PRIu64 " users\n", part->path,
                part->n_done);
    return true;
}

bool ctl_bulk_part_open(struct ctl_bulk_part *part, const char *out, uint64_t identity,
                        enum ctl_bulk_format format)
{
    size_t size = strlen(out) + 32u;
    struct stat found;

    *part = (struct ctl_bulk_part){out, ctl_allocate(1u, size), -1, 0u};
    snprintf(part->path, size, "%s.part-%0*" PRIx64, out, IDENTITY_DIGITS, identity);
    if (lstat(out, &found) == 0) {
        ctl_failed("%s exists; remove it, or give another --out", out);
        return false;
    }
    if (!remove_others(out, part->path))
        return false;
    part->fd = open_locked(part->path, O_RDWR | O_CREAT);
    return part->fd >= 0 && go_on(part, format);
}

bool ctl_bulk_part_write(const struct ctl_bulk_part *part, const char *bytes, size_t size)
{
    while (size > 0u) {
        ssize_t n = write(part->fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(part->path);
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

bool ctl_bulk_part_finish(struct ctl_bulk_part *part)
{
    return (fsync(part->fd) == 0 && rename(part->path, part->out) == 0) || failed(part->path);
}

void ctl_bulk_part_close(struct ctl_bulk_part *part)
{
    if (part->fd >= 0)
        close(part->fd);
    free(part->path);
}
