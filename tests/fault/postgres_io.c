/* The connection to PostgreSQL breaks after every byte of a real conversation in turn.
 *
 * Between the library and a server stands a proxy that lets so many bytes pass
 * in one direction and then closes both sides, resets them, or falls silent.
 * The conversation connects, inserts a row by itself, reads rows, and inserts
 * one in a transaction. Wherever it is cut: the first call that fails says E_IO
 * (silence: E_TIMEOUT); what was answered with success is in the database; what
 * could not have happened is not; the source works as soon as the network does;
 * and no descriptor or connection is left over.
 *
 * A sample of the bytes by default, all of them with RECSYS_LONG=1.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/lock.h"
#include "recsys/postgres.h"
#include "tests/support/check.h"
#include "tests/support/database.h"

enum { CLOSE, RESET, SILENCE, N_WAYS };
enum { FROM_CLIENT, FROM_SERVER, N_DIRECTIONS };

static const char *const way_names[] = {"closed", "reset", "silent"};

/* The proxy's orders. Written only while no connection is open. */
static struct {
    int listener;
    unsigned port, server_port;
    atomic_long left[N_DIRECTIONS]; /* bytes that may still pass; negative: any number */
    atomic_long passed[N_DIRECTIONS];
    atomic_int way, is_ending;
} proxy;

static recsys_error err;
static int64_t next_id;

static int connect_to_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)proxy.server_port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int end = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(end >= 0);
    CHECK_EQ(connect(end, (struct sockaddr *)&address, sizeof address), 0);
    return end;
}

