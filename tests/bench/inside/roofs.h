/* roofs.h - what memory and arithmetic of this machine allow at most. */
#ifndef ROOFS_H
#define ROOFS_H

#include <stdint.h>

/* Seconds of a clock that only rises. */
double roof_clock(void);
/* Seconds of processor time that this process has used. */
double roof_cpu_clock(void);

/* A line of JSON each: bytes read in a second by `threads` threads, by size of what they read; and
 * multiplications (two operations each) in a second by one thread, of floats and of bytes. */
void roofs_print(uint32_t threads);

#endif
