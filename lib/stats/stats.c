/* lib/stats/stats.c - making metrics and counting with them.
 *
 * Counting is one relaxed atomic addition, in a histogram two: the bucket, and the sum by compare
 * and swap. No other memory depends on a count, so relaxed order is enough. A page that is made
 * meanwhile shows each count as it was at some moment while the page was made. A histogram's number
 * of values is the sum of its buckets and not a count of its own, so that the two never differ.
 *
 * Metrics live until the last reference to the whole set is given back. Finding a metric by name
 * goes through lists, so a caller should keep the pointer. format.c makes the page.
 */
#include <math.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/refs.h"
#include "lib/base/utf8.h"
#include "lib/stats/metric.h"

#define MAX_SERIES 4096u
#define MAX_BOUNDS 512u

static const double default_bounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                        0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   5.0,  10.0};

recsys_status recsys_stats_create(recsys_stats **out, recsys_error *err)
{
    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_stats_create: out is NULL");
    *out = NULL;
    recsys_stats *stats = rs_alloc_array(1, sizeof *stats);
    if (stats == NULL)
        return rs_error_nomem(err, "statistics");
    int result = rs_lock_init(&stats->lock);
    if (result != 0) {
        rs_free(stats);
        return rs_error_sys(err, result, "cannot make the lock of statistics");
    }
    atomic_init(&stats->refs, 1u);
    *out = stats;
    return RECSYS_OK;
}

static void destroy_metric(recsys_metric *metric)
{
    if (metric == NULL)
        return;
    rs_free(metric->labels);
    rs_free_aligned(metric);
}

static void destroy_family(struct rs_family *family)
{
    if (family == NULL)
        return;
    recsys_metric *metric = atomic_load_explicit(&family->first, memory_order_acquire);
    while (metric != NULL) {
        recsys_metric *next = atomic_load_explicit(&metric->next, memory_order_acquire);
        destroy_metric(metric);
        metric = next;
    }
    rs_free(family->bounds);
    rs_free(family->help);
    rs_free(family->name);
    rs_free(family);
}

recsys_stats *recsys_stats_ref(recsys_stats *stats)
{
    if (stats != NULL)
        rs_refs_take(&stats->refs);
    return stats;
}

void recsys_stats_unref(recsys_stats *stats)
{
    if (stats == NULL || !rs_refs_drop(&stats->refs))
        return;
    struct rs_family *family = atomic_load_explicit(&stats->first, memory_order_acquire);
    while (family != NULL) {
        struct rs_family *next = atomic_load_explicit(&family->next, memory_order_acquire);
        destroy_family(family);
        family = next;
    }
    rs_lock_destroy(&stats->lock);
    rs_free(stats);
}

/* The metric that a caller wants; `bounds` only for a histogram. */
struct description {
    const char *name, *help, *labels;
    enum rs_metric_kind kind;
    const double *bounds;
    size_t n_bounds;
};

static recsys_status check_description(const struct description *description, recsys_error *err)
{
    size_t length;

    if (description->name == NULL || !rs_stats_is_name(description->name))
        return rs_error(err, RECSYS_E_INVALID,
                        "stats: metric name \"%.100s\" is not [a-zA-Z_:][a-zA-Z0-9_:]*",
                        description->name == NULL ? "" : description->name);
    length = strlen(description->name);
    if (description->kind == RS_METRIC_COUNTER &&
        (length <= 6 || strcmp(description->name + length - 6, "_total") != 0))
        return rs_error(err, RECSYS_E_INVALID, "stats: counter \"%s\" must end in _total",
                        description->name);
    if (description->help != NULL &&
        !rs_utf8_is_valid(description->help, strlen(description->help)))
        return rs_error(err, RECSYS_E_INVALID, "stats: help of \"%s\" is not UTF-8",
                        description->name);
    if (!rs_stats_is_label_list(description->labels, description->kind))
        return rs_error(err, RECSYS_E_INVALID,
                        "stats: labels of \"%s\" are not name=\"value\",name=\"value\": %.200s",
                        description->name, description->labels);
    if (description->kind != RS_METRIC_HISTOGRAM)
        return RECSYS_OK;
    if (description->n_bounds == 0 || description->n_bounds > MAX_BOUNDS)
        return rs_error(err, RECSYS_E_INVALID, "stats: \"%s\" must have 1..%u bounds, not %zu",
                        description->name, MAX_BOUNDS, description->n_bounds);
    for (size_t i = 0; i < description->n_bounds; i++)
        if (!isfinite(description->bounds[i]) ||
            (i > 0 && !(description->bounds[i - 1] < description->bounds[i])))
            return rs_error(err, RECSYS_E_INVALID,
                            "stats: bounds of \"%s\" are not finite and ascending",
                            description->name);
    return RECSYS_OK;
}

