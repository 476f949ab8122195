/* daemon/process/log_writer.c - copies lines into a buffer under a lock; a thread writes the
 * buffer.
 *
 * There are two buffers: one is filled while the other is written. If the disk or the pipe does not
 * take data and both are full, lines are dropped and counted, because a log must not stop the
 * service. Pipes and terminals get small pieces, and only when they have room, so that the thread
 * can always be ended. If a write fails within a line, the next line begins on a new one.
 */
#include "daemon/process/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/lock.h"

#define BUFFER_BYTES (1u << 20)
#define SPARE_BYTES (BUFFER_BYTES / 8) /* that only urgent lines may fill */
#define GATHER_NS UINT64_C(100000000)
#define PIECE_BYTES 4096u /* what a pipe takes at once if it takes anything */
#define SLICE_MS 100

struct rd_log_writer {
    struct rs_lock lock;
    struct rs_signal wake;
    pthread_t thread;
    const char *path; /* NULL: stderr */
    const char *name;
    char *filling, *writing;     /* protected by lock; `writing` is the thread's while it writes */
    size_t size;                 /* of filling; protected by lock */
    bool urgent, stop, ended;    /* protected by lock */
    _Atomic uint64_t stop_by_ns; /* 0: it goes on */
    atomic_bool reopen;
    _Atomic uint64_t n_lost;
    int fd;           /* the thread's */
    bool is_slow;     /* not a file; the thread's */
    bool line_is_cut; /* the last write ended within a line; the thread's */
};

