/* lib/base/clock.c - see clock.h. */
#include "lib/base/clock.h"

#include <time.h>

uint64_t rs_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#ifdef CLOCK_MONOTONIC_COARSE /* Linux */
#define TICKING_MONOTONIC CLOCK_MONOTONIC_COARSE
#define TICKING_REALTIME CLOCK_REALTIME_COARSE
#else
#define TICKING_MONOTONIC CLOCK_MONOTONIC
#define TICKING_REALTIME CLOCK_REALTIME
#endif

static uint64_t read_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

uint64_t rs_clock_unix_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

uint64_t rs_clock_ticking_ms(void *user_data)
{
    (void)user_data;
    return read_ms(TICKING_MONOTONIC);
}

uint64_t rs_clock_ticking_unix_ms(void)
{
    return read_ms(TICKING_REALTIME);
}

uint64_t rs_clock_now_ms(void *user_data)
{
    (void)user_data;
    return rs_clock_ns() / 1000000u;
}
