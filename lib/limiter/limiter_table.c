/* lib/limiter/limiter_table.c - a bounded table of TATs.
 *
 * A key is identified by 64 bits of its hash, with a random seed, so that clients cannot choose
 * keys that collide. The hash picks a group of up to 64 places, and the key may be in any of them.
 * A lookup reads half a kilobyte in a table of any size, and no key is ever moved.
 *
 * A past TAT means the same as an unknown key, so its place is free: keys need not be removed. If
 * all places of a group are taken, there is no room for a new key of this group, even if other
 * groups have free places.
 */
#include <stddef.h>

#include "lib/base/alloc.h"
#include "lib/base/gcra.h"
#include "lib/base/lock.h"
#include "lib/limiter/limiter.h"

#define GROUP 64u
#define MAX_LOCKS 64u
#define NOWHERE SIZE_MAX

struct rs_limiter_table {
    uint64_t *hashes, *tats; /* protected by the lock of their group */
    uint32_t n_groups, group;
    struct rs_lock *locks; /* group i has locks[i % n_locks] */
    uint32_t n_locks;
};

struct rs_limiter_table *rs_limiter_table_create(uint32_t max_keys)
{
    struct rs_limiter_table *table = rs_alloc_array(1, sizeof *table);
    uint32_t n_wanted;

    if (table == NULL)
        return NULL;
    table->n_groups = (max_keys - 1) / GROUP + 1;
    table->group = max_keys / table->n_groups;
    table->hashes = rs_alloc_array((size_t)table->n_groups * table->group, sizeof(uint64_t));
    table->tats = rs_alloc_array((size_t)table->n_groups * table->group, sizeof(uint64_t));
    n_wanted = table->n_groups < MAX_LOCKS ? table->n_groups : MAX_LOCKS;
    table->locks = rs_alloc_array(n_wanted, sizeof *table->locks);
    if (table->hashes == NULL || table->tats == NULL || table->locks == NULL)
        goto fail;
    for (; table->n_locks < n_wanted; table->n_locks++)
        if (rs_lock_init(&table->locks[table->n_locks]) != 0)
            goto fail;
    return table;

fail:
    rs_limiter_table_destroy(table, 1);
    return NULL;
}

void rs_limiter_table_destroy(struct rs_limiter_table *table, int has_its_locks)
{
    if (table == NULL)
        return;
    while (has_its_locks && table->n_locks > 0)
        rs_lock_destroy(&table->locks[--table->n_locks]);
    rs_free(table->locks);
    rs_free(table->tats);
    rs_free(table->hashes);
    rs_free(table);
}

static uint32_t group_of(const struct rs_limiter_table *table, uint64_t hash)
{
    return (uint32_t)(((hash >> 32) * table->n_groups) >> 32);
}

/* The key's place, which is a free one if the key is new; NOWHERE if none is free. */
static size_t find(struct rs_limiter_table *table, uint64_t hash, uint64_t now_us)
{
    size_t first = (size_t)group_of(table, hash) * table->group, unused = NOWHERE;

    for (size_t i = first; i < first + table->group; i++) {
        if (table->hashes[i] == hash)
            return i;
        if (unused == NOWHERE && table->tats[i] <= now_us)
            unused = i;
    }
    if (unused != NOWHERE) {
        table->hashes[unused] = hash;
        table->tats[unused] = 0;
    }
    return unused;
}

int rs_limiter_table_decide(struct rs_limiter_table *table, uint64_t hash, uint64_t now_us,
                            uint64_t emission_us, uint32_t burst, uint32_t cost,
                            recsys_rate_decision *out)
{
    struct rs_lock *lock = &table->locks[group_of(table, hash) % table->n_locks];

    rs_lock_take(lock);
    size_t place = find(table, hash, now_us);
    if (place != NOWHERE)
        table->tats[place] =
            rs_gcra_decide(table->tats[place], now_us, emission_us, burst, cost, out);
    rs_lock_give(lock);
    return place != NOWHERE;
}

void rs_limiter_table_lower(struct rs_limiter_table *table, uint64_t hash, uint64_t us)
{
    struct rs_lock *lock = &table->locks[group_of(table, hash) % table->n_locks];
    size_t first = (size_t)group_of(table, hash) * table->group;

    rs_lock_take(lock);
    for (size_t i = first; i < first + table->group; i++)
        if (table->hashes[i] == hash)
            table->tats[i] = table->tats[i] > us ? table->tats[i] - us : 0;
    rs_lock_give(lock);
}

void rs_limiter_table_raise(struct rs_limiter_table *table, uint64_t hash, uint64_t now_us,
                            uint64_t tat_us)
{
    struct rs_lock *lock = &table->locks[group_of(table, hash) % table->n_locks];

    rs_lock_take(lock);
    size_t place = find(table, hash, now_us);
    if (place != NOWHERE && table->tats[place] < tat_us)
        table->tats[place] = tat_us;
    rs_lock_give(lock);
}