static struct rs_family *create_family(const struct description *description)
{
    struct rs_family *family = rs_alloc_array(1, sizeof *family);

    if (family == NULL)
        return NULL;
    family->name = rs_copy_text(description->name);
    family->help = rs_copy_text(description->help == NULL ? "" : description->help);
    family->kind = description->kind;
    family->n_bounds = description->n_bounds;
    family->bounds = rs_alloc_array(description->n_bounds, sizeof *family->bounds);
    if (family->name == NULL || family->help == NULL || family->bounds == NULL) {
        destroy_family(family);
        return NULL;
    }
    if (description->n_bounds > 0)
        memcpy(family->bounds, description->bounds, description->n_bounds * sizeof *family->bounds);
    return family;
}

/* On cache lines of its own, so that threads that count in different metrics do not slow each
 * other down. */
static recsys_metric *create_metric(const struct rs_family *family, const char *labels)
{
    size_t n_buckets = family->kind == RS_METRIC_HISTOGRAM ? family->n_bounds + 1 : 0;
    size_t size = sizeof(recsys_metric) + n_buckets * sizeof(_Atomic uint64_t);
    recsys_metric *metric = rs_alloc_aligned(1, (size + 63) / 64 * 64);

    if (metric == NULL)
        return NULL;
    memset(metric, 0, size);
    metric->family = family;
    metric->labels = rs_copy_text(labels);
    if (metric->labels == NULL) {
        rs_free_aligned(metric);
        return NULL;
    }
    return metric;
}

/* Under the lock: the family of this name, or the place where a new one belongs. */
static recsys_status find_family(recsys_stats *stats, const struct description *description,
                                 _Atomic(struct rs_family *) **place, struct rs_family **out,
                                 recsys_error *err)
{
    struct rs_family *family;

    for (*place = &stats->first;
         (family = atomic_load_explicit(*place, memory_order_relaxed)) != NULL;
         *place = &family->next) {
        if (strcmp(family->name, description->name) != 0)
            continue;
        if (family->kind != description->kind || family->n_bounds != description->n_bounds ||
            (description->n_bounds > 0 &&
             memcmp(family->bounds, description->bounds,
                    description->n_bounds * sizeof *description->bounds) != 0))
            return rs_error(err, RECSYS_E_INVALID,
                            "stats: \"%s\" is there already, of another kind or with other bounds",
                            description->name);
        break;
    }
    *out = family;
    return RECSYS_OK;
}

static recsys_status add_locked(recsys_stats *stats, const struct description *description,
                                recsys_metric **out, recsys_error *err)
{
    _Atomic(struct rs_family *) *family_place;
    _Atomic(recsys_metric *) *place;
    struct rs_family *family, *made = NULL;
    recsys_metric *metric;
    recsys_status status = find_family(stats, description, &family_place, &family, err);

    if (status != RECSYS_OK)
        return status;
    if (family == NULL && (family = made = create_family(description)) == NULL)
        return rs_error_nomem(err, "metric");
    for (place = &family->first;
         (metric = atomic_load_explicit(place, memory_order_relaxed)) != NULL;
         place = &metric->next) {
        if (strcmp(metric->labels, description->labels) == 0) {
            *out = metric;
            return RECSYS_OK;
        }
    }
    if (stats->n_series >= MAX_SERIES)
        status = rs_error(err, RECSYS_E_LIMIT,
                          "stats: cannot add \"%s\": there are %u series; does a label have too "
                          "many values?",
                          description->name, MAX_SERIES);
    else if ((metric = create_metric(family, description->labels)) == NULL)
        status = rs_error_nomem(err, "metric");
    if (status != RECSYS_OK) {
        destroy_family(made);
        return status;
    }
    /* release: a thread that finds them finds them complete. */
    atomic_store_explicit(place, metric, memory_order_release);
    if (made != NULL)
        atomic_store_explicit(family_place, made, memory_order_release);
    stats->n_series++;
    *out = metric;
    return RECSYS_OK;
}

