/* lib/score/canonical.c - the one definition of a score.
 *
 * Every path that ranks items (one query, a batch, several threads, filtered, pruned) only finds
 * candidates. The scores that are compared and returned are computed here, so all paths return the
 * same bits, with any BLAS, machine or batch size.
 *
 * The order of the sum is part of the contract: eight partial sums, number l over j = l, l + 8, l +
 * 16, ..., added pairwise at the end. A product of two floats is exact in double, so a fused
 * multiply-add changes nothing. The compiler may not reorder the rest; eight sums can be vectorised
 * without that.
 */
#include "lib/score/canonical.h"

double rs_canonical_dot(const float *a, const float *b, size_t n)
{
    double sum[8] = {0.0};
    size_t j = 0;

    for (; j + 8 <= n; j += 8)
        for (size_t l = 0; l < 8; l++)
            sum[l] += (double)a[j + l] * (double)b[j + l];
    for (size_t l = 0; j + l < n; l++)
        sum[l] += (double)a[j + l] * (double)b[j + l];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}
