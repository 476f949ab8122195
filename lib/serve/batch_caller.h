/* lib/serve/batch_caller.h - private to lib/serve: a thread that waits for its answer, and the
 * queue of those that wait for a scan. */
#ifndef RS_SERVE_BATCH_CALLER_H
#define RS_SERVE_BATCH_CALLER_H

#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/batcher.h"

/* The news that ends a wait. */
enum rs_news {
    RS_NEWS_NONE,
    RS_NEWS_LEAD,    /* a scan is free: it is yours */
    RS_NEWS_ANSWERED /* another thread has scored your request, or has found it cancelled */
};

struct rs_engine;

/* On the stack of its thread. */
struct rs_caller {
    struct rs_caller *next; /* in the queue; protected by the queue's lock, as is */
    int is_queued;
    const struct recsys_model *model;
    recsys_request request;
    recsys_batcher_call call;
    uint64_t since_ns, deadline_ns;

    struct rs_lock lock;
    struct rs_signal changed;
    enum rs_news news; /* protected by lock */

    /* Written by the thread that leads, before RS_NEWS_ANSWERED. */
    struct rs_engine *engine; /* the one that has the reply, or that is to be led; NULL: failed */
    recsys_status status;
    recsys_error problem;
    recsys_batch batch;
};

/* 0, or an errno. */
int rs_caller_begin_waiting(struct rs_caller *caller);
void rs_caller_end_waiting(struct rs_caller *caller);

/* Until there is news, or `deadline_ns` has passed: then RS_NEWS_NONE. */
enum rs_news rs_caller_wait(struct rs_caller *caller, uint64_t deadline_ns);
/* The caller may be gone as soon as this returns. */
void rs_caller_tell(struct rs_caller *caller, enum rs_news news);

/* First in, first out. Protected by its owner's lock. */
struct rs_caller_queue {
    struct rs_caller *first, **end; /* `end`: where the next one is linked */
    uint32_t n;
};

void rs_caller_queue_init(struct rs_caller_queue *queue);
void rs_caller_queue_add(struct rs_caller_queue *queue, struct rs_caller *caller);
/* Takes the caller out of the queue; 0 if it is not in it. */
int rs_caller_queue_remove(struct rs_caller_queue *queue, struct rs_caller *caller);
/* Takes the first one, or NULL. */
struct rs_caller *rs_caller_queue_take(struct rs_caller_queue *queue);
/* Takes at most `max` callers with this model whose deadline has not passed, the first ones first.
 * Returns how many. */
uint32_t rs_caller_queue_take_model(struct rs_caller_queue *queue, const struct recsys_model *model,
                                    uint64_t now_ns, struct rs_caller **out, uint32_t max);

#endif
