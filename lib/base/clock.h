/* lib/base/clock.h - the two clocks: monotonic time, and the time of day. */
#ifndef RS_BASE_CLOCK_H
#define RS_BASE_CLOCK_H

#include <stdint.h>

uint64_t rs_clock_ns(void);      /* monotonic, for durations and deadlines */
uint64_t rs_clock_unix_ms(void); /* since 1970, for dates */

/* Monotonic, as the `now_ms` that options have; its argument is not used. */
uint64_t rs_clock_now_ms(void *user_data);

#endif
