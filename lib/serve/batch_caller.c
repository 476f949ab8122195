/* lib/serve/batch_caller.c - see batch_caller.h.
 *
 * Each caller has a lock and a signal of its own, so that the thread that has answered sixty
 * requests wakes sixty threads that do not then wait for each other.
 */
#include "lib/serve/batch_caller.h"

#include <stddef.h>

int rs_caller_begin_waiting(struct rs_caller *caller)
{
    int result = rs_lock_init(&caller->lock);

    if (result != 0)
        return result;
    result = rs_signal_init(&caller->changed);
    if (result != 0)
        rs_lock_destroy(&caller->lock);
    return result;
}

void rs_caller_end_waiting(struct rs_caller *caller)
{
    rs_signal_destroy(&caller->changed);
    rs_lock_destroy(&caller->lock);
}

enum rs_news rs_caller_wait(struct rs_caller *caller, uint64_t deadline_ns)
{
    enum rs_news news;
    int is_late = 0;

    rs_lock_take(&caller->lock);
    while (caller->news == RS_NEWS_NONE && !is_late) {
        if (deadline_ns == UINT64_MAX)
            rs_signal_wait(&caller->changed, &caller->lock);
        else
            is_late = rs_signal_wait_until(&caller->changed, &caller->lock, deadline_ns) != 0;
    }
    news = caller->news;
    rs_lock_give(&caller->lock);
    return news;
}

void rs_caller_tell(struct rs_caller *caller, enum rs_news news)
{
    rs_lock_take(&caller->lock);
    caller->news = news;
    rs_signal_one(&caller->changed);
    rs_lock_give(&caller->lock);
}

void rs_caller_queue_init(struct rs_caller_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
    queue->n = 0;
}

void rs_caller_queue_add(struct rs_caller_queue *queue, struct rs_caller *caller)
{
    caller->next = NULL;
    caller->is_queued = 1;
    *queue->end = caller;
    queue->end = &caller->next;
    queue->n++;
}

/* Takes out the caller that *link points at. */
static struct rs_caller *unlink_at(struct rs_caller_queue *queue, struct rs_caller **link)
{
    struct rs_caller *caller = *link;

    *link = caller->next;
    if (queue->end == &caller->next)
        queue->end = link;
    caller->is_queued = 0;
    queue->n--;
    return caller;
}

int rs_caller_queue_remove(struct rs_caller_queue *queue, struct rs_caller *caller)
{
    struct rs_caller **link = &queue->first;

    if (!caller->is_queued)
        return 0;
    while (*link != caller)
        link = &(*link)->next;
    unlink_at(queue, link);
    return 1;
}

struct rs_caller *rs_caller_queue_take(struct rs_caller_queue *queue)
{
    return queue->first == NULL ? NULL : unlink_at(queue, &queue->first);
}

uint32_t rs_caller_queue_take_model(struct rs_caller_queue *queue, const struct recsys_model *model,
                                    uint64_t now_ns, struct rs_caller **out, uint32_t max)
{
    struct rs_caller **link = &queue->first;
    uint32_t n = 0;

    while (*link != NULL && n < max)
        if ((*link)->model == model && (*link)->deadline_ns > now_ns)
            out[n++] = unlink_at(queue, link);
        else
            link = &(*link)->next;
    return n;
}
