/* lib/base/gcra.c - see gcra.h.
 *
 * With emission e, burst b and cost c, at time t: the bucket lacks
 * ahead = max(TAT - t, 0) microseconds of being full, and holds e*b. Taking c
 * makes it lack ahead + e*c, which is allowed up to e*b. Working with what it
 * lacks instead of with times keeps all sums small; the only sum of a time is
 * the new TAT itself.
 */
#include "lib/base/gcra.h"

uint64_t rs_gcra_multiply(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

uint64_t rs_gcra_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t rs_gcra_decide(uint64_t tat_us, uint64_t now_us, uint64_t emission_us, uint32_t burst,
                        uint32_t cost, recsys_rate_decision *out)
{
    uint64_t room = rs_gcra_multiply(emission_us, burst);
    uint64_t ahead = tat_us > now_us ? tat_us - now_us : 0;
    uint64_t wanted = rs_gcra_add(ahead, rs_gcra_multiply(emission_us, cost));

    /* A TAT beyond the end of time cannot be kept, and so is not allowed. */
    out->allowed = cost <= burst && wanted <= room && wanted < UINT64_MAX - now_us;
    out->retry_us = 0;
    if (out->allowed) {
        ahead = wanted;
        tat_us = now_us + wanted;
    } else {
        out->retry_us = wanted > room ? wanted - room : UINT64_MAX;
    }
    out->reset_us = ahead;
    uint64_t left = ahead < room && emission_us > 0 ? (room - ahead) / emission_us : 0;
    out->remaining = left < burst ? (uint32_t)left : burst;
    return tat_us;
}

uint64_t rs_gcra_emission(uint32_t rate, uint32_t period_ms)
{
    uint64_t period_us = (uint64_t)period_ms * 1000u;

    return rate > period_us ? 0 : (period_us + rate - 1) / rate;
}
