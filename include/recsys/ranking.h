/* recsys/ranking.h - how far two rankings of items agree. Group: core. */
#ifndef RECSYS_RANKING_H
#define RECSYS_RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RECSYS_RANKING_MAX 1000u /* items of one ranking */

/* The findings of recsys_ranking_compare(). */
typedef struct recsys_agreement {
    uint32_t struct_size; /* in: sizeof; out: how much was filled */
    uint32_t n_common;    /* items that are in both */
    uint32_t n_in_place;  /* of these: items that have the same place in both */
    uint32_t reserved;    /* 0 */
    double overlap;       /* n_common / the items of the longer one: overlap@K. 1 if both are empty */
    double rank_correlation; /* Kendall's tau of the common items: 1 the same order, -1 the reverse.
                                NaN for fewer than two */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_agreement;

#define RECSYS_AGREEMENT_SIZE_V1 RECSYS_SIZE_TO(recsys_agreement, rank_correlation)
#define RECSYS_AGREEMENT_INIT {(uint32_t)sizeof(recsys_agreement), 0u, 0u, 0u, 0.0, 0.0}

/*
 * Compare two answers to the same request, of two models for instance.
 *
 * before, after  ids of items, best first, each id once in each; NULL if there are none.
 *
 * Fails with: E_INVALID (NULL, struct_size, more than RECSYS_RANKING_MAX items),
 *   E_UNSUPPORTED.
 * Thread-safety: any thread. Allocates nothing. Takes n_before * n_after comparisons.
 * Source: Kendall, A New Measure of Rank Correlation, Biometrika 1938 (there are no ties).
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_ranking_compare(const recsys_id *before, size_t n_before, const recsys_id *after,
                       size_t n_after, recsys_agreement *out, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
