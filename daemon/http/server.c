/* daemon/http/server.c - runs civetweb, of which only the HTTP engine is used.
 *
 * civetweb accepts connections on a thread of its own and gives each one to a worker, which serves
 * it until it is closed. So `threads` connections are served at once, and others wait in civetweb's
 * queue. The application answers every request, so civetweb never serves a file, runs a script,
 * lists a directory or authenticates.
 *
 * Starting: civetweb reports success also if it could start only some workers, or not the thread
 * that accepts. So this file counts the threads that have begun.
 *
 * Stopping: mg_stop() would interrupt replies that are being written. So the listening socket is
 * replaced first (listener.c), then rd_server_drain() waits until no request is under way or about
 * to come, and only then civetweb is stopped.
 */
#include "daemon/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/http/framing.h"
#include "daemon/http/gzip.h"
#include "daemon/http/listener.h"
#include "daemon/http/reply.h"
#include "daemon/http/stack.h"
#include "daemon/process/logger.h"
#include "daemon/process/threads.h"
#include "lib/base/clock.h"

#define KEPT_BYTES 65536u    /* of a worker's memory between two requests */
#define MAX_REPLY (1u << 28) /* bytes */
#define QUIET_MS 60u         /* an accepted connection gets a worker within this time */
#define FIRST_REQUEST_MS 1000u
#define BEGIN_MS 5000u    /* a thread that could be started has begun within this */
#define COMPLAINT_MS 500u /* ... after civetweb has said that one could not */

enum { ACCEPTING = 0, WORKER = 1 }; /* civetweb's kinds of threads */

static struct mg_context *server;
static struct rd_worker *workers; /* one for each thread, given out in order */
static atomic_size_t n_numbered, n_begun;
static atomic_bool stacks_are_small, buffer_is_missing;
static atomic_bool accepts;      /* the thread that accepts has begun */
static atomic_uint n_complaints; /* messages that civetweb has logged */
static bool workers_are_left;    /* civetweb cannot stop them without its accepting thread */
static int waker = -1; /* the far end of what rd_listener_stop() put in place of the socket */

static bool split_listen(const char *listen, char address[INET_ADDRSTRLEN], unsigned *port)
{
    const char *colon = strrchr(listen, ':');
    struct in_addr parsed;
    char *end;
    size_t size;

    if (colon == NULL || colon[1] < '0' || colon[1] > '9')
        return false;
    size = (size_t)(colon - listen);
    if (size == 9 && strncmp(listen, "localhost", 9) == 0) {
        (void)strcpy(address, "127.0.0.1");
    } else {
        if (size == 0 || size >= INET_ADDRSTRLEN)
            return false;
        memcpy(address, listen, size);
        address[size] = '\0';
    }
    *port = (unsigned)strtoul(colon + 1, &end, 10);
    return *end == '\0' && *port <= 65535 && inet_pton(AF_INET, address, &parsed) == 1;
}

bool rd_server_check(const char *listen, bool *is_loopback)
{
    char address[INET_ADDRSTRLEN];
    unsigned port;

    if (!split_listen(listen, address, &port))
        return false;
    *is_loopback = strncmp(address, "127.", 4) == 0;
    return true;
}

/* Twice the limit, so that a request that is a little too large is read and answered with 431;
 * civetweb would answer with 400. */
static size_t request_bytes(const struct rd_http_settings *settings)
{
    return settings->max_header_bytes * 2;
}

static void *begin_thread(const struct mg_context *context, int type)
{
    char name[16];
    void *buffer;
    size_t number;

    (void)context;
    if (type == ACCEPTING) {
        rs_thread_name("http-accept");
        atomic_store(&accepts, true);
    }
    if (type != WORKER)
        return NULL;
    number = atomic_fetch_add(&n_numbered, 1u);
    (void)snprintf(name, sizeof name, "http-%zu", number);
    rs_thread_name(name);
    rd_connection_begin_thread(request_bytes(&workers[0].http->settings));
    if (!rd_stack_is_large())
        atomic_store(&stacks_are_small, true);
    /* civetweb allocates the same next; a worker that cannot ends without a message. */
    buffer = malloc(request_bytes(&workers[0].http->settings));
    if (buffer == NULL)
        atomic_store(&buffer_is_missing, true);
    free(buffer);
    /* Last: all_threads_began() reads the other flags after this one. */
    atomic_fetch_add(&n_begun, 1u);
    return &workers[number];
}

