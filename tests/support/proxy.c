/* tests/support/proxy.c - one thread, one poll loop over all connections.
 *
 * A reply is what the server wrote since the client last said something: with
 * clients that ask and wait this is one answer. It is taken whole before it is
 * treated, so large ones must fit into the buffer. */
#include "tests/support/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/bundle.h"
#include "tests/support/check.h"
#include "tests/support/processes.h"

#define MAX_LINKS 128
#define ROOM (64u * 1024)

struct link {
    int client, server;
    uint64_t held_until_ms; /* 0: nothing is held back */
    size_t held;
    size_t repeat; /* bytes of the last reply, to come once more in front of the next */
    char bytes[ROOM];
    char last[ROOM];
};

struct proxy {
    struct proxy_faults faults;
    struct proxy_counts counts;
    uint64_t random;
    uint32_t port, server_port;
    int listener;
    atomic_int stop;
    pthread_t thread;
    size_t n_links;
    struct link *links[MAX_LINKS];
};

static struct sockaddr_in loopback(uint32_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int open_socket(void)
{
    int number = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    CHECK(number >= 0);
    CHECK_EQ(setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    return number;
}

static void open_link(struct proxy *proxy)
{
    struct sockaddr_in server = loopback(proxy->server_port);
    struct link *link = calloc(1, sizeof *link);

    CHECK(link != NULL && proxy->n_links < MAX_LINKS);
    link->client = accept(proxy->listener, NULL, NULL);
    if (link->client < 0) { /* it has gone again */
        free(link);
        return;
    }
    int one = 1;
    CHECK_EQ(setsockopt(link->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    link->server = open_socket();
    CHECK_EQ(connect(link->server, (struct sockaddr *)&server, sizeof server), 0);
    proxy->links[proxy->n_links++] = link;
    proxy->counts.connections++;
}

static void close_link(struct proxy *proxy, size_t index)
{
    close(proxy->links[index]->client);
    close(proxy->links[index]->server);
    free(proxy->links[index]);
    proxy->links[index] = proxy->links[--proxy->n_links];
}

/* 0 if the other side has gone. */
static int pass_on(int to, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send(to, bytes, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        bytes += n;
        size -= (size_t)n;
    }
    return 1;
}

static int hits(struct proxy *proxy, unsigned one_in)
{
    return one_in != 0 && bundle_random(&proxy->random, one_in) == 0;
}

/* A reply is whole and lies in link->bytes. 0: the link is to be closed. */
static int treat_reply(struct proxy *proxy, struct link *link, size_t size)
{
    proxy->counts.replies++;
    if (hits(proxy, proxy->faults.cut)) {
        proxy->counts.cut++;
        pass_on(link->client, link->bytes, size / 2);
        return 0;
    }
    if (hits(proxy, proxy->faults.delay)) {
        proxy->counts.delayed++;
        link->held = size;
        link->held_until_ms = now_us() / 1000 + proxy->faults.delay_ms;
        return 1;
    }
    if (link->repeat > 0) {
        proxy->counts.repeated++;
        if (!pass_on(link->client, link->last, link->repeat))
            return 0;
        link->repeat = 0;
    } else if (hits(proxy, proxy->faults.repeat)) {
        memcpy(link->last, link->bytes, size);
        link->repeat = size;
    }
    return pass_on(link->client, link->bytes, size);
}

static int let_go(struct link *link)
{
    size_t size = link->held;

    link->held = 0;
    link->held_until_ms = 0;
    return pass_on(link->client, link->bytes, size);
}

static int serve_server(struct proxy *proxy, struct link *link)
{
    ssize_t n = recv(link->server, link->bytes + link->held, ROOM - link->held, 0);

    if (n <= 0)
        return 0;
    if (link->held_until_ms != 0) { /* stays behind what is held back */
        link->held += (size_t)n;
        CHECK(link->held < ROOM);
        return 1;
    }
    return treat_reply(proxy, link, (size_t)n);
}

static int serve_client(struct link *link)
{
    char bytes[16384];
    ssize_t n = recv(link->client, bytes, sizeof bytes, 0);

    return n > 0 && pass_on(link->server, bytes, (size_t)n);
}

static void serve_link(struct proxy *proxy, size_t index, const struct pollfd *client,
                       const struct pollfd *server)
{
    struct link *link = proxy->links[index];
    int is_alive = 1;

    if (link->held_until_ms != 0 && now_us() / 1000 >= link->held_until_ms)
        is_alive = let_go(link);
    if (is_alive && server->revents != 0)
        is_alive = serve_server(proxy, link);
    if (is_alive && client->revents != 0)
        is_alive = serve_client(link);
    if (!is_alive)
        close_link(proxy, index);
}

static void *run(void *argument)
{
    struct proxy *proxy = argument;
    struct pollfd waits[1 + 2 * MAX_LINKS];

    while (!atomic_load(&proxy->stop)) {
        size_t n = proxy->n_links;
        waits[0] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
        for (size_t i = 0; i < n; i++) {
            waits[1 + 2 * i] = (struct pollfd){.fd = proxy->links[i]->client, .events = POLLIN};
            waits[2 + 2 * i] = (struct pollfd){.fd = proxy->links[i]->server, .events = POLLIN};
        }
        if (poll(waits, (nfds_t)(1 + 2 * n), 1) < 0)
            CHECK_EQ(errno, EINTR);
        /* Backwards: a link that is closed is replaced by one that was served. */
        for (size_t i = n; i-- > 0;)
            serve_link(proxy, i, &waits[1 + 2 * i], &waits[2 + 2 * i]);
        if (waits[0].revents != 0)
            open_link(proxy);
    }
    return NULL;
}

struct proxy *proxy_start(uint32_t port, const struct proxy_faults *faults)
{
    struct proxy *proxy = calloc(1, sizeof *proxy);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;

    CHECK(proxy != NULL);
    proxy->faults = *faults;
    proxy->random = faults->seed;
    proxy->server_port = port;
    proxy->listener = open_socket();
    CHECK_EQ(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_EQ(listen(proxy->listener, MAX_LINKS), 0);
    CHECK_EQ(getsockname(proxy->listener, (struct sockaddr *)&address, &size), 0);
    proxy->port = ntohs(address.sin_port);
    CHECK_EQ(pthread_create(&proxy->thread, NULL, run, proxy), 0);
    return proxy;
}

uint32_t proxy_port(const struct proxy *proxy)
{
    return proxy->port;
}

struct proxy_counts proxy_stop(struct proxy *proxy)
{
    struct proxy_counts counts;

    atomic_store(&proxy->stop, 1);
    CHECK_EQ(pthread_join(proxy->thread, NULL), 0);
    while (proxy->n_links > 0)
        close_link(proxy, 0);
    close(proxy->listener);
    counts = proxy->counts;
    free(proxy);
    return counts;
}
