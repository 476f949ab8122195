/* lib/base/clock.c - see clock.h. */
#include "lib/base/clock.h"

#include <time.h>

uint64_t rs_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t rs_clock_unix_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

uint64_t rs_clock_now_ms(void *user_data)
{
    (void)user_data;
    return rs_clock_ns() / 1000000u;
}
