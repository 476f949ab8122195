/* daemon/http/connection.c - gives a connection from one thread to the next.
 *
 * The thread that lets it wait writes ARMING, tells the kernel, and then writes WAITING. Only then
 * may another thread take it: it could close the socket, and its number would be in use for the
 * call to the kernel.
 */
#include "daemon/http/connection.h"

#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { OWNED = 0, ARMING = 1, WAITING = 2 };

#define PHASE 3u

static uint32_t state_of(uint32_t turn, uint32_t phase)
{
    return turn << 2 | phase;
}

static bool change(struct rd_connection *connection, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong_explicit(&connection->state, &from, to,
                                                   memory_order_acq_rel, memory_order_relaxed);
}

bool rd_connection_wait(struct rd_connection *connection, int epoll, uint32_t events,
                        uint64_t deadline_ns)
{
    uint32_t turn = (atomic_load_explicit(&connection->state, memory_order_relaxed) >> 2) + 1;
    int fd = atomic_load_explicit(&connection->fd, memory_order_relaxed);
    int operation = connection->is_added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    struct epoll_event event;

    turn &= UINT32_MAX >> 2;
    event.events = events | EPOLLONESHOT;
    event.data.u64 = (uint64_t)connection->slot << 32 | turn;
    connection->is_added = true;
    atomic_store_explicit(&connection->deadline_ns, deadline_ns, memory_order_relaxed);
    atomic_store_explicit(&connection->state, state_of(turn, ARMING), memory_order_release);
    if (epoll_ctl(epoll, operation, fd, &event) != 0) {
        atomic_store_explicit(&connection->state, state_of(turn, OWNED), memory_order_relaxed);
        return false;
    }
    (void)change(connection, state_of(turn, ARMING), state_of(turn, WAITING));
    return true;
}

bool rd_connection_claim(struct rd_connection *connection, uint32_t turn)
{
    for (;;) {
        if (change(connection, state_of(turn, WAITING), state_of(turn, OWNED)))
            return true;
        if (atomic_load_explicit(&connection->state, memory_order_acquire) !=
            state_of(turn, ARMING))
            break;
        (void)sched_yield(); /* epoll was faster than the thread that told it, which is returning */
    }
    return change(connection, state_of(turn, WAITING), state_of(turn, OWNED));
}

static bool claim_waiting(struct rd_connection *connection, uint32_t state)
{
    return (state & PHASE) == WAITING && change(connection, state, (state & ~PHASE) | OWNED);
}

bool rd_connection_claim_late(struct rd_connection *connection, uint64_t now_ns)
{
    uint32_t state = atomic_load_explicit(&connection->state, memory_order_acquire);

    /* The deadline is this turn's: in the same turn it is written before the state. */
    return atomic_load_explicit(&connection->deadline_ns, memory_order_relaxed) <= now_ns &&
           claim_waiting(connection, state);
}

static bool is_idle(const struct rd_connection *connection)
{
    int stage = atomic_load_explicit(&connection->stage, memory_order_relaxed);

    return stage == RD_STAGE_FIRST || stage == RD_STAGE_NEXT;
}

bool rd_connection_is_idle(const struct rd_connection *connection)
{
    return rd_connection_is_waiting(connection) && is_idle(connection);
}

bool rd_connection_claim_idle(struct rd_connection *connection)
{
    uint32_t state = atomic_load_explicit(&connection->state, memory_order_acquire);

    return is_idle(connection) && claim_waiting(connection, state);
}

bool rd_connection_is_waiting(const struct rd_connection *connection)
{
    return (atomic_load_explicit(&connection->state, memory_order_acquire) & PHASE) == WAITING;
}

static bool may_succeed_later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

long rd_connection_receive(struct rd_connection *connection, void *out, size_t size)
{
    ssize_t n =
        recv(atomic_load_explicit(&connection->fd, memory_order_relaxed), out, size, MSG_DONTWAIT);

    return n >= 0 ? (long)n : may_succeed_later() ? -1 : -2;
}

long rd_connection_send(struct rd_connection *connection, const void *bytes, size_t size)
{
    ssize_t n = send(atomic_load_explicit(&connection->fd, memory_order_relaxed), bytes, size,
                     MSG_DONTWAIT | MSG_NOSIGNAL);

    return n > 0 ? (long)n : n == 0 || may_succeed_later() ? 0 : -2;
}

static long peek(const struct rd_connection *connection)
{
    char byte;
    ssize_t n = recv(atomic_load_explicit(&connection->fd, memory_order_relaxed), &byte, 1,
                     MSG_PEEK | MSG_DONTWAIT);

    return n >= 0 ? (long)n : may_succeed_later() ? -1 : -2;
}

bool rd_connection_has_input(const struct rd_connection *connection)
{
    return peek(connection) != -1;
}

bool rd_connection_has_bytes(const struct rd_connection *connection)
{
    return peek(connection) > 0;
}

bool rd_connection_is_gone(const struct rd_connection *connection)
{
    long n = peek(connection);

    return n == 0 || n == -2;
}
