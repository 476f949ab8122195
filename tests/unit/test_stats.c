/* Covers lib/stats: what is counted, and the page that is written of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recsys/stats.h"
#include "tests/support/count_alloc.h"

static recsys_stats *stats;
static recsys_error err;
static char page[200000];

static int set_up(void **state)
{
    (void)state;
    return recsys_stats_create(&stats, &err);
}

static int tear_down(void **state)
{
    (void)state;
    count_alloc.n_allowed = ULONG_MAX;
    recsys_stats_unref(stats);
    return count_alloc.n_blocks == 0 ? 0 : -1;
}

static int32_t gather(const char *text, size_t size, void *user_data)
{
    (void)user_data;
    strncat(page, text, size);
    return 0;
}

static const char *written(void)
{
    page[0] = '\0';
    assert_int_equal(recsys_stats_format(stats, gather, NULL, &err), RECSYS_OK);
    return page;
}

static recsys_metric *counter(const char *name, const char *labels)
{
    recsys_metric *metric;

    assert_int_equal(recsys_stats_add_counter(stats, name, "Help.", labels, &metric, &err),
                     RECSYS_OK);
    return metric;
}

static recsys_metric *gauge(const char *name, const char *labels)
{
    recsys_metric *metric;

    assert_int_equal(recsys_stats_add_gauge(stats, name, "Help.", labels, &metric, &err),
                     RECSYS_OK);
    return metric;
}

static void nothing_gives_an_empty_page(void **state)
{
    (void)state;
    assert_string_equal(written(), "");
}

static void each_name_comes_once_with_help_and_type(void **state)
{
    (void)state;
    recsys_metric *ok = counter("requests_total", "route=\"/health\",status=\"200\"");
    recsys_metric *models = gauge("models", NULL);
    recsys_metric *bad = counter("requests_total", "route=\"/health\",status=\"503\"");
    recsys_metric_add(ok, 1);
    recsys_metric_add(ok, 41);
    recsys_metric_add(bad, 1);
    recsys_metric_set(models, 2.5);
    assert_string_equal(written(), "# HELP requests_total Help.\n"
                                   "# TYPE requests_total counter\n"
                                   "requests_total{route=\"/health\",status=\"200\"} 42\n"
                                   "requests_total{route=\"/health\",status=\"503\"} 1\n"
                                   "# HELP models Help.\n"
                                   "# TYPE models gauge\n"
                                   "models 2.5\n");
    assert_true(recsys_metric_get(ok) == 42.0);
    assert_true(recsys_metric_get(models) == 2.5);
}

static void a_histogram_counts_up_to_each_bound(void **state)
{
    const double bounds[] = {0.1, 1, 2.5};
    recsys_metric *metric;

    (void)state;
    assert_int_equal(recsys_stats_add_histogram(stats, "t_seconds", "Time.", "op=\"get\"", bounds,
                                                3, &metric, &err),
                     RECSYS_OK);
    recsys_metric_record(metric, 0.1); /* le means less or equal */
    recsys_metric_record(metric, 0.5);
    recsys_metric_record(metric, 0.75);
    recsys_metric_record(metric, 100);
    recsys_metric_record(metric, NAN);
    recsys_metric_record(metric, INFINITY);
    assert_string_equal(written(), "# HELP t_seconds Time.\n"
                                   "# TYPE t_seconds histogram\n"
                                   "t_seconds_bucket{op=\"get\",le=\"0.1\"} 1\n"
                                   "t_seconds_bucket{op=\"get\",le=\"1\"} 3\n"
                                   "t_seconds_bucket{op=\"get\",le=\"2.5\"} 3\n"
                                   "t_seconds_bucket{op=\"get\",le=\"+Inf\"} 4\n"
                                   "t_seconds_sum{op=\"get\"} 101.35\n"
                                   "t_seconds_count{op=\"get\"} 4\n");
    assert_true(recsys_metric_get(metric) == 4.0);
}

static void bounds_have_defaults_from_100_us_to_10_s(void **state)
{
    recsys_metric *metric;

    (void)state;
    assert_int_equal(recsys_stats_add_histogram(stats, "t", NULL, NULL, NULL, 0, &metric, &err),
                     RECSYS_OK);
    assert_non_null(strstr(written(), "# HELP t \n"));
    assert_non_null(strstr(page, "t_bucket{le=\"0.0001\"} 0\n"));
    assert_non_null(strstr(page, "t_bucket{le=\"10\"} 0\nt_bucket{le=\"+Inf\"} 0\nt_sum 0\n"));
}

static void the_same_name_and_labels_are_the_same_metric(void **state)
{
    recsys_metric *metric = NULL;
    const double other[] = {1, 2};

    (void)state;
    assert_ptr_equal(counter("a_total", "x=\"1\""), counter("a_total", "x=\"1\""));
    assert_ptr_equal(counter("a_total", NULL), counter("a_total", ""));
    assert_ptr_not_equal(counter("a_total", NULL), counter("a_total", "x=\"1\""));
    assert_int_equal(recsys_stats_add_gauge(stats, "a_total", "", NULL, &metric, &err),
                     RECSYS_E_INVALID);
    assert_null(metric);
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", NULL, other, 2, &metric, &err),
                     RECSYS_OK);
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", NULL, NULL, 0, &metric, &err),
                     RECSYS_E_INVALID);
}

