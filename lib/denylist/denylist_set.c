/* lib/denylist/denylist_set.c - the revoked tokens a process knows: 24 bytes each.
 *
 * A token is stored as 128 bits of its jti's hash, made with a seed of this process:
 * an attacker cannot prepare two tokens with one hash, and by chance two of a million
 * tokens share one with a probability of 10^-24. Open addressing with linear
 * probing, at most three quarters full; a removal closes the gap behind it, so
 * there are no tombstones.
 *
 * Expired tokens are swept a few slots at a time, and are left out when the table
 * is rebuilt.
 */
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/denylist/denylist.h"

#define MIN_SLOTS 1024u

struct rs_jti rs_jti_make(recsys_bytes jti)
{
    uint64_t seed = rs_hash_seed();

    return (struct rs_jti){{rs_hash_bytes(jti.data, jti.size, seed),
                            rs_hash_bytes(jti.data, jti.size, rs_hash_number(seed, 1))}};
}

void rs_denylist_set_init(struct rs_denylist_set *set, uint64_t max)
{
    memset(set, 0, sizeof *set);
    set->max = max;
}

void rs_denylist_set_destroy(struct rs_denylist_set *set)
{
    rs_free(set->slots);
    rs_denylist_set_init(set, set->max);
}

static int is_same(struct rs_jti a, struct rs_jti b)
{
    return a.hash[0] == b.hash[0] && a.hash[1] == b.hash[1];
}

/* The token's slot, or the free one where it belongs. There always is one. */
static struct rs_denylist_slot *find(struct rs_denylist_slot *slots, size_t n_slots,
                                     struct rs_jti jti)
{
    size_t i = jti.hash[0] & (n_slots - 1);

    while (slots[i].expires_ms != 0 && !is_same(slots[i].jti, jti))
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

uint64_t rs_denylist_set_get(const struct rs_denylist_set *set, struct rs_jti jti)
{
    return set->n == 0 ? 0 : find(set->slots, set->n_slots, jti)->expires_ms;
}

int rs_denylist_set_has(const struct rs_denylist_set *set, struct rs_jti jti, uint64_t now_ms)
{
    return rs_denylist_set_get(set, jti) > now_ms;
}

/* Entries that follow without a gap and are not in their own slot move up. */
static void remove_slot(struct rs_denylist_set *set, size_t gap)
{
    size_t mask = set->n_slots - 1;

    for (size_t i = (gap + 1) & mask; set->slots[i].expires_ms != 0; i = (i + 1) & mask) {
        size_t home = set->slots[i].jti.hash[0] & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            set->slots[gap] = set->slots[i];
            gap = i;
        }
    }
    set->slots[gap].expires_ms = 0;
    set->n--;
}

void rs_denylist_set_sweep(struct rs_denylist_set *set, size_t n_slots, uint64_t now_ms)
{
    for (size_t i = 0; i < n_slots && set->n > 0; i++) {
        set->hand &= set->n_slots - 1;
        while (set->slots[set->hand].expires_ms != 0 && set->slots[set->hand].expires_ms <= now_ms)
            remove_slot(set, set->hand);
        set->hand++;
    }
}

/* Make room for one more: a new table for those that have not expired. */
static recsys_status rebuild(struct rs_denylist_set *set, uint64_t now_ms)
{
    size_t n_live = 0, n_slots = MIN_SLOTS;

    for (size_t i = 0; i < set->n_slots; i++)
        n_live += set->slots[i].expires_ms > now_ms;
    while (n_slots / 2 <= n_live)
        n_slots *= 2;
    struct rs_denylist_slot *slots = rs_alloc_array(n_slots, sizeof *slots);
    if (slots == NULL)
        return RECSYS_E_NOMEM;
    for (size_t i = 0; i < set->n_slots; i++)
        if (set->slots[i].expires_ms > now_ms)
            *find(slots, n_slots, set->slots[i].jti) = set->slots[i];
    rs_free(set->slots);
    set->slots = slots;
    set->n_slots = n_slots;
    set->n = n_live;
    return RECSYS_OK;
}

recsys_status rs_denylist_set_add(struct rs_denylist_set *set, struct rs_jti jti,
                                  uint64_t expires_ms, uint64_t now_ms)
{
    struct rs_denylist_slot *slot = NULL;

    if (expires_ms <= now_ms)
        return RECSYS_OK;
    if (set->n > 0)
        slot = find(set->slots, set->n_slots, jti);
    if (slot != NULL && slot->expires_ms != 0) {
        if (slot->expires_ms < expires_ms)
            slot->expires_ms = expires_ms;
        return RECSYS_OK;
    }
    if (set->n >= set->max)
        rs_denylist_set_sweep(set, set->n_slots, now_ms);
    if (set->n >= set->max)
        return RECSYS_E_LIMIT;
    if ((set->n + 1) * 4 > set->n_slots * 3) {
        recsys_status status = rebuild(set, now_ms);
        if (status != RECSYS_OK)
            return status;
    }
    *find(set->slots, set->n_slots, jti) = (struct rs_denylist_slot){jti, expires_ms};
    set->n++;
    return RECSYS_OK;
}
