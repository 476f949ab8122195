/* daemon/http/listener.c - opens listening sockets, and ends them without a reset for anybody.
 *
 * The end of a socket resets the connections that the kernel has made and nobody has accepted yet.
 * So a filter on the socket first drops what would begin new ones; a client tries that again a
 * second later and is refused then. When the queue is empty, the socket ends. A Unix socket's file
 * is removed first instead.
 */
#include "daemon/http/listener.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/process/logger.h"

static const char *path_of(const struct rd_listener *listener)
{
    return ((const struct sockaddr_un *)&listener->address.socket)->sun_path;
}

/* Nobody accepts there any more. */
static bool is_stale(const struct rd_listener *listener)
{
    struct stat info;
    bool refused;
    int fd;

    if (lstat(path_of(listener), &info) != 0 || !S_ISSOCK(info.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    refused = connect(fd, (const struct sockaddr *)&listener->address.socket,
                      listener->address.size) != 0 &&
              errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static bool bind_to(const struct rd_listener *listener)
{
    return bind(listener->fd, (const struct sockaddr *)&listener->address.socket,
                listener->address.size) == 0;
}

/* The mode is set before there is a file, which the umask may narrow, and again behind that. */
static bool bind_unix(struct rd_listener *listener, mode_t mode)
{
    struct stat info;

    (void)fchmod(listener->fd, mode);
    if (!bind_to(listener) && (errno != EADDRINUSE || !is_stale(listener) ||
                               unlink(path_of(listener)) != 0 || !bind_to(listener)))
        return false;
    if (chmod(path_of(listener), mode) != 0 || lstat(path_of(listener), &info) != 0)
        return false;
    listener->dev = info.st_dev;
    listener->ino = info.st_ino;
    return true;
}

static bool bind_port(struct rd_listener *listener)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    int on = 1;

    (void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (listener->address.socket.ss_family == AF_INET6)
        (void)setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (!bind_to(listener) || getsockname(listener->fd, (struct sockaddr *)&bound, &size) != 0)
        return false;
    listener->port =
        ntohs(bound.ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)&bound)->sin6_port
                                          : ((const struct sockaddr_in *)&bound)->sin_port);
    return true;
}

bool rd_listener_open(struct rd_listener *listener, const struct rd_listen_address *address,
                      mode_t mode)
{
    memset(listener, 0, sizeof *listener);
    listener->address = *address;
    listener->fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd >= 0 && (address->is_unix ? bind_unix(listener, mode) : bind_port(listener)) &&
        listen(listener->fd, SOMAXCONN) == 0)
        return true;
    rd_log(RECSYS_LOG_ERROR, "cannot listen on %s: %s", address->text, strerror(errno));
    rd_listener_close(listener);
    return false;
}

uint32_t rd_listener_waiting(const struct rd_listener *listener)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    struct pollfd wanted = {listener->fd, POLLIN, 0};

    if (listener->fd < 0)
        return 0;
    if (listener->address.is_unix)
        return poll(&wanted, 1, 0) > 0;
    /* Of a listening socket, tcpi_unacked is the length of its queue. */
    return getsockopt(listener->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_unacked
                                                                              : 0;
}

static void remove_file(const struct rd_listener *listener)
{
    struct stat info;

    if (listener->address.is_unix && listener->ino != 0 && lstat(path_of(listener), &info) == 0 &&
        info.st_dev == listener->dev && info.st_ino == listener->ino)
        (void)unlink(path_of(listener));
}

void rd_listener_refuse(struct rd_listener *listener)
{
    /* Drop segments with SYN and without ACK; the packet begins with the TCP header. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* the flags */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};

    if (listener->address.is_unix) {
        remove_file(listener);
        listener->ino = 0;
    } else {
        /* Where it is not allowed, connections of the last moment are reset. */
        (void)setsockopt(listener->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    }
}

void rd_listener_end(struct rd_listener *listener)
{
    if (listener->fd >= 0)
        (void)shutdown(listener->fd, SHUT_RDWR);
}

void rd_listener_close(struct rd_listener *listener)
{
    if (listener->fd < 0)
        return;
    remove_file(listener);
    (void)close(listener->fd);
    listener->fd = -1;
}
