/* lib/base/cholesky.c - see cholesky.h.
 *
 * The loops go along rows and never add up within one, so that compilers can use vectors without
 * changing the order of a sum. Rows are subtracted four at a time, which loads and stores the row
 * below once for the four.
 */
#include "lib/base/cholesky.h"

#include <math.h>

#define ROWS 4u

/* row -= sum of f[r] * from[r * n ...], from column `first` on. */
static void subtract(double *restrict row, const double *restrict from, const double f[ROWS],
                     size_t first, size_t n)
{
    for (size_t j = first; j < n; j++)
        row[j] = (((row[j] - f[0] * from[j]) - f[1] * from[n + j]) - f[2] * from[2 * n + j]) -
                 f[3] * from[3 * n + j];
}

static void subtract_one(double *restrict row, const double *restrict from, double f, size_t first,
                         size_t n)
{
    for (size_t j = first; j < n; j++)
        row[j] -= f * from[j];
}

int rs_cholesky_factor(double *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double *row = a + i * n;
        size_t k = 0;
        for (; k + ROWS <= i; k += ROWS) {
            const double *above = a + k * n;
            const double f[ROWS] = {above[i], above[n + i], above[2 * n + i], above[3 * n + i]};
            subtract(row, above, f, i, n);
        }
        for (; k < i; k++)
            subtract_one(row, a + k * n, a[k * n + i], i, n);
        if (!(row[i] > 0.0 && isfinite(row[i])))
            return 0;
        double inverse = 1.0 / sqrt(row[i]);
        for (size_t j = i; j < n; j++)
            row[j] *= inverse;
    }
    return 1;
}

void rs_cholesky_solve(const double *u, size_t n, double *b)
{
    for (size_t i = 0; i < n; i++) {
        b[i] /= u[i * n + i];
        subtract_one(b, u + i * n, b[i], i + 1, n);
    }
    for (size_t i = n; i-- > 0;) {
        double sum[4] = {0.0};
        size_t j = i + 1;
        for (; j + 4 <= n; j += 4)
            for (size_t l = 0; l < 4; l++)
                sum[l] += u[i * n + j + l] * b[j + l];
        for (; j < n; j++)
            sum[0] += u[i * n + j] * b[j];
        b[i] = (b[i] - ((sum[0] + sum[2]) + (sum[1] + sum[3]))) / u[i * n + i];
    }
}
