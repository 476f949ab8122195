/* lib/base/radix.c - least significant digit first, 11 bits at a time.
 *
 * Only row numbers are moved; keys stay where they are. A digit that is the same in every key costs
 * only the pass that reads it, so small ids need two or three of the six rounds. There is no
 * recursion, and the time depends on the number of keys alone.
 */
#include "lib/base/radix.h"

#include <string.h>

#define DIGIT_BITS 11u
#define N_DIGITS (1u << DIGIT_BITS)

/* Where each digit's rows begin in the output; 0 if all keys share one digit. */
static int count_digits(const uint64_t *keys, size_t n, unsigned shift, uint32_t *begin)
{
    uint32_t sum = 0;

    memset(begin, 0, N_DIGITS * sizeof *begin);
    for (size_t i = 0; i < n; i++)
        begin[(keys[i] >> shift) & (N_DIGITS - 1)]++;
    if (begin[(keys[0] >> shift) & (N_DIGITS - 1)] == n)
        return 0;
    for (size_t d = 0; d < N_DIGITS; d++) {
        uint32_t count = begin[d];
        begin[d] = sum;
        sum += count;
    }
    return 1;
}

void rs_radix_sort(const uint64_t *keys, uint32_t *rows, uint32_t *spare, size_t n)
{
    uint32_t begin[N_DIGITS];
    uint32_t *from = rows, *to = spare;

    if (n < 2)
        return;
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        if (!count_digits(keys, n, shift, begin))
            continue;
        for (size_t i = 0; i < n; i++)
            to[begin[(keys[from[i]] >> shift) & (N_DIGITS - 1)]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != rows)
        memcpy(rows, from, n * sizeof *rows);
}