static void malformed_names_are_refused(void **state)
{
    static const char *const names[] = {"",          "1a_total",       "a-b_total",
                                        "a b_total", "\xc3\xa4_total", "a\n_total"};
    recsys_metric *metric;
    char long_name[300];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(recsys_stats_add_counter(stats, names[i], "", NULL, &metric, &err),
                         RECSYS_E_INVALID);
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[299] = '\0';
    assert_int_equal(recsys_stats_add_gauge(stats, long_name, "", NULL, &metric, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_counter(stats, NULL, "", NULL, &metric, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_counter(stats, "requests", "", NULL, &metric, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_counter(stats, "_total", "", NULL, &metric, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_gauge(stats, "a", "\xff", NULL, &metric, &err),
                     RECSYS_E_INVALID);
    assert_non_null(gauge(":a_9", NULL));
    assert_string_equal(written(), "# HELP :a_9 Help.\n# TYPE :a_9 gauge\n:a_9 0\n");
}

static void malformed_labels_are_refused(void **state)
{
    static const char *const bad[] = {"x",
                                      "x=",
                                      "x=1",
                                      "x=\"1",
                                      "x=\"1\",",
                                      ",x=\"1\"",
                                      "x=\"1\"y=\"2\"",
                                      "x=\"a\"b\"",
                                      "x=\"\\t\"",
                                      "x=\"a\nb\"",
                                      "1x=\"1\"",
                                      "x-y=\"1\"",
                                      "x=\"1\",x=\"2\"",
                                      "__x=\"1\"",
                                      "{x=\"1\"}",
                                      "x=\"1\" ",
                                      "x=\"\\",
                                      "x:y=\"1\"",
                                      "x=\"\xff\""};
    static const char *const good[] = {"x=\"\"", "x=\"a b,}{=\"", "x=\"\\\\\\\"\\n\"",
                                       "x=\"\xc3\xa4\",_y9=\"1\"", "le=\"1\""};
    recsys_metric *metric;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(recsys_stats_add_gauge(stats, "g", "", bad[i], &metric, &err),
                         RECSYS_E_INVALID);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_non_null(gauge("g", good[i]));
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", "le=\"1\"", NULL, 0, &metric, &err),
                     RECSYS_E_INVALID);
}

static void malformed_bounds_are_refused(void **state)
{
    const double falling[] = {2, 1}, equal[] = {1, 1}, infinite[] = {1, INFINITY};
    const double none[] = {NAN};
    recsys_metric *metric;

    (void)state;
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", NULL, falling, 2, &metric, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", NULL, equal, 2, &metric, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", NULL, infinite, 2, &metric, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", NULL, none, 1, &metric, &err),
                     RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", NULL, equal, 0, &metric, &err),
                     RECSYS_E_INVALID);
}

static void help_is_escaped(void **state)
{
    recsys_metric *metric;

    (void)state;
    assert_int_equal(
        recsys_stats_add_gauge(stats, "g", "C:\\x\nsecond \"line\"", NULL, &metric, &err),
        RECSYS_OK);
    assert_string_equal(written(), "# HELP g C:\\\\x\\nsecond \"line\"\n# TYPE g gauge\ng 0\n");
}

static void numbers_come_back_as_they_were(void **state)
{
    static const double values[] = {0.1,  1.0 / 3, 1e300, 5e-324, -2.5, 123456789.0,
                                    1e15, 1e21,    4096,  0,      -0.0, 0.30000000000000004};
    recsys_metric *metric = gauge("g", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        recsys_metric_set(metric, values[i]);
        const char *text = strrchr(written(), ' ');
        assert_true(strtod(text, NULL) == values[i]);
    }
    recsys_metric_set(metric, 0.1);
    assert_non_null(strstr(written(), "\ng 0.1\n"));
    recsys_metric_set(metric, NAN);
    assert_non_null(strstr(written(), "\ng NaN\n"));
    recsys_metric_set(metric, INFINITY);
    assert_non_null(strstr(written(), "\ng +Inf\n"));
    recsys_metric_set(metric, -INFINITY);
    assert_non_null(strstr(written(), "\ng -Inf\n"));
}

static void the_decimal_point_is_a_point_in_every_locale(void **state)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    recsys_metric *metric = gauge("g", NULL);
    size_t i = 0;

    (void)state;
    while (i < 4 && setlocale(LC_NUMERIC, locales[i]) == NULL)
        i++;
    if (i == 4)
        skip();
    recsys_metric_set(metric, 1234.5);
    written();
    setlocale(LC_NUMERIC, "C");
    assert_non_null(strstr(page, "\ng 1234.5\n"));
}

