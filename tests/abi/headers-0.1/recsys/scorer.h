/* recsys/scorer.h - exact top-K for vectors you bring yourself. */
#ifndef RECSYS_SCORER_H
#define RECSYS_SCORER_H

#include <stddef.h>
#include <stdint.h>

#include "catalog.h"
#include "export.h"
#include "model.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The workspace of one thread that scores: buffers, and helper threads if they
 * are asked for. Not tied to a model; one scorer serves whatever model each
 * call names.
 *
 * Exact: the answer equals a brute-force scan that computes every eligible
 * item's raw score (model.h) and sorts by score descending, then id
 * ascending. Ids and scores are the same bits for every batch size, number of
 * threads, filter and machine.
 *
 * Thread-safety: ONE THREAD AT A TIME.
 * Ownership: one owner; recsys_scorer_destroy().
 */
typedef struct recsys_scorer recsys_scorer;

typedef struct recsys_scorer_options {
    uint32_t struct_size; /* sizeof(recsys_scorer_options) */
    uint32_t n_threads;   /* threads that scan, the caller's included; 0 = 1 */
    uint32_t max_k;       /* reserve room for this K at once; 0 = 100 */
    uint32_t max_batch;   /* ... for this many queries; 0 = 1 */
    uint32_t dimensions;  /* ... for vectors this long; 0 = 128 */
    uint32_t reserved;    /* 0 */
    /* -- end of version 1 (24 bytes) -- append below, never insert above -- */
} recsys_scorer_options;

#define RECSYS_SCORER_OPTIONS_SIZE_V1 24u
#define RECSYS_SCORER_OPTIONS_INIT {(uint32_t)sizeof(recsys_scorer_options), 0u, 0u, 0u, 0u, 0u}
#define RECSYS_MAX_K 1000u

RECSYS_API void recsys_scorer_options_init(recsys_scorer_options *options);

/*
 * Fails with: E_INVALID (max_k over RECSYS_MAX_K, more than 256 threads),
 *   E_UNSUPPORTED, E_NOMEM, E_IO (a thread could not be started).
 * Ownership: the caller owns `*out`. n_threads - 1 threads live in it, with
 *   every signal blocked, asleep between calls.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_scorer_create(const recsys_scorer_options *options,
                                                               recsys_scorer **out,
                                                               recsys_error *err);

/* Ends its threads. NULL is allowed. */
RECSYS_API void recsys_scorer_destroy(recsys_scorer *scorer);

/* One question. Frozen: 40 bytes on 64-bit machines. */
typedef struct recsys_query {
    const float *vector;         /* `dimensions` finite floats; normalised by the caller for cosine */
    const recsys_filter *filter; /* made for the same model; NULL = every item */
    double offset;               /* added to every raw score, as a user's bias is */
    uint32_t k;                  /* 1..RECSYS_MAX_K */
    uint32_t reserved;           /* 0 */
    uint64_t reserved2;          /* 0 */
} recsys_query;

/* One answer. Frozen: 24 bytes on 64-bit machines. Text ids are BORROWED from the model. */
typedef struct recsys_scored {
    recsys_id item;
    float score;       /* raw, before the link */
    uint32_t reserved; /* 0 */
} recsys_scored;

/*
 * The best items for each of `n_queries` queries.
 *
 * out      row-major [n_queries, out_stride]; row q holds counts[q] answers.
 * out_stride  at least the largest k.
 * counts   n_queries numbers: k, or fewer if fewer items are eligible.
 *
 * Fails with: E_INVALID (NULL; k; a vector that is not finite or whose length
 *   overflows; a filter of another model), E_NOMEM (only when a size beyond
 *   the options' is met for the first time; larger sizes are kept).
 * Ownership: ids of text models are BORROWED until the caller's reference to
 *   `model` is given back.
 * Thread-safety: never allocates within the sizes of the options; takes no lock
 *   but the one its own helper threads wait on, if it has any.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_scorer_top_k(recsys_scorer *scorer, const recsys_model *model, const recsys_query *queries,
                    size_t n_queries, recsys_scored *out, size_t out_stride, uint32_t *counts,
                    recsys_error *err);

/*
 * The items most similar to `item` by cosine of their vectors, itself left
 * out. Items whose vector is zero are similar to nothing and never returned.
 *
 * Fails with: E_NOT_FOUND (no such item), E_INVALID, E_NOMEM.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_scorer_similar(recsys_scorer *scorer, const recsys_model *model, recsys_id item,
                      const recsys_filter *filter, uint32_t k, recsys_scored *out, uint32_t *count,
                      recsys_error *err);

/*
 * What the BLAS found at run time is. recsys never changes BLAS settings by
 * itself: an OpenBLAS that runs its own threads under ours is slower, so a
 * program that owns its process calls recsys_blas_set_threads(1) at its start.
 */
typedef struct recsys_blas_info {
    uint32_t struct_size; /* in: sizeof(recsys_blas_info) */
    int32_t n_threads;    /* 0 if it does not say */
    const char *config;   /* static text; "" if it does not say */
    const char *core;     /* "SkylakeX", "Zen", ...; "" if it does not say */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_blas_info;

/* Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_blas_get_info(recsys_blas_info *info,
                                                               recsys_error *err);

/*
 * Set how many threads each BLAS call of this process uses: everybody's calls,
 * not only recsys's.
 *
 * Fails with: E_INVALID (0), E_UNSUPPORTED (this BLAS has no such call).
 * Thread-safety: before any other thread calls BLAS.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_blas_set_threads(uint32_t n_threads,
                                                                  recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
