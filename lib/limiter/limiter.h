/* lib/limiter/limiter.h - private to lib/limiter: the TATs that a process keeps for itself. */
#ifndef RS_LIMITER_LIMITER_H
#define RS_LIMITER_LIMITER_H

#include <stdint.h>

#include "recsys/store.h"

struct rs_limiter_table;

/* A table for at most `max_keys` (>= 1) keys. NULL: out of memory. */
struct rs_limiter_table *rs_limiter_table_create(uint32_t max_keys);
/* In a forked child a lock may be held by a thread of the parent, without end. Then the table is
 * not freed. */
void rs_limiter_table_destroy(struct rs_limiter_table *table, int has_its_locks);

/* rs_gcra_decide() for the key of this hash. 0, and `out` is untouched, if the key
 * is not known and there is no room for it. */
int rs_limiter_table_decide(struct rs_limiter_table *table, uint64_t hash, uint64_t now_us,
                            uint64_t emission_us, uint32_t burst, uint32_t cost,
                            recsys_rate_decision *out);

/* The key's bucket will be full so much earlier: a charge is taken back. */
void rs_limiter_table_lower(struct rs_limiter_table *table, uint64_t hash, uint64_t us);

/* The key's bucket will not be full before `tat_us`. Never lowers a TAT. */
void rs_limiter_table_raise(struct rs_limiter_table *table, uint64_t hash, uint64_t now_us,
                            uint64_t tat_us);

#endif