static void calls_of_another_kind_do_nothing(void **state)
{
    recsys_metric *c = counter("c_total", NULL), *g = gauge("g", NULL), *h;

    (void)state;
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", NULL, NULL, 0, &h, &err),
                     RECSYS_OK);
    recsys_metric_record(c, 1);
    recsys_metric_record(g, 1);
    recsys_metric_add(g, 1);
    recsys_metric_add(h, 1);
    recsys_metric_set(h, 1);
    assert_true(recsys_metric_get(c) + recsys_metric_get(g) + recsys_metric_get(h) == 0.0);
    recsys_metric_set(c, 17.0); /* a counter that mirrors another count */
    assert_true(recsys_metric_get(c) == 17.0);
    recsys_metric_set(c, -1.0);
    recsys_metric_set(c, NAN);
    assert_true(recsys_metric_get(c) == 17.0);
    recsys_metric_add(NULL, 1);
    recsys_metric_set(NULL, 1);
    recsys_metric_record(NULL, 1);
    assert_true(recsys_metric_get(NULL) == 0.0);
}

static void there_are_4096_series_and_no_more(void **state)
{
    char labels[32];
    recsys_metric *metric;

    (void)state;
    for (int i = 0; i < 4096; i++) {
        snprintf(labels, sizeof labels, "user=\"%d\"", i);
        metric = counter("c_total", labels);
    }
    assert_int_equal(recsys_stats_add_gauge(stats, "g", "", NULL, &metric, &err), RECSYS_E_LIMIT);
    assert_null(metric);
    assert_non_null(counter("c_total", "user=\"5\""));
    assert_non_null(strstr(written(), "c_total{user=\"4095\"} 0\n"));
    assert_null(strstr(page, "# HELP g"));
}

static int32_t stop_at_once(const char *text, size_t size, void *user_data)
{
    (void)text;
    (void)size;
    return ++*(int32_t *)user_data + 6;
}

static void a_callback_that_stops_is_not_called_again(void **state)
{
    int32_t n_calls = 0;
    char labels[32];

    (void)state;
    for (int i = 0; i < 2000; i++) {
        snprintf(labels, sizeof labels, "user=\"%d\"", i);
        counter("c_total", labels);
    }
    assert_int_equal(recsys_stats_format(stats, stop_at_once, &n_calls, &err), RECSYS_E_STOPPED);
    assert_int_equal(n_calls, 1);
}

static void arguments_are_checked(void **state)
{
    recsys_metric *metric;

    (void)state;
    assert_int_equal(recsys_stats_create(NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_gauge(NULL, "g", "", NULL, &metric, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_add_gauge(stats, "g", "", NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_format(stats, NULL, NULL, &err), RECSYS_E_INVALID);
    assert_int_equal(recsys_stats_format(NULL, gather, NULL, &err), RECSYS_E_INVALID);
    recsys_stats_unref(NULL);
}

static void a_metric_lives_as_long_as_anybody_has_its_set(void **state)
{
    recsys_metric *metric = counter("c_total", NULL);

    (void)state;
    assert_ptr_equal(recsys_stats_ref(stats), stats);
    recsys_stats_unref(stats);
    recsys_metric_add(metric, 3);
    assert_true(recsys_metric_get(metric) == 3.0);
    assert_null(recsys_stats_ref(NULL));
}

static void counting_and_writing_do_not_allocate(void **state)
{
    recsys_metric *c = counter("c_total", NULL), *h;

    (void)state;
    assert_int_equal(recsys_stats_add_histogram(stats, "h", "", NULL, NULL, 0, &h, &err),
                     RECSYS_OK);
    unsigned long before = count_alloc.n_calls;
    for (int i = 0; i < 100; i++) {
        recsys_metric_add(c, 1);
        recsys_metric_record(h, i);
    }
    written();
    assert_int_equal(count_alloc.n_calls, before);
}

static void without_memory_nothing_is_added(void **state)
{
    recsys_status status = RECSYS_E_NOMEM;
    recsys_metric *metric;

    (void)state;
    for (unsigned long n = 0; status != RECSYS_OK; n++) {
        count_alloc.n_allowed = n;
        status = recsys_stats_add_histogram(stats, "h", "Help.", "x=\"1\"", NULL, 0, &metric, &err);
        assert_true(status == RECSYS_OK || status == RECSYS_E_NOMEM);
        if (status != RECSYS_OK)
            assert_string_equal(written(), "");
    }
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_gives_an_empty_page),
        T(each_name_comes_once_with_help_and_type),
        T(a_histogram_counts_up_to_each_bound),
        T(bounds_have_defaults_from_100_us_to_10_s),
        T(the_same_name_and_labels_are_the_same_metric),
        T(malformed_names_are_refused),
        T(malformed_labels_are_refused),
        T(malformed_bounds_are_refused),
        T(help_is_escaped),
        T(numbers_come_back_as_they_were),
        T(the_decimal_point_is_a_point_in_every_locale),
        T(calls_of_another_kind_do_nothing),
        T(there_are_4096_series_and_no_more),
        T(a_callback_that_stops_is_not_called_again),
        T(arguments_are_checked),
        T(a_metric_lives_as_long_as_anybody_has_its_set),
        T(counting_and_writing_do_not_allocate),
        T(without_memory_nothing_is_added),
    };

    if (count_alloc_install() != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
