/* lib/base/clock.h - the two clocks: monotonic time, and the time of day. */
#ifndef RS_BASE_CLOCK_H
#define RS_BASE_CLOCK_H

#include <stdint.h>

uint64_t rs_clock_ns(void);      /* monotonic, for durations and deadlines */
uint64_t rs_clock_unix_ms(void); /* since 1970, for dates */

/* The same two, at most a tick of the system behind (1 to 10 ms), for a fifth of the price: for
 * times to live, which every hit compares. The first as the `now_ms` that options have. */
uint64_t rs_clock_ticking_ms(void *user_data);
uint64_t rs_clock_ticking_unix_ms(void);

/* Monotonic, as the `now_ms` that options have; its argument is not used. */
uint64_t rs_clock_now_ms(void *user_data);

#endif
