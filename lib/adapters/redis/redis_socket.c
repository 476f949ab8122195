/* lib/adapters/redis/redis_socket.c - see redis_socket.h.
 *
 * A deadline holds for a whole operation, however many pieces its answer arrives in:
 * a server that sends single bytes does not keep a caller longer than a silent one.
 * The exception is the look-up of a host name: the C library takes as long as its
 * resolver does, so an address is better where name servers may be slow.
 *
 * In plain text the first read after a send that went out at once is a recv()
 * that waits in the kernel, bounded by SO_RCVTIMEO: one system call instead of
 * three. Every other wait is poll(). After an interruption by a signal the rest of
 * the time is waited for.
 */
#include "lib/adapters/redis/redis_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/adapters/redis/redis_tls.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"

/* Asked only when nothing can be done at once, so what has arrived by the
 * deadline is taken even by a thread that was kept from running. */
static recsys_status wait_for(int descriptor, short events, uint64_t deadline, recsys_error *err)
{
    struct pollfd one = {.fd = descriptor, .events = events};

    for (;;) {
        uint64_t now = rs_clock_ns();
        if (now >= deadline)
            return rs_error(err, RECSYS_E_TIMEOUT, "no answer in time");
        uint64_t left_ms = (deadline - now + 999999u) / 1000000u;
        int n = poll(&one, 1, left_ms > 60000 ? 60000 : (int)left_ms);
        if (n > 0)
            return RECSYS_OK;
        if (n < 0 && errno != EINTR)
            return rs_error_sys(err, errno, "cannot wait");
    }
}

/* One address. On success the socket blocks again. */
static recsys_status connect_to(int family, const struct sockaddr *address, socklen_t size,
                                uint64_t deadline, int *out, recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    int on = 1, problem = 0;
    socklen_t problem_size = sizeof problem;
    int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (descriptor < 0)
        return rs_error_sys(err, errno, "cannot make a socket");
    if (connect(descriptor, address, size) != 0) {
        /* EAGAIN is a Unix socket whose server is too busy to accept. */
        if (errno == EINPROGRESS || errno == EINTR) {
            status = wait_for(descriptor, POLLOUT, deadline, err);
            if (status == RECSYS_OK &&
                getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &problem_size) != 0)
                problem = errno;
        } else
            problem = errno;
    }
    if (status == RECSYS_OK && problem == ETIMEDOUT)
        status = rs_error(err, RECSYS_E_TIMEOUT, "no answer in time");
    else if (status == RECSYS_OK && problem != 0)
        status = rs_error_sys(err, problem, "cannot connect");
    if (status == RECSYS_OK) {
        int flags = fcntl(descriptor, F_GETFL);
        if (flags < 0 || fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) != 0)
            status = rs_error_sys(err, errno, "cannot set up a socket");
    }
    if (status != RECSYS_OK) {
        close(descriptor);
        return status;
    }
    if (family != AF_UNIX) { /* only faster: a failure may be ignored */
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    *out = descriptor;
    return RECSYS_OK;
}

static recsys_status connect_unix(const char *path, uint64_t deadline, int *out, recsys_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);

    if (size >= sizeof address.sun_path)
        return rs_error(err, RECSYS_E_IO, "the path of a Unix socket has at most %zu bytes",
                        sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, size + 1);
    return connect_to(AF_UNIX, (const struct sockaddr *)&address, sizeof address, deadline, out,
                      err);
}

/* Every address in turn; each gets its share of what is left of the time. */
static recsys_status connect_tcp(const struct rs_redis_settings *settings, const char *host,
                                 uint32_t port_number, uint64_t *deadline, int *out,
                                 recsys_error *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    recsys_status status = RECSYS_E_IO;
    uint64_t n_left = 0;
    char port[16];

    hints.ai_flags = AI_NUMERICSERV;
    snprintf(port, sizeof port, "%u", port_number);
    int result = getaddrinfo(host, port, &hints, &addresses);
    if (result == EAI_MEMORY)
        return rs_error_nomem(err, "address");
    if (result != 0)
        return rs_error(err, RECSYS_E_IO, "cannot look the host up: %s",
                        result == EAI_SYSTEM ? "system error" : gai_strerror(result));
    *deadline = rs_clock_ns() + settings->connect_timeout_ns;
    for (const struct addrinfo *one = addresses; one != NULL; one = one->ai_next)
        n_left++;
    for (const struct addrinfo *one = addresses; one != NULL; one = one->ai_next, n_left--) {
        uint64_t now = rs_clock_ns();
        uint64_t share = now >= *deadline ? 0 : (*deadline - now) / n_left;
        status = connect_to(one->ai_family, one->ai_addr, one->ai_addrlen, now + share, out, err);
        if (status == RECSYS_OK)
            break;
    }
    freeaddrinfo(addresses);
    return status;
}

/* One step of TLS has come back with `outcome`: wait, or turn it into a status.
 * RECSYS_OK: try again. */
