/* tests/support/orders.h - every order in which a few things can be done. */
#ifndef TESTS_SUPPORT_ORDERS_H
#define TESTS_SUPPORT_ORDERS_H

#include <stddef.h>

#define ORDERS_MAX 8u

/* Calls `try_order` with each order of the numbers 0 to n - 1, of which there are n! ;
 * returns how many. `n` is ORDERS_MAX at most. */
unsigned orders_try_all(size_t n, void (*try_order)(const unsigned *order, size_t n));

#endif