static void reset(int end)
{
    const struct linger at_once = {1, 0};

    setsockopt(end, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Pass on what there is. 0: that was the end, by itself or as planned. */
static int pass(int from, int to, int direction)
{
    char bytes[4096];
    ssize_t n = recv(from, bytes, sizeof bytes, 0);
    long left = atomic_load(&proxy.left[direction]);

    if (n <= 0)
        return 0;
    if (left >= 0 && n > left)
        n = left;
    for (ssize_t sent = 0, step; sent < n; sent += step) {
        step = send(to, bytes + sent, (size_t)(n - sent), MSG_NOSIGNAL);
        if (step < 0)
            return 0;
    }
    atomic_fetch_add(&proxy.passed[direction], n);
    if (left >= 0)
        atomic_fetch_sub(&proxy.left[direction], n);
    return left < 0 || n < left;
}

/* Until the client gives up. */
static void wait_in_silence(int client)
{
    char bytes[4096];

    while (recv(client, bytes, sizeof bytes, 0) > 0)
        continue;
}

static void serve(int client)
{
    int server = connect_to_server(), goes_on = 1;
    struct pollfd ends[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};

    while (goes_on) {
        CHECK(poll(ends, 2, -1) > 0 || errno == EINTR);
        if (ends[0].revents != 0)
            goes_on = pass(client, server, FROM_CLIENT);
        if (goes_on && ends[1].revents != 0)
            goes_on = pass(server, client, FROM_SERVER);
    }
    int is_planned =
        atomic_load(&proxy.left[FROM_CLIENT]) == 0 || atomic_load(&proxy.left[FROM_SERVER]) == 0;
    if (is_planned && atomic_load(&proxy.way) == SILENCE)
        wait_in_silence(client);
    if (is_planned && atomic_load(&proxy.way) == RESET)
        reset(client);
    close(client);
    close(server);
}

/* One connection at a time, as the source has one at a time. */
static void *run_proxy(void *unused)
{
    (void)unused;
    for (;;) {
        int client = accept(proxy.listener, NULL, NULL);
        CHECK(client >= 0);
        if (atomic_load(&proxy.is_ending)) {
            close(client);
            return NULL;
        }
        serve(client);
    }
}

static void plan(int direction, long bytes, int way)
{
    for (int i = 0; i < N_DIRECTIONS; i++) {
        atomic_store(&proxy.left[i], i == direction ? bytes : -1);
        atomic_store(&proxy.passed[i], 0);
    }
    atomic_store(&proxy.way, way);
}

static void open_proxy(pthread_t *thread)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    proxy.listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(proxy.listener >= 0);
    CHECK_EQ(bind(proxy.listener, (struct sockaddr *)&address, size), 0);
    CHECK_EQ(listen(proxy.listener, 10), 0);
    CHECK_EQ(getsockname(proxy.listener, (struct sockaddr *)&address, &size), 0);
    proxy.port = ntohs(address.sin_port);
    plan(-1, 0, CLOSE);
    CHECK_EQ(rs_thread_start(thread, run_proxy, NULL), 0);
}

static void close_proxy(pthread_t thread)
{
    atomic_store(&proxy.is_ending, 1);
    proxy.server_port = proxy.port;
    close(connect_to_server()); /* to the proxy itself, so that it looks */
    rs_thread_join(thread);
    close(proxy.listener);
}

/* -- the conversation -- */

/* The outcome: the first failure, and what must or must not be there. */
struct outcome {
    recsys_status status;
    int64_t ids[2]; /* of the row by itself and of the transaction's */
    int is_there[2], is_not_there[2];
};

static recsys_status insert(recsys_source *source, recsys_transaction *transaction, int64_t id,
                            uint32_t timeout_ms)
{
    const recsys_datum parameters[] = {recsys_datum_integer(id), recsys_datum_text("some text")};
    const char *statement = "INSERT INTO t VALUES ($1, $2) RETURNING id";
    recsys_rows *rows;
    recsys_status status =
        transaction == NULL
            ? recsys_source_query(source, statement, parameters, 2, timeout_ms, &rows, &err)
            : recsys_transaction_query(transaction, statement, parameters, 2, &rows, &err);

    CHECK((status == RECSYS_OK) == (rows != NULL));
    CHECK(status != RECSYS_OK || recsys_rows_get(rows, 0, 0).number == id);
    recsys_rows_destroy(rows);
    return status;
}

static recsys_status read_rows(recsys_source *source, uint32_t timeout_ms)
{
    recsys_rows *rows;
    recsys_status status =
        recsys_source_query(source, "SELECT i, repeat('x', i) AS x FROM generate_series(1, 9) i",
                            NULL, 0, timeout_ms, &rows, &err);

    if (status == RECSYS_OK) {
        CHECK_EQ(recsys_rows_count(rows), 9);
        CHECK(strcmp(recsys_rows_get(rows, 8, 1).text, "xxxxxxxxx") == 0);
    }
    recsys_rows_destroy(rows);
    return status;
}

static recsys_status insert_in_transaction(recsys_source *source, struct outcome *outcome,
                                           uint32_t timeout_ms)
{
    recsys_transaction *transaction;

    outcome->is_not_there[1] = 1;
    recsys_status status = recsys_transaction_begin(source, timeout_ms, &transaction, &err);
    if (status != RECSYS_OK) {
        CHECK(transaction == NULL);
        return status;
    }
    status = insert(source, transaction, outcome->ids[1], timeout_ms);
    if (status != RECSYS_OK) {
        recsys_error problem = err;
        CHECK_EQ(recsys_transaction_commit(transaction, &err), RECSYS_E_STATE);
        err = problem;
        return status;
    }
    status = recsys_transaction_commit(transaction, &err);
    outcome->is_not_there[1] = 0; /* after a commit that failed like this it is not known */
    outcome->is_there[1] = status == RECSYS_OK;
    return status;
}

static struct outcome converse(recsys_source *source, uint32_t timeout_ms)
{
    struct outcome outcome = {.ids = {next_id + 1, next_id + 2}};

    next_id += 2;
    outcome.status = insert(source, NULL, outcome.ids[0], timeout_ms);
    outcome.is_there[0] = outcome.status == RECSYS_OK;
    if (outcome.status == RECSYS_OK)
        outcome.status = read_rows(source, timeout_ms);
    if (outcome.status == RECSYS_OK)
        outcome.status = insert_in_transaction(source, &outcome, timeout_ms);
    return outcome;
}

static void check_rows(recsys_source *direct, const struct outcome *outcome)
{
    for (int i = 0; i < 2; i++) {
        const recsys_datum id = recsys_datum_integer(outcome->ids[i]);
        recsys_rows *rows;
        CHECK_OK(recsys_source_query(direct, "SELECT 1 FROM t WHERE id = $1", &id, 1, 60000, &rows,
                                     &err),
                 &err);
        CHECK(!outcome->is_there[i] || recsys_rows_count(rows) == 1);
        CHECK(!outcome->is_not_there[i] || recsys_rows_count(rows) == 0);
        recsys_rows_destroy(rows);
    }
}

static recsys_source *open_source(const char *conninfo)
{
    recsys_postgres_options options = RECSYS_POSTGRES_OPTIONS_INIT;
    recsys_source *source;

    options.pool_size = 1;
    options.connect_timeout_ms = 60000;
    CHECK_OK(recsys_postgres_create(conninfo, &options, &source, &err), &err);
    return source;
}

static void cut_after(const char *conninfo, recsys_source *direct, int direction, long bytes,
                      int way)
{
    recsys_source *source = open_source(conninfo);
    recsys_postgres_stats stats = {.struct_size = (uint32_t)sizeof stats};

    plan(direction, bytes, way);
    struct outcome outcome = converse(source, way == SILENCE ? 40 : 60000);
    recsys_status want = way == SILENCE ? RECSYS_E_TIMEOUT : RECSYS_E_IO;
    if (outcome.status != want) {
        fprintf(stderr, "%s after %ld bytes from the %s: %s: %s\n", way_names[way], bytes,
                direction == FROM_CLIENT ? "client" : "server", recsys_status_name(outcome.status),
                err.message);
        abort();
    }
    CHECK_EQ(err.status, want);
    CHECK(err.message[0] != '\0');
    CHECK_OK(recsys_postgres_get_stats(source, &stats, &err), &err);
    CHECK_EQ(stats.open, 0);
    check_rows(direct, &outcome);

    plan(-1, 0, CLOSE);
    outcome = converse(source, 60000);
    CHECK_OK(outcome.status, &err);
    check_rows(direct, &outcome);
    recsys_source_unref(source);
}

static size_t count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t n = 0;

    while (directory != NULL && readdir(directory) != NULL)
        n++;
    if (directory != NULL)
        closedir(directory);
    return n;
}