static recsys_status after_step(const struct rs_redis_socket *connection, long outcome,
                                uint64_t deadline, const recsys_error *problem, recsys_error *err)
{
    if (outcome == RS_TLS_WANTS_READ)
        return wait_for(connection->descriptor, POLLIN, deadline, err);
    if (outcome == RS_TLS_WANTS_WRITE)
        return wait_for(connection->descriptor, POLLOUT, deadline, err);
    if (outcome == RS_TLS_CLOSED)
        return rs_error(err, RECSYS_E_IO, "the server closed the connection");
    if (err != NULL)
        *err = *problem;
    return problem->status;
}

static recsys_status begin_tls(struct rs_redis_socket *connection,
                               const struct rs_redis_settings *settings, const char *host,
                               uint64_t deadline, recsys_error *err)
{
    recsys_error problem = {0};
    recsys_status status = RECSYS_OK;
    long outcome;

    connection->session = rs_redis_tls_open(settings->tls, connection->descriptor, host);
    if (connection->session == NULL)
        return rs_error_nomem(err, "TLS session");
    while (status == RECSYS_OK &&
           (outcome = rs_redis_tls_shake(connection->session, &problem)) <= 0)
        status = after_step(connection, outcome, deadline, &problem, err);
    return status;
}

recsys_status rs_redis_socket_open(struct rs_redis_socket *connection,
                                   const struct rs_redis_settings *settings, const char *host,
                                   uint32_t port_number, uint64_t *deadline, recsys_error *err)
{
    recsys_status status;

    memset(connection, 0, sizeof *connection);
    connection->descriptor = -1;
    *deadline = rs_clock_ns() + settings->connect_timeout_ns;
    if (host[0] == '/')
        status = connect_unix(host, *deadline, &connection->descriptor, err);
    else
        status = connect_tcp(settings, host, port_number, deadline, &connection->descriptor, err);
    if (status == RECSYS_OK && settings->tls != NULL)
        status = begin_tls(connection, settings, host, *deadline, err);
    if (status != RECSYS_OK)
        rs_redis_socket_close(connection);
    return status;
}

recsys_status rs_redis_socket_set_timeout(struct rs_redis_socket *connection, uint64_t timeout_ns,
                                          recsys_error *err)
{
    struct timeval timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                              .tv_usec = (suseconds_t)(timeout_ns % 1000000000u / 1000u)};

    if (setsockopt(connection->descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0)
        return rs_error_sys(err, errno, "cannot set up a socket");
    connection->has_timeout = 1;
    return RECSYS_OK;
}

recsys_status rs_redis_socket_send(struct rs_redis_socket *connection, const char *bytes,
                                   size_t size, uint64_t deadline, recsys_error *err)
{
    recsys_status status = RECSYS_OK;
    recsys_error problem = {0};

    connection->may_block = connection->has_timeout && connection->session == NULL;
    while (size > 0 && status == RECSYS_OK) {
        long n = connection->session != NULL
                     ? rs_redis_tls_send(connection->session, bytes, size, &problem)
                     : (long)send(connection->descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
            continue;
        }
        connection->may_block = 0;
        if (connection->session != NULL)
            status = after_step(connection, n, deadline, &problem, err);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            status = wait_for(connection->descriptor, POLLOUT, deadline, err);
        else if (errno != EINTR)
            status = rs_error_sys(err, errno, "cannot send");
    }
    return status;
}

recsys_status rs_redis_socket_receive(struct rs_redis_socket *connection, char *bytes, size_t room,
                                      size_t *size, uint64_t deadline, recsys_error *err)
{
    int may_block = connection->may_block;
    recsys_error problem = {0};
    recsys_status status;

    connection->may_block = 0;
    for (;;) {
        long n =
            connection->session != NULL
                ? rs_redis_tls_receive(connection->session, bytes, room, &problem)
                : (long)recv(connection->descriptor, bytes, room, may_block ? 0 : MSG_DONTWAIT);
        if (n > 0) {
            *size = (size_t)n;
            return RECSYS_OK;
        }
        if (connection->session != NULL)
            status = after_step(connection, n, deadline, &problem, err);
        else if (n == 0)
            status = rs_error(err, RECSYS_E_IO, "the server closed the connection");
        else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            status = wait_for(connection->descriptor, POLLIN, deadline, err);
        else
            status = rs_error_sys(err, errno, "cannot receive");
        if (status != RECSYS_OK)
            return status;
        may_block = 0;
    }
}

int rs_redis_socket_is_quiet(const struct rs_redis_socket *connection)
{
    char byte;

    if (connection->session != NULL && rs_redis_tls_has_pending(connection->session))
        return 0;
    ssize_t n = recv(connection->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void rs_redis_socket_close(struct rs_redis_socket *connection)
{
    if (connection->session != NULL)
        rs_redis_tls_close(connection->session);
    if (connection->descriptor >= 0)
        close(connection->descriptor);
    connection->session = NULL;
    connection->descriptor = -1;
}
