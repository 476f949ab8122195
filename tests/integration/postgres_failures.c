/* Covers lib/adapters/postgres against servers that sleep, freeze, restart, refuse or are not
 * there, and the pool's bounds. The server is this program's own, since others would notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/lock.h"
#include "recsys/postgres.h"
#include "tests/support/database.h"
#include "tests/support/trace_lines.h"

static struct database_server *server;
static const char *conninfo;
static recsys_source *source;
static recsys_error err;

static int start_server(void **state)
{
    static const char *const settings[] = {"max_connections=20", "superuser_reserved_connections=3",
                                           NULL};
    (void)state;
    server = database_server_start(settings);
    conninfo = database_server_get_conninfo(server);
    free(database_ask(conninfo, "CREATE TABLE t(id int PRIMARY KEY)"));
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    database_server_stop(server);
    return 0;
}

static void open_source(const char *where, uint32_t pool_size, uint32_t connect_timeout_ms,
                        uint32_t max_age_s)
{
    recsys_postgres_options options = RECSYS_POSTGRES_OPTIONS_INIT;

    options.pool_size = pool_size;
    options.connect_timeout_ms = connect_timeout_ms;
    options.max_age_s = max_age_s;
    assert_int_equal(recsys_postgres_create(where, &options, &source, &err), RECSYS_OK);
}

static int close_source(void **state)
{
    (void)state;
    recsys_source_unref(source);
    source = NULL;
    return 0;
}

static recsys_status query(const char *statement, uint32_t timeout_ms)
{
    recsys_rows *rows;
    recsys_status status = recsys_source_query(source, statement, NULL, 0, timeout_ms, &rows, &err);

    recsys_rows_destroy(rows);
    return status;
}

static recsys_postgres_stats get_stats(void)
{
    recsys_postgres_stats stats = {.struct_size = (uint32_t)sizeof stats};

    assert_int_equal(recsys_postgres_get_stats(source, &stats, &err), RECSYS_OK);
    return stats;
}

static long ask_number(const char *sql)
{
    char *answer = database_ask(conninfo, sql);
    long number = atol(answer);

    free(answer);
    return number;
}

static long count_connections(void)
{
    return ask_number("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'recsys'");
}

/* Servers do some things a little later. */
static void wait_until_no_connection_but(long n)
{
    const struct timespec pause = {0, 10000000};

    for (int i = 0; count_connections() != n; i++) {
        assert_true(i < 2000);
        nanosleep(&pause, NULL);
    }
}

static size_t count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

static void a_statement_that_is_late_is_stopped_on_the_server(void **state)
{
    (void)state;
    open_source(conninfo, 1, 0, 0);
    assert_int_equal(query("SELECT pg_sleep(600)", 300), RECSYS_E_TIMEOUT);
    assert_non_null(strstr(err.message, "57014"));
    assert_int_equal(ask_number("SELECT count(*) FROM pg_stat_activity WHERE query LIKE "
                                "'%pg_sleep(6%' AND state = 'active' AND pid <> pg_backend_pid()"),
                     0);
    assert_int_equal(query("SELECT 1", 0), RECSYS_OK);
    assert_int_equal(get_stats().connected, 1); /* it said so in time to be kept */
    assert_int_equal(get_stats().failures, 1);
    assert_int_equal(get_stats().queries, 2);
}

static void a_frozen_server_costs_the_deadline_and_no_more(void **state)
{
    recsys_transaction *transaction;

    (void)state;
    open_source(conninfo, 2, 300, 0);
    assert_int_equal(query("SELECT 1", 0), RECSYS_OK);
    database_server_freeze(server);
    uint64_t began = rs_clock_ns();
    assert_int_equal(query("SELECT 1", 200), RECSYS_E_TIMEOUT);   /* on the connection there is */
    assert_int_equal(query("SELECT 1", 60000), RECSYS_E_TIMEOUT); /* on a new one */
    assert_non_null(strstr(err.message, "connect"));
    assert_int_equal(recsys_transaction_begin(source, 200, &transaction, &err), RECSYS_E_TIMEOUT);
    assert_int_equal(recsys_source_run(source, "SELECT 1", 200, &err), RECSYS_E_TIMEOUT);
    assert_true(rs_clock_ns() - began < 20000000000u);
    assert_int_equal(get_stats().open, 0);
    assert_int_equal(get_stats().closed_broken, 1);
    database_server_thaw(server);
    assert_int_equal(query("SELECT 1", 10000), RECSYS_OK);
    wait_until_no_connection_but(1);
}