/* How many bytes a conversation that is not cut has in each direction. */
static void measure(const char *conninfo, recsys_source *direct, long *sizes)
{
    recsys_source *source = open_source(conninfo);

    plan(-1, 0, CLOSE);
    struct outcome outcome = converse(source, 60000);
    CHECK_OK(outcome.status, &err);
    CHECK(outcome.is_there[0] && outcome.is_there[1]);
    check_rows(direct, &outcome);
    for (int i = 0; i < N_DIRECTIONS; i++)
        sizes[i] = atomic_load(&proxy.passed[i]);
    recsys_source_unref(source);
}

int main(void)
{
    struct database_server *server = database_server_start(NULL);
    const char *given = database_server_get_conninfo(server);
    int is_long = getenv("RECSYS_LONG") != NULL && strcmp(getenv("RECSYS_LONG"), "1") == 0;
    char conninfo[300];
    long sizes[N_DIRECTIONS], n_cuts = 0;
    pthread_t thread;

    free(database_ask(given, "CREATE TABLE t(id int8 PRIMARY KEY, v text)"));
    proxy.server_port = database_server_get_port(server);
    recsys_source *direct = open_source(given);
    CHECK_OK(read_rows(direct, 60000), &err);
    size_t descriptors = count_descriptors();
    open_proxy(&thread);
    snprintf(conninfo, sizeof conninfo,
             "host=127.0.0.1 port=%u user=recsys_test dbname=postgres sslmode=disable "
             "gssencmode=disable",
             proxy.port);
    measure(conninfo, direct, sizes);
    for (int direction = 0; direction < N_DIRECTIONS; direction++)
        for (int way = 0; way < N_WAYS; way++) {
            long step = is_long ? 1 : way == SILENCE ? 61 : 17;
            /* No conversation is shorter than the one that was measured: ids only grow. */
            for (long bytes = way; bytes < sizes[direction]; bytes += step, n_cuts++)
                cut_after(conninfo, direct, direction, bytes, way);
        }
    close_proxy(thread); /* and so with it all that it had open */
    CHECK_EQ(count_descriptors(), descriptors);
    recsys_source_unref(direct);
    database_server_stop(server);
    printf("%ld and %ld bytes, cut %ld times\n", sizes[FROM_CLIENT], sizes[FROM_SERVER], n_cuts);
    return 0;
}
