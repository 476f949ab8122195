/* lib/serve/batch_engine.c - see batch_engine.h.
 *
 * The answer of each caller is written into its own struct; the engine is not read any more for
 * those that have failed.
 */
#include "lib/serve/batch_engine.h"

#include <inttypes.h>
#include <stddef.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/trace.h"

void rs_engine_destroy(struct rs_engine *engine)
{
    recsys_recommender_destroy(engine->recommender);
    rs_free(engine->callers);
    rs_free(engine->requests);
    rs_free(engine->replies);
}

int rs_engine_create(struct rs_engine *engine, uint32_t max_batch)
{
    atomic_init(&engine->n_readers, 0u);
    engine->callers = rs_alloc_array(max_batch, sizeof(struct rs_caller *));
    engine->requests = rs_alloc_array(max_batch, sizeof *engine->requests);
    engine->replies = rs_alloc_array(max_batch, sizeof *engine->replies);
    return engine->callers != NULL && engine->requests != NULL && engine->replies != NULL;
}

static void answer_with(struct rs_caller *caller, recsys_status status, const recsys_error *problem)
{
    caller->engine = NULL;
    caller->status = status;
    caller->problem = *problem;
}

static int is_cancelled(const struct rs_caller *caller)
{
    return caller->call.cancelled != NULL && caller->call.cancelled(caller->call.user_data) != 0;
}

void rs_engine_drop_cancelled(struct rs_engine *engine, const struct rs_caller *leader)
{
    recsys_error problem = {0};
    uint32_t n = 0;

    rs_error(&problem, RECSYS_E_STOPPED, "recsys_batcher_recommend: cancelled while it waited");
    for (uint32_t i = 0; i < engine->n; i++) {
        struct rs_caller *caller = engine->callers[i];
        if (!is_cancelled(caller)) {
            engine->callers[n++] = caller;
            continue;
        }
        answer_with(caller, RECSYS_E_STOPPED, &problem);
        if (caller != leader)
            rs_caller_tell(caller, RS_NEWS_ANSWERED);
    }
    engine->n = n;
}

/* For an engine that is needed for the first time. Where no more threads can be started, the scan
 * has this one alone: a slower answer is better than none. */
static recsys_status make_recommender(const recsys_scorer_options *wanted, struct rs_engine *engine,
                                      recsys_error *err)
{
    recsys_scorer_options options = *wanted;
    recsys_status status;

    if (engine->recommender != NULL)
        return RECSYS_OK;
    status = recsys_recommender_create(&options, &engine->recommender, err);
    if (status != RECSYS_E_IO || options.n_threads <= 1)
        return status;
    rs_log(RECSYS_LOG_WARN, "batcher: scans with one thread: %s", err->message);
    options.n_threads = 1;
    return recsys_recommender_create(&options, &engine->recommender, err);
}

static recsys_status score(const recsys_scorer_options *wanted, struct rs_engine *engine,
                           const struct recsys_model *model, recsys_error *err)
{
    recsys_status status = make_recommender(wanted, engine, err);

    if (status != RECSYS_OK)
        return status;
    for (uint32_t i = 0; i < engine->n; i++)
        engine->requests[i] = engine->callers[i]->request;
    engine->replies[0].struct_size = (uint32_t)sizeof engine->replies[0];
    return recsys_recommend(engine->recommender, model, engine->requests, engine->n,
                            engine->replies, err);
}

static void trace(const struct rs_engine *engine, uint64_t began_ns, uint64_t scan_ns)
{
    rs_trace(RECSYS_TRACE_SCAN,
             "batch of %" PRIu32 ": the longest wait %" PRIu64 " us, scored in %" PRIu64 " us",
             engine->n, (began_ns - engine->callers[0]->since_ns) / 1000u, scan_ns / 1000u);
}

/* Each caller learns this beside its reply. */
static void describe(struct rs_engine *engine, uint64_t began_ns, uint64_t scan_ns)
{
    for (uint32_t i = 0; i < engine->n; i++)
        engine->callers[i]->batch =
            (recsys_batch){.struct_size = (uint32_t)sizeof(recsys_batch),
                           .n_requests = engine->n,
                           .place = i,
                           .wait_ns = began_ns - engine->callers[i]->since_ns,
                           .scan_ns = scan_ns};
}

void rs_engine_score(struct rs_engine *engine, const recsys_scorer_options *wanted,
                     const struct recsys_model *model)
{
    uint64_t began_ns = rs_clock_ns(), scan_ns;
    recsys_error problem = {0};
    recsys_status status = score(wanted, engine, model, &problem);

    scan_ns = rs_clock_ns() - began_ns;
    trace(engine, began_ns, scan_ns);
    describe(engine, began_ns, scan_ns);
    for (uint32_t i = 0; i < engine->n; i++)
        if (status == RECSYS_OK)
            engine->callers[i]->engine = engine;
        else
            answer_with(engine->callers[i], status, &problem);
    atomic_store_explicit(&engine->n_readers, status == RECSYS_OK ? engine->n : 0u,
                          memory_order_relaxed);
}
