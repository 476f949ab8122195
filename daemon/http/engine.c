/* daemon/http/engine.c - one thread accepts and watches deadlines; the others serve.
 *
 * All connections that wait for something are in one epoll set, and all workers wait on it. The
 * kernel wakes one of them for each connection that can go on, which that worker then serves alone
 * until it has to wait again. So a connection costs no thread while it waits, and a request is
 * read, answered and replied to by one thread, without being handed from one to another.
 *
 * The accepting thread also closes connections whose time is over. Those that get a reply then it
 * gives to the workers, in a list that an eventfd in the epoll set announces.
 */
#define _GNU_SOURCE /* accept4() */

#include "daemon/http/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/http/exchange.h"
#include "daemon/http/gzip.h"
#include "daemon/http/serve.h"
#include "daemon/process/heap.h"
#include "daemon/process/logger.h"
#include "daemon/process/threads.h"
#include "lib/base/clock.h"

#define TICK_MS 50           /* how often deadlines are looked at */
#define PAUSE_MS 25          /* after accept() has failed */
#define AT_ONCE 64u          /* connections accepted between two looks */
#define IDLE_MS 2000         /* after which a worker without work gives its memory back */
#define WORKER_BYTES 131072u /* of it, about */

#define STOP_DATA UINT64_MAX
#define LATE_DATA (UINT64_MAX - 1)

/* ---- workers */

static struct rd_connection *take_late(struct rd_engine *engine)
{
    struct rd_connection *connection = NULL;
    uint64_t one;

    if (read(engine->late_event, &one, sizeof one) != (ssize_t)sizeof one)
        return NULL; /* another worker was faster */
    rs_lock_take(&engine->lock);
    if (engine->n_late > 0)
        connection = &engine->slots.connections[engine->late[--engine->n_late]];
    rs_lock_give(&engine->lock);
    return connection;
}

static bool has_memory(const struct rd_worker *worker)
{
    return worker->spare != NULL || worker->scratch != NULL || worker->deflater != NULL;
}

static void give_memory_back(struct rd_worker *worker)
{
    rd_exchange_destroy(worker->spare);
    worker->http->settings.free_scratch(worker->scratch);
    rd_gzip_free(worker->deflater);
    worker->spare = NULL;
    worker->scratch = worker->deflater = NULL;
    atomic_fetch_add_explicit(&worker->http->n_freed, WORKER_BYTES, memory_order_relaxed);
}

static void *work(void *argument)
{
    struct rd_worker *worker = argument;
    struct rd_engine *engine = worker->engine;
    char name[16];

    (void)snprintf(name, sizeof name, "%.8s-%u", worker->name, worker->number);
    rs_thread_name(name);
    for (;;) {
        struct rd_connection *connection;
        struct epoll_event event;
        int n = epoll_wait(engine->slots.epoll, &event, 1, has_memory(worker) ? IDLE_MS : -1);

        if (n <= 0) {
            if (n == 0)
                give_memory_back(worker);
            continue;
        }
        if (event.data.u64 == STOP_DATA)
            break;
        connection = event.data.u64 == LATE_DATA ? take_late(engine)
                                                 : rd_slots_claim(&engine->slots, event.data.u64);
        if (connection != NULL)
            rd_serve(worker, connection);
    }
    give_memory_back(worker);
    return NULL;
}

/* ---- accepting */

static void name_sender(const struct sockaddr_storage *sender, char out[RD_ADDRESS_SIZE])
{
    const void *address = sender->ss_family == AF_INET6
                              ? (const void *)&((const struct sockaddr_in6 *)sender)->sin6_addr
                              : (const void *)&((const struct sockaddr_in *)sender)->sin_addr;

    if (sender->ss_family == AF_UNIX ||
        inet_ntop(sender->ss_family, address, out, RD_ADDRESS_SIZE) == NULL)
        memcpy(out, RD_UNIX_ADDRESS, sizeof RD_UNIX_ADDRESS);
}

/* 1: accepted, 0: none is there, -1: it failed, and will fail again. */
static int accept_one(struct rd_engine *engine, const struct rd_listener *listener)
{
    struct sockaddr_storage sender;
    socklen_t size = sizeof sender;
    char remote[RD_ADDRESS_SIZE];
    int on = 1, fd;

    memset(&sender, 0, sizeof sender);
    fd = accept4(listener->fd, (struct sockaddr *)&sender, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return 0;
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
            return 1; /* that connection is broken */
        rd_log_seldom(RECSYS_LOG_ERROR,
                      "cannot accept connections on %s: %s; lower max_connections or raise the "
                      "limit (ulimit -n)",
                      listener->address.text, strerror(errno));
        return -1;
    }
    if (listener->address.is_unix)
        sender.ss_family = AF_UNIX;
    else
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    name_sender(&sender, remote);
    if (!rd_slots_open(&engine->slots, fd, remote))
        rd_log_seldom(RECSYS_LOG_ERROR, "a connection of %s could not be served", remote);
    return 1;
}

