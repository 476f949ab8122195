/* lib/store/breaker.c - see breaker.h. Knows no stores, only calls and failures.
 *
 *   state      event                                        next
 *   CLOSED     `limit` failures in a row, or a trip         OPEN
 *   OPEN       the pause is over and a thread begins        PROBING
 *   PROBING    the server has answered                      RETURNING
 *   PROBING    the server has not answered                  OPEN, the pause doubled
 *   RETURNING  invalidations are sent, no trip meanwhile    CLOSED
 *   RETURNING  invalidations are sent, but a trip came      RETURNING, to send them again
 *   RETURNING  sending failed                               OPEN, the pause doubled
 *
 * The pause grows up to max_rest_ms. A trip in any state but CLOSED is only counted.
 *
 * A failure is an outcome that means that the server did not answer or does not work; any other
 * outcome shows that it works, but for E_EXHAUSTED, which says nothing about it: callers that find
 * no connection while others wait for a frozen server must not make it look well. "In a row" means
 * in the order in which outcomes arrive, from all threads.
 */
#include "lib/store/breaker.h"

#include <inttypes.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/trace.h"

/* clang-format off */
#define BREAKER_STATES(S) S(CLOSED) S(OPEN) S(PROBING) S(RETURNING)
/* clang-format on */
#define BREAKER_STATE(name) BREAKER_##name,
enum breaker_state { BREAKER_STATES(BREAKER_STATE) };

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
    breaker->now_ms = options->now_ms == NULL ? rs_clock_now_ms : options->now_ms;
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

/* Without the lock: the hook may be slow. */
static void trace(const struct rs_breaker *breaker, enum breaker_state from, enum breaker_state to,
                  const char *why)
{
#define TEXT(name) #name,
    static const char *const names[] = {BREAKER_STATES(TEXT)};

    rs_trace(RECSYS_TRACE_STORE, "%s: breaker %s -> %s: %s",
             breaker->name == NULL ? "store" : breaker->name, names[from], names[to], why);
}

/* Begin the next phase; under the lock. */
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

    if (status == RECSYS_E_EXHAUSTED)
        return 0;
    if (!is_failure && atomic_load_explicit(&breaker->in_row, memory_order_relaxed) == 0)
        return 0;
    uint64_t now = is_failure ? breaker->now_ms(breaker->user_data) : 0;
    rs_lock_take(&breaker->lock);
    breaker->failures += (uint64_t)is_failure;
    if (ticket == phase_of(breaker)) { /* else from before a change of state: ignored */
        uint32_t in_row = atomic_load_explicit(&breaker->in_row, memory_order_relaxed);
        in_row = is_failure ? in_row + 1 : 0;
        atomic_store_explicit(&breaker->in_row, in_row, memory_order_relaxed);
        breaker->trips += (uint64_t)is_failure;
        opens = !is_open(breaker) && in_row >= breaker->limit;
        if (opens)
            open(breaker, RS_BREAKER_FAILURES, now);
    }
    rs_lock_give(&breaker->lock);
    if (opens)
        trace(breaker, BREAKER_CLOSED, BREAKER_OPEN, "failures in a row");
    return opens;
}

void rs_breaker_hear_echo(struct rs_breaker *breaker)
{
    atomic_fetch_add_explicit(&breaker->calls, 1u, memory_order_relaxed);
    rs_lock_take(&breaker->lock);
    breaker->failures++;
    rs_lock_give(&breaker->lock);
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
    if (opens)
        trace(breaker, BREAKER_CLOSED, BREAKER_OPEN, "an invalidation did not reach it");
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
    return rs_error(err, RECSYS_E_UNAVAILABLE,
                    "store %s: circuit breaker open: %s; next attempt in about %" PRIu64 " ms",
                    name,
                    reason == RS_BREAKER_TRIPPED ? "invalidations did not reach the store"
                                                 : "several calls in a row failed",
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
    if (what == RS_BREAKER_PROBE)
        trace(breaker, BREAKER_OPEN, BREAKER_PROBING, "the pause is over");
    return what;
}

void rs_breaker_hurry(struct rs_breaker *breaker)
{
    uint64_t now = breaker->now_ms(breaker->user_data);

    rs_lock_take(&breaker->lock);
    if (is_open(breaker) && !breaker->is_probing && breaker->rests_until > now)
        breaker->rests_until = now;
    rs_lock_give(&breaker->lock);
}

uint64_t rs_breaker_returning(struct rs_breaker *breaker)
{
    rs_lock_take(&breaker->lock);
    int was_returning = breaker->is_returning;
    breaker->is_returning = 1;
    uint64_t trips = breaker->trips;
    rs_lock_give(&breaker->lock);
    trace(breaker, was_returning ? BREAKER_RETURNING : BREAKER_PROBING, BREAKER_RETURNING,
          was_returning ? "tripped meanwhile, all is sent again" : "the server has answered");
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
    if (may_close)
        trace(breaker, BREAKER_RETURNING, BREAKER_CLOSED, "all invalidations are sent");
    return may_close;
}

void rs_breaker_fail(struct rs_breaker *breaker)
{
    uint64_t now = breaker->now_ms(breaker->user_data);

    rs_lock_take(&breaker->lock);
    int was_returning = breaker->is_returning;
    breaker->is_probing = breaker->is_returning = 0;
    breaker->pause_ms =
        breaker->pause_ms > breaker->max_rest_ms / 2 ? breaker->max_rest_ms : breaker->pause_ms * 2;
    breaker->rests_until = now + breaker->pause_ms;
    rs_lock_give(&breaker->lock);
    trace(breaker, was_returning ? BREAKER_RETURNING : BREAKER_PROBING, BREAKER_OPEN,
          was_returning ? "sending invalidations failed" : "the server has not answered");
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
