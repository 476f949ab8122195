/* lib/aside/counts.c - see counts.h.
 *
 * Everything is counted twice: in numbers that recsys_aside_get_stats() hands
 * out, and in metrics if the cache was given a recsys_stats. All metrics are
 * made when the cache is, so that counting never allocates and never fails;
 * caches with the same label share theirs.
 *
 * STALE and NEGATIVE are hits and have a counter of their own, too. UNKNOWN is
 * neither hit nor miss but an error; otherwise the hit ratio would be wrong in an
 * outage.
 */
#include "lib/aside/counts.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"

static const char *const operations[RS_N_OPERATIONS] = {"get", "load", "set", "write", "delete"};
static const char *const reasons[RS_N_REASONS] = {"timeout", "io",     "backend",
                                                  "open",    "format", "other"};

static size_t reason_of(recsys_status status)
{
    switch (status) {
    case RECSYS_E_TIMEOUT:
        return 0;
    case RECSYS_E_IO:
        return 1;
    case RECSYS_E_BACKEND:
        return 2;
    case RECSYS_E_UNAVAILABLE:
        return 3;
    case RECSYS_E_FORMAT:
        return 4;
    default:
        return 5;
    }
}

struct making {
    recsys_stats *stats;
    const char *label;
    recsys_status status; /* of the first that failed */
    recsys_error *err;
};

static const char *write_labels(const struct making *making, const char *operation,
                                const char *reason, char text[256])
{
    int n = snprintf(text, 256, "db=\"%s\"", making->label);

    if (operation != NULL)
        n += snprintf(text + n, 256 - (size_t)n, ",operation=\"%s\"", operation);
    if (reason != NULL)
        snprintf(text + n, 256 - (size_t)n, ",reason=\"%s\"", reason);
    return text;
}

static recsys_metric *make_counter(struct making *making, const char *name, const char *help,
                                   const char *operation, const char *reason)
{
    recsys_metric *metric = NULL;
    char labels[256];

    if (making->status == RECSYS_OK)
        making->status = recsys_stats_add_counter(making->stats, name, help,
                                                  write_labels(making, operation, reason, labels),
                                                  &metric, making->err);
    return metric;
}

static recsys_metric *make_histogram(struct making *making, const char *name, const char *help,
                                     const char *operation)
{
    recsys_metric *metric = NULL;
    char labels[256];

    if (making->status == RECSYS_OK)
        making->status = recsys_stats_add_histogram(making->stats, name, help,
                                                    write_labels(making, operation, NULL, labels),
                                                    NULL, 0, &metric, making->err);
    return metric;
}

static void make_for_operation(struct rs_counts *counts, struct making *making, size_t i)
{
    const char *operation = operations[i];

    if (i <= RS_OPERATION_LOAD) {
        counts->hits[i] = make_counter(making, "redis_cache_hits_total",
                                       "Lookups that the cache answered.", operation, NULL);
        counts->misses[i] = make_counter(making, "redis_cache_misses_total",
                                         "Lookups of keys that were not cached.", operation, NULL);
    }
    counts->latency[i] = make_histogram(making, "redis_cache_latency_seconds",
                                        "Time of cache operations, loaders included.", operation);
    for (size_t reason = 0; reason < RS_N_REASONS; reason++)
        counts->errors[i][reason] = make_counter(making, "redis_cache_errors_total",
                                                 "Failures of the store, which are not misses.",
                                                 operation, reasons[reason]);
}

recsys_status rs_counts_init(struct rs_counts *counts, recsys_stats *stats, const char *label,
                             recsys_error *err)
{
    struct making making = {stats, label, RECSYS_OK, err};
    char labels[256];

    memset(counts, 0, sizeof *counts);
    if (stats == NULL)
        return RECSYS_OK;
    counts->stats = recsys_stats_ref(stats);
    for (size_t i = 0; i < RS_N_OPERATIONS; i++)
        make_for_operation(counts, &making, i);
    counts->stale = make_counter(&making, "redis_cache_stale_total",
                                 "Hits that were older than their time to live.", NULL, NULL);
    counts->negative = make_counter(&making, "redis_cache_negative_total",
                                    "Hits on a cached 'does not exist' entry.", NULL, NULL);
    counts->fills_refused = make_counter(
        &making, "redis_cache_fills_refused_total",
        "Loaded values that were not stored, because the key was invalidated meanwhile.", NULL,
        NULL);
    counts->mismatches =
        make_counter(&making, "redis_cache_identity_mismatches_total",
                     "Values that came back under another key than their own.", NULL, NULL);
    counts->waiting = make_histogram(&making, "redis_cache_lease_wait_seconds",
                                     "Time spent waiting for another process's loader.", NULL);
    if (making.status == RECSYS_OK)
        making.status = recsys_stats_add_gauge(
            stats, "redis_cache_breaker_open",
            "1 while the store's circuit breaker is open, else 0.",
            write_labels(&making, NULL, NULL, labels), &counts->breaker_open, err);
    return making.status;
}

void rs_counts_destroy(struct rs_counts *counts)
{
    recsys_stats_unref(counts->stats);
}

void rs_counts_add(struct rs_counts *counts, enum rs_count count, uint64_t n)
{
    atomic_fetch_add_explicit(&counts->n[count], n, memory_order_relaxed);
    if (count == RS_COUNT_FILLS_REFUSED)
        recsys_metric_add(counts->fills_refused, n);
    else if (count == RS_COUNT_MISMATCHES)
        recsys_metric_add(counts->mismatches, n);
}

void rs_counts_outcome(struct rs_counts *counts, enum rs_operation operation, uint32_t outcome)
{
    static const enum rs_count of_outcome[] = {RS_COUNT_HITS, RS_COUNT_STALE, RS_COUNT_NEGATIVE,
                                               RS_COUNT_MISSES, RS_COUNT_UNKNOWN};

    rs_counts_add(counts, of_outcome[outcome - RECSYS_ASIDE_HIT], 1);
    if (outcome <= RECSYS_ASIDE_NEGATIVE)
        recsys_metric_add(counts->hits[operation], 1);
    if (outcome == RECSYS_ASIDE_STALE)
        recsys_metric_add(counts->stale, 1);
    else if (outcome == RECSYS_ASIDE_NEGATIVE)
        recsys_metric_add(counts->negative, 1);
    else if (outcome == RECSYS_ASIDE_MISS)
        recsys_metric_add(counts->misses[operation], 1);
}

void rs_counts_error(struct rs_counts *counts, enum rs_operation operation, recsys_status status)
{
    recsys_metric_add(counts->errors[operation][reason_of(status)], 1);
    if (status == RECSYS_E_UNAVAILABLE)
        rs_counts_breaker(counts, 1);
}

void rs_counts_breaker(struct rs_counts *counts, int is_open)
{
    recsys_metric_set(counts->breaker_open, is_open ? 1.0 : 0.0);
}

uint64_t rs_counts_begin(const struct rs_counts *counts)
{
    return counts->waiting == NULL ? 0 : rs_clock_ns();
}

void rs_counts_end(struct rs_counts *counts, enum rs_operation operation, uint64_t begin_ns)
{
    if (begin_ns != 0)
        recsys_metric_record(counts->latency[operation], (double)(rs_clock_ns() - begin_ns) * 1e-9);
}

void rs_counts_waited(struct rs_counts *counts, uint64_t microseconds)
{
    rs_counts_add(counts, RS_COUNT_WAITED, 1);
    recsys_metric_record(counts->waiting, (double)microseconds * 1e-6);
}
