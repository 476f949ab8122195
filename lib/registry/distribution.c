/* lib/registry/distribution.c - see distribution.h.
 *
 * A quantile is one of the numbers (nearest rank), so that it can be found in the answers.
 */
#include "lib/registry/distribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_floats(const void *a, const void *b)
{
    float x, y;

    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static size_t keep_finite(float *numbers, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        if (isfinite(numbers[i]))
            numbers[kept++] = numbers[i];
    return kept;
}

static double at_share(const float *sorted, size_t n, double share)
{
    size_t rank = (size_t)ceil(share * (double)n);

    return (double)sorted[rank == 0 ? 0 : rank - 1];
}

void rs_distribution_of(float *numbers, size_t n, recsys_distribution *out)
{
    double sum = 0.0;

    memset(out, 0, sizeof *out);
    n = keep_finite(numbers, n);
    if (n == 0)
        return;
    qsort(numbers, n, sizeof *numbers, compare_floats);
    for (size_t i = 0; i < n; i++)
        sum += (double)numbers[i];
    *out = (recsys_distribution){.n = n,
                                 .mean = sum / (double)n,
                                 .smallest = (double)numbers[0],
                                 .q10 = at_share(numbers, n, 0.1),
                                 .median = at_share(numbers, n, 0.5),
                                 .q90 = at_share(numbers, n, 0.9),
                                 .largest = (double)numbers[n - 1]};
}
