/* daemon/http/server.c - runs civetweb and nothing of it but its HTTP engine.
 *
 * civetweb accepts on a thread of its own and hands each connection to a
 * worker, which stays with it as long as it is open: `threads` is how many
 * connections are served at once, others wait in its queue. No files are
 * served, no scripts run, no directory is listed; rd_serve() answers all.
 *
 * Starting: civetweb says that it runs also with fewer workers than asked for,
 * and with no thread that accepts. So we count those that have begun.
 *
 * Stopping: mg_stop() would break off replies that are being written. So the
 * listening socket is put out of use first, then we wait until no request is
 * under way, and only then civetweb is stopped.
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

#include <openssl/evp.h>

#include "daemon/http/connection.h"
#include "daemon/http/gzip.h"
#include "daemon/http/reply.h"
#include "daemon/http/stack.h"
#include "daemon/observe/logger.h"
#include "daemon/observe/threads.h"
#include "daemon/routes.h"
#include "lib/base/clock.h"

#define QUIET_MS 60u /* a request that has been accepted, but not begun, begins within this */
#define MAX_FD 65536
#define BEGIN_MS 5000u    /* a thread that could be started has begun within this */
#define COMPLAINT_MS 500u /* ... after civetweb has said that one could not */

static struct rd_worker *workers; /* one for each thread, given out in order */
static atomic_size_t n_given_out;
static atomic_bool stacks_are_small, buffer_is_missing;
static atomic_bool accepts;      /* the thread that does has begun */
static atomic_uint n_complaints; /* what civetweb has logged */
static bool workers_are_left;    /* civetweb cannot stop them: it has no thread that would */
static int waker = -1; /* the far end of what stop_accepting() put in place of the socket */

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

bool rd_server_check(const struct rd_app *app, char *message, size_t message_size)
{
    const struct rd_config *config = &app->config;
    char address[INET_ADDRSTRLEN];
    unsigned port;

    if (!split_listen(config->listen, address, &port)) {
        (void)snprintf(message, message_size,
                       "listen must be an IPv4 address and a port, as 127.0.0.1:8000, not '%s'",
                       config->listen);
        return false;
    }
    if (strncmp(address, "127.", 4) == 0 || rd_auth_is_on(&app->auth) ||
        config->allow_unauthenticated)
        return true;
    (void)snprintf(message, message_size,
                   "refusing to listen on %s without authentication: set api_keys_file, "
                   "jwt_secret_file or jwt_public_key_file, or allow_unauthenticated if something "
                   "else keeps strangers away",
                   address);
    return false;
}

/* Twice the limit, so that we see what is a little too large, and can say so: civetweb only knows
 * malformed requests. */
static size_t request_bytes(const struct rd_config *config)
{
    return (size_t)config->max_header_bytes * 2;
}

static void *begin_thread(const struct mg_context *context, int type)
{
    void *buffer;

    (void)context;
    if (type == 0)
        atomic_store(&accepts, true);
    if (type != 1)
        return NULL;
    if (!rd_stack_is_large())
        atomic_store(&stacks_are_small, true);
    /* civetweb's next step; a worker that cannot do it ends, and nobody hears of it. */
    buffer = malloc(request_bytes(&workers[0].app->config));
    if (buffer == NULL)
        atomic_store(&buffer_is_missing, true);
    free(buffer);
    return &workers[atomic_fetch_add(&n_given_out, 1u)];
}

static void end_thread(const struct mg_context *context, int type, void *pointer)
{
    struct rd_worker *worker = pointer;

    (void)context;
    if (type != 1 || worker == NULL)
        return;
    recsys_recommender_destroy(worker->recommender);
    rd_gzip_free(worker);
    EVP_MD_CTX_free(worker->digest);
    rs_buffer_destroy(&worker->body);
    rs_buffer_destroy(&worker->out);
    rs_buffer_destroy(&worker->packed);
    rs_buffer_destroy(&worker->key);
    rs_buffer_destroy(&worker->value);
    rs_buffer_destroy(&worker->line);
}

