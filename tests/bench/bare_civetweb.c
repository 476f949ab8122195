/* bare_civetweb.c - the fastest server civetweb allows: it always answers the same bytes.
 *
 *   bare_civetweb --reply FILE --port-file FILE [--threads N]
 *
 * FILE holds a whole reply, headers included, as recsysd has sent it from its
 * cache. The handler reads the request's body and writes the reply in one
 * piece; it does not look at either. civetweb is started as recsysd starts it,
 * so that the difference between the two is what recsysd does for a request.
 *
 * Listens on a free port of 127.0.0.1, which it writes to the port file, and
 * runs until SIGTERM.
 */
#include <civetweb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REPLY 1048576u

static char reply[MAX_REPLY];
static size_t reply_size;

static _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "bare_civetweb: %s%s\n", what, detail);
    exit(1);
}

static int answer(struct mg_connection *conn)
{
    const struct mg_request_info *info = mg_get_request_info(conn);
    long long left = info->content_length;
    char body[4096];

    while (left > 0) {
        int n = mg_read(conn, body, left < (long long)sizeof body ? (size_t)left : sizeof body);

        if (n <= 0)
            return 400;
        left -= n;
    }
    (void)mg_write(conn, reply, reply_size);
    return 200;
}

static void read_reply(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        fail("cannot open ", path);
    reply_size = fread(reply, 1, sizeof reply, file);
    if (reply_size == 0 || reply_size == sizeof reply)
        fail("empty or too large: ", path);
    fclose(file);
}

static void write_port(const struct mg_context *server, const char *path)
{
    struct mg_server_port port;
    char beside[4200];
    FILE *file;

    (void)snprintf(beside, sizeof beside, "%s.new", path);
    file = fopen(beside, "w");
    if (mg_get_server_ports(server, 1, &port) != 1 || file == NULL ||
        fprintf(file, "%d\n", port.port) < 0 || fclose(file) != 0 || rename(beside, path) != 0)
        fail("cannot write ", path);
}

int main(int argc, char **argv)
{
    const char *reply_path = NULL, *port_path = NULL, *threads = "64";
    struct mg_callbacks callbacks;
    struct mg_context *server;
    sigset_t signals;
    int number;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--reply") == 0)
            reply_path = argv[i + 1];
        else if (strcmp(argv[i], "--port-file") == 0)
            port_path = argv[i + 1];
        else if (strcmp(argv[i], "--threads") == 0)
            threads = argv[i + 1];
        else
            fail("unknown option ", argv[i]);
    }
    if (reply_path == NULL || port_path == NULL || argc % 2 == 0)
        fail("usage: bare_civetweb --reply FILE --port-file FILE [--threads N]", "");
    read_reply(reply_path);

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);

    const char *options[] = {"listening_ports",
                             "127.0.0.1:0",
                             "num_threads",
                             threads,
                             "connection_queue",
                             "960",
                             "request_timeout_ms",
                             "10000",
                             "keep_alive_timeout_ms",
                             "5000",
                             "max_request_size",
                             "16384",
                             "enable_keep_alive",
                             "yes",
                             "tcp_nodelay",
                             "1",
                             "decode_url",
                             "no",
                             NULL};
    (void)mg_init_library(MG_FEATURES_DEFAULT);
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.begin_request = answer;
    server = mg_start(&callbacks, NULL, options);
    if (server == NULL)
        fail("civetweb does not start", "");
    write_port(server, port_path);
    (void)sigwait(&signals, &number);
    mg_stop(server);
    (void)mg_exit_library();
    return 0;
}
