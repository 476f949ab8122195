/* lib/store/breaker.c - see breaker.h. Knows nothing of stores, only of calls that fail.
 *
 *   closed --(`limit` failures in a row, or a trip)--> open
 *   open   --(pause over, a probe succeeded, no trip meanwhile)--> closed
 *   open   --(a probe failed)--> open, the pause doubled up to max_rest_ms
 *
 * What counts as a failure is that the server did not answer or is not well;
 * any other outcome shows that it is there. "In a row" is as the outcomes
 * arrive, from whatever threads.
 */
#include "lib/store/breaker.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"

static uint64_t system_now_ms(void *user_data)
{
    (void)user_data;
    return rs_clock_ns() / 1000000u;
}

int rs_breaker_init(struct rs_breaker *breaker, const recsys_store_options *options)
{
    memset(breaker, 0, sizeof *breaker);
    atomic_init(&breaker->phase, 0u);
    atomic_init(&breaker->in_row, 0u);
    atomic_init(&breaker->calls, 0u);
    atomic_init(&breaker->refused, 0u);
    breaker->limit = options->failures == 0 ? 5 : options->failures;
    breaker->rest_ms = options->rest_ms == 0 ? 250 : options->rest_ms;
    breaker->max_rest_ms = options->max_rest_ms == 0 ? 1000 : options->max_rest_ms;
    if (breaker->max_rest_ms < breaker->rest_ms)
        breaker->max_rest_ms = breaker->rest_ms;
    breaker->now_ms = options->now_ms == NULL ? system_now_ms : options->now_ms;
    breaker->user_data = options->user_data;
    return rs_lock_init(&breaker->lock);
}

void rs_breaker_destroy(struct rs_breaker *breaker)
{
    rs_lock_destroy(&breaker->lock);
}

static uint64_t phase_of(const struct rs_breaker *breaker)
{
    return atomic_load_explicit(&breaker->phase, memory_order_relaxed);
}

static int is_open(const struct rs_breaker *breaker)
{
    return (phase_of(breaker) & 1u) != 0;
}

/* The next phase; under the lock. */
static void turn(struct rs_breaker *breaker)
{
    atomic_store_explicit(&breaker->in_row, 0u, memory_order_relaxed);
    atomic_store_explicit(&breaker->phase, phase_of(breaker) + 1, memory_order_release);
}

static void open(struct rs_breaker *breaker, enum rs_breaker_reason reason, uint64_t now)
{
    breaker->pause_ms = breaker->rest_ms;
    breaker->rests_until = now + breaker->pause_ms;
    breaker->reason = (uint32_t)reason;
    breaker->opened++;
    turn(breaker);
}

int rs_breaker_passes(struct rs_breaker *breaker, int is_removal)
{
    rs_lock_take(&breaker->lock);
    int passes = breaker->is_probing &&
                 ((breaker->is_returning && is_removal) || rs_thread_is_self(breaker->prober));
    rs_lock_give(&breaker->lock);
    return passes;
}

int rs_breaker_is_failure(recsys_status status)
{
    return status == RECSYS_E_TIMEOUT || status == RECSYS_E_IO || status == RECSYS_E_BACKEND;
}

int rs_breaker_count(struct rs_breaker *breaker, uint64_t ticket, recsys_status status)
{
    int is_failure = rs_breaker_is_failure(status), opens = 0;

    if (!is_failure && atomic_load_explicit(&breaker->in_row, memory_order_relaxed) == 0)
        return 0;
    uint64_t now = is_failure ? breaker->now_ms(breaker->user_data) : 0;
    rs_lock_take(&breaker->lock);
    breaker->failures += (uint64_t)is_failure;
    if (ticket == phase_of(breaker)) { /* else it began before the breaker turned: an old story */
        uint32_t in_row = atomic_load_explicit(&breaker->in_row, memory_order_relaxed);
        in_row = is_failure ? in_row + 1 : 0;
        atomic_store_explicit(&breaker->in_row, in_row, memory_order_relaxed);
        breaker->trips += (uint64_t)is_failure;
        opens = !is_open(breaker) && in_row >= breaker->limit;
        if (opens)
            open(breaker, RS_BREAKER_FAILURES, now);
    }
    rs_lock_give(&breaker->lock);
    return opens;
}

