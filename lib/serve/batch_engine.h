/* lib/serve/batch_engine.h - private to lib/serve: scores the requests of one batch, and holds
 * their replies until they are read. */
#ifndef RS_SERVE_BATCH_ENGINE_H
#define RS_SERVE_BATCH_ENGINE_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/serve/batch_caller.h"
#include "recsys/recommend.h"

/* Used by the thread that leads, from the moment at which it gets it to the end of its scan. Then
 * the replies are read. */
struct rs_engine {
    struct rs_engine *next;          /* free; protected by the batcher's lock */
    recsys_recommender *recommender; /* NULL: not needed yet */
    struct rs_caller **callers;      /* max_batch, as all arrays; the leader is the first */
    recsys_request *requests;
    recsys_reply *replies;
    uint32_t n;
    atomic_uint n_readers; /* replies that are still read */
};

/* Zeroed before. 0: no memory; destroy it in both cases. */
int rs_engine_create(struct rs_engine *engine, uint32_t max_batch);
void rs_engine_destroy(struct rs_engine *engine);

/* Those whose answer nobody wants leave the batch; all of them have waited. `leader` is told
 * nothing: it is this thread. */
void rs_engine_drop_cancelled(struct rs_engine *engine, const struct rs_caller *leader);

/* Score the batch, which is not empty. Each of its callers has a status or this engine then, but is
 * not told yet; n_readers are the replies that will be read. `options` are the recommender's. */
void rs_engine_score(struct rs_engine *engine, const recsys_scorer_options *options,
                     const struct recsys_model *model);

#endif
