/* lib/base/gcra.h - the arithmetic of a rate limit: one number per key.
 *
 * GCRA (ITU-T I.371, virtual scheduling): a key's TAT is the time at which its bucket will be full
 * again. Pure functions of integers: no clock, no memory, no locks. The in-process store and the
 * local limiter keep TATs: they read, call and write back under a lock of their own. Redis has the
 * same arithmetic in Lua.
 */
#ifndef RS_BASE_GCRA_H
#define RS_BASE_GCRA_H

#include <stdint.h>

#include "recsys/store.h"

/* May `cost` pass at `now_us`? `tat_us` is what was kept for the key; 0, or any past time, for an
 * unknown key. Returns the TAT to keep from now on, which is the old one if `cost` may not pass. It
 * may be dropped after out->reset_us.
 *
 * emission_us  >= 1, the time in which one item comes back
 *
 * Any values are safe: a result that does not fit into 64 bits becomes the largest one that
 * does. */
uint64_t rs_gcra_decide(uint64_t tat_us, uint64_t now_us, uint64_t emission_us, uint32_t burst,
                        uint32_t cost, recsys_rate_decision *out);

/* The emission of `rate` items a period, rounded up: never more than `rate`.
 * rate >= 1; 0 if there would be more than one item a microsecond. */
uint64_t rs_gcra_emission(uint32_t rate, uint32_t period_ms);

/* a * b and a + b, or UINT64_MAX. */
uint64_t rs_gcra_multiply(uint64_t a, uint64_t b);
uint64_t rs_gcra_add(uint64_t a, uint64_t b);

#endif