static void end_thread(const struct mg_context *context, int type, void *pointer)
{
    struct rd_worker *worker = pointer;

    (void)context;
    if (type != WORKER || worker == NULL)
        return;
    worker->http->settings.free_scratch(worker->scratch);
    rd_gzip_free(worker->deflater);
    rs_buffer_destroy(&worker->body);
    rs_buffer_destroy(&worker->out);
    rs_buffer_destroy(&worker->packed);
}

static int begin_connection(const struct mg_connection *conn, void **data)
{
    struct rd_worker *worker = mg_get_thread_pointer(conn);

    (void)data;
    rd_connection_opened();
    worker->is_fresh = true;
    atomic_fetch_add_explicit(&worker->http->fresh, 1u, memory_order_relaxed);
    return 0;
}

/* The connection's first request has come, or it has ended without one. */
static void is_not_fresh(struct rd_worker *worker)
{
    if (worker->is_fresh)
        atomic_fetch_sub_explicit(&worker->http->fresh, 1u, memory_order_release);
    worker->is_fresh = false;
}

static void end_connection(const struct mg_connection *conn)
{
    is_not_fresh(mg_get_thread_pointer(conn));
}

static int begin_request(struct mg_connection *conn)
{
    struct rd_request request;
    struct rd_http *http;

    rd_request_begin(&request, conn);
    http = request.http;
    atomic_fetch_add_explicit(&http->active, 1u, memory_order_relaxed);
    is_not_fresh(request.worker);
    rs_buffer_reset(&request.worker->body, KEPT_BYTES);
    if (rd_framing_check(&request))
        http->settings.answer(&request, http->settings.user_data);
    rd_reply_send(&request);
    rd_connection_end(&request.worker->connection, rd_framing_length(&request));
    rd_request_end(&request);
    atomic_fetch_sub_explicit(&http->active, 1u, memory_order_release);
    return request.status;
}

/* Has civetweb refused the method, and not something behind it? */
static bool is_unknown_method(const struct mg_request_info *info)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};

    if (info == NULL || info->request_method == NULL || info->http_version == NULL ||
        strncmp(info->http_version, "1.", 2) != 0)
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(info->request_method, known[i]) == 0)
            return false;
    return true;
}

/* civetweb's callback for a request that it cannot read. */
static int refuse(struct mg_connection *conn, int status, const char *message)
{
    struct rd_request request;

    (void)message; /* civetweb's own text, for its log */
    if (mg_get_thread_pointer(conn) == NULL)
        return 1;
    rd_request_begin_broken(&request, conn);
    if (status == 400 && is_unknown_method(mg_get_request_info(conn)))
        status = 501;
    switch (status) {
    case 408:
        (void)rd_reply_error(&request, 408, "The request did not arrive in time");
        break;
    case 411:
        (void)rd_reply_error(&request, 400, "Content-Length must be a number");
        break;
    case 501:
        (void)rd_reply_error(&request, 501, "This method is not implemented");
        break;
    case 505:
        (void)rd_reply_error(&request, 505, "HTTP Version Not Supported");
        break;
    default:
        (void)rd_reply_error(&request, status < 500 ? 400 : 500,
                             status < 500 ? "Bad Request" : "Internal Server Error");
        break;
    }
    rd_reply_send(&request);
    return 0;
}

static int log_message(const struct mg_connection *conn, const char *message)
{
    (void)conn;
    rd_log(RECSYS_LOG_WARN, "http: %s", message);
    atomic_fetch_add(&n_complaints, 1u);
    return 1;
}

