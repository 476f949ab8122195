/* swap_load.c - load that checks every answer, for measuring hot swaps.
 *
 *   swap_load --port P --bundle DIR --bundle DIR [--rate R] [--connections C] [--users N]
 *
 * Keeps C connections to 127.0.0.1 alive and asks for users' recommendations
 * at R requests a second, whatever becomes of them: a request that has to wait
 * for a free connection is late, and its time counts from when it was due
 * (R = 0: each connection asks again as soon as it is answered). Every answer
 * must be, to the last item and score, the one of the version it names.
 *
 * Says {"ready": true}, then waits for "begin" on standard input, runs until
 * "end" and prints one JSON line; and so on until standard input ends.
 */
#define _GNU_SOURCE /* ppoll */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "swap_load.h"

#define MAX_CONNECTIONS 256u
#define BUFFER 65536u
#define PATIENCE 5.0 /* s for an answer */

struct connection {
    int fd; /* -1 = not open */
    int busy;
    size_t user, size;
    double due, sent;
    char bytes[BUFFER];
};

struct load {
    struct expectation expectation;
    struct connection *connections;
    size_t n_connections, max_users;
    double rate;
    unsigned port;
    const char *bundles[MAX_VERSIONS];
    size_t n_bundles;
    uint64_t random;

    /* of the present run */
    double *latencies; /* s */
    size_t n_latencies, max_latencies;
    uint64_t failed, wrong, reopened, by_version[MAX_VERSIONS];
    double begin, end, next;
    uint64_t n_due;
    int running;
};

void load_fail(const char *format, ...)
{
    va_list list;

    fputs("swap_load: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* SplitMix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- connections ---- */

static int open_connection(struct load *load, struct connection *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load->port)};
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->busy = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        if (c->fd >= 0)
            close(c->fd);
        c->fd = -1;
        return 0;
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
    return 1;
}

static void close_connection(struct connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->busy = 0;
}

static void fail_request(struct load *load, struct connection *c)
{
    load->failed++;
    close_connection(c);
}

