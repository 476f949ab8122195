/* lib/store/breaker.h - private to lib/store: the circuit breaker of a store.
 *
 * Closed, a call costs one atomic load before it and one after it. The rarer paths take the lock:
 * failures, opening, the open state, probing.
 *
 * Only a probe closes a breaker. A call has a ticket, the breaker's phase when the call began. A
 * call that ends in another phase changes nothing.
 */
#ifndef RS_STORE_BREAKER_H
#define RS_STORE_BREAKER_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/store.h"

struct rs_breaker {
    atomic_uint_fast64_t phase; /* odd: open; one more at each opening and closing */
    atomic_uint in_row;         /* failures in a row; 0 lets a success pass without the lock */
    uint32_t limit, rest_ms, max_rest_ms; /* never change */
    uint64_t (*now_ms)(void *user_data);
    void *user_data;
    const char *name; /* of the store, for the trace; set by the owner, or NULL */
    struct rs_lock lock;
    /* protected by the lock; phase and in_row are written with it held */
    uint32_t pause_ms;    /* the present one */
    uint32_t reason;      /* why it opened: enum rs_breaker_reason */
    uint64_t rests_until; /* by now_ms */
    uint64_t trips;       /* trips so far; a probe does not close if there was a new one */
    uint64_t failures, opened;
    uint8_t is_probing;   /* a thread probes */
    uint8_t is_returning; /* ... and the server has answered */
    pthread_t prober;     /* valid while is_probing */
    /* on a cache line of their own, so that counting does not slow reads of the phase down */
    _Alignas(64) atomic_uint_fast64_t calls;
    atomic_uint_fast64_t refused;
};

enum rs_breaker_reason { RS_BREAKER_FAILURES, RS_BREAKER_TRIPPED };

/* 0, or an errno. Defaults for what is 0 in `options`. */
int rs_breaker_init(struct rs_breaker *breaker, const recsys_store_options *options);
void rs_breaker_destroy(struct rs_breaker *breaker);

/* Before a call of the driver: 1 if the breaker is closed. */
static inline int rs_breaker_enter(struct rs_breaker *breaker, uint64_t *ticket)
{
    *ticket = atomic_load_explicit(&breaker->phase, memory_order_acquire);
    return (*ticket & 1u) == 0;
}

/* The breaker is open: 1 if this call goes through nevertheless. The calls of the probing thread
 * do. So does every removal, when the server has answered the probe: else the journals could
 * grow faster than the tellers send them. */
int rs_breaker_passes(struct rs_breaker *breaker, int is_removal);

int rs_breaker_is_failure(recsys_status status);
int rs_breaker_count(struct rs_breaker *breaker, uint64_t ticket, recsys_status status);

/* After a call of the driver. 1 if that has opened the breaker. */
static inline int rs_breaker_leave(struct rs_breaker *breaker, uint64_t ticket,
                                   recsys_status status)
{
    atomic_fetch_add_explicit(&breaker->calls, 1u, memory_order_relaxed);
    if (status == RECSYS_OK && atomic_load_explicit(&breaker->in_row, memory_order_relaxed) == 0)
        return 0;
    return rs_breaker_count(breaker, ticket, status);
}

/* After a call that failed for a cause of which another call has told or will tell. */
void rs_breaker_hear_echo(struct rs_breaker *breaker);

/* Open at once. A probe whose telling began before does not close it. 1 if it was closed. */
int rs_breaker_trip(struct rs_breaker *breaker);

/* E_UNAVAILABLE. `err` says that the breaker of `name` is open, why, and for how long. */
recsys_status rs_breaker_refuse(struct rs_breaker *breaker, const char *name, recsys_error *err);

/* A probe is made by one thread at a time. It calls begin; when the server has answered,
 * returning; then the tellers; then close. If close returns 0, it repeats the last three. If the
 * server does not answer, it calls fail. */
enum rs_breaker_begin { RS_BREAKER_IS_CLOSED, RS_BREAKER_RESTS, RS_BREAKER_PROBE };
enum rs_breaker_begin rs_breaker_begin(struct rs_breaker *breaker);
/* The pause is over now: somebody waits for the store. */
void rs_breaker_hurry(struct rs_breaker *breaker);
uint64_t rs_breaker_returning(struct rs_breaker *breaker); /* the trips before the telling */
int rs_breaker_close(struct rs_breaker *breaker, uint64_t trips);
void rs_breaker_fail(struct rs_breaker *breaker); /* doubles the pause */

void rs_breaker_get_stats(struct rs_breaker *breaker, recsys_store_stats *out);

#endif