static void a_commit_that_a_frozen_server_does_not_answer_is_unknown(void **state)
{
    recsys_transaction *transaction;
    recsys_rows *rows;

    (void)state;
    open_source(conninfo, 2, 0, 0);
    assert_int_equal(recsys_transaction_begin(source, 300, &transaction, &err), RECSYS_OK);
    assert_int_equal(
        recsys_transaction_query(transaction, "INSERT INTO t VALUES (1)", NULL, 0, &rows, &err),
        RECSYS_OK);
    recsys_rows_destroy(rows);
    database_server_freeze(server);
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_E_TIMEOUT);
    database_server_thaw(server);
    wait_until_no_connection_but(0);
    assert_int_equal(ask_number("SELECT count(*) FROM t"), 1); /* it was on its way */

    assert_int_equal(recsys_transaction_begin(source, 300, &transaction, &err), RECSYS_OK);
    database_server_freeze(server);
    recsys_transaction_rollback(transaction);
    database_server_thaw(server);
    wait_until_no_connection_but(0);
    assert_int_equal(get_stats().open, 0);
}

/* A port of the test's own: no program listens there, or one that never answers. */
static int open_port(int listens, unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int socket_of_ours = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(socket_of_ours >= 0);
    assert_int_equal(bind(socket_of_ours, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(socket_of_ours, (struct sockaddr *)&address, &size), 0);
    if (listens)
        assert_int_equal(listen(socket_of_ours, 5), 0);
    *port = ntohs(address.sin_port);
    return socket_of_ours;
}

static void a_server_that_is_not_there_is_an_io_error(void **state)
{
    char where[200];
    unsigned port;
    int nobody = open_port(0, &port);

    (void)state;
    snprintf(where, sizeof where, "postgresql://me:s3cret@127.0.0.1:%u/db", port);
    open_source(where, 0, 0, 0);
    assert_int_equal(query("SELECT 1", 0), RECSYS_E_IO);
    assert_non_null(strstr(err.message, "127.0.0.1"));
    assert_null(strstr(err.message, "s3cret"));
    close_source(NULL);
    snprintf(where, sizeof where, "host=/nowhere/at/all user=me password=s3cret");
    open_source(where, 0, 0, 0);
    assert_int_equal(query("SELECT 1", 0), RECSYS_E_IO);
    assert_null(strstr(err.message, "s3cret"));
    close(nobody);
}

static void a_server_that_accepts_and_says_nothing_is_a_timeout(void **state)
{
    char where[200];
    unsigned port;
    int silent = open_port(1, &port);

    (void)state;
    snprintf(where, sizeof where, "host=127.0.0.1 port=%u user=me password=s3cret", port);
    open_source(where, 0, 100, 0);
    assert_int_equal(query("SELECT 1", 60000), RECSYS_E_TIMEOUT);
    assert_non_null(strstr(err.message, "127.0.0.1"));
    assert_null(strstr(err.message, "s3cret"));
    assert_int_equal(get_stats().open, 0);
    close(silent);
}

static void a_server_that_refuses_says_why(void **state)
{
    char where[300];
    unsigned port = database_server_get_port(server);

    (void)state;
    snprintf(where, sizeof where,
             "host=127.0.0.1 port=%u user=recsys_test dbname=nowhere password=s3cret", port);
    open_source(where, 0, 0, 0);
    assert_int_equal(query("SELECT 1", 0), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "3D000"));
    assert_non_null(strstr(err.message, "nowhere"));
    assert_null(strstr(err.message, "s3cret"));
    close_source(NULL);
    snprintf(where, sizeof where, "host=127.0.0.1 port=%u user=stranger dbname=postgres", port);
    open_source(where, 0, 0, 0);
    assert_int_equal(query("SELECT 1", 0), RECSYS_E_BACKEND);
    assert_non_null(strstr(err.message, "28000"));
    assert_int_equal(get_stats().open, 0);
}

