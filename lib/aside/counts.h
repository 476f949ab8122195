/* lib/aside/counts.h - what a cache counts, for its own statistics and for Prometheus. */
#ifndef RS_ASIDE_COUNTS_H
#define RS_ASIDE_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

#include "recsys/aside.h"

/* The label `operation`. A closed list: labels must never come from a request. */
enum rs_operation {
    RS_OPERATION_GET,    /* recsys_aside_get */
    RS_OPERATION_LOAD,   /* recsys_aside_get_or_load */
    RS_OPERATION_SET,    /* recsys_aside_set */
    RS_OPERATION_WRITE,  /* recsys_aside_write, without the writer */
    RS_OPERATION_DELETE, /* all ways of invalidating, and removals that are delivered later */
    RS_N_OPERATIONS
};

/* In the order of recsys_aside_stats. */
enum rs_count {
    RS_COUNT_HITS,
    RS_COUNT_STALE,
    RS_COUNT_NEGATIVE,
    RS_COUNT_MISSES,
    RS_COUNT_UNKNOWN,
    RS_COUNT_LOADS,
    RS_COUNT_LOAD_FAILURES,
    RS_COUNT_SHARED,
    RS_COUNT_WAITED,
    RS_COUNT_EARLY,
    RS_COUNT_FILLS,
    RS_COUNT_FILLS_REFUSED,
    RS_COUNT_MISMATCHES,
    RS_COUNT_DAMAGED,
    RS_COUNT_INVALIDATIONS,
    RS_COUNT_REPLAYED,
    RS_COUNT_EPOCHS,
    RS_COUNT_TOO_LARGE,
    RS_COUNT_FOREIGN,
    RS_N_COUNTS
};

#define RS_N_REASONS 6

struct rs_counts {
    recsys_stats *stats; /* one reference; NULL = only these numbers */
    _Atomic uint64_t n[RS_N_COUNTS];
    /* NULL without recsys_stats; recsys_metric_… take that. Only get and load hit and miss. */
    recsys_metric *hits[RS_OPERATION_LOAD + 1], *misses[RS_OPERATION_LOAD + 1];
    recsys_metric *latency[RS_N_OPERATIONS], *errors[RS_N_OPERATIONS][RS_N_REASONS];
    recsys_metric *stale, *negative, *fills_refused, *mismatches, *breaker_open, *waiting;
};

/* `label` is the value of the label db. rs_counts_destroy() also after a failure. */
recsys_status rs_counts_init(struct rs_counts *counts, recsys_stats *stats, const char *label,
                             recsys_error *err);
void rs_counts_destroy(struct rs_counts *counts);

void rs_counts_add(struct rs_counts *counts, enum rs_count count, uint64_t n);
/* Count the outcome, RECSYS_ASIDE_*, of a look-up or load. */
void rs_counts_outcome(struct rs_counts *counts, enum rs_operation operation, uint32_t outcome);
/* The store has failed with `status`. */
void rs_counts_error(struct rs_counts *counts, enum rs_operation operation, recsys_status status);
void rs_counts_breaker(struct rs_counts *counts, int is_open);

/* Reads the clock only with recsys_stats; else 0. */
uint64_t rs_counts_begin(const struct rs_counts *counts);
void rs_counts_end(struct rs_counts *counts, enum rs_operation operation, uint64_t begin_ns);
void rs_counts_waited(struct rs_counts *counts, uint64_t microseconds);

#endif
