/* daemon/process/pause.c - see pause.h. */
#include "daemon/process/pause.h"

#include "lib/base/clock.h"

bool rd_pause_init(struct rd_pause *pause)
{
    return rs_lock_init(&pause->lock) == 0 && rs_signal_init(&pause->wake) == 0;
}

bool rd_pause_wait(struct rd_pause *pause, uint64_t ms)
{
    uint64_t until = rs_clock_ns() + ms * UINT64_C(1000000);
    bool ended;

    rs_lock_take(&pause->lock);
    while (!pause->ended && rs_signal_wait_until(&pause->wake, &pause->lock, until) == 0)
        ;
    ended = pause->ended;
    rs_lock_give(&pause->lock);
    return !ended;
}

bool rd_pause_is_ended(struct rd_pause *pause)
{
    bool ended;

    rs_lock_take(&pause->lock);
    ended = pause->ended;
    rs_lock_give(&pause->lock);
    return ended;
}

void rd_pause_end(struct rd_pause *pause)
{
    rs_lock_take(&pause->lock);
    pause->ended = true;
    rs_signal_all(&pause->wake);
    rs_lock_give(&pause->lock);
}