int rs_breaker_trip(struct rs_breaker *breaker)
{
    uint64_t now = breaker->now_ms(breaker->user_data);

    rs_lock_take(&breaker->lock);
    breaker->trips++;
    int opens = !is_open(breaker);
    if (opens)
        open(breaker, RS_BREAKER_TRIPPED, now);
    rs_lock_give(&breaker->lock);
    return opens;
}

recsys_status rs_breaker_refuse(struct rs_breaker *breaker, const char *name, recsys_error *err)
{
    atomic_fetch_add_explicit(&breaker->refused, 1u, memory_order_relaxed);
    if (err == NULL)
        return RECSYS_E_UNAVAILABLE;
    uint64_t now = breaker->now_ms(breaker->user_data);
    rs_lock_take(&breaker->lock);
    uint64_t rest = breaker->rests_until > now ? breaker->rests_until - now : 0;
    uint32_t reason = breaker->reason;
    rs_lock_give(&breaker->lock);
    return rs_error(
        err, RECSYS_E_UNAVAILABLE,
        "store %s: breaker open because %s; it will be tried again in about %" PRIu64 " ms", name,
        reason == RS_BREAKER_TRIPPED ? "it could not be told what has changed"
                                     : "it failed several times in a row",
        rest);
}

enum rs_breaker_begin rs_breaker_begin(struct rs_breaker *breaker)
{
    uint64_t now = breaker->now_ms(breaker->user_data);
    enum rs_breaker_begin what = RS_BREAKER_PROBE;

    rs_lock_take(&breaker->lock);
    if (!is_open(breaker)) {
        what = RS_BREAKER_IS_CLOSED;
    } else if (breaker->is_probing || now < breaker->rests_until) {
        what = RS_BREAKER_RESTS;
    } else {
        breaker->is_probing = 1;
        breaker->prober = rs_thread_self();
    }
    rs_lock_give(&breaker->lock);
    return what;
}

uint64_t rs_breaker_returning(struct rs_breaker *breaker)
{
    rs_lock_take(&breaker->lock);
    breaker->is_returning = 1;
    uint64_t trips = breaker->trips;
    rs_lock_give(&breaker->lock);
    return trips;
}

int rs_breaker_close(struct rs_breaker *breaker, uint64_t trips)
{
    rs_lock_take(&breaker->lock);
    int may_close = breaker->trips == trips;
    if (may_close) {
        breaker->is_probing = breaker->is_returning = 0;
        turn(breaker);
    }
    rs_lock_give(&breaker->lock);
    return may_close;
}

void rs_breaker_fail(struct rs_breaker *breaker)
{
    uint64_t now = breaker->now_ms(breaker->user_data);

    rs_lock_take(&breaker->lock);
    breaker->is_probing = breaker->is_returning = 0;
    breaker->pause_ms =
        breaker->pause_ms > breaker->max_rest_ms / 2 ? breaker->max_rest_ms : breaker->pause_ms * 2;
    breaker->rests_until = now + breaker->pause_ms;
    rs_lock_give(&breaker->lock);
}

void rs_breaker_get_stats(struct rs_breaker *breaker, recsys_store_stats *out)
{
    out->calls = atomic_load_explicit(&breaker->calls, memory_order_relaxed);
    out->refused = atomic_load_explicit(&breaker->refused, memory_order_relaxed);
    rs_lock_take(&breaker->lock);
    out->breaker = is_open(breaker) ? RECSYS_BREAKER_OPEN : RECSYS_BREAKER_CLOSED;
    out->failures = breaker->failures;
    out->opened = breaker->opened;
    rs_lock_give(&breaker->lock);
}