static recsys_status add(recsys_stats *stats, struct description description, recsys_metric **out,
                         recsys_error *err)
{
    if (out != NULL)
        *out = NULL;
    if (stats == NULL || out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "stats: an argument is missing");
    if (description.labels == NULL)
        description.labels = "";
    recsys_status status = check_description(&description, err);
    if (status != RECSYS_OK)
        return status;
    rs_lock_take(&stats->lock);
    status = add_locked(stats, &description, out, err);
    rs_lock_give(&stats->lock);
    return status;
}

recsys_status recsys_stats_add_counter(recsys_stats *stats, const char *name, const char *help,
                                       const char *labels, recsys_metric **out, recsys_error *err)
{
    return add(stats, (struct description){name, help, labels, RS_METRIC_COUNTER, NULL, 0}, out,
               err);
}

recsys_status recsys_stats_add_gauge(recsys_stats *stats, const char *name, const char *help,
                                     const char *labels, recsys_metric **out, recsys_error *err)
{
    return add(stats, (struct description){name, help, labels, RS_METRIC_GAUGE, NULL, 0}, out, err);
}

recsys_status recsys_stats_add_histogram(recsys_stats *stats, const char *name, const char *help,
                                         const char *labels, const double *bounds, size_t n_bounds,
                                         recsys_metric **out, recsys_error *err)
{
    if (bounds == NULL) {
        bounds = default_bounds;
        n_bounds = sizeof default_bounds / sizeof default_bounds[0];
    }
    return add(stats,
               (struct description){name, help, labels, RS_METRIC_HISTOGRAM, bounds, n_bounds}, out,
               err);
}

void recsys_metric_add(recsys_metric *metric, uint64_t n)
{
    if (metric != NULL && metric->family->kind == RS_METRIC_COUNTER)
        atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void recsys_metric_set(recsys_metric *metric, double value)
{
    if (metric == NULL || metric->family->kind == RS_METRIC_HISTOGRAM)
        return;
    if (metric->family->kind == RS_METRIC_GAUGE)
        atomic_store_explicit(&metric->real, value, memory_order_relaxed);
    else if (value >= 0.0 && value < 0x1p64)
        atomic_store_explicit(&metric->value, (uint64_t)value, memory_order_relaxed);
}

void recsys_metric_record(recsys_metric *metric, double value)
{
    size_t i = 0;

    /* One infinity or NaN would stay in the sum permanently. */
    if (metric == NULL || metric->family->kind != RS_METRIC_HISTOGRAM || !isfinite(value))
        return;
    while (i < metric->family->n_bounds && value > metric->family->bounds[i])
        i++;
    atomic_fetch_add_explicit(&metric->buckets[i], 1u, memory_order_relaxed);
    double sum = atomic_load_explicit(&metric->real, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&metric->real, &sum, sum + value,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

double recsys_metric_get(const recsys_metric *metric)
{
    uint64_t n = 0;

    if (metric == NULL)
        return 0.0;
    if (metric->family->kind == RS_METRIC_GAUGE)
        return atomic_load_explicit(&metric->real, memory_order_relaxed);
    if (metric->family->kind == RS_METRIC_COUNTER)
        return (double)atomic_load_explicit(&metric->value, memory_order_relaxed);
    for (size_t i = 0; i <= metric->family->n_bounds; i++)
        n += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
    return (double)n;
}
