/* recsys/comparison.h - what changes when one model replaces another. Group: core. */
#ifndef RECSYS_COMPARISON_H
#define RECSYS_COMPARISON_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct recsys_comparison_options {
    uint32_t struct_size; /* sizeof(recsys_comparison_options) */
    uint32_t k;           /* items of each answer; 0 = 10; at most 1000 */
    uint64_t n_asked;     /* users to ask, evenly spread; 0 = 1000; UINT64_MAX = all */
    uint32_t n_threads;   /* threads that scan, the caller's included; 0 = 1 */
    uint32_t reserved;    /* 0 */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_comparison_options;

#define RECSYS_COMPARISON_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_comparison_options, reserved)
#define RECSYS_COMPARISON_OPTIONS_INIT {(uint32_t)sizeof(recsys_comparison_options), 0u, 0u, 0u, 0u}

/* How some numbers are distributed; all zero if there are none. Of q10, a tenth of the numbers is
 * smaller or equal. Frozen: 56 bytes. Since: 0.2 */
typedef struct recsys_distribution {
    uint64_t n; /* finite numbers; the others do not count */
    double mean, smallest, q10, median, q90, largest;
} recsys_distribution;

/* Changes that clients notice. */
#define RECSYS_COMPARISON_USER_IDS (1u << 0) /* the users' ids are of another kind */
#define RECSYS_COMPARISON_ITEM_IDS (1u << 1) /* the items' ids are of another kind */
#define RECSYS_COMPARISON_CATALOG (1u << 2)  /* `before` has a catalogue, `after` has none */
#define RECSYS_COMPARISON_SEEN (1u << 3)     /* `before` has seen lists, `after` has none */

/*
 * The findings of recsys_model_compare(). Each user that is asked has one answer of each
 * model, to a request with default filters.
 */
typedef struct recsys_comparison {
    uint32_t struct_size;    /* in: sizeof; out: how much was filled */
    uint32_t changes;        /* RECSYS_COMPARISON_* */
    uint64_t n_common_users; /* that both models have; the others are gained or lost */
    uint64_t n_common_items;
    uint64_t n_asked;        /* asked in `after` */
    uint64_t n_compared;     /* asked in both */
    uint64_t n_identical;    /* of these: the same items in the same order */
    uint64_t n_places;       /* items in the answers of `before` */
    uint64_t n_kept;         /* of these: items that are in the answer of `after`, too */
    uint64_t n_empty;        /* answers of `after` without an item */
    uint64_t n_not_finite;   /* answers of `after` with a raw score that is not finite */
    recsys_distribution scores_before, scores_after; /* of all these answers, after the link */
    recsys_distribution raws_before, raws_after;     /* before the link */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_comparison;

#define RECSYS_COMPARISON_SIZE_V1 RECSYS_SIZE_TO(recsys_comparison, raws_after)
#define RECSYS_COMPARISON_INIT \
    {(uint32_t)sizeof(recsys_comparison), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, \
     {0u, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}, {0u, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}, \
     {0u, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}, {0u, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}}

/*
 * Compare two models: their ids, what else they have, and their answers to users
 * that both have. Deployments ask the same before they accept a candidate.
 *
 * If one of the models has no users, the vectors of common items are asked instead.
 * Without anything in common, only `after` is asked, about its own users or items.
 *
 * before   NULL = only ask `after`.
 * options  NULL for defaults.
 *
 * Fails with: E_INVALID (NULL, struct_size, k, too many threads), E_UNSUPPORTED,
 *   E_NOMEM (16 bytes for each item of each answer), E_IO (a thread could not be started).
 * Thread-safety: any thread. Reads both models; takes seconds for all users of
 *   large ones.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_model_compare(
    const recsys_model *before, const recsys_model *after, const recsys_comparison_options *options,
    recsys_comparison *out, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