/* False: there is no room for it, or no descriptor, so that accepting makes a pause. */
static bool accept_some(struct rd_engine *engine, const struct rd_listener *listener)
{
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        int accepted;

        if (rd_slots_are_taken(&engine->slots)) {
            if (rd_listener_waiting(listener) == 0)
                break;
            if (!rd_slots_evict(&engine->slots)) {
                atomic_store_explicit(&engine->slots.is_full, true, memory_order_relaxed);
                return false;
            }
        }
        accepted = accept_one(engine, listener);
        if (accepted < 0)
            return rd_slots_evict(&engine->slots);
        if (accepted == 0)
            break;
    }
    return true;
}

static void give_late(struct rd_engine *engine, struct rd_connection *connection)
{
    uint64_t one = 1;

    connection->is_late = true;
    rs_lock_take(&engine->lock);
    engine->late[engine->n_late++] = connection->slot;
    rs_lock_give(&engine->lock);
    (void)!write(engine->late_event, &one, sizeof one);
}

/* Its request has come, but no worker had time to read it. */
static bool goes_on_waiting(struct rd_engine *engine, struct rd_connection *connection,
                            uint64_t now)
{
    return rd_connection_has_bytes(connection) &&
           rd_connection_wait(connection, engine->slots.epoll, EPOLLIN,
                              now + engine->http->settings.request_timeout_ms * 1000000u);
}

static void look_at_deadlines(struct rd_engine *engine)
{
    uint64_t now = rs_clock_ns();
    struct rd_connection *connection;
    uint32_t at = 0;

    while ((connection = rd_slots_claim_late(&engine->slots, now, &at)) != NULL) {
        int stage = atomic_load_explicit(&connection->stage, memory_order_relaxed);

        if (stage == RD_STAGE_HEAD || stage == RD_STAGE_BODY || stage == RD_STAGE_REPLY)
            give_late(engine, connection);
        else if (stage == RD_STAGE_CLOSING || !goes_on_waiting(engine, connection, now))
            rd_slots_close(&engine->slots, connection);
    }
}

/* Until something happens or the next tick. */
static void wait_and_accept(struct rd_engine *engine, bool *pausing)
{
    struct pollfd wanted[RD_MAX_ADDRESSES + 1] = {{engine->wake_event, POLLIN, 0}};
    size_t n = *pausing || atomic_load(&engine->closing) ? 0 : engine->n_listeners;
    int timeout_ms = *pausing ? PAUSE_MS : TICK_MS;
    uint64_t count;

    for (size_t i = 0; i < n; i++)
        wanted[i + 1] = (struct pollfd){engine->listeners[i].fd, POLLIN, 0};
    *pausing = false;
    if (poll(wanted, n + 1, timeout_ms) < 0)
        return;
    if (wanted[0].revents != 0)
        (void)!read(engine->wake_event, &count, sizeof count);
    for (size_t i = 0; i < n; i++)
        if (wanted[i + 1].revents != 0 && !accept_some(engine, &engine->listeners[i]))
            *pausing = true;
    if (n > 0 && !*pausing)
        atomic_store_explicit(&engine->slots.is_full, false, memory_order_relaxed);
}

/* One engine looks after the memory of all. */
static void trim_heap(struct rd_engine *engine, struct rd_heap *heap, uint64_t now)
{
    const struct rd_http *http = engine->http;

    if (!engine->for_operators)
        rd_heap_trim(heap, atomic_load_explicit(&http->n_freed, memory_order_relaxed),
                     atomic_load_explicit(&http->active, memory_order_relaxed) > 0, now);
}

static void *accept_all(void *argument)
{
    struct rd_engine *engine = argument;
    struct rd_heap heap = {0};
    uint64_t looked_ns = 0;
    bool pausing = false;
    char name[16];

    (void)snprintf(name, sizeof name, "%.8s-accept", engine->name);
    rs_thread_name(name);
    while (!atomic_load(&engine->stopping)) {
        wait_and_accept(engine, &pausing);
        if (rs_clock_ns() - looked_ns >= TICK_MS * 1000000u) {
            looked_ns = rs_clock_ns();
            look_at_deadlines(engine);
            trim_heap(engine, &heap, looked_ns);
        }
    }
    return NULL;
}

/* ---- start and stop */

static bool listen_on_all(struct rd_engine *engine, const char *listen)
{
    struct rd_listen_address addresses[RD_MAX_ADDRESSES];
    size_t n;

    if (rd_listen_parse(listen, addresses, &n) != NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!rd_listener_open(&engine->listeners[i], &addresses[i],
                              engine->http->settings.socket_mode))
            return false;
        engine->n_listeners = i + 1;
    }
    return true;
}

