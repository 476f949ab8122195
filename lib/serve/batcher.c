/* lib/serve/batcher.c - requests that come at the same time, scored in one scan.
 *
 * There is no thread that serves the queue. At most n_scans callers lead a scan; a caller that
 * finds fewer leads at once, the others wait in the queue. The end of a scan hands its place to the
 * caller at the head of the queue, which then takes all others with its model, up to max_batch. So
 * a request waits for a scan that was running when it came, and nobody waits for a timer.
 *
 * A scan needs an engine: a recommender, whose memory holds the replies. The threads of a batch
 * read their replies while the next batch is scored by another engine; the last one that has read
 * gives the engine back. So there are more engines than scans. They are used last in, first
 * out, and an engine that was never needed has no recommender.
 *
 * One lock protects the queue, the free engines and the number of scans. No callback and no scan
 * runs under it.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/callback.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/structs.h"
#include "lib/serve/batch_engine.h"
#include "lib/serve/recommender.h"

#define MAX_SCANS 256u
#define MAX_THREADS 256u
#define MAX_BATCH 1024u

struct recsys_batcher {
    recsys_scorer_options options; /* of the recommenders */
    uint32_t n_scans, max_batch, max_waiting;
    uint32_t fork_count;
    uint32_t n_engines;
    struct rs_engine *engines;

    struct rs_lock lock; /* protects what follows */
    struct rs_caller_queue queue;
    struct rs_engine *free_engines;
    uint32_t n_running; /* scans */
};

/* -- scans and their engines -- */

/* With the lock. NULL: all scans are running, or all engines' replies are still read. */
static struct rs_engine *begin_scan(recsys_batcher *batcher)
{
    struct rs_engine *engine = batcher->free_engines;

    if (engine == NULL || batcher->n_running == batcher->n_scans)
        return NULL;
    batcher->free_engines = engine->next;
    batcher->n_running++;
    return engine;
}

/* With the lock: callers that wait lead the scans that are free. */
static void hand_on(recsys_batcher *batcher)
{
    struct rs_engine *engine;

    while (batcher->queue.n > 0 && (engine = begin_scan(batcher)) != NULL) {
        struct rs_caller *caller = rs_caller_queue_take(&batcher->queue);
        caller->engine = engine;
        rs_caller_tell(caller, RS_NEWS_LEAD);
    }
}

static void give_engine(recsys_batcher *batcher, struct rs_engine *engine)
{
    rs_lock_take(&batcher->lock);
    engine->next = batcher->free_engines;
    batcher->free_engines = engine;
    hand_on(batcher);
    rs_lock_give(&batcher->lock);
}

/* One reply has been read. */
static void release(recsys_batcher *batcher, struct rs_engine *engine)
{
    if (atomic_fetch_sub_explicit(&engine->n_readers, 1u, memory_order_acq_rel) == 1u)
        give_engine(batcher, engine);
}

/* The scan has ended: the next one begins before anybody reads a reply. */
static void end_scan(recsys_batcher *batcher, struct rs_engine *engine)
{
    int is_read = atomic_load_explicit(&engine->n_readers, memory_order_relaxed) > 0;

    rs_lock_take(&batcher->lock);
    batcher->n_running--;
    if (!is_read) {
        engine->next = batcher->free_engines;
        batcher->free_engines = engine;
    }
    hand_on(batcher);
    rs_lock_give(&batcher->lock);
}

/* The callers of the batch, as they are told of their answers: the engine may be another
 * batch's as soon as all have read. */
static void tell_others(struct rs_caller *const *callers, uint32_t n,
                        const struct rs_caller *leader)
{
    for (uint32_t i = 0; i < n; i++)
        if (callers[i] != leader)
            rs_caller_tell(callers[i], RS_NEWS_ANSWERED);
}

/* `engine` is the leader's, with the lock no longer taken. */
static void lead(recsys_batcher *batcher, struct rs_caller *leader, struct rs_engine *engine,
                 int has_waited)
{
    struct rs_caller *callers[MAX_BATCH];
    uint32_t n;

    leader->engine = NULL;
    if (has_waited)
        rs_engine_drop_cancelled(engine, leader);
    n = engine->n;
    memcpy(callers, engine->callers, n * sizeof(struct rs_caller *));
    atomic_store_explicit(&engine->n_readers, 0u, memory_order_relaxed);
    if (n > 0)
        rs_engine_score(engine, &batcher->options, leader->model);
    end_scan(batcher, engine);
    tell_others(callers, n, leader);
}

