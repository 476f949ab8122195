/* recsys/scorer.h - exact top-K for vectors of your own. */
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
 * The workspace of one thread that scores: buffers, and helper threads if the
 * options ask for them. Not tied to a model: each call names its model.
 *
 * Exact: the answer equals a brute-force scan that computes every eligible
 * item's raw score (model.h) and sorts by score descending, then id
 * ascending. Ids and scores are the same bits for every batch size, number of
 * threads, filter and machine.
 *
 * Thread-safety: ONE THREAD AT A TIME. A call that begins while another thread is
 *   inside fails with E_BUSY.
 * After fork(): works in the child; a scorer with helper threads fails with E_STATE
 *   there.
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

#define RECSYS_SCORER_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_scorer_options, reserved)
#define RECSYS_SCORER_OPTIONS_INIT {(uint32_t)sizeof(recsys_scorer_options), 0u, 0u, 0u, 0u, 0u}

/*
 * Fails with: E_INVALID (struct_size, more than 256 threads), E_UNSUPPORTED,
 *   E_NOMEM, E_IO (a thread could not be started).
 * Ownership: the caller owns `*out`. The scorer has n_threads - 1 threads, with
 *   every signal blocked, that sleep between calls.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_scorer_create(const recsys_scorer_options *options,
                                                               recsys_scorer **out,
                                                               recsys_error *err);

/* Also ends the scorer's threads. NULL is allowed. */
RECSYS_API void recsys_scorer_destroy(recsys_scorer *scorer);

/* One query. Frozen: 40 bytes on 64-bit machines. */
typedef struct recsys_query {
    const float *vector;         /* `dimensions` finite floats; normalised by the caller for cosine */
    const recsys_filter *filter; /* made for this model or one of the same fingerprint;
                                    NULL = every item */
    double offset;               /* added to every raw score, as a user's bias is */
    uint32_t k;                  /* 1 or more; more than the model has = all items */
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
 * out_stride  at least the largest k, or the number of items if that is less.
 * counts   n_queries numbers: k, or fewer if fewer items are eligible. After a
 *          failure they are all 0, and the content of `out` is unspecified.
 *
 * Fails with: E_INVALID (NULL; k; a vector that is not finite or whose length
 *   overflows; a filter of another model), E_UNSUPPORTED (reserved fields),
 *   E_NOMEM (only when a size beyond the options' is met for the first time;
 *   larger sizes are kept), E_BUSY, E_STATE (after fork()).
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

/* These fill places without an answer; no id and no row ever has these values. */
#define RECSYS_PADDING_ID UINT64_MAX
#define RECSYS_PADDING_ROW UINT32_MAX

/*
 * The same for callers whose data are matrices (NumPy, Go, the JVM): one matrix of
 * queries, one filter, one k, and no struct that contains a pointer. The answers
 * are the same bits as those of recsys_scorer_top_k().
 *
 * queries  row-major [n_queries, query_stride] of finite floats, of which the
 *          first `dimensions` of each row count; normalised by the caller for
 *          cosine.
 * query_stride  floats from one row to the next; at least `dimensions`.
 * offsets  n_queries numbers, one added to every raw score of its query; NULL = 0.
 * filter   of a model with the same fingerprint; NULL = every item.
 * k        1 or more; may be larger than the number of items.
 * ids      row-major [n_queries, k]; NULL if not wanted, and for models whose item
 *          ids are texts.
 * rows     the same: rows of the item arrays (recsys_model_get_array()); or NULL.
 * scores   the same: raw scores; or NULL.
 * counts   n_queries numbers: how many places of each row are answers. The others
 *          hold RECSYS_PADDING_ID, RECSYS_PADDING_ROW and minus infinity.
 *
 * Fails with: as recsys_scorer_top_k(). Then all counts are 0.
 * Thread-safety: as recsys_scorer_top_k().
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_scorer_top_k_matrix(
    recsys_scorer *scorer, const recsys_model *model, const float *queries, size_t n_queries,
    size_t query_stride, const double *offsets, const recsys_filter *filter, uint32_t k,
    uint64_t *ids, uint32_t *rows, float *scores, uint32_t *counts, recsys_error *err);

/*
 * The items most similar to `item` by the cosine of their vectors, without `item`
 * itself. Items whose vector is zero are never returned.
 *
 * k    1 or more; more than the model has = all items.
 * out  room for k answers, or for all items if those are fewer.
 *
 * Fails with: E_NOT_FOUND (no such item), E_INVALID, E_NOMEM, E_BUSY, E_STATE.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_scorer_similar(recsys_scorer *scorer, const recsys_model *model, recsys_id item,
                      const recsys_filter *filter, uint32_t k, recsys_scored *out, uint32_t *count,
                      recsys_error *err);

/*
 * The BLAS that the process uses. The library never changes BLAS settings by
 * itself. An OpenBLAS that runs its own threads within each thread that scores is
 * slower, so a program that owns its process calls recsys_blas_set_threads(1) at
 * its start.
 */
typedef struct recsys_blas_info {
    uint32_t struct_size; /* in: sizeof(recsys_blas_info) */
    int32_t n_threads;    /* 0 if unknown */
    const char *config;   /* static text; "" if unknown */
    const char *core;     /* "SkylakeX", "Zen", ...; "" if unknown */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_blas_info;

#define RECSYS_BLAS_INFO_SIZE_V1 RECSYS_SIZE_TO(recsys_blas_info, core)
#define RECSYS_BLAS_INFO_INIT {(uint32_t)sizeof(recsys_blas_info), 0, NULL, NULL}

/* Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_blas_get_info(recsys_blas_info *info,
                                                               recsys_error *err);

/*
 * Set how many threads each BLAS call of this process uses: also the calls of the
 * host and of other libraries.
 *
 * Fails with: E_INVALID (0), E_UNSUPPORTED (this BLAS has no such call).
 * Thread-safety: before any other thread calls BLAS.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_blas_set_threads(uint32_t n_threads,
                                                                  recsys_error *err);

/*
 * Let this process use AMX, the matrix registers of some x86-64 processors. Scorers,
 * recommenders and batchers that are created afterwards then answer batches of 32 queries and
 * more by them, in a half to three quarters of the time; the answers are the same, bit for bit.
 *
 * The library never asks for them by itself, because asking changes the process for as long as it
 * lives, and the children that it forks: the frame of a signal may take 8 KB more, so Linux
 * refuses sigaltstack() with less than sysconf(_SC_MINSIGSTKSZ) bytes from then on. Threads hold
 * the registers during a scan only. Calling it again changes nothing.
 *
 * Fails with: E_UNSUPPORTED (processor, system or compiler without AMX for bytes; nothing has
 * changed), E_STATE (a thread's signal stack is too small already).
 * Thread-safety: any thread, at any time.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_amx_use(recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
