/* lib/registry/poll_schedule.c - when a deployment should poll next.
 *
 * An interval apart, with jitter, so that many replicas spread over the interval. After a failure
 * that may pass, a server that is down or overloaded for instance, twice as long, four times as
 * long, up to a limit. Without a model to serve nothing is as urgent as finding one: the pause is
 * two seconds then, whatever fails.
 */
#include "lib/registry/poll_schedule.h"

#include "lib/base/hash.h"

#define URGENT_MS 2000u

/* 0..1 */
static double draw(struct rs_poll_schedule *schedule)
{
    schedule->random = rs_hash_number(schedule->random + 1, rs_hash_seed());
    return (double)(schedule->random >> 11) / 9007199254740992.0;
}

void rs_poll_schedule_begin(struct rs_poll_schedule *schedule, uint64_t now_ms)
{
    schedule->random = rs_hash_seed() ^ (uintptr_t)schedule;
    schedule->due_ms = now_ms + (uint64_t)(draw(schedule) * (double)schedule->interval_ms);
}

void rs_poll_schedule_note(struct rs_poll_schedule *schedule, int failed, int is_serving,
                           uint64_t now_ms)
{
    uint64_t pause = schedule->interval_ms;

    if (!is_serving && pause > URGENT_MS)
        pause = URGENT_MS;
    schedule->n_failed = failed ? schedule->n_failed + 1 : 0;
    for (uint32_t i = 0; is_serving && i < schedule->n_failed && pause < schedule->max_ms; i++)
        pause *= 2;
    if (schedule->n_failed > 0 && pause > schedule->max_ms && schedule->max_ms > 0)
        pause = schedule->max_ms;
    double factor = 1.0 + schedule->jitter * (2.0 * draw(schedule) - 1.0);
    schedule->due_ms = now_ms + (uint64_t)((double)pause * factor);
}

uint64_t rs_poll_schedule_wait(const struct rs_poll_schedule *schedule, uint64_t now_ms)
{
    return schedule->due_ms > now_ms ? schedule->due_ms - now_ms : 0;
}
