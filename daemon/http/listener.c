/* daemon/http/listener.c - ends the acceptance of connections, without a reset for any of them.
 *
 * civetweb cannot stop accepting alone. Its socket is found by its port, shut down, and replaced by
 * one that never has a connection: the kernel refuses new ones at once, and civetweb keeps polling
 * a valid descriptor.
 *
 * shutdown() resets the connections that the kernel has made and civetweb has not accepted yet. So
 * a filter on the socket first drops what would begin new ones; a client tries that again a second
 * later and is refused then. When the queue is empty, the socket is closed.
 */
#include "daemon/http/listener.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define MAX_FD 65536
#define EMPTY_MS 20u /* a handshake that has begun ends within this time */

static bool is_listening_on(int fd, int port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int listening = 0;
    socklen_t option_size = sizeof listening;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &option_size) == 0 &&
           listening != 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
           address.sin_family == AF_INET && ntohs(address.sin_port) == port;
}

static int find_socket(int port)
{
    long last = sysconf(_SC_OPEN_MAX);

    for (int fd = 3; fd < last && fd < MAX_FD; fd++)
        if (is_listening_on(fd, port))
            return fd;
    return -1;
}

/* Drop segments with SYN and without ACK; the packet begins with the TCP header. */
static void refuse_new(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* the flags */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};

    /* Where it is not allowed, connections of the last moment are reset. */
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static bool has_waiting(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;

    /* Of a listening socket, tcpi_unacked is the length of its queue. */
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_unacked > 0;
}

static void wait_until_empty(int fd, uint64_t deadline_ns)
{
    static const struct timespec step = {0, 1000000};
    uint64_t now = rs_clock_ns(), empty_since = now;

    while (now < deadline_ns && now - empty_since < EMPTY_MS * 1000000u) {
        (void)nanosleep(&step, NULL);
        now = rs_clock_ns();
        if (has_waiting(fd))
            empty_since = now;
    }
}

int rd_listener_stop(int port, uint64_t deadline_ns)
{
    int fd = find_socket(port), pair[2];

    if (fd < 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0)
        return -1;
    refuse_new(fd);
    wait_until_empty(fd, deadline_ns);
    (void)shutdown(fd, SHUT_RDWR); /* poll() under way would keep it open after dup2() */
    (void)dup2(pair[0], fd);
    (void)close(pair[0]);
    return pair[1];
}
