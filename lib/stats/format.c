/* lib/stats/format.c - the page that Prometheus reads, text format 0.0.4.
 *
 * Pieces are collected on the stack and go to the callback when 4 KB are full. No memory is needed
 * and no lock is held, so the callback may be slow and may even add metrics. Numbers are written
 * with a point in every locale, and with the fewest digits that are read back as the same double.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/callback.h"
#include "lib/base/error.h"
#include "lib/base/real.h"
#include "lib/stats/metric.h"

struct page {
    recsys_stats_callback callback;
    void *user_data;
    int32_t stopped; /* what the callback returned */
    size_t size;
    char piece[4096];
};

static void flush(struct page *page)
{
    if (page->size > 0 && page->stopped == 0)
        page->stopped = page->callback(page->piece, page->size, page->user_data);
    page->size = 0;
}

static void put(struct page *page, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        size_t room = sizeof page->piece - page->size, n = left < room ? left : room;
        memcpy(page->piece + page->size, text, n);
        page->size += n;
        text += n;
        left -= n;
        if (page->size == sizeof page->piece)
            flush(page);
    }
}

static void put_count(struct page *page, uint64_t n)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRIu64, n);
    put(page, text);
}

static void put_real(struct page *page, double value)
{
    char text[RS_REAL_SIZE];

    if (!isfinite(value)) {
        put(page, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
        return;
    }
    rs_real_write_shortest(value, text);
    put(page, text);
}

static void put_help(struct page *page, const char *help)
{
    char one[2] = {0, 0};

    for (; *help != '\0'; help++) {
        one[0] = *help;
        put(page, *help == '\\' ? "\\\\" : *help == '\n' ? "\\n" : *help == '\r' ? " " : one);
    }
}

/* name_suffix{labels,le="bound"} and a space; `bound` NULL: no le */
static void put_series(struct page *page, const recsys_metric *metric, const char *suffix,
                       const double *bound)
{
    int has_labels = metric->labels[0] != '\0';

    put(page, metric->family->name);
    put(page, suffix);
    if (has_labels || bound != NULL)
        put(page, "{");
    put(page, metric->labels);
    if (bound != NULL) {
        put(page, has_labels ? ",le=\"" : "le=\"");
        put_real(page, *bound);
        put(page, "\"");
    }
    put(page, has_labels || bound != NULL ? "} " : " ");
}

static void put_histogram(struct page *page, const recsys_metric *metric)
{
    const struct rs_family *family = metric->family;
    const double infinity = INFINITY;
    uint64_t n = 0;

    for (size_t i = 0; i <= family->n_bounds; i++) {
        n += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        put_series(page, metric, "_bucket", i < family->n_bounds ? &family->bounds[i] : &infinity);
        put_count(page, n);
        put(page, "\n");
    }
    put_series(page, metric, "_sum", NULL);
    put_real(page, atomic_load_explicit(&metric->real, memory_order_relaxed));
    put(page, "\n");
    put_series(page, metric, "_count", NULL);
    put_count(page, n);
    put(page, "\n");
}

static void put_metric(struct page *page, const recsys_metric *metric)
{
    if (metric->family->kind == RS_METRIC_HISTOGRAM) {
        put_histogram(page, metric);
        return;
    }
    put_series(page, metric, "", NULL);
    if (metric->family->kind == RS_METRIC_COUNTER)
        put_count(page, atomic_load_explicit(&metric->value, memory_order_relaxed));
    else
        put_real(page, atomic_load_explicit(&metric->real, memory_order_relaxed));
    put(page, "\n");
}

recsys_status recsys_stats_format(recsys_stats *stats, recsys_stats_callback callback,
                                  void *user_data, recsys_error *err)
{
    static const char *const kinds[] = {" counter\n", " gauge\n", " histogram\n"};
    struct page page;

    if (stats == NULL || callback == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_stats_format: an argument is missing");
    page.callback = callback;
    page.user_data = user_data;
    page.stopped = 0;
    page.size = 0;
    for (struct rs_family *family = atomic_load_explicit(&stats->first, memory_order_acquire);
         family != NULL && page.stopped == 0;
         family = atomic_load_explicit(&family->next, memory_order_acquire)) {
        put(&page, "# HELP ");
        put(&page, family->name);
        put(&page, " ");
        put_help(&page, family->help);
        put(&page, "\n# TYPE ");
        put(&page, family->name);
        put(&page, kinds[family->kind]);
        for (recsys_metric *metric = atomic_load_explicit(&family->first, memory_order_acquire);
             metric != NULL && page.stopped == 0;
             metric = atomic_load_explicit(&metric->next, memory_order_acquire))
            put_metric(&page, metric);
    }
    flush(&page);
    return rs_walk_result(page.stopped, err, "recsys_stats_format: the callback");
}