static bool watch_event(struct rd_engine *engine, int fd, uint64_t data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = data};

    return fd >= 0 && epoll_ctl(engine->slots.epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool make_events(struct rd_engine *engine)
{
    engine->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    engine->late_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
    engine->wake_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return engine->wake_event >= 0 && watch_event(engine, engine->stop_event, STOP_DATA) &&
           watch_event(engine, engine->late_event, LATE_DATA);
}

static bool start_threads(struct rd_engine *engine, const struct rd_engine_options *options)
{
    char limits[1024];

    for (uint32_t i = 0; i < engine->n_workers; i++) {
        struct rd_worker *worker = &engine->workers[i];

        worker->http = engine->http;
        worker->engine = engine;
        worker->slots = &engine->slots;
        worker->for_operators = options->for_operators;
        worker->name = engine->name;
        worker->number = i;
        worker->timestamp.second = -1;
        if (rs_thread_start(&worker->thread, work, worker) != 0) {
            rd_thread_limits(limits, sizeof limits);
            rd_log(RECSYS_LOG_ERROR,
                   "only %u of %u workers could be started; lower threads or raise a limit: %s", i,
                   engine->n_workers, limits);
            return false;
        }
        engine->n_begun++;
    }
    engine->has_acceptor =
        rd_thread_start(&engine->acceptor, accept_all, engine, "accepts connections");
    return engine->has_acceptor;
}

bool rd_engine_start(struct rd_engine *engine, struct rd_http *http,
                     const struct rd_engine_options *options)
{
    *engine = (struct rd_engine)RD_ENGINE_INIT;
    engine->http = http;
    engine->name = options->name;
    engine->for_operators = options->for_operators;
    engine->n_workers = options->n_workers;
    engine->workers = calloc(options->n_workers, sizeof *engine->workers);
    engine->late = malloc(options->max_connections * sizeof *engine->late);
    if (rs_lock_init(&engine->lock) != 0 || engine->workers == NULL || engine->late == NULL ||
        !rd_slots_init(&engine->slots, http, options->max_connections) || !make_events(engine)) {
        rd_log(RECSYS_LOG_ERROR, "cannot prepare for %u connections: %s", options->max_connections,
               strerror(errno));
        return false;
    }
    return listen_on_all(engine, options->listen) && start_threads(engine, options);
}

int rd_engine_port(const struct rd_engine *engine)
{
    for (size_t i = 0; i < engine->n_listeners; i++)
        if (engine->listeners[i].port != 0)
            return engine->listeners[i].port;
    return 0;
}

void rd_engine_refuse(struct rd_engine *engine)
{
    for (size_t i = 0; i < engine->n_listeners; i++)
        rd_listener_refuse(&engine->listeners[i]);
}

uint32_t rd_engine_count_queued(struct rd_engine *engine)
{
    uint32_t n = 0;

    for (size_t i = 0; i < engine->n_listeners; i++)
        n += rd_listener_waiting(&engine->listeners[i]);
    return n;
}

static void wake(struct rd_engine *engine)
{
    uint64_t one = 1;

    if (engine->wake_event >= 0)
        (void)!write(engine->wake_event, &one, sizeof one);
}

void rd_engine_close(struct rd_engine *engine)
{
    atomic_store(&engine->closing, true);
    wake(engine);
    for (size_t i = 0; i < engine->n_listeners; i++)
        rd_listener_end(&engine->listeners[i]);
}

uint32_t rd_engine_count_waiting(struct rd_engine *engine)
{
    return rd_slots_count_ready(&engine->slots) + rd_engine_count_queued(engine);
}

static void close_listeners(struct rd_engine *engine)
{
    for (size_t i = 0; i < engine->n_listeners; i++)
        rd_listener_close(&engine->listeners[i]);
}

static void close_event(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void rd_engine_stop(struct rd_engine *engine)
{
    uint64_t one = 1;

    if (engine->workers == NULL)
        return;
    atomic_store(&engine->stopping, true);
    if (engine->stop_event >= 0)
        (void)!write(engine->stop_event, &one, sizeof one);
    wake(engine);
    for (uint32_t i = 0; i < engine->n_begun; i++)
        rs_thread_join(engine->workers[i].thread);
    if (engine->has_acceptor)
        rs_thread_join(engine->acceptor);
    close_listeners(engine);
    rd_slots_destroy(&engine->slots);
    close_event(&engine->stop_event);
    close_event(&engine->late_event);
    close_event(&engine->wake_event);
    free(engine->late);
    free(engine->workers);
    engine->workers = NULL;
}
