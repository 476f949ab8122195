/* lib/aside/waiting.c - see waiting.h. */
#include "lib/aside/waiting.h"

#include <errno.h>
#include <time.h>

#include "lib/base/clock.h"
#include "recsys/status.h"

uint64_t rs_waiting_now_us(const struct rs_waiting *waiting)
{
    if (waiting->sleep_ms != NULL)
        return waiting->now_ms(waiting->user_data) * 1000u;
    return rs_clock_ns() / 1000u;
}

void rs_waiting_sleep(const struct rs_waiting *waiting, uint32_t ms)
{
    if (waiting->sleep_ms != NULL) {
        waiting->sleep_ms(ms, waiting->user_data);
        return;
    }
    struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

int rs_waiting_signal(const struct rs_waiting *waiting, struct rs_signal *signal,
                      struct rs_lock *lock, uint64_t deadline_us)
{
    if (waiting->sleep_ms == NULL && deadline_us == RECSYS_NEVER) {
        rs_signal_wait(signal, lock);
        return 0;
    }
    if (waiting->sleep_ms == NULL)
        return rs_signal_wait_until(signal, lock, deadline_us * 1000u);
    if (rs_waiting_now_us(waiting) >= deadline_us)
        return ETIMEDOUT;
    rs_lock_give(lock);
    waiting->sleep_ms(1, waiting->user_data);
    rs_lock_take(lock);
    return 0;
}
