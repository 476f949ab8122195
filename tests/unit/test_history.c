/* Covers lib/registry/history.c, history_file.c and event.c: events survive a restart, whatever
 * happened to their file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/registry/history.h"
#include "recsys/log.h"
#include "tests/support/bundle.h"

static char *root, path[PATH_MAX], said[4000];
static struct rs_history history;
static recsys_error err;

static void listen(int32_t level, const char *message, void *user_data)
{
    size_t used = strlen(said);

    (void)level;
    (void)user_data;
    snprintf(said + used, sizeof said - used, "%s\n", message);
}

static int set_up(void **state)
{
    (void)state;
    root = bundle_make_directory();
    snprintf(path, sizeof path, "%s/history.jsonl", root);
    said[0] = '\0';
    return recsys_log_set(RECSYS_LOG_INFO, listen, NULL, NULL) != RECSYS_OK;
}

static int tear_down(void **state)
{
    (void)state;
    (void)recsys_log_set(0, NULL, NULL, NULL);
    bundle_remove_directory(root);
    free(root);
    return 0;
}

static void open_history(size_t max)
{
    assert_int_equal(rs_history_open(&history, path, max, &err), RECSYS_OK);
}

static void add(uint64_t time_ms, const char *message)
{
    recsys_deployment_event event = RECSYS_DEPLOYMENT_EVENT_INIT;

    event.kind = RECSYS_DEPLOYMENT_FAILED;
    event.status = RECSYS_E_REJECTED;
    event.time_ms = time_ms;
    event.step = "poll";
    event.version = "3";
    event.message = message;
    rs_history_add(&history, &event);
}

/* The history has the events from `first` on. */
static void expect_times(uint64_t first, size_t n)
{
    struct rs_event **events;
    size_t found;

    assert_int_equal(rs_history_copy(&history, &events, &found, &err), RECSYS_OK);
    assert_int_equal(found, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(events[i]->time_ms, first + i);
    rs_history_free(events, found);
}

static void write_text(const char *text, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static size_t count_lines(void)
{
    FILE *file = fopen(path, "rb");
    size_t n = 0;

    assert_non_null(file);
    for (int c; (c = getc(file)) != EOF;)
        n += c == '\n';
    fclose(file);
    return n;
}

static void events_survive_a_restart(void **state)
{
    struct rs_event **events;
    size_t n;

    (void)state;
    open_history(10);
    add(1, "quotes \" and\nlines and \xC3\xA9");
    add(2, "not UTF-8: \xFF\xFE.");
    rs_history_close(&history);
    open_history(10);
    expect_times(1, 2);
    assert_int_equal(rs_history_copy(&history, &events, &n, &err), RECSYS_OK);
    recsys_deployment_event event = rs_event_show(events[0]);
    assert_string_equal(event.message, "quotes \" and\nlines and \xC3\xA9");
    assert_string_equal(event.step, "poll");
    assert_string_equal(event.version, "3");
    assert_string_equal(event.source, "");
    assert_int_equal(event.status, RECSYS_E_REJECTED);
    assert_string_equal(rs_event_show(events[1]).message, "not UTF-8: ?\?.");
    rs_history_free(events, n);
    rs_history_close(&history);
    assert_string_equal(said, "");
}

static void only_the_last_events_are_kept_in_memory_and_in_the_file(void **state)
{
    (void)state;
    open_history(5);
    for (uint64_t i = 1; i <= 1000; i++) {
        add(i, "x");
        if (i % 3 == 0)
            rs_history_flush(&history);
    }
    expect_times(996, 5);
    rs_history_close(&history);
    assert_true(count_lines() <= 10);
    open_history(5);
    expect_times(996, 5);
    rs_history_close(&history);
}

static void lines_that_are_no_events_are_left_out(void **state)
{
    static const char text[] =
        "{\"time_ms\":1,\"event\":\"served\",\"step\":\"use\"}\n"
        "\n"
        "not JSON at all \x01\xFF\n"
        "{\"time_ms\":-1,\"event\":\"served\"}\n"
        "{\"time_ms\":1e400,\"event\":\"served\"}\n"
        "{\"time_ms\":1,\"event\":\"exploded\"}\n"
        "{\"time_ms\":1,\"event\":7}\n"
        "{\"time_ms\":1,\"event\":\"failed\",\"status\":5}\n"
        "{\"time_ms\":1,\"event\":\"failed\",\"message\":[]}\n"
        "[[[[[[[[[[[[[[[[\n"
        "{\"time_ms\":1,\"event\":\"served\",\"name\":\"\\u0000\"}\n"
        "{\"time_ms\":2,\"event\":\"failed\",\"more\":{\"from\":\"a newer version\"}}\n"
        "{\"time_ms\":3,\"event\":\"ser"; /* cut by a crash */

    (void)state;
    write_text(text, sizeof text - 1);
    open_history(10);
    expect_times(1, 2);
    assert_non_null(strstr(said, "11 lines of"));
    add(3, "after the cut line");
    rs_history_close(&history);
    open_history(10);
    expect_times(1, 3);
    rs_history_close(&history);
}

static void a_line_of_gigabytes_costs_little(void **state)
{
    size_t size = (size_t)9 << 20;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', size);
    memcpy(text + size - 46, "\n{\"time_ms\":7,\"event\":\"served\",\"step\":\"use\"}\n\n", 46);
    write_text(text, size);
    free(text);
    open_history(10);
    expect_times(7, 1);
    add(8, "the file is replaced by a short one");
    rs_history_flush(&history);
    assert_int_equal(count_lines(), 2);
    rs_history_close(&history);
}

static void what_is_no_regular_file_is_not_written_to(void **state)
{
    char other[PATH_MAX];

    (void)state;
    snprintf(other, sizeof other, "%s/other", root);
    bundle_write_file(root, "other", "mine", 4);
    assert_int_equal(symlink(other, path), 0);
    open_history(10);
    assert_non_null(strstr(said, "no regular file"));
    add(1, "in memory");
    rs_history_flush(&history);
    expect_times(1, 1);
    rs_history_close(&history);
    size_t size;
    free(bundle_read_file(root, "other", &size));
    assert_int_equal(size, 4);

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    open_history(10); /* does not hang */
    rs_history_close(&history);
    assert_int_equal(unlink(path), 0);
}

static void a_file_belongs_to_one_history(void **state)
{
    struct rs_history second;

    (void)state;
    open_history(10);
    assert_int_equal(rs_history_open(&second, path, 10, &err), RECSYS_OK);
    assert_non_null(strstr(said, "a file of its own"));
    rs_history_close(&second);
    rs_history_close(&history);
}

/* A limit of the file's size fails as a full disk does: in the middle of a line. */
static void a_full_disk_loses_nothing_that_is_in_memory(void **state)
{
    struct rlimit before, limit;

    (void)state;
    open_history(10);
    add(1, "fits");
    rs_history_flush(&history);
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)about.st_size + 20;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    add(2, "does not fit");
    rs_history_flush(&history);
    rs_history_flush(&history);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    const char *warning = strstr(said, "cannot write to");
    assert_non_null(warning);
    assert_null(strstr(warning + 1, "cannot write to")); /* once */
    assert_int_equal(count_lines(), 1);
    expect_times(1, 2);
    rs_history_flush(&history); /* there is room again */
    rs_history_close(&history);
    open_history(10);
    expect_times(1, 2);
    rs_history_close(&history);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(events_survive_a_restart),
        T(only_the_last_events_are_kept_in_memory_and_in_the_file),
        T(lines_that_are_no_events_are_left_out),
        T(a_line_of_gigabytes_costs_little),
        T(what_is_no_regular_file_is_not_written_to),
        T(a_file_belongs_to_one_history),
        T(a_full_disk_loses_nothing_that_is_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
