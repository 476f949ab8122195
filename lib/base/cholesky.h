/* lib/base/cholesky.h - systems of equations whose matrix is symmetric and positive definite.
 *
 * Matrices are row-major [n, n]; only the upper triangle is read and written. Every sum has a fixed
 * order, so that all machines give the same bits.
 */
#ifndef RS_BASE_CHOLESKY_H
#define RS_BASE_CHOLESKY_H

#include <stddef.h>

/* Replace A by U, where A = transpose(U) * U. 0: A is not positive definite, or not finite; its
 * content is lost. */
int rs_cholesky_factor(double *a, size_t n);

/* Replace b by the solution x of A * x = b. */
void rs_cholesky_solve(const double *u, size_t n, double *b);

#endif
