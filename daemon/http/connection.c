/* daemon/http/connection.c - reads what follows a request's head without civetweb.
 *
 * civetweb takes the chunks of a body apart itself, 1.15 otherwise than 1.16,
 * and shows nobody the bytes. We want to decide ourselves what a chunk is. A
 * body in chunks is the last thing on its connection, which is closed after
 * it, so its bytes may be read past civetweb: those that came with the head lie
 * in civetweb's buffer, the others are in the socket.
 *
 * Which socket, and how far the buffer is filled, is known from recv(): as in
 * stack.c a function of the program takes the place of one in a shared library.
 * Where that does not work, nothing is known and civetweb reads.
 */
#undef _FORTIFY_SOURCE /* recv() is a function and no macro here */

#include "daemon/http/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clock.h"

#define SLICE_MS 100

/* The last call of this thread. */
static _Thread_local struct {
    int fd;
    uint32_t n;
    char *first; /* where the thread's first call put its bytes: in civetweb's buffer */
    char *end;
} received;

static atomic_bool stopping;

__attribute__((visibility("default"))) ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t n = recvfrom(fd, buffer, size, flags, NULL, NULL);

    if (n > 0) {
        if (received.first == NULL)
            received.first = buffer;
        received.fd = fd;
        received.end = (char *)buffer + n;
        received.n++;
    }
    return n;
}

/* civetweb has put a NUL in the place of CR and LF behind each value, and one in that of the head's
 * last byte: so it and we agree on where the body begins. */
static const char *find_body(const struct mg_request_info *info)
{
    const char *end;

    if (info->num_headers < 1)
        return NULL;
    end = info->http_headers[info->num_headers - 1].value;
    end += strlen(end);
    return end[1] == '\0' && end[2] == '\r' && end[3] == '\0' ? end + 4 : NULL;
}

void rd_connection_begin(struct rd_connection *connection, const struct mg_request_info *info)
{
    if (received.n != connection->n_received) { /* the head has come, at least its end */
        connection->fd = received.fd;
        connection->end = received.end;
        connection->base = received.first;
    } else if (connection->base != NULL) { /* it was there already, behind the last one */
        connection->end = connection->base + connection->left;
    }
    connection->body = connection->base == NULL ? NULL : find_body(info);
    if (connection->body != NULL &&
        (info->request_method < connection->base || connection->body > connection->end))
        connection->body = NULL;
}

void rd_connection_end(struct rd_connection *connection, uint64_t length)
{
    size_t behind = connection->body == NULL ? 0 : (size_t)(connection->end - connection->body);

    connection->left = behind > length ? behind - (size_t)length : 0;
    connection->n_received = received.n;
}

bool rd_connection_is_known(const struct rd_connection *connection)
{
    return connection->body != NULL;
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
    while (rs_clock_ns() < deadline_ns && !atomic_load_explicit(&stopping, memory_order_relaxed)) {
        struct pollfd wanted = {connection->fd, POLLIN, 0};
        ssize_t n;

        if (poll(&wanted, 1, SLICE_MS) == 0)
            continue;
        n = recvfrom(connection->fd, out, size, MSG_DONTWAIT, NULL, NULL);
        if (n >= 0)
            return (int)n;
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return 0;
    }
    return -1;
}

void rd_connection_stop(void)
{
    atomic_store(&stopping, true);
}