/* What civetweb refuses before it calls us: a request it cannot read. */
static int refuse(struct mg_connection *conn, int status, const char *message)
{
    struct rd_request request;

    (void)message; /* its wording is for its own log */
    if (mg_get_thread_pointer(conn) == NULL)
        return 1;
    rd_request_begin_broken(&request, conn);
    switch (status) {
    case 408:
        (void)rd_reply_error(&request, 408, "The request did not arrive in time");
        break;
    case 411:
        (void)rd_reply_error(&request, 400, "Content-Length must be a number");
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

static bool make_workers(struct rd_app *app)
{
    size_t n = (size_t)app->config.threads;

    workers = calloc(n, sizeof *workers);
    if (workers == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        static const struct rs_buffer small = RS_BUFFER_INIT(1u << 20),
                                      large = RS_BUFFER_INIT(1u << 28);

        workers[i].app = app;
        workers[i].stamp.second = -1;
        workers[i].body = small;
        workers[i].body.max = (size_t)app->config.max_body_bytes + 65536u;
        workers[i].out = workers[i].packed = large;
        workers[i].key = workers[i].line = small;
        workers[i].value = large;
    }
    atomic_store(&n_given_out, 0u);
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

static struct mg_context *start(struct rd_app *app, const char *ports)
{
    const struct rd_config *config = &app->config;
    char n_threads[24], queue[24], request_ms[24], idle_ms[24], header_bytes[24], text[256] = "";
    uint64_t waiting =
        config->max_connections > config->threads ? config->max_connections - config->threads : 1;
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
    struct mg_init_data init = {&callbacks, app, options};
    struct mg_error_data error = {.text = text, .text_buffer_size = sizeof text};
    struct mg_context *context;

    (void)snprintf(n_threads, sizeof n_threads, "%llu", (unsigned long long)config->threads);
    (void)snprintf(queue, sizeof queue, "%llu", (unsigned long long)waiting);
    (void)snprintf(request_ms, sizeof request_ms, "%llu",
                   (unsigned long long)config->request_timeout_ms);
    (void)snprintf(idle_ms, sizeof idle_ms, "%llu",
                   (unsigned long long)config->keep_alive_timeout_ms);
    (void)snprintf(header_bytes, sizeof header_bytes, "%zu", request_bytes(config));
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.begin_request = rd_serve;
    callbacks.http_error = refuse;
    callbacks.init_thread = begin_thread;
    callbacks.exit_thread = end_thread;
    callbacks.log_message = log_message;
    context = mg_start2(&init, &error);
    if (context == NULL)
        log_no_start(ports, text);
    return context;
}

/* True when the accepting thread and every worker have begun; what is missing is logged. */
static bool all_threads_began(const struct rd_config *config)
{
    static const struct timespec step = {0, 1000000};
    uint64_t start_ns = rs_clock_ns();
    char limits[1024];

    while (!atomic_load(&accepts) || atomic_load(&n_given_out) < config->threads) {
        uint64_t patience = atomic_load(&n_complaints) > 0 ? COMPLAINT_MS : BEGIN_MS;

        if (rs_clock_ns() - start_ns >= patience * 1000000u)
            break;
        (void)nanosleep(&step, NULL);
    }
    if (atomic_load(&accepts) && atomic_load(&n_given_out) == config->threads &&
        !atomic_load(&buffer_is_missing))
        return true;
    rd_thread_limits(limits, sizeof limits);
    if (atomic_load(&buffer_is_missing))
        rd_log(RECSYS_LOG_ERROR, "no memory for the buffers of %llu workers; limits: %s",
               (unsigned long long)config->threads, limits);
    else
        rd_log(RECSYS_LOG_ERROR,
               "only %zu of %llu workers and %s could be started; lower threads or raise a "
               "limit: %s",
               atomic_load(&n_given_out), (unsigned long long)config->threads,
               atomic_load(&accepts) ? "the thread that accepts connections"
                                     : "no thread that accepts connections",
               limits);
    return false;
}

/* Without an accepting thread there is nobody who would stop the workers: they sleep on. */
static void give_up(struct rd_app *app)
{
    workers_are_left = !atomic_load(&accepts);
    mg_stop(app->server);
    app->server = NULL;
}

bool rd_server_start(struct rd_app *app)
{
    char address[INET_ADDRSTRLEN], ports[64];
    struct mg_server_port port;
    unsigned wanted;

    if (!split_listen(app->config.listen, address, &wanted) || !make_workers(app)) {
        rd_log(RECSYS_LOG_ERROR, "out of memory for %llu threads",
               (unsigned long long)app->config.threads);
        return false;
    }
    (void)mg_init_library(MG_FEATURES_DEFAULT);
    (void)snprintf(ports, sizeof ports, "%s:%u", address, wanted);
    app->server = start(app, ports);
    if (app->server == NULL)
        return false;
    if (!all_threads_began(&app->config)) {
        give_up(app);
        return false;
    }
    if (atomic_load(&stacks_are_small)) {
        rd_log(RECSYS_LOG_ERROR,
               "civetweb's threads have too little stack; see daemon/http/stack.c");
        return false;
    }
    if (mg_get_server_ports(app->server, 1, &port) != 1 ||
        !write_port_file(app->config.port_file, port.port))
        return false;
    rd_log(RECSYS_LOG_INFO, "recsysd listening on http://%s:%d", address, port.port);
    return true;
}

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

/*
 * civetweb cannot stop accepting alone. Its socket is found by its port, shut
 * down, and replaced by one that never has a connection: the kernel refuses
 * new ones at once, and civetweb keeps polling a valid descriptor.
 */
static void stop_accepting(struct mg_context *server)
{
    struct mg_server_port port;
    long last = sysconf(_SC_OPEN_MAX);
    int pair[2];

    if (mg_get_server_ports(server, 1, &port) != 1 || socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) != 0)
        return;
    for (int fd = 3; fd < last && fd < MAX_FD; fd++)
        if (is_listening_on(fd, port.port)) {
            (void)shutdown(fd, SHUT_RDWR); /* poll() under way would keep it open after dup2() */
            (void)dup2(pair[0], fd);
            break;
        }
    (void)close(pair[0]);
    waker = pair[1];
}

void rd_server_drain(struct rd_app *app, uint64_t deadline_ns)
{
    static const struct timespec step = {0, 5000000};
    uint64_t now, quiet_since;

    if (app->server == NULL)
        return;
    stop_accepting(app->server);
    now = quiet_since = rs_clock_ns();
    while (now < deadline_ns && now - quiet_since < QUIET_MS * 1000000u) {
        (void)nanosleep(&step, NULL);
        now = rs_clock_ns();
        if (atomic_load_explicit(&app->active, memory_order_acquire) > 0)
            quiet_since = now;
    }
    if (now >= deadline_ns)
        rd_log(RECSYS_LOG_WARN, "%u requests were not finished in time",
               atomic_load_explicit(&app->active, memory_order_relaxed));
}

void rd_server_stop(struct rd_app *app)
{
    if (app->server != NULL) {
        if (waker >= 0) {
            (void)send(waker, "", 1, MSG_NOSIGNAL); /* else civetweb polls for two seconds more */
            (void)close(waker);
        }
        rd_incoming_stop();
        mg_stop(app->server);
        app->server = NULL;
    }
    if (workers_are_left)
        return;
    free(workers);
    workers = NULL;
    (void)mg_exit_library();
}