/* With the lock: the batch of a caller that leads. */
static void gather(recsys_batcher *batcher, struct rs_caller *leader, struct rs_engine *engine)
{
    engine->callers[0] = leader;
    engine->n = 1 + rs_caller_queue_take_model(&batcher->queue, leader->model, rs_clock_ns(),
                                               engine->callers + 1, batcher->max_batch - 1);
}

/* -- the wait -- */

/* 0 if another thread has taken the caller out of the queue. */
static int leave_queue(recsys_batcher *batcher, struct rs_caller *caller)
{
    rs_lock_take(&batcher->lock);
    int has_left = rs_caller_queue_remove(&batcher->queue, caller);
    rs_lock_give(&batcher->lock);
    return has_left;
}

static void wait_and_lead(recsys_batcher *batcher, struct rs_caller *caller)
{
    enum rs_news news = rs_caller_wait(caller, caller->deadline_ns);

    if (news == RS_NEWS_NONE) {
        if (leave_queue(batcher, caller)) {
            caller->status =
                rs_error(&caller->problem, RECSYS_E_TIMEOUT,
                         "recsys_batcher_recommend: no scan was free within %" PRIu32 " ms",
                         caller->call.timeout_ms);
            return;
        }
        news = rs_caller_wait(caller, UINT64_MAX); /* it is in a batch, or leads one */
    }
    if (news == RS_NEWS_ANSWERED)
        return;
    struct rs_engine *engine = caller->engine;
    rs_lock_take(&batcher->lock);
    gather(batcher, caller, engine);
    rs_lock_give(&batcher->lock);
    lead(batcher, caller, engine, 1);
}

/* Ends with a status, or with an engine that has the reply. */
static void get_answer(recsys_batcher *batcher, struct rs_caller *caller)
{
    int result = rs_caller_begin_waiting(caller);

    if (result != 0) {
        caller->status = rs_error_sys(&caller->problem, result, "cannot wait for a scan");
        return;
    }
    rs_lock_take(&batcher->lock);
    struct rs_engine *engine = batcher->queue.n == 0 ? begin_scan(batcher) : NULL;
    int is_full = engine == NULL && batcher->queue.n == batcher->max_waiting;
    if (engine != NULL)
        gather(batcher, caller, engine);
    else if (!is_full)
        rs_caller_queue_add(&batcher->queue, caller);
    rs_lock_give(&batcher->lock);

    if (engine != NULL)
        lead(batcher, caller, engine, 0);
    else if (is_full)
        caller->status = rs_error(&caller->problem, RECSYS_E_EXHAUSTED,
                                  "recsys_batcher_recommend: %" PRIu32 " requests wait already",
                                  batcher->max_waiting);
    else
        wait_and_lead(batcher, caller);
    rs_caller_end_waiting(caller);
}

/* -- the public functions -- */

static recsys_status read_options(recsys_batcher *batcher, const recsys_batcher_options *options,
                                  recsys_error *err)
{
    static const recsys_scorer_options scorer = RECSYS_SCORER_OPTIONS_INIT;
    recsys_batcher_options own;
    recsys_status status = rs_struct_read(&own, sizeof own, options, RECSYS_BATCHER_OPTIONS_SIZE_V1,
                                          "recsys_batcher_create: options", err);

    if (status == RECSYS_OK)
        status = rs_reserved(own.reserved, "recsys_batcher_create: options.reserved", err);
    if (status != RECSYS_OK)
        return status;
    if (own.n_scans > MAX_SCANS || own.max_batch > MAX_BATCH || own.n_threads > MAX_THREADS)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_batcher_create: %" PRIu32 " scans of %" PRIu32
                        " requests with %" PRIu32 " threads, at most %u of %u with %u are possible",
                        own.n_scans, own.max_batch, own.n_threads, MAX_SCANS, MAX_BATCH,
                        MAX_THREADS);
    batcher->n_scans = own.n_scans == 0 ? 1 : own.n_scans;
    batcher->max_batch = own.max_batch == 0 ? 64 : own.max_batch;
    batcher->max_waiting = own.max_waiting == 0 ? 1024 : own.max_waiting;
    batcher->options = scorer;
    batcher->options.n_threads = own.n_threads;
    batcher->options.max_k = own.max_k;
    batcher->options.max_batch = batcher->max_batch;
    batcher->options.dimensions = own.dimensions;
    return RECSYS_OK;
}