static bool make_workers(struct rd_http *http)
{
    size_t n = http->settings.threads;

    workers = calloc(n, sizeof *workers);
    if (workers == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        workers[i].http = http;
        workers[i].timestamp.second = -1;
        rs_buffer_init(&workers[i].body, http->settings.max_body_bytes + 65536u);
        rs_buffer_init(&workers[i].out, MAX_REPLY);
        rs_buffer_init(&workers[i].packed, MAX_REPLY);
    }
    atomic_store(&n_numbered, 0u);
    atomic_store(&n_begun, 0u);
    return true;
}

static bool write_port_file(const char *path, int port)
{
    char temporary[4200];
    FILE *file;
    bool ok;

    if (path[0] == '\0')
        return true;
    (void)snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
    file = fopen(temporary, "we");
    ok = file != NULL && fprintf(file, "%d\n", port) > 0;
    if (file != NULL && fclose(file) != 0)
        ok = false;
    if (!ok || rename(temporary, path) != 0) {
        rd_log(RECSYS_LOG_ERROR, "cannot write port_file %s: %s", path, strerror(errno));
        (void)unlink(temporary);
        return false;
    }
    return true;
}

static void log_no_start(const char *ports, const char *text)
{
    char limits[1024];

    if (strstr(text, "worker thread") == NULL) {
        rd_log(RECSYS_LOG_ERROR, "cannot listen on %s: %s", ports, text);
        return;
    }
    rd_thread_limits(limits, sizeof limits);
    rd_log(RECSYS_LOG_ERROR, "no worker could be started; raise a limit: %s", limits);
}

static struct mg_context *start(struct rd_http *http, const char *ports)
{
    const struct rd_http_settings *settings = &http->settings;
    char n_threads[24], queue[24], request_ms[24], idle_ms[24], header_bytes[24], text[256] = "";
    uint32_t waiting = settings->max_connections > settings->threads
                           ? settings->max_connections - settings->threads
                           : 1;
    const char *options[] = {"listening_ports",
                             ports,
                             "num_threads",
                             n_threads,
                             "connection_queue",
                             queue,
                             "request_timeout_ms",
                             request_ms,
                             "keep_alive_timeout_ms",
                             idle_ms,
                             "max_request_size",
                             header_bytes,
                             "enable_keep_alive",
                             "yes",
                             "tcp_nodelay",
                             "1",
                             "decode_url",
                             "no", /* segments are decoded after they are split */
                             "enable_directory_listing",
                             "no",
                             "enable_auth_domain_check",
                             "no",
                             "access_control_allow_origin",
                             "",
                             "access_control_allow_methods",
                             "",
                             "access_control_allow_headers",
                             "",
                             NULL};
    struct mg_callbacks callbacks;
    struct mg_init_data init = {&callbacks, http, options};
    struct mg_error_data error = {.text = text, .text_buffer_size = sizeof text};
    struct mg_context *context;

    (void)snprintf(n_threads, sizeof n_threads, "%u", settings->threads);
    (void)snprintf(queue, sizeof queue, "%u", waiting);
    (void)snprintf(request_ms, sizeof request_ms, "%llu",
                   (unsigned long long)settings->request_timeout_ms);
    (void)snprintf(idle_ms, sizeof idle_ms, "%llu",
                   (unsigned long long)settings->keep_alive_timeout_ms);
    (void)snprintf(header_bytes, sizeof header_bytes, "%zu", request_bytes(settings));
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.init_connection = begin_connection;
    callbacks.connection_closed = end_connection;
    callbacks.begin_request = begin_request;
    callbacks.http_error = refuse;
    callbacks.init_thread = begin_thread;
    callbacks.exit_thread = end_thread;
    callbacks.log_message = log_message;
    context = mg_start2(&init, &error);
    if (context == NULL)
        log_no_start(ports, text);
    return context;
}

