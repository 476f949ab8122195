/* tests/support/servers.c - see servers.h.
 *
 * The child asks the kernel to be killed when the thread that started it ends,
 * so servers are to be started by a test's first thread. Waiting for it to be
 * ready is reading what it prints.
 */
#define _GNU_SOURCE /* nftw() */
#include "tests/support/servers.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check.h"

#define READY "Ready to accept connections"

static int connect_or_bind(uint32_t *port, int (*call)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    CHECK(descriptor >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (call(descriptor, (const struct sockaddr *)&address, size) != 0) {
        perror("servers: connect or bind on the loopback");
        abort();
    }
    /* Else every command that goes out in pieces waits 40 ms for an acknowledgement. */
    CHECK_EQ(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    if (*port == 0) {
        CHECK_EQ(getsockname(descriptor, (struct sockaddr *)&address, &size), 0);
        *port = ntohs(address.sin_port);
    }
    return descriptor;
}

uint32_t servers_find_port(void)
{
    uint32_t port = 0;

    close(connect_or_bind(&port, bind));
    return port;
}

static void in_directory(const struct redis_server *server, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", server->directory, name);
}

/* The last one is Debian's redis-tools: the same program, which goes by what it is called. */
static const char *const programs[] = {"redis-server", "valkey-server", "redis-check-rdb"};

/* The port comes by the command line: it may have to be another one. */
static void launch(struct redis_server *server)
{
    int ends[2];
    char config[128], port[16];

    in_directory(server, "redis.conf", config);
    snprintf(port, sizeof port, "%u", server->port);
    CHECK_EQ(pipe(ends), 0);
    server->pid = fork();
    CHECK(server->pid >= 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
            execlp(programs[i], "redis-server", config, "--port", port, (char *)NULL);
        perror("servers: cannot run redis-server; is it installed?");
        _exit(127);
    }
    close(ends[1]);
    server->log = ends[0];
}

/* Whether it is ready; if not it has ended. */
static int wait_until_ready(struct redis_server *server)
{
    char output[16384];
    size_t n = 0;
    ssize_t got;

    while ((got = read(server->log, output + n, sizeof output - 1 - n)) > 0) {
        n += (size_t)got;
        output[n] = '\0';
        if (strstr(output, READY) != NULL)
            break;
        if (n > sizeof output / 2) { /* keep what may be half of the words */
            memmove(output, output + n - sizeof READY, sizeof READY);
            n = sizeof READY;
        }
    }
    close(server->log); /* it goes on without being heard */
    if (got <= 0) {
        waitpid(server->pid, NULL, 0);
        server->pid = 0;
        fprintf(stderr, "servers: redis-server did not start: %.*s\n", (int)n, output);
    }
    return got > 0;
}

void redis_server_start(struct redis_server *server, const char *config)
{
    char path[128];

    memset(server, 0, sizeof *server);
    strcpy(server->directory, "/tmp/recsys-redis-XXXXXX");
    CHECK(mkdtemp(server->directory) != NULL);
    snprintf(server->socket_path, sizeof server->socket_path, "%s/redis.sock", server->directory);
    in_directory(server, "redis.conf", path);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    fprintf(file, "bind 127.0.0.1\nunixsocket %s\ndir %s\nsave \"\"\nappendonly no\n%s\n",
            server->socket_path, server->directory, config == NULL ? "" : config);
    CHECK_EQ(fclose(file), 0);
    for (int attempt = 0; attempt < 10; attempt++) { /* somebody else may take the port */
        server->port = servers_find_port();
        launch(server);
        if (wait_until_ready(server))
            return;
    }
    abort();
}

void redis_server_restart(struct redis_server *server)
{
    redis_server_kill(server);
    launch(server);
    CHECK(wait_until_ready(server));
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid == 0)
        return;
    CHECK_EQ(kill(server->pid, SIGKILL), 0);
    CHECK_EQ(waitpid(server->pid, NULL, 0), server->pid);
    server->pid = 0;
}

void redis_server_freeze(struct redis_server *server)
{
    int status;

    CHECK_EQ(kill(server->pid, SIGSTOP), 0);
    CHECK_EQ(waitpid(server->pid, &status, WUNTRACED), server->pid);
    CHECK(WIFSTOPPED(status));
}

void redis_server_thaw(struct redis_server *server)
{
    CHECK_EQ(kill(server->pid, SIGCONT), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

void redis_server_end(struct redis_server *server)
{
    redis_server_kill(server);
    nftw(server->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS); /* what it wrote, too */
}

static void send_text(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send(descriptor, bytes, size, MSG_NOSIGNAL);
        CHECK(n > 0);
        bytes += n;
        size -= (size_t)n;
    }
}

static void send_argument(int descriptor, const char *text)
{
    char head[32];

    send_text(descriptor, head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", strlen(text)));
    send_text(descriptor, text, strlen(text));
    send_text(descriptor, "\r\n", 2);
}

/* QUIT follows the command, so the answer is all there is before the end but for "+OK". */
char *redis_server_ask(const struct redis_server *server, const char *command, ...)
{
    static const char quit[] = "*1\r\n$4\r\nQUIT\r\n", ok[] = "+OK\r\n";
    uint32_t port = server->port;
    int descriptor = connect_or_bind(&port, connect), n = 1;
    size_t size = 0, room = 4096;
    char *answer = malloc(room), head[32];
    va_list arguments;
    ssize_t got;

    CHECK(answer != NULL);
    va_start(arguments, command);
    while (va_arg(arguments, const char *) != NULL)
        n++;
    va_end(arguments);
    send_text(descriptor, head, (size_t)snprintf(head, sizeof head, "*%d\r\n", n));
    send_argument(descriptor, command);
    va_start(arguments, command);
    for (int i = 1; i < n; i++)
        send_argument(descriptor, va_arg(arguments, const char *));
    va_end(arguments);
    send_text(descriptor, quit, sizeof quit - 1);
    while ((got = recv(descriptor, answer + size, room - size - 1, 0)) > 0) {
        size += (size_t)got;
        if (size + 1 >= room) {
            answer = realloc(answer, room *= 2);
            CHECK(answer != NULL);
        }
    }
    CHECK_EQ(got, 0);
    CHECK(size >= sizeof ok - 1 && memcmp(answer + size - sizeof ok + 1, ok, sizeof ok - 1) == 0);
    close(descriptor);
    answer[size - sizeof ok + 1] = '\0';
    return answer;
}