static recsys_status create_engines(recsys_batcher *batcher, recsys_error *err)
{
    batcher->n_engines = 2 * batcher->n_scans + 1;
    batcher->engines = rs_alloc_array(batcher->n_engines, sizeof *batcher->engines);
    if (batcher->engines == NULL)
        return rs_error_nomem(err, "batcher");
    for (uint32_t i = 0; i < batcher->n_engines; i++) {
        struct rs_engine *engine = &batcher->engines[i];
        if (!rs_engine_create(engine, batcher->max_batch))
            return rs_error_nomem(err, "batcher");
        engine->next = batcher->free_engines;
        batcher->free_engines = engine;
    }
    return RECSYS_OK;
}

recsys_status recsys_batcher_create(const recsys_batcher_options *options, recsys_batcher **out,
                                    recsys_error *err)
{
    recsys_batcher *batcher;
    recsys_status status;
    int result;

    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_batcher_create: out is NULL");
    *out = NULL;
    batcher = rs_alloc_array(1, sizeof *batcher);
    if (batcher == NULL)
        return rs_error_nomem(err, "batcher");
    if ((result = rs_lock_init(&batcher->lock)) != 0) {
        rs_free(batcher);
        return rs_error_sys(err, result, "cannot make the lock of a batcher");
    }
    batcher->fork_count = rs_fork_count();
    rs_caller_queue_init(&batcher->queue);
    status = read_options(batcher, options, err);
    if (status == RECSYS_OK)
        status = create_engines(batcher, err);
    if (status != RECSYS_OK)
        recsys_batcher_destroy(batcher);
    else
        *out = batcher;
    return status;
}

void recsys_batcher_destroy(recsys_batcher *batcher)
{
    if (batcher == NULL)
        return;
    for (uint32_t i = 0; batcher->engines != NULL && i < batcher->n_engines; i++)
        rs_engine_destroy(&batcher->engines[i]);
    rs_free(batcher->engines);
    if (batcher->fork_count == rs_fork_count())
        rs_lock_destroy(&batcher->lock);
    rs_free(batcher);
}

/* The reply of several requests has its failure in itself; that of one made the call fail. */
static recsys_status failure_of(const recsys_reply *reply, recsys_error *err)
{
    if (reply->status == RECSYS_OK)
        return RECSYS_OK;
    return rs_error(err, reply->status, "recsys_recommend: %s", reply->message);
}

static recsys_status read_reply(const struct rs_caller *caller, recsys_error *err)
{
    const recsys_reply *reply = &caller->engine->replies[caller->batch.place];
    recsys_error said = {0};
    recsys_status status = failure_of(reply, err);

    if (status != RECSYS_OK)
        return status;
    return rs_callback_result(
        caller->call.reply(reply, &caller->batch, caller->call.user_data, &said), &said, err,
        "recsys_batcher_recommend: the reply callback");
}

static recsys_status read_arguments(struct rs_caller *caller, const recsys_request *request,
                                    const recsys_batcher_call *call, recsys_error *err)
{
    recsys_status status =
        rs_struct_read(&caller->call, sizeof caller->call, call, RECSYS_BATCHER_CALL_SIZE_V1,
                       "recsys_batcher_recommend: call", err);

    if (status != RECSYS_OK)
        return status;
    if (request == NULL || caller->call.reply == NULL)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_batcher_recommend: the request or the reply callback is NULL");
    return rs_request_read(request, 0, &caller->request, "recsys_recommend", err);
}

recsys_status recsys_batcher_recommend(recsys_batcher *batcher, const recsys_model *model,
                                       const recsys_request *request,
                                       const recsys_batcher_call *call, recsys_error *err)
{
    struct rs_caller caller;
    uint32_t timeout_ms;
    recsys_status status;

    if (batcher == NULL || model == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_batcher_recommend: %s is NULL",
                        batcher == NULL ? "batcher" : "model");
    if ((status = rs_fork_check(batcher->fork_count, "recsys_batcher_recommend: a batcher", err)) !=
        RECSYS_OK)
        return status;
    memset(&caller, 0, offsetof(struct rs_caller, problem));
    if ((status = read_arguments(&caller, request, call, err)) != RECSYS_OK)
        return status;
    timeout_ms = caller.call.timeout_ms;
    caller.model = model;
    caller.since_ns = rs_clock_ns();
    caller.deadline_ns = timeout_ms == 0 || timeout_ms == RECSYS_NEVER_32
                             ? UINT64_MAX
                             : caller.since_ns + (uint64_t)timeout_ms * 1000000u;
    get_answer(batcher, &caller);
    if (caller.engine == NULL)
        return rs_error_copy(err, &caller.problem);
    status = read_reply(&caller, err);
    release(batcher, caller.engine);
    return status;
}
