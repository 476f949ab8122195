/* lib/domain/owed.c - see owed.h: what a process owes, and whether it may trust the store. */
#include "lib/domain/owed.h"

#include "lib/base/clock.h"

int rs_owed_init(struct rs_owed *owed)
{
    atomic_init(&owed->is_on, 0u);
    atomic_init(&owed->trusted_until_ns, 0u);
    return rs_lock_init(&owed->lock);
}

void rs_owed_destroy(struct rs_owed *owed)
{
    rs_lock_destroy(&owed->lock);
}

int rs_owed_is_trusted(struct rs_owed *owed)
{
    return atomic_load_explicit(&owed->is_on, memory_order_relaxed) == 0 ||
           rs_clock_ns() <= atomic_load(&owed->trusted_until_ns);
}

void rs_owed_settle(struct rs_owed *owed, int64_t note)
{
    if (note == 0)
        return;
    rs_lock_take(&owed->lock);
    if (owed->n_settled < RS_OUTBOX_SETTLED) /* else a sync finds the row, and removes once more */
        owed->settled[owed->n_settled++] = note;
    rs_lock_give(&owed->lock);
}