static void a_conninfo_that_cannot_be_read_is_not_quoted(void **state)
{
    static const char *const wrong[] = {
        "postgresql://me:s3cret@[::1/db",
        "postgresql://me@corp:s3cret@host/db",
        "postgresql://me:s3/cret@host/db",
        "host=h password=two s3cret words",
        "s3cret",
        "host=h s3cret=1",
        "postgresql://me:p@s3cret@host/db",
        "postgresql://me:s3cret%zz@host/db",
        "password='s3cret",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        source = (recsys_source *)&err;
        assert_int_equal(recsys_postgres_create(wrong[i], NULL, &source, &err), RECSYS_E_INVALID);
        assert_null(source);
        assert_null(strstr(err.message, "cret"));
    }
    recsys_postgres_options options = RECSYS_POSTGRES_OPTIONS_INIT;
    options.pool_size = 20000;
    assert_int_equal(recsys_postgres_create("", &options, &source, &err), RECSYS_E_INVALID);
    options.struct_size = 4;
    assert_int_equal(recsys_postgres_create("", &options, &source, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_postgres_create(NULL, NULL, &source, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_postgres_create("", NULL, NULL, &err), RECSYS_E_INVALID);
    recsys_postgres_stats stats = {.struct_size = (uint32_t)sizeof stats};
    assert_int_equal(recsys_postgres_get_stats(NULL, &stats, &err), RECSYS_E_INVALID);
    open_source("", 0, 0, 0); /* all from the environment */
    stats.struct_size = 8;
    assert_int_equal(recsys_postgres_get_stats(source, &stats, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_postgres_get_stats(source, NULL, &err), RECSYS_E_INVALID);
}

static void a_pool_in_use_is_waited_for_until_the_deadline(void **state)
{
    recsys_transaction *held[2], *third;

    (void)state;
    open_source(conninfo, 2, 0, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(recsys_transaction_begin(source, 0, &held[i], &err), RECSYS_OK);
    assert_int_equal(query("SELECT 1", 50), RECSYS_E_EXHAUSTED);
    assert_non_null(strstr(err.message, "pool_size"));
    assert_int_equal(recsys_transaction_begin(source, 50, &third, &err), RECSYS_E_EXHAUSTED);
    assert_int_equal(get_stats().open, 2);
    assert_int_equal(get_stats().idle, 0);
    assert_int_equal(get_stats().waited, 2);
    assert_int_equal(get_stats().wait_timeouts, 2);
    recsys_transaction_rollback(held[0]);
    assert_int_equal(query("SELECT 1", 0), RECSYS_OK);
    recsys_transaction_rollback(held[1]);
    assert_int_equal(get_stats().idle, 2);
    assert_int_equal(get_stats().connected, 2);
}

static void *run_one(void *status)
{
    recsys_rows *rows;

    *(recsys_status *)status = recsys_source_query(source, "SELECT 1", NULL, 0, 60000, &rows, NULL);
    recsys_rows_destroy(rows);
    return NULL;
}

static void whoever_waits_gets_what_is_given_back(void **state)
{
    const struct timespec pause = {0, 1000000};
    recsys_transaction *held;
    recsys_status status = RECSYS_E_INTERNAL;
    pthread_t thread;

    (void)state;
    open_source(conninfo, 1, 0, 0);
    assert_int_equal(recsys_transaction_begin(source, 0, &held, &err), RECSYS_OK);
    assert_int_equal(pthread_create(&thread, NULL, run_one, &status), 0);
    while (get_stats().waited == 0)
        nanosleep(&pause, NULL);
    recsys_transaction_rollback(held);
    pthread_join(thread, NULL);
    assert_int_equal(status, RECSYS_OK);

    /* Also the place of a connection that was closed. */
    assert_int_equal(recsys_transaction_begin(source, 0, &held, &err), RECSYS_OK);
    assert_int_equal(pthread_create(&thread, NULL, run_one, &status), 0);
    while (get_stats().waited == 1)
        nanosleep(&pause, NULL);
    free(database_ask(conninfo, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                                "application_name = 'recsys'"));
    recsys_transaction_rollback(held);
    pthread_join(thread, NULL);
    assert_int_equal(status, RECSYS_OK);
    assert_int_equal(get_stats().connected, 2);
}

/* Have `n` idle connections. */
static void fill_pool(int n)
{
    recsys_transaction *held[8];

    for (int i = 0; i < n; i++)
        assert_int_equal(recsys_transaction_begin(source, 10000, &held[i], &err), RECSYS_OK);
    for (int i = 0; i < n; i++)
        recsys_transaction_rollback(held[i]);
    assert_int_equal(get_stats().idle, n);
}

static void a_restart_between_two_calls_is_not_noticed(void **state)
{
    (void)state;
    open_source(conninfo, 4, 0, 0);
    fill_pool(4);
    database_server_shut_down(server);
    database_server_start_again(server);
    assert_int_equal(query("SELECT 1", 10000), RECSYS_OK);
    assert_int_equal(get_stats().failures, 0);
    assert_int_equal(get_stats().closed_broken, 4);
    assert_int_equal(get_stats().open, 1);
    assert_int_equal(count_connections(), 1);
}

static void a_restart_in_the_middle_is_an_io_error_once(void **state)
{
    recsys_transaction *transaction;
    recsys_rows *rows;

    (void)state;
    open_source(conninfo, 2, 0, 0);
    assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_OK);
    database_server_shut_down(server);
    assert_int_equal(recsys_transaction_query(transaction, "SELECT 1", NULL, 0, &rows, &err),
                     RECSYS_E_IO);
    assert_int_equal(recsys_transaction_commit(transaction, &err), RECSYS_E_STATE);
    assert_int_equal(query("SELECT 1", 0), RECSYS_E_IO);
    database_server_start_again(server);
    assert_int_equal(query("SELECT 1", 10000), RECSYS_OK);
}

static void no_more_connections_than_the_server_has(void **state)
{
    recsys_transaction *held[20];
    recsys_status status = RECSYS_OK;
    char where[200];
    int n = 0;

    (void)state;
    free(database_ask(conninfo, "CREATE ROLE plain LOGIN CONNECTION LIMIT 3"));
    snprintf(where, sizeof where, "host=127.0.0.1 port=%u user=plain dbname=postgres",
             database_server_get_port(server));
    open_source(where, 20, 0, 0);
    while (n < 20 && status == RECSYS_OK)
        status = recsys_transaction_begin(source, 10000, &held[n++], &err);
    assert_int_equal(status, RECSYS_E_EXHAUSTED);
    assert_non_null(strstr(err.message, "53300"));
    assert_non_null(strstr(err.message, "pool_size"));
    assert_int_equal(n - 1, 3);
    while (n-- > 1)
        recsys_transaction_rollback(held[n - 1]);
}

static void an_old_connection_is_replaced(void **state)
{
    const struct timespec pause = {0, 50000000};

    (void)state;
    open_source(conninfo, 1, 0, 1);
    for (int i = 0; get_stats().connected < 2; i++) {
        assert_true(i < 400);
        assert_int_equal(query("SELECT 1", 0), RECSYS_OK);
        nanosleep(&pause, NULL);
    }
    assert_int_equal(get_stats().closed_broken, 0);
    wait_until_no_connection_but(get_stats().open);
}

#define N_THREADS 8
#define N_ROUNDS 150

static atomic_int n_wrong;
static atomic_long most_open;

static void *query_in_turns(void *argument)
{
    int64_t mine = *(int64_t *)argument;
    recsys_rows *rows;

    for (int i = 0; i < N_ROUNDS; i++) {
        recsys_datum parameters[] = {recsys_datum_integer(mine), recsys_datum_integer(i)};
        recsys_status status =
            recsys_source_query(source,
                                i % 10 == 9 ? "SELECT $1::int8, 1 / ($2::int8 - $2::int8)"
                                            : "SELECT $1::int8, $2::int8",
                                parameters, 2, 60000, &rows, NULL);
        if (i % 10 == 9)
            n_wrong += status != RECSYS_E_INVALID;
        else
            n_wrong += status != RECSYS_OK || recsys_rows_get(rows, 0, 0).number != mine ||
                       recsys_rows_get(rows, 0, 1).number != i;
        recsys_rows_destroy(rows);
        recsys_postgres_stats stats = {.struct_size = (uint32_t)sizeof stats};
        n_wrong += recsys_postgres_get_stats(source, &stats, NULL) != RECSYS_OK || stats.open > 3 ||
                   stats.idle > stats.open;
    }
    return NULL;
}

static void many_threads_share_few_connections(void **state)
{
    static int64_t numbers[N_THREADS];
    pthread_t threads[N_THREADS];

    (void)state;
    open_source(conninfo, 3, 0, 0);
    for (int i = 0; i < N_THREADS; i++) {
        numbers[i] = i + 1;
        assert_int_equal(pthread_create(&threads[i], NULL, query_in_turns, &numbers[i]), 0);
    }
    long seen = count_connections();
    most_open = seen > most_open ? seen : most_open;
    for (int i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(n_wrong, 0);
    assert_true(most_open <= 3 && count_connections() <= 3);
    assert_true(get_stats().connected <= 3);
    assert_int_equal(get_stats().queries, N_THREADS * N_ROUNDS);
    assert_int_equal(get_stats().idle, get_stats().open);
}

static void a_thousand_failures_leave_nothing_behind(void **state)
{
    static const char *const failing[] = {"SELECT 1/0", "SELEC", "INSERT INTO t VALUES (1)",
                                          "COPY t TO STDOUT", "BEGIN"};
    recsys_transaction *transaction;

    (void)state;
    open_source(conninfo, 3, 0, 0);
    free(database_ask(conninfo, "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING"));
    assert_int_equal(query("SELECT 1", 0), RECSYS_OK);
    size_t descriptors = count_descriptors();
    for (int i = 0; i < 1000; i++) {
        (void)query(failing[i % 5], 10000);
        if (i % 50 == 0) {
            assert_int_equal(recsys_transaction_begin(source, 0, &transaction, &err), RECSYS_OK);
            recsys_transaction_rollback(transaction);
            assert_int_equal(query("SELECT pg_terminate_backend(pg_backend_pid())", 10000),
                             RECSYS_E_IO);
        }
    }
    assert_int_equal(query("SELECT 1", 0), RECSYS_OK);
    assert_int_equal(get_stats().open, 1);
    assert_int_equal(count_descriptors(), descriptors);
    wait_until_no_connection_but(1);
}

static void a_result_that_is_too_large_is_refused_while_it_comes(void **state)
{
    struct rusage before, after;

    (void)state;
    open_source(conninfo, 1, 0, 0);
    assert_int_equal(query("SELECT 1", 0), RECSYS_OK);
    getrusage(RUSAGE_SELF, &before);
    /* 4 GB of rows */
    assert_int_equal(query("SELECT repeat('x', 100000) FROM generate_series(1, 40000)", 60000),
                     RECSYS_E_LIMIT);
    assert_non_null(strstr(err.message, "LIMIT"));
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 400 * 1024);
    assert_int_equal(get_stats().open, 0);
    assert_int_equal(query("SELECT 1", 10000), RECSYS_OK);
    wait_until_no_connection_but(1); /* the server has stopped sending it */
}

static void a_traced_statement_is_a_line_without_its_values(void **state)
{
    recsys_datum secret = {.type = RECSYS_TYPE_TEXT, .text = "a secret", .size = 8};
    recsys_rows *rows;

    (void)state;
    open_source(conninfo, 1, 0, 0);
    trace_begin("postgres");
    assert_int_equal(recsys_source_query(source, "SELECT $1::text", &secret, 1, 10000, &rows, &err),
                     RECSYS_OK);
    recsys_rows_destroy(rows);
    assert_int_equal(query("SELECT wrong", 10000), RECSYS_E_BACKEND);
    trace_end();
    assert_string_equal(trace_line(0), "postgres [-] connecting: OK");
    assert_int_equal(trace_with("statement with 1 parameters: OK, 1 rows, "), 1);
    assert_int_equal(trace_with(" us: SELECT $1::text"), 1);
    assert_int_equal(trace_with("E_BACKEND, 0 rows, "), 1);
    assert_int_equal(trace_with("secret"), 0);
    assert_int_equal(trace_with("password"), 0);
    assert_int_equal(trace_count(), 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, close_source)
    const struct CMUnitTest tests[] = {
        TEST(a_statement_that_is_late_is_stopped_on_the_server),
        TEST(a_frozen_server_costs_the_deadline_and_no_more),
        TEST(a_commit_that_a_frozen_server_does_not_answer_is_unknown),
        TEST(a_server_that_is_not_there_is_an_io_error),
        TEST(a_server_that_accepts_and_says_nothing_is_a_timeout),
        TEST(a_server_that_refuses_says_why),
        TEST(a_conninfo_that_cannot_be_read_is_not_quoted),
        TEST(a_pool_in_use_is_waited_for_until_the_deadline),
        TEST(whoever_waits_gets_what_is_given_back),
        TEST(a_restart_between_two_calls_is_not_noticed),
        TEST(a_restart_in_the_middle_is_an_io_error_once),
        TEST(no_more_connections_than_the_server_has),
        TEST(an_old_connection_is_replaced),
        TEST(many_threads_share_few_connections),
        TEST(a_thousand_failures_leave_nothing_behind),
        TEST(a_result_that_is_too_large_is_refused_while_it_comes),
        TEST(a_traced_statement_is_a_line_without_its_values),
    };

    return cmocka_run_group_tests(tests, start_server, stop_server);
}
