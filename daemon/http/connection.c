/* daemon/http/connection.c - sees the bytes that civetweb receives, and reads what follows a
 * request's head without it.
 *
 * civetweb decodes chunked bodies itself, differently in 1.15 and 1.16, and does not give access to
 * the bytes. chunked.c shall decode them instead. A chunked body is the last thing on its
 * connection, which is closed after it, so its bytes can be read without civetweb: those that came
 * together with the head are in civetweb's buffer, the others in the socket.
 *
 * civetweb's time-outs begin again with every byte that arrives or leaves. So a worker waits here,
 * for as long as its request has left, before it lets civetweb read, and it sends replies itself.
 *
 * Targets that civetweb does not answer are rewritten when they are received (target.c).
 *
 * The socket and the fill of the buffer are known from recv(): as in stack.c, a function of the
 * program replaces one of a shared library. If the linker does not allow that, civetweb reads and
 * decodes.
 */
#undef _FORTIFY_SOURCE /* recv() is a function and no macro here */

#include "daemon/http/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/http/target.h"
#include "lib/base/clock.h"

#define SLICE_MS 100

/* The last call of this thread. */
static _Thread_local struct {
    int fd;
    uint32_t n;
    char *first; /* where the thread's first call put its bytes: in civetweb's buffer */
    char *end;
    size_t room;          /* of that buffer; 0 = this thread is no worker */
    uint64_t close_by_ns; /* civetweb reads what a client still sends, before it closes; 0: it does
                             not close now */
} received;

static atomic_bool stopping;

/* civetweb receives only heads into its buffer, each from its beginning on. A worker receives other
 * things, too, from Redis for example. */
static void see_head(const char *buffer, size_t n)
{
    uintptr_t at = (uintptr_t)buffer - (uintptr_t)received.first;

    if (at < received.room)
        rd_target_rewrite(received.first, at + n);
}

__attribute__((visibility("default"))) ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t n;

    if (received.close_by_ns != 0 && rs_clock_ns() > received.close_by_ns)
        return 0; /* as if the client had closed it */
    n = recvfrom(fd, buffer, size, flags, NULL, NULL);
    if (n > 0) {
        if (received.first == NULL)
            received.first = buffer;
        see_head(buffer, (size_t)n);
        received.fd = fd;
        received.end = (char *)buffer + n;
        received.n++;
    }
    return n;
}

/* civetweb overwrites CR and LF behind each value with NULs, and so the head's last byte. If
 * these are there, the body begins behind them. */
static const char *find_body(const struct mg_request_info *info)
{
    const char *end;

    if (info->num_headers < 1)
        return NULL;
    end = info->http_headers[info->num_headers - 1].value;
    end += strlen(end);
    return end[1] == '\0' && end[2] == '\r' && end[3] == '\0' ? end + 4 : NULL;
}

void rd_connection_begin_thread(size_t size)
{
    received.room = size;
}

void rd_connection_begin(struct rd_connection *connection, const struct mg_request_info *info)
{
    if (received.n != connection->n_received) { /* at least the end of the head was received now */
        connection->fd = received.fd;
        connection->end = received.end;
        connection->base = received.first;
    } else if (connection->base !=
               NULL) { /* the head was already in the buffer, behind the last request */
        connection->end = connection->base + connection->left;
    }
    connection->body = connection->base == NULL ? NULL : find_body(info);
    connection->n_promised = 0;
    connection->begun = connection->base != NULL;
    if (connection->body != NULL &&
        (info->request_method < connection->base || connection->body > connection->end))
        connection->body = NULL;
    connection->begun = false;
}

void rd_connection_end(struct rd_connection *connection, uint64_t length)
{
    size_t behind = connection->body == NULL ? 0 : (size_t)(connection->end - connection->body);

    connection->left = behind > length ? behind - (size_t)length : 0;
    if (connection->left > 0) /* the next request, which was received with this one */
        rd_target_rewrite(connection->end - connection->left, connection->left);
    connection->n_received = received.n;
    connection->body = NULL;
}

bool rd_connection_is_known(const struct rd_connection *connection)
{
    return connection->body != NULL;
}

/* Until the socket is ready for `events`. False: late, or stopping. */
static bool wait_until_ready(int fd, short events, uint64_t deadline_ns)
{
    uint64_t now;

    while ((now = rs_clock_ns()) < deadline_ns &&
           !atomic_load_explicit(&stopping, memory_order_relaxed)) {
        uint64_t left_ms = (deadline_ns - now + 999999u) / 1000000u;
        struct pollfd wanted = {fd, events, 0};

        if (poll(&wanted, 1, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS) > 0)
            return true;
    }
    return false;
}

static bool may_succeed_later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int rd_connection_read(struct rd_connection *connection, char *out, size_t size,
                       uint64_t deadline_ns)
{
    size_t there = (size_t)(connection->end - connection->body);

    if (there > 0) {
        size_t n = there < size ? there : size;

        memcpy(out, connection->body, n);
        connection->body += n;
        return (int)n;
    }
    while (wait_until_ready(connection->fd, POLLIN, deadline_ns)) {
        ssize_t n = recvfrom(connection->fd, out, size, MSG_DONTWAIT, NULL, NULL);

        if (n >= 0)
            return (int)n;
        if (!may_succeed_later())
            return 0;
    }
    return -1;
}

int rd_connection_wait(struct rd_connection *connection, size_t size, uint64_t deadline_ns)
{
    size_t there = (size_t)(connection->end - connection->body) - connection->n_promised;
    int n = 0;

    if (there > 0) {
        there = there < size ? there : size;
        connection->n_promised += there;
        return (int)there;
    }
    if (!wait_until_ready(connection->fd, POLLIN, deadline_ns))
        return -1;
    if (ioctl(connection->fd, FIONREAD, &n) != 0 || n <= 0)
        return 0;
    return (size_t)n < size ? n : (int)size;
}

bool rd_connection_is_gone(const struct rd_connection *connection)
{
    char byte;
    ssize_t n;

    if (!rd_connection_is_known(connection))
        return false;
    n = recvfrom(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
    return n == 0 || (n < 0 && !may_succeed_later());
}

bool rd_connection_can_write(const struct rd_connection *connection)
{
    return connection->begun;
}

bool rd_connection_write(struct rd_connection *connection, const char *bytes, size_t size,
                         uint64_t deadline_ns)
{
    while (size > 0) {
        ssize_t n = send(connection->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        } else if (!may_succeed_later() ||
                   !wait_until_ready(connection->fd, POLLOUT, deadline_ns)) {
            return false;
        }
    }
    return true;
}

void rd_connection_opened(void)
{
    received.close_by_ns = 0;
}

void rd_connection_close_by(uint64_t deadline_ns)
{
    received.close_by_ns = deadline_ns;
}

void rd_connection_stop(void)
{
    atomic_store(&stopping, true);
}
