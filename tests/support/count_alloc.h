/* tests/support/count_alloc.h - an allocator of the library's that counts, and fails when told to.
 *
 * It sees what the library asks for through recsys_alloc_set(), and nothing
 * else of the process; fail_alloc.h sees that, too. Any number of threads may use it.
 */
#ifndef TESTS_SUPPORT_COUNT_ALLOC_H
#define TESTS_SUPPORT_COUNT_ALLOC_H

#include <limits.h>
#include <stdatomic.h>

#include "recsys/alloc.h"

struct count_alloc {
    atomic_ulong n_calls;   /* allocations and resizes so far, failed ones too */
    atomic_ulong n_allowed; /* the next n succeed, all after them fail; ULONG_MAX: none fails */
    atomic_long n_blocks;   /* that are not freed */
};

extern struct count_alloc count_alloc;
extern const recsys_allocator count_alloc_functions;

/* From now on the library allocates here. Returns 0, or -1 after a failure. */
int count_alloc_install(void);

#endif
