/* lib/stats/metric.h - private to lib/stats: how metrics are kept.
 *
 * A family is a name with its help and kind; a metric is one series of it. Both are added at the
 * end of their lists and never removed. A thread adds one by storing the pointer to it (release),
 * so a thread that follows the pointers (acquire) needs no lock. All other members except the
 * counts are set before that.
 */
#ifndef RS_STATS_METRIC_H
#define RS_STATS_METRIC_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/stats.h"

enum rs_metric_kind { RS_METRIC_COUNTER, RS_METRIC_GAUGE, RS_METRIC_HISTOGRAM };

struct rs_family;

struct recsys_metric {
    const struct rs_family *family;
    char *labels;                  /* as the caller wrote them; "" = none */
    _Atomic(recsys_metric *) next; /* of the family */
    _Atomic uint64_t value;        /* a counter's; relaxed, as all counts are */
    _Atomic double real;           /* a gauge's value, a histogram's sum */
    _Atomic uint64_t buckets[];    /* a histogram's: n_bounds + 1, the last beyond all bounds */
};

struct rs_family {
    char *name, *help;
    enum rs_metric_kind kind;
    double *bounds;
    size_t n_bounds;
    _Atomic(recsys_metric *) first;
    _Atomic(struct rs_family *) next;
};

struct recsys_stats {
    atomic_uint refs;
    struct rs_lock lock; /* held by a thread that adds a metric */
    _Atomic(struct rs_family *) first;
    size_t n_series; /* protected by lock */
};

/* 1 if `name` is [a-zA-Z_:][a-zA-Z0-9_:]* and not too long. */
int rs_stats_is_name(const char *name);
/* 1 if `labels` is a list of the text format with every name once. A histogram may not have
 * `le`. */
int rs_stats_is_label_list(const char *labels, enum rs_metric_kind kind);

#endif
