/* recsys/batcher.h - answers requests that come at the same time together. Group: core. */
#ifndef RECSYS_BATCHER_H
#define RECSYS_BATCHER_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "model.h"
#include "recommend.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Recommenders that many threads share. A scan over a large model costs hardly more for
 * twenty requests than for one, so a batcher scores requests that wait in one scan:
 *
 *   A caller that finds a scan free begins at once; nothing waits for more requests
 *   to come. The others wait in a queue. When a scan ends, the caller that has waited
 *   longest takes all that wait, its own request first, and scores them for everybody.
 *
 * The work is done by the callers' threads (and by n_threads - 1 helpers of each scan);
 * the batcher has no other thread and no timer. Every answer is the same bits as that of
 * recsys_recommend(); requests of one batch may differ in everything but the model. Requests
 * for different models, as during a swap, are never in one batch.
 *
 * For models whose scan takes less time than waking up a thread, some 50 us, a recommender
 * in each thread is faster.
 *
 * Thread-safety: SYNCHRONIZED.
 * After fork(): fails with E_STATE in the child, which may only destroy it.
 * Ownership: one owner; recsys_batcher_destroy().
 */
typedef struct recsys_batcher recsys_batcher;

typedef struct recsys_batcher_options {
    uint32_t struct_size; /* sizeof(recsys_batcher_options) */
    uint32_t n_scans;     /* batches that are scored at the same time; 0 = 1; at most 256 */
    uint32_t n_threads;   /* threads of each scan, the caller's included; 0 = 1; at most 256.
                             Fewer where no more can be started */
    uint32_t max_batch;   /* requests of one batch; 0 = 64; at most 1024 */
    uint32_t max_waiting; /* callers that may wait; beyond: E_EXHAUSTED; 0 = 1024 */
    uint32_t max_k;       /* reserve room for this K at once; 0 = 100 */
    uint32_t dimensions;  /* ... for vectors this long; 0 = 128 */
    uint32_t reserved;    /* 0 */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_batcher_options;

#define RECSYS_BATCHER_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_batcher_options, reserved)
#define RECSYS_BATCHER_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_batcher_options), 0u, 0u, 0u, 0u, 0u, 0u, 0u}

/*
 * Fails with: E_INVALID (struct_size, a number above its limit), E_UNSUPPORTED, E_NOMEM,
 *   E_IO (a lock could not be made).
 * Ownership: the caller owns `*out`. Recommenders, 1 MiB or so each, and their helper
 *   threads are made when they are needed for the first time: at most 2 * n_scans + 1.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_batcher_create(
    const recsys_batcher_options *options, recsys_batcher **out, recsys_error *err);

/* No call may be inside. NULL is allowed. Since: 0.2 */
RECSYS_API void recsys_batcher_destroy(recsys_batcher *batcher);

/* The batch that a request was answered in. BORROWED for the callback. Since: 0.2 */
typedef struct recsys_batch {
    uint32_t struct_size; /* how much this library fills */
    uint32_t n_requests;  /* in this batch */
    uint32_t place;       /* of this one, from 0 */
    uint32_t reserved;
    uint64_t wait_ns;     /* from the call to the beginning of the scan */
    uint64_t scan_ns;     /* what the scan took */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_batch;

#define RECSYS_BATCH_SIZE_V1 RECSYS_SIZE_TO(recsys_batch, scan_ns)
#define RECSYS_BATCH_INIT {(uint32_t)sizeof(recsys_batch), 0u, 0u, 0u, 0u, 0u}

/*
 * Receives the reply, which is valid until it returns. Called once by a call that
 * succeeds, on the calling thread, while other threads receive the other replies of
 * the batch. The status that it returns is the call's. It may not use the batcher.
 */
typedef recsys_status (*recsys_reply_callback)(const recsys_reply *reply, const recsys_batch *batch,
                                               void *user_data, recsys_error *err);

/*
 * Does nobody want the answer any more? 0: go on; any other number: the request leaves
 * the queue. Called before the scan begins, on the thread that leads it, and only for
 * requests that have waited. The request's own thread is still waiting then.
 */
typedef int32_t (*recsys_cancelled_callback)(void *user_data);

typedef struct recsys_batcher_call {
    uint32_t struct_size;                /* sizeof(recsys_batcher_call) */
    uint32_t timeout_ms;                 /* longest wait until the scan begins; 0 = RECSYS_NEVER_32 =
                                            as long as it takes */
    recsys_reply_callback reply;         /* needed */
    recsys_cancelled_callback cancelled; /* NULL = never */
    void *user_data;                     /* for both */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_batcher_call;

#define RECSYS_BATCHER_CALL_SIZE_V1 RECSYS_SIZE_TO(recsys_batcher_call, user_data)
#define RECSYS_BATCHER_CALL_INIT {(uint32_t)sizeof(recsys_batcher_call), 0u, NULL, NULL, NULL}

/*
 * Answer one request, perhaps together with those of other threads.
 *
 * Fails with: as recsys_recommend() with one request, with the same messages; E_TIMEOUT
 *   (waited for timeout_ms), E_EXHAUSTED (max_waiting callers wait already), E_STOPPED
 *   (cancelled), what the reply callback returns, E_CALLBACK. If there is no memory for
 *   the answers of a batch, all of its requests fail.
 * Ownership: nothing is kept; the reply is BORROWED as its callback says.
 * Thread-safety: any thread. Blocks until the answer is there.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_batcher_recommend(recsys_batcher *batcher, const recsys_model *model,
                         const recsys_request *request, const recsys_batcher_call *call,
                         recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
