/* daemon/shadow/shadow_queue.h - questions that wait for a shadow. */
#ifndef RECSYSD_SHADOW_QUEUE_H
#define RECSYSD_SHADOW_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/shadow/question.h"

#define RD_SHADOW_SLOTS 128u /* a power of two */

/* A place for one question. `turn` says whose it is: that of the producer that takes number `turn`,
 * or, if it is a number more, the consumer's. */
struct rd_shadow_slot {
    _Atomic size_t turn;
    size_t place; /* of the model to ask */
    bool is_void; /* the question did not fit */
    struct rd_question question;
};

/* Any number of producers, one consumer. */
struct rd_shadow_queue {
    struct rd_shadow_slot *slots; /* OWNED */
    _Atomic size_t tail;          /* the producers' next number */
    size_t head;                  /* the consumer's */
};

bool rd_shadow_queue_init(struct rd_shadow_queue *queue);
void rd_shadow_queue_free(struct rd_shadow_queue *queue);

/* A producer's: a free slot and its number, to be given to rd_shadow_queue_put(). NULL: the queue
 * is full. Never waits. */
struct rd_shadow_slot *rd_shadow_queue_take(struct rd_shadow_queue *queue, size_t *number);
void rd_shadow_queue_put(struct rd_shadow_slot *slot, size_t number);

/* The consumer's: the oldest question, which stays in its slot until it is dropped; NULL if there
 * is none. */
struct rd_shadow_slot *rd_shadow_queue_first(struct rd_shadow_queue *queue);
void rd_shadow_queue_drop(struct rd_shadow_queue *queue);

#endif