/* Has the server hung up on an idle connection, as it may? */
static int hung_up(const struct connection *c)
{
    char byte;

    return c->fd < 0 || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void send_request(struct load *load, struct connection *c, double due)
{
    char body[64], request[256];
    int body_size, size;

    if (hung_up(c)) {
        load->reopened += c->fd >= 0;
        close_connection(c);
        if (!open_connection(load, c)) {
            load->failed++;
            return;
        }
    }
    c->user = (size_t)(next_random(&load->random) % load->expectation.n_users);
    c->size = 0;
    c->busy = 1;
    c->due = due;
    c->sent = now();
    body_size = snprintf(body, sizeof body, "{\"user_id\":%" PRIu64 ",\"top_k\":%u}",
                         load->expectation.users[c->user], ANSWERS);
    size = snprintf(request, sizeof request,
                    "POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                    body_size, body);
    if (send(c->fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        fail_request(load, c);
}

/* ---- answers ---- */

static void record(struct load *load, double seconds)
{
    if (load->n_latencies == load->max_latencies) {
        load->max_latencies = load->max_latencies * 2 + 65536;
        load->latencies = realloc(load->latencies, load->max_latencies * sizeof *load->latencies);
        if (load->latencies == NULL)
            load_fail("out of memory");
    }
    load->latencies[load->n_latencies++] = seconds;
}

static void judge(struct load *load, struct connection *c)
{
    size_t version = 0;

    record(load, now() - c->due);
    switch (reply_judge(&load->expectation, c->user, c->bytes, &version)) {
    case ANSWER_RIGHT:
        load->by_version[version]++;
        break;
    case ANSWER_FAILED:
        load->failed++;
        fprintf(stderr, "swap_load: failed: %.200s\n", c->bytes);
        break;
    case ANSWER_WRONG:
        load->wrong++;
        fprintf(stderr, "swap_load: wrong: user %" PRIu64 ": %.2000s\n",
                load->expectation.users[c->user], c->bytes);
        break;
    }
    c->busy = 0;
}

static void receive(struct load *load, struct connection *c)
{
    ssize_t n = recv(c->fd, c->bytes + c->size, BUFFER - 1 - c->size, 0);
    size_t whole;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 && !c->busy) {
        close_connection(c);
        return;
    }
    if (n <= 0) {
        fail_request(load, c);
        return;
    }
    c->size += (size_t)n;
    c->bytes[c->size] = '\0';
    whole = reply_size(c->bytes, c->size);
    if (!c->busy || whole > c->size || (whole > 0 && whole < c->size) || c->size == BUFFER - 1)
        fail_request(load, c); /* not asked for, not HTTP, or more than one reply */
    else if (whole != 0)
        judge(load, c);
}

/* ---- the loop ---- */

static void send_what_is_due(struct load *load)
{
    double t = now();

    for (size_t i = 0; i < load->n_connections && load->running; i++) {
        struct connection *c = &load->connections[i];

        if (c->busy)
            continue;
        if (load->rate > 0.0) {
            if (load->next > t)
                break;
            send_request(load, c, load->next);
            load->next = load->begin + (double)++load->n_due / load->rate;
        } else {
            send_request(load, c, t);
        }
    }
}

static size_t give_up_late(struct load *load)
{
    size_t busy = 0;
    double t = now();

    for (size_t i = 0; i < load->n_connections; i++) {
        struct connection *c = &load->connections[i];

        if (c->busy && t - c->sent > PATIENCE)
            fail_request(load, c);
        busy += c->busy != 0;
    }
    return busy;
}

/* 0 when standard input has ended. */
static int read_command(struct load *load)
{
    static char line[64];
    ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);

    if (n <= 0)
        return 0;
    line[n] = '\0';
    if (strncmp(line, "begin", 5) == 0) {
        load->n_latencies = 0;
        load->failed = load->wrong = load->reopened = load->n_due = 0;
        memset(load->by_version, 0, sizeof load->by_version);
        load->begin = load->next = now();
        load->running = 1;
    } else if (strncmp(line, "end", 3) == 0) {
        load->running = 0;
        load->end = now();
    } else {
        load_fail("begin or end, not %s", line);
    }
    return 1;
}

static void wait_for_something(struct load *load, int *command)
{
    struct pollfd polls[MAX_CONNECTIONS + 1];
    struct connection *whose[MAX_CONNECTIONS];
    struct timespec timeout = {0, 100000000};
    nfds_t n = 0;
    size_t idle = 0;

    for (size_t i = 0; i < load->n_connections; i++) {
        struct connection *c = &load->connections[i];

        idle += !c->busy;
        if (c->fd < 0)
            continue;
        whose[n] = c;
        polls[n++] = (struct pollfd){.fd = c->fd, .events = POLLIN};
    }
    polls[n] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    if (load->running && load->rate > 0.0 && idle > 0) {
        double left = load->next - now();

        left = left < 0.0 ? 0.0 : left < 0.1 ? left : 0.1;
        timeout.tv_nsec = (long)(left * 1e9);
    }
    if (ppoll(polls, n + 1, &timeout, NULL) < 0 && errno != EINTR)
        load_fail("poll: %s", strerror(errno));
    for (nfds_t i = 0; i < n; i++)
        if (polls[i].revents != 0)
            receive(load, whose[i]);
    *command = polls[n].revents != 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double percentile_us(const struct load *load, double share)
{
    size_t n = load->n_latencies, rank = (size_t)(share * (double)n);

    return n == 0 ? 0.0 : load->latencies[rank < n ? rank : n - 1] * 1e6;
}

static void print_line(struct load *load)
{
    qsort(load->latencies, load->n_latencies, sizeof *load->latencies, by_value);
    printf("{\"answers\": %zu, \"failed\": %" PRIu64 ", \"wrong\": %" PRIu64
           ", \"reopened\": %" PRIu64 ", \"seconds\": %.3f, \"p50_us\": %.1f, \"p90_us\": %.1f, "
           "\"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f, \"by_version\": {",
           load->n_latencies, load->failed, load->wrong, load->reopened, load->end - load->begin,
           percentile_us(load, 0.5), percentile_us(load, 0.9), percentile_us(load, 0.99),
           percentile_us(load, 0.999), percentile_us(load, 1.0));
    for (size_t v = 0; v < load->expectation.n_versions; v++)
        printf("%s\"%s\": %" PRIu64, v == 0 ? "" : ", ", load->expectation.versions[v].name,
               load->by_version[v]);
    puts("}}");
    (void)fflush(stdout);
}

static void run(struct load *load)
{
    int open = 1, was_running = 0, command = 0;

    while (open) {
        if (load->running)
            send_what_is_due(load);
        wait_for_something(load, &command);
        if (give_up_late(load) == 0 && was_running && !load->running) {
            print_line(load);
            was_running = 0;
        }
        if (command) {
            open = read_command(load);
            was_running = was_running || load->running;
        }
    }
}

static void parse(struct load *load, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];

        if (strcmp(name, "--port") == 0)
            load->port = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(name, "--bundle") == 0 && load->n_bundles < MAX_VERSIONS)
            load->bundles[load->n_bundles++] = value;
        else if (strcmp(name, "--rate") == 0)
            load->rate = strtod(value, NULL);
        else if (strcmp(name, "--connections") == 0)
            load->n_connections = (size_t)strtoull(value, NULL, 10);
        else if (strcmp(name, "--users") == 0)
            load->max_users = (size_t)strtoull(value, NULL, 10);
        else
            load_fail("unknown option %s", name);
    }
    if (argc % 2 == 0 || load->port == 0 || load->port > 65535 || load->n_bundles == 0 ||
        load->n_connections == 0 || load->n_connections > MAX_CONNECTIONS || load->max_users == 0)
        load_fail("usage: swap_load --port P --bundle DIR --bundle DIR [--rate R] "
                  "[--connections C] [--users N]");
}

int main(int argc, char **argv)
{
    static struct load load = {.n_connections = 8, .max_users = 1000, .rate = 1000.0, .random = 1};

    parse(&load, argc, argv);
    expect_from(&load.expectation, load.bundles, load.n_bundles, load.max_users);
    load.connections = calloc(load.n_connections, sizeof *load.connections);
    if (load.connections == NULL)
        load_fail("out of memory");
    for (size_t i = 0; i < load.n_connections; i++)
        load.connections[i].fd = -1;
    printf("{\"ready\": true, \"users\": %zu}\n", load.expectation.n_users);
    (void)fflush(stdout);
    run(&load);
    for (size_t i = 0; i < load.n_connections; i++)
        close_connection(&load.connections[i]);
    free(load.connections);
    free(load.latencies);
    expect_free(&load.expectation);
    return 0;
}
