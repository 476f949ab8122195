/* daemon/shadow/shadow_queue.c - a bounded queue without a lock (Vyukov's, with one consumer).
 *
 * The consumer's thread has the lowest priority there is. If it held a lock when the kernel took
 * the processor from it, every request would wait until it got it back, which may be seconds.
 */
#include "daemon/shadow/shadow_queue.h"

#include <stdlib.h>

bool rd_shadow_queue_init(struct rd_shadow_queue *queue)
{
    queue->slots = calloc(RD_SHADOW_SLOTS, sizeof *queue->slots);
    if (queue->slots == NULL)
        return false;
    for (size_t i = 0; i < RD_SHADOW_SLOTS; i++)
        atomic_init(&queue->slots[i].turn, i);
    atomic_init(&queue->tail, 0u);
    queue->head = 0;
    return true;
}

void rd_shadow_queue_free(struct rd_shadow_queue *queue)
{
    free(queue->slots);
    queue->slots = NULL;
}

struct rd_shadow_slot *rd_shadow_queue_take(struct rd_shadow_queue *queue, size_t *number)
{
    size_t tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);

    for (;;) {
        struct rd_shadow_slot *slot = &queue->slots[tail % RD_SHADOW_SLOTS];
        size_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);

        if (turn == tail) {
            if (atomic_compare_exchange_weak_explicit(&queue->tail, &tail, tail + 1,
                                                      memory_order_relaxed, memory_order_relaxed)) {
                *number = tail;
                return slot;
            }
        } else if ((ptrdiff_t)(turn - tail) < 0) {
            return NULL; /* the consumer has not been here since the last round */
        } else {
            tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);
        }
    }
}

void rd_shadow_queue_put(struct rd_shadow_slot *slot, size_t number)
{
    atomic_store_explicit(&slot->turn, number + 1, memory_order_release);
}

struct rd_shadow_slot *rd_shadow_queue_first(struct rd_shadow_queue *queue)
{
    struct rd_shadow_slot *slot = &queue->slots[queue->head % RD_SHADOW_SLOTS];

    return atomic_load_explicit(&slot->turn, memory_order_acquire) == queue->head + 1 ? slot : NULL;
}

void rd_shadow_queue_drop(struct rd_shadow_queue *queue)
{
    struct rd_shadow_slot *slot = &queue->slots[queue->head % RD_SHADOW_SLOTS];

    atomic_store_explicit(&slot->turn, queue->head + RD_SHADOW_SLOTS, memory_order_release);
    queue->head++;
}
