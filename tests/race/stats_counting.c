/* Threads count, add metrics and write pages at once: nothing is lost, no page is malformed. */
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/lock.h"
#include "recsys/stats.h"
#include "tests/support/check.h"

#define N_THREADS 4

static recsys_stats *stats;
static recsys_metric *total, *seconds;
static atomic_int stop;
static unsigned n_steps;

static recsys_metric *counter(const char *labels)
{
    recsys_metric *metric;
    recsys_error err;

    CHECK_OK(recsys_stats_add_counter(stats, "steps_total", "Steps.", labels, &metric, &err), &err);
    return metric;
}

static void *count(void *number)
{
    char labels[64];
    recsys_metric *gauge;
    recsys_error err;

    CHECK_OK(recsys_stats_add_gauge(stats, "last", "Last step.", NULL, &gauge, &err), &err);
    for (unsigned i = 0; i < n_steps; i++) {
        recsys_metric_add(total, 1);
        recsys_metric_record(seconds, (double)(i % 8) * 0.25); /* sums are exact */
        recsys_metric_set(gauge, i);
        if (i % 100 == 0) { /* the others add the same ones now */
            snprintf(labels, sizeof labels, "hundred=\"%u\"", i / 100 % 500);
            recsys_metric_add(counter(labels), 1);
        }
    }
    return number;
}

struct line {
    char text[512];
    size_t size;
    unsigned n;
    double count, sum;
};

/* Each line is a comment or `series number`; the histogram never shrinks to the right. */
static int32_t read_page(const char *text, size_t size, void *user_data)
{
    struct line *line = user_data;

    for (size_t i = 0; i < size; i++) {
        CHECK(line->size < sizeof line->text);
        line->text[line->size++] = text[i];
        if (text[i] != '\n')
            continue;
        line->text[--line->size] = '\0';
        line->size = 0;
        line->n++;
        if (line->text[0] == '#')
            continue;
        char *value = strrchr(line->text, ' '), *end;
        CHECK(value != NULL);
        double number = strtod(value, &end);
        CHECK(*end == '\0' && end > value + 1);
        if (strncmp(line->text, "step_seconds_bucket", 19) == 0) {
            CHECK(number >= line->count);
            line->count = number;
        } else if (strncmp(line->text, "step_seconds_sum", 16) == 0) {
            line->sum = number;
        } else if (strncmp(line->text, "step_seconds_count", 18) == 0) {
            CHECK(number == line->count); /* the same as +Inf */
        }
    }
    return 0;
}

static void *write_pages(void *unused)
{
    unsigned n_pages = 0;

    (void)unused;
    do {
        struct line line = {.n = 0};
        CHECK_EQ(recsys_stats_format(stats, read_page, &line, NULL), RECSYS_OK);
        CHECK(line.size == 0 && line.n > 10);
        n_pages++;
    } while (!atomic_load(&stop));
    printf("%u pages\n", n_pages);
    return NULL;
}

int main(void)
{
    pthread_t threads[N_THREADS + 1];
    double sum = 0;
    recsys_error err;

    n_steps = getenv("RECSYS_LONG") != NULL ? 5000000 : 100000;
    CHECK_OK(recsys_stats_create(&stats, &err), &err);
    total = counter(NULL);
    CHECK_OK(
        recsys_stats_add_histogram(stats, "step_seconds", "Time.", NULL, NULL, 0, &seconds, &err),
        &err);
    CHECK_EQ(rs_thread_start(&threads[N_THREADS], write_pages, NULL), 0);
    for (int i = 0; i < N_THREADS; i++)
        CHECK_EQ(rs_thread_start(&threads[i], count, NULL), 0);
    for (int i = 0; i < N_THREADS; i++)
        rs_thread_join(threads[i]);
    atomic_store(&stop, 1);
    rs_thread_join(threads[N_THREADS]);

    struct line line = {.n = 0};
    CHECK_EQ(recsys_stats_format(stats, read_page, &line, NULL), RECSYS_OK);
    CHECK_EQ(n_steps % 8, 0);
    CHECK_EQ(line.sum * 8, n_steps * N_THREADS * 7); /* 0.875 each */
    CHECK_EQ(recsys_metric_get(total), n_steps * N_THREADS);
    CHECK_EQ(recsys_metric_get(seconds), n_steps * N_THREADS);
    for (unsigned i = 0; i < 500; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "hundred=\"%u\"", i);
        sum += recsys_metric_get(counter(labels));
    }
    CHECK_EQ(sum, (n_steps + 99) / 100 * N_THREADS);
    recsys_stats_unref(stats);
    return 0;
}
