/* daemon/http/slots.c - see slots.h.
 *
 * The slots stay where they are for as long as the server runs, so that a thread may look at one
 * whose connection another thread is closing. Their memory is touched when they are first used.
 */
#include "daemon/http/slots.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/http/exchange.h"
#include "lib/base/clock.h"

#define LEAST_IDLE_NS 1000000000u
#define MOST_TRIED 8u
#define AT_ONCE 256u /* asked the kernel about */

bool rd_slots_init(struct rd_slots *slots, struct rd_http *http, uint32_t n)
{
    memset(slots, 0, sizeof *slots);
    slots->http = http;
    slots->n = n;
    slots->epoll = epoll_create1(EPOLL_CLOEXEC);
    slots->connections = calloc(n, sizeof *slots->connections);
    slots->free = malloc(n * sizeof *slots->free);
    if (slots->epoll < 0 || slots->connections == NULL || slots->free == NULL ||
        rs_lock_init(&slots->lock) != 0) {
        if (slots->epoll >= 0)
            errno = ENOMEM;
        return false;
    }
    return true;
}

void rd_slots_destroy(struct rd_slots *slots)
{
    uint32_t n = atomic_load(&slots->n_used);

    for (uint32_t i = 0; i < n; i++)
        if (atomic_load(&slots->connections[i].fd) >= 0)
            rd_slots_close(slots, &slots->connections[i]);
    if (slots->epoll >= 0)
        (void)close(slots->epoll);
    slots->epoll = -1;
    free(slots->connections);
    free(slots->free);
    rs_lock_destroy(&slots->lock);
}

/* NULL: all are taken. */
static struct rd_connection *take(struct rd_slots *slots)
{
    struct rd_connection *connection = NULL;
    uint32_t n_used;

    rs_lock_take(&slots->lock);
    n_used = atomic_load_explicit(&slots->n_used, memory_order_relaxed);
    if (slots->n_free > 0) {
        connection = &slots->connections[slots->free[--slots->n_free]];
    } else if (n_used < slots->n) {
        connection = &slots->connections[n_used];
        connection->slot = n_used;
        atomic_store_explicit(&slots->n_used, n_used + 1, memory_order_release);
    }
    rs_lock_give(&slots->lock);
    return connection;
}

bool rd_slots_are_taken(struct rd_slots *slots)
{
    bool taken;

    rs_lock_take(&slots->lock);
    taken = slots->n_free == 0 && atomic_load(&slots->n_used) == slots->n;
    rs_lock_give(&slots->lock);
    return taken;
}

bool rd_slots_open(struct rd_slots *slots, int fd, const char *remote)
{
    struct rd_connection *connection = take(slots);
    uint64_t now = rs_clock_ns();

    if (connection == NULL) {
        (void)close(fd);
        return false;
    }
    atomic_store(&connection->fd, fd);
    atomic_store(&connection->stage, RD_STAGE_FIRST);
    connection->is_late = connection->is_added = false;
    connection->is_expected = true;
    connection->n_requests = connection->n_discarded = 0;
    connection->opened_ns = now;
    memcpy(connection->remote, remote, strlen(remote) + 1);
    atomic_fetch_add_explicit(&slots->http->n_open, 1u, memory_order_relaxed);
    atomic_fetch_add_explicit(&slots->http->expected, 1u, memory_order_relaxed);
    if (rd_connection_wait(connection, slots->epoll, EPOLLIN,
                           now + slots->http->settings.request_timeout_ms * 1000000u))
        return true;
    rd_slots_close(slots, connection);
    return false;
}

void rd_slots_close(struct rd_slots *slots, struct rd_connection *connection)
{
    if (connection->is_expected)
        atomic_fetch_sub_explicit(&slots->http->expected, 1u, memory_order_release);
    rd_exchange_destroy(connection->exchange);
    connection->exchange = NULL;
    (void)close(atomic_exchange(&connection->fd, -1));
    atomic_fetch_sub_explicit(&slots->http->n_open, 1u, memory_order_relaxed);
    rs_lock_take(&slots->lock);
    slots->free[slots->n_free++] = connection->slot;
    rs_lock_give(&slots->lock);
}

struct rd_connection *rd_slots_claim(struct rd_slots *slots, uint64_t data)
{
    struct rd_connection *connection = &slots->connections[data >> 32];

    return rd_connection_claim(connection, (uint32_t)data) ? connection : NULL;
}

struct rd_connection *rd_slots_claim_late(struct rd_slots *slots, uint64_t now_ns, uint32_t *at)
{
    uint32_t n = atomic_load_explicit(&slots->n_used, memory_order_acquire);

    while (*at < n) {
        struct rd_connection *connection = &slots->connections[(*at)++];

        if (rd_connection_claim_late(connection, now_ns))
            return connection;
    }
    return NULL;
}

/* Since when it has waited for a request. */
static uint64_t idle_since(const struct rd_http_settings *settings,
                           const struct rd_connection *connection)
{
    int stage = atomic_load_explicit(&connection->stage, memory_order_relaxed);

    return atomic_load_explicit(&connection->deadline_ns, memory_order_relaxed) -
           (stage == RD_STAGE_FIRST ? settings->request_timeout_ms
                                    : settings->keep_alive_timeout_ms) *
               1000000u;
}

/* The one that is idle for longest, but since later than `after`. */
static struct rd_connection *find_idle(struct rd_slots *slots, uint64_t after, uint64_t *since)
{
    uint32_t n = atomic_load_explicit(&slots->n_used, memory_order_acquire);
    struct rd_connection *found = NULL;

    *since = UINT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        struct rd_connection *connection = &slots->connections[i];
        uint64_t its = idle_since(&slots->http->settings, connection);

        if (its > after && its < *since && rd_connection_is_idle(connection)) {
            *since = its;
            found = connection;
        }
    }
    return found;
}

bool rd_slots_evict(struct rd_slots *slots)
{
    uint64_t since = 0, now = rs_clock_ns();

    for (unsigned i = 0; i < MOST_TRIED; i++) {
        struct rd_connection *found = find_idle(slots, since, &since);

        if (found == NULL || since + LEAST_IDLE_NS > now)
            return false;
        if (!rd_connection_claim_idle(found))
            continue;
        if (!rd_connection_has_input(found) ||
            !rd_connection_wait(found, slots->epoll, EPOLLIN, atomic_load(&found->deadline_ns))) {
            rd_slots_close(slots, found);
            return true;
        }
    }
    return false;
}

static uint32_t count(struct pollfd *wanted, nfds_t n)
{
    int n_ready = poll(wanted, n, 0);

    return n_ready > 0 ? (uint32_t)n_ready : 0;
}

uint32_t rd_slots_count_ready(struct rd_slots *slots)
{
    uint32_t n = atomic_load_explicit(&slots->n_used, memory_order_acquire), n_ready = 0;
    struct pollfd wanted[AT_ONCE];
    nfds_t n_wanted = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct rd_connection *connection = &slots->connections[i];
        int stage = atomic_load_explicit(&connection->stage, memory_order_relaxed);

        if (!rd_connection_is_waiting(connection))
            continue;
        wanted[n_wanted++] =
            (struct pollfd){atomic_load_explicit(&connection->fd, memory_order_relaxed),
                            stage == RD_STAGE_REPLY ? POLLOUT : POLLIN, 0};
        if (n_wanted == AT_ONCE) {
            n_ready += count(wanted, n_wanted);
            n_wanted = 0;
        }
    }
    return n_ready + count(wanted, n_wanted);
}
