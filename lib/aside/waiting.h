/* lib/aside/waiting.h - the clock for callers' deadlines, and ways to wait by it.
 *
 * The system's monotonic clock, unless the cache was given a clock and a sleep
 * of its own: then time passes only in that sleep, so a waiter sleeps in small
 * steps instead of waiting on a condition, and a simulation decides who runs.
 */
#ifndef RS_ASIDE_WAITING_H
#define RS_ASIDE_WAITING_H

#include <stdint.h>

#include "lib/base/lock.h"

struct rs_waiting {
    uint64_t (*now_ms)(void *user_data); /* both or neither are NULL */
    void (*sleep_ms)(uint32_t ms, void *user_data);
    void *user_data;
};

uint64_t rs_waiting_now_us(const struct rs_waiting *waiting);
void rs_waiting_sleep(const struct rs_waiting *waiting, uint32_t ms);
/* With the lock held, and held again afterwards. 0: look again; else the
 * deadline is over. RECSYS_NEVER: there is none. */
int rs_waiting_signal(const struct rs_waiting *waiting, struct rs_signal *signal,
                      struct rs_lock *lock, uint64_t deadline_us);

#endif