static int open_file(const char *path)
{
    return path == NULL ? STDERR_FILENO
                        : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

static void use_file(struct rd_log_writer *writer, int fd)
{
    struct stat kind;

    writer->fd = fd;
    writer->is_slow = fstat(fd, &kind) != 0 || !S_ISREG(kind.st_mode);
    writer->line_is_cut = false;
}

static void reopen_file(struct rd_log_writer *writer)
{
    int fd = open_file(writer->path);

    if (fd < 0 || writer->path == NULL)
        return; /* the old file goes on */
    (void)close(writer->fd);
    use_file(writer, fd);
}

static uint64_t count_lines(const char *bytes, size_t size)
{
    uint64_t n = 0;

    for (size_t i = 0; i < size; i++)
        n += bytes[i] == '\n';
    return n;
}

/* False: the writer is stopping, and its time is over. */
static bool wait_for_room(struct rd_log_writer *writer)
{
    struct pollfd wanted = {writer->fd, POLLOUT, 0};

    while (writer->is_slow && poll(&wanted, 1, SLICE_MS) == 0) {
        uint64_t stop_by = atomic_load(&writer->stop_by_ns);

        if (stop_by != 0 && rs_clock_ns() > stop_by)
            return false;
    }
    return true;
}

/* Returns how many bytes were written. */
static size_t write_bytes(struct rd_log_writer *writer, const char *bytes, size_t size)
{
    size_t done = 0;

    while (done < size && wait_for_room(writer)) {
        size_t left = size - done;
        ssize_t n = write(writer->fd, bytes + done,
                          writer->is_slow && left > PIECE_BYTES ? PIECE_BYTES : left);

        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
            break;
    }
    return done;
}

static void write_lines(struct rd_log_writer *writer, const char *bytes, size_t size)
{
    size_t done;

    if (atomic_exchange(&writer->reopen, false))
        reopen_file(writer);
    if (writer->line_is_cut && write_bytes(writer, "\n", 1) == 1)
        writer->line_is_cut = false;
    done = writer->line_is_cut ? 0 : write_bytes(writer, bytes, size);
    if (done == size)
        return;
    if (done > 0)
        writer->line_is_cut = bytes[done - 1] != '\n';
    atomic_fetch_add(&writer->n_lost, count_lines(bytes + done, size - done));
}

/* With the lock held: wait for lines, and then a moment for more, because one write for each would
 * cost more than a request. */
static void wait_for_lines(struct rd_log_writer *writer)
{
    uint64_t until;

    while (writer->size == 0 && !writer->stop)
        rs_signal_wait(&writer->wake, &writer->lock);
    until = rs_clock_ns() + GATHER_NS;
    while (!writer->urgent && !writer->stop && writer->size < BUFFER_BYTES / 2 &&
           rs_clock_ns() < until)
        (void)rs_signal_wait_until(&writer->wake, &writer->lock, until);
}

static void *run(void *argument)
{
    struct rd_log_writer *writer = argument;

    rs_thread_name(writer->name);
    rs_lock_take(&writer->lock);
    for (;;) {
        char *full = writer->filling;
        size_t size;

        wait_for_lines(writer);
        size = writer->size;
        if (size == 0)
            break;
        writer->filling = writer->writing;
        writer->writing = full;
        writer->size = 0;
        writer->urgent = false;
        rs_lock_give(&writer->lock);
        write_lines(writer, full, size);
        rs_lock_take(&writer->lock);
    }
    writer->ended = true;
    rs_signal_all(&writer->wake);
    rs_lock_give(&writer->lock);
    return NULL;
}

static void destroy(struct rd_log_writer *writer)
{
    if (writer->path != NULL && writer->fd >= 0)
        (void)close(writer->fd);
    free(writer->filling);
    free(writer->writing);
    free(writer);
}

struct rd_log_writer *rd_log_writer_open(const char *path, const char *name)
{
    struct rd_log_writer *writer = calloc(1, sizeof *writer);
    int fd, error;

    if (writer == NULL)
        return NULL;
    writer->path = path;
    writer->name = name;
    writer->filling = malloc(BUFFER_BYTES);
    writer->writing = malloc(BUFFER_BYTES);
    fd = open_file(path);
    error = fd < 0 ? errno : 0;
    use_file(writer, fd);
    if (writer->filling == NULL || writer->writing == NULL)
        error = ENOMEM;
    if (error == 0)
        error = rs_lock_init(&writer->lock);
    if (error == 0)
        error = rs_signal_init(&writer->wake);
    if (error == 0)
        error = rs_thread_start(&writer->thread, run, writer);
    if (error == 0)
        return writer;
    destroy(writer);
    errno = error;
    return NULL;
}

bool rd_log_writer_add(struct rd_log_writer *writer, const char *line, size_t size,
                       enum rd_log_urgency urgency)
{
    size_t limit = urgency == RD_LOG_NOW ? BUFFER_BYTES : BUFFER_BYTES - SPARE_BYTES;
    bool has_room;

    rs_lock_take(&writer->lock);
    has_room = !writer->stop && writer->size < limit && size <= limit - writer->size;
    if (has_room) {
        bool was_low = writer->size < BUFFER_BYTES / 2, was_empty = writer->size == 0;

        memcpy(writer->filling + writer->size, line, size);
        writer->size += size;
        writer->urgent = writer->urgent || urgency == RD_LOG_NOW;
        if (was_empty || urgency == RD_LOG_NOW || (was_low && writer->size >= BUFFER_BYTES / 2))
            rs_signal_all(&writer->wake);
    } else {
        atomic_fetch_add_explicit(&writer->n_lost, 1u, memory_order_relaxed);
    }
    rs_lock_give(&writer->lock);
    return has_room;
}

void rd_log_writer_reopen(struct rd_log_writer *writer)
{
    atomic_store(&writer->reopen, true);
}

uint64_t rd_log_writer_lost(const struct rd_log_writer *writer)
{
    return atomic_load_explicit(&writer->n_lost, memory_order_relaxed);
}

/* True: the thread has ended. */
static bool stop(struct rd_log_writer *writer, uint64_t deadline_ns)
{
    bool ended;

    atomic_store(&writer->stop_by_ns, deadline_ns);
    rs_lock_take(&writer->lock);
    writer->stop = true;
    rs_signal_all(&writer->wake);
    /* Two slices more: the thread sees the deadline itself, unless a disk hangs. */
    deadline_ns += 2 * SLICE_MS * UINT64_C(1000000);
    while (!writer->ended && rs_clock_ns() < deadline_ns)
        (void)rs_signal_wait_until(&writer->wake, &writer->lock, deadline_ns);
    ended = writer->ended;
    rs_lock_give(&writer->lock);
    return ended;
}

void rd_log_writer_stop(struct rd_log_writer *writer, uint64_t deadline_ns)
{
    if (writer != NULL)
        (void)stop(writer, deadline_ns);
}

void rd_log_writer_close(struct rd_log_writer *writer, uint64_t deadline_ns)
{
    if (writer == NULL || !stop(writer, deadline_ns))
        return; /* a thread that has not ended still uses it, until the process ends */
    rs_thread_join(writer->thread);
    rs_signal_destroy(&writer->wake);
    rs_lock_destroy(&writer->lock);
    destroy(writer);
}