/* Have the accepting thread and every worker begun? If not, the log says which have not. */
static bool all_threads_began(uint32_t n_threads)
{
    static const struct timespec step = {0, 1000000};
    uint64_t start_ns = rs_clock_ns();
    char limits[1024];

    while (!atomic_load(&accepts) || atomic_load(&n_begun) < n_threads) {
        uint64_t patience = atomic_load(&n_complaints) > 0 ? COMPLAINT_MS : BEGIN_MS;

        if (rs_clock_ns() - start_ns >= patience * 1000000u)
            break;
        (void)nanosleep(&step, NULL);
    }
    if (atomic_load(&accepts) && atomic_load(&n_begun) == n_threads &&
        !atomic_load(&buffer_is_missing))
        return true;
    rd_thread_limits(limits, sizeof limits);
    if (atomic_load(&buffer_is_missing))
        rd_log(RECSYS_LOG_ERROR, "no memory for the buffers of %u workers; limits: %s", n_threads,
               limits);
    else
        rd_log(RECSYS_LOG_ERROR,
               "only %zu of %u workers and %s could be started; lower threads or raise a "
               "limit: %s",
               atomic_load(&n_begun), n_threads,
               atomic_load(&accepts) ? "the thread that accepts connections"
                                     : "no thread that accepts connections",
               limits);
    return false;
}

/* civetweb's accepting thread stops the workers. Without it they are left sleeping. */
static void give_up(void)
{
    workers_are_left = !atomic_load(&accepts);
    mg_stop(server);
    server = NULL;
}

bool rd_server_start(struct rd_http *http)
{
    const struct rd_http_settings *settings = &http->settings;
    char address[INET_ADDRSTRLEN], ports[64];
    struct mg_server_port port;
    unsigned wanted;

    if (!split_listen(settings->listen, address, &wanted) || !make_workers(http)) {
        rd_log(RECSYS_LOG_ERROR, "out of memory for %u threads", settings->threads);
        return false;
    }
    (void)mg_init_library(MG_FEATURES_DEFAULT);
    (void)snprintf(ports, sizeof ports, "%s:%u", address, wanted);
    server = start(http, ports);
    if (server == NULL)
        return false;
    if (!all_threads_began(settings->threads)) {
        give_up();
        return false;
    }
    if (atomic_load(&stacks_are_small)) {
        rd_log(RECSYS_LOG_ERROR,
               "civetweb's threads have too little stack; see daemon/http/stack.c");
        return false;
    }
    if (mg_get_server_ports(server, 1, &port) != 1 ||
        !write_port_file(settings->port_file, port.port))
        return false;
    rd_log(RECSYS_LOG_INFO, "recsysd listening on http://%s:%d", address, port.port);
    return true;
}

void rd_server_announce_stop(struct rd_http *http)
{
    atomic_store(&http->draining, true);
}

/* Requests under way, and connections whose first request has not come yet. */
static bool is_busy(struct rd_http *http, uint64_t now, uint64_t since)
{
    return atomic_load_explicit(&http->active, memory_order_acquire) > 0 ||
           (now - since < FIRST_REQUEST_MS * 1000000u &&
            atomic_load_explicit(&http->fresh, memory_order_acquire) > 0);
}

void rd_server_drain(struct rd_http *http, uint64_t deadline_ns)
{
    static const struct timespec step = {0, 5000000};
    struct mg_server_port port;
    uint64_t now, since, quiet_since;

    rd_server_announce_stop(http);
    if (server == NULL)
        return;
    if (mg_get_server_ports(server, 1, &port) == 1)
        waker = rd_listener_stop(port.port, deadline_ns);
    now = since = quiet_since = rs_clock_ns();
    while (now < deadline_ns && now - quiet_since < QUIET_MS * 1000000u) {
        (void)nanosleep(&step, NULL);
        now = rs_clock_ns();
        if (is_busy(http, now, since))
            quiet_since = now;
    }
    if (now >= deadline_ns)
        rd_log(RECSYS_LOG_WARN, "%u requests were not finished in time",
               atomic_load_explicit(&http->active, memory_order_relaxed));
}

void rd_server_stop(void)
{
    if (server != NULL) {
        if (waker >= 0) {
            /* Without a byte civetweb would poll for two seconds more. */
            (void)send(waker, "", 1, MSG_NOSIGNAL);
            (void)close(waker);
        }
        rd_connection_stop();
        mg_stop(server);
        server = NULL;
    }
    if (workers_are_left)
        return;
    free(workers);
    workers = NULL;
    (void)mg_exit_library();
}
