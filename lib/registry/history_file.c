/* lib/registry/history_file.c - the file of a history: lines of JSON, the newest at its end.
 *
 * The file may have been cut by a crash, edited, or put there by somebody else, so no line is
 * trusted: what is no event is skipped and counted. Only the end of a large file is read. A link or
 * anything that is no regular file is refused, because it would be written to. A lock tells two
 * processes apart that were given the same file by mistake: the second one goes without.
 */
#include "lib/registry/history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

#define MAX_READ ((off_t)4 << 20)
#define MODE 0640

static int open_locked(const char *path, int flags)
{
    struct stat about;
    int saved,
        fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags,
                  MODE);

    if (fd < 0)
        return -1;
    if (fstat(fd, &about) == 0 && !S_ISREG(about.st_mode))
        errno = EINVAL;
    else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* The end of the file, from the first whole line on. */
static char *read_end(int fd, size_t *size, int *is_whole)
{
    struct stat about;

    if (fstat(fd, &about) != 0)
        return NULL;
    off_t from = about.st_size > MAX_READ ? about.st_size - MAX_READ : 0;
    size_t wanted = (size_t)(about.st_size - from), n = 0;
    char *bytes = rs_alloc(wanted + 1);
    *is_whole = from == 0;
    while (bytes != NULL && n < wanted) {
        ssize_t got = pread(fd, bytes + n, wanted - n, from + (off_t)n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    *size = n;
    return bytes;
}

static void read_lines(const char *bytes, size_t size, int is_whole, rs_history_take take,
                       void *user_data, size_t *n_lines, size_t *n_bad)
{
    const char *end = bytes + size, *line = bytes;

    if (!is_whole && (line = memchr(bytes, '\n', size)) != NULL)
        line++;
    while (line != NULL && line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((newline == NULL ? end : newline) - line);
        struct rs_event *event = newline == NULL ? NULL : rs_event_read(line, length);
        ++*n_lines;
        if (event == NULL)
            ++*n_bad;
        else
            take(event, user_data);
        line = newline == NULL ? NULL : newline + 1;
    }
}

/* A line without an end would swallow the next one. */
static void end_last_line(int fd, const char *bytes, size_t size)
{
    if (size > 0 && bytes[size - 1] != '\n' && write(fd, "\n", 1) != 1)
        rs_log(RECSYS_LOG_DEBUG, "history: cannot end a cut line");
}

static void refuse(const char *path, int problem)
{
    recsys_error said;

    if (problem == EWOULDBLOCK)
        rs_log(RECSYS_LOG_WARN,
               "history: %s is in use, so events are kept in memory only; each deployment needs a "
               "file of its own",
               path);
    else if (problem == EINVAL || problem == ELOOP)
        rs_log(RECSYS_LOG_WARN, "history: %s is no regular file, so events are kept in memory only",
               path);
    else {
        (void)rs_error_sys(&said, problem, "history: events are kept in memory only; cannot use %s",
                           path);
        rs_log(RECSYS_LOG_WARN, "%s", said.message);
    }
}

int rs_history_file_open(const char *path, rs_history_take take, void *user_data, size_t *n_lines)
{
    size_t size = 0, n_bad = 0;
    int is_whole = 1, fd = open_locked(path, 0);
    char *bytes;

    *n_lines = 0;
    if (fd < 0) {
        refuse(path, errno);
        return -1;
    }
    bytes = read_end(fd, &size, &is_whole);
    if (bytes != NULL) {
        read_lines(bytes, size, is_whole, take, user_data, n_lines, &n_bad);
        end_last_line(fd, bytes, size);
    }
    rs_free(bytes);
    if (n_bad > 0)
        rs_log(RECSYS_LOG_WARN, "history: %zu lines of %s are damaged and were left out", n_bad,
               path);
    if (!is_whole)
        *n_lines = SIZE_MAX / 2; /* to be replaced by a short one soon */
    return fd;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

int rs_history_file_append(int fd, const struct rs_buffer *lines)
{
    off_t before = lseek(fd, 0, SEEK_END);
    int problem = write_all(fd, lines->bytes, lines->size);

    if (problem != 0 && before >= 0 && ftruncate(fd, before) != 0)
        rs_log(RECSYS_LOG_DEBUG, "history: cannot cut a line off");
    return problem;
}

int rs_history_file_replace(const char *path, const struct rs_buffer *lines)
{
    char name[PATH_MAX];
    int problem, fd;

    if (snprintf(name, sizeof name, "%s.new", path) >= (int)sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    (void)unlink(name); /* of a process that was killed */
    fd = open_locked(name, O_EXCL);
    if (fd < 0)
        return -1;
    problem = write_all(fd, lines->bytes, lines->size);
    if (problem == 0 && rename(name, path) == 0)
        return fd;
    if (problem == 0)
        problem = errno;
    (void)unlink(name);
    close(fd);
    errno = problem;
    return -1;
}
