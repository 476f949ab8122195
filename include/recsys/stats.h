/* recsys/stats.h - counters, gauges and histograms, as text for Prometheus. Group: common. */
#ifndef RECSYS_STATS_H
#define RECSYS_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A set of metrics. Counting and recording never lock and never allocate; adding a
 * metric does both, so add metrics at start and keep the pointers.
 *
 * Format: Prometheus text exposition format 0.0.4.
 * Thread-safety: SYNCHRONIZED.
 * Ownership: SHARED, counted. Objects that count into a set (a cache-aside, a
 *   denylist, domains) hold a reference of their own.
 */
typedef struct recsys_stats recsys_stats;

/* One time series: a metric's name with one set of label values. BORROWED from
 * its recsys_stats; valid as long as there is a reference to that. */
typedef struct recsys_metric recsys_metric;

/*
 * A set without metrics.
 *
 * Fails with: E_INVALID, E_NOMEM.
 * Ownership: the caller gets one reference and gives it back with recsys_stats_unref().
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_stats_create(recsys_stats **out,
                                                              recsys_error *err);

/* One more reference to `stats`, which is returned; NULL is allowed. Since: 0.2 */
RECSYS_API recsys_stats *recsys_stats_ref(recsys_stats *stats);

/* Give a reference back; the last one destroys the set and its metrics. NULL is
 * allowed. Thread-safety: any thread. Since: 0.2 */
RECSYS_API void recsys_stats_unref(recsys_stats *stats);

/*
 * Get the metric of this name and these labels, making it if it is new.
 *
 * name    [a-zA-Z_:][a-zA-Z0-9_:]*; a counter's ends in _total
 * help    one line, the same for every series of the name
 * labels  the finished list without braces, `route="/health",status="200"`; NULL = none
 * bounds  a histogram's upper bounds, ascending; COPIED. NULL = 100 us .. 10 s in seconds
 *
 * Fails with: E_INVALID (a malformed name or label list, or a name that is in
 *   use for another kind), E_LIMIT (more than 4096 series), E_NOMEM. `*out` is
 *   NULL then, and every recsys_metric_… call does nothing with NULL.
 * Since: 0.1
 */
RECSYS_API recsys_status recsys_stats_add_counter(recsys_stats *stats, const char *name,
                                                  const char *help, const char *labels,
                                                  recsys_metric **out, recsys_error *err);
RECSYS_API recsys_status recsys_stats_add_gauge(recsys_stats *stats, const char *name,
                                                const char *help, const char *labels,
                                                recsys_metric **out, recsys_error *err);
RECSYS_API recsys_status recsys_stats_add_histogram(recsys_stats *stats, const char *name,
                                                    const char *help, const char *labels,
                                                    const double *bounds, size_t n_bounds,
                                                    recsys_metric **out, recsys_error *err);

/* Count. NULL is allowed, and a metric of another kind ignores the call. Never locks. Since: 0.1 */
RECSYS_API void recsys_metric_add(recsys_metric *metric, uint64_t n);  /* counter */
RECSYS_API void recsys_metric_set(recsys_metric *metric, double value); /* gauge; counter that mirrors another count */
RECSYS_API void recsys_metric_record(recsys_metric *metric, double value); /* histogram */

/* The present value: a counter's or gauge's, or the number of values a
 * histogram has recorded. 0 for NULL. Since: 0.1 */
RECSYS_API double recsys_metric_get(const recsys_metric *metric);

/*
 * Receives a piece of text, BORROWED for the call. Return 0 to go on, any other
 * number to stop. It runs on the thread that called recsys_stats_format(), without a
 * lock, so it may count, add metrics and format again. No exception or longjmp may
 * leave it.
 */
typedef int32_t (*recsys_stats_callback)(const char *text, size_t size, void *user_data);

/*
 * All metrics as text, in pieces; each name once with HELP and TYPE before its series.
 *
 * Fails with: E_INVALID, E_STOPPED (the callback returned another number than 0).
 * Thread-safety: any thread. Allocates nothing.
 * Since: 0.2
 */
RECSYS_API recsys_status recsys_stats_format(recsys_stats *stats, recsys_stats_callback callback,
                                             void *user_data, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
