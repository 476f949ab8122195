/* tests/support/orders.c - see orders.h. */
#include "tests/support/orders.h"

#include "tests/support/check.h"

static void swap(unsigned *order, size_t a, size_t b)
{
    unsigned kept = order[a];

    order[a] = order[b];
    order[b] = kept;
}

/* All orders of order[from..]. */
static unsigned try_from(unsigned *order, size_t from, size_t n,
                         void (*try_order)(const unsigned *order, size_t n))
{
    unsigned n_orders = 0;

    if (from == n) {
        try_order(order, n);
        return 1;
    }
    for (size_t i = from; i < n; i++) {
        swap(order, from, i);
        n_orders += try_from(order, from + 1, n, try_order);
        swap(order, from, i);
    }
    return n_orders;
}

unsigned orders_try_all(size_t n, void (*try_order)(const unsigned *order, size_t n))
{
    unsigned order[ORDERS_MAX] = {0};

    CHECK(n <= ORDERS_MAX);
    for (unsigned i = 0; i < n; i++)
        order[i] = i;
    return try_from(order, 0, n, try_order);
}
