/* lib/base/radix.h - sort row numbers by 64-bit keys, in time proportional to their number. */
#ifndef RS_BASE_RADIX_H
#define RS_BASE_RADIX_H

#include <stddef.h>
#include <stdint.h>

/* `rows` holds every number 0..n-1 once. Put it in ascending order of
 * keys[row]; rows with equal keys keep the order in which they were given.
 * `spare` has room for n too. n is at most UINT32_MAX. */
void rs_radix_sort(const uint64_t *keys, uint32_t *rows, uint32_t *spare, size_t n);

#endif
