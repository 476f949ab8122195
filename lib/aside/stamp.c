/* lib/aside/stamp.c - the clock and the random numbers of a cache, and the head of a value made
 * with them.
 *
 * The time to live of a plain value is the one that other programs see. The time in which it may be
 * returned although it is stale is the end of it, not an addition.
 *
 * A value is stamped when it is stored: with its key, its epoch, and the time until which
 * it is fresh. Times to live are shortened at random, so that values which were stored
 * together do not all expire together.
 */
#include <unistd.h>

#include "lib/aside/aside.h"
#include "lib/base/clock.h"
#include "lib/base/hash.h"

static uint64_t sum_of(uint64_t a, uint64_t b)
{
    return a > RECSYS_NEVER - b ? RECSYS_NEVER : a + b;
}

struct rs_identity rs_aside_identity(const recsys_aside *aside, recsys_bytes key)
{
    return (struct rs_identity){aside->label, aside->label_size, key.data, key.size};
}

uint64_t rs_aside_now_ms(const recsys_aside *aside)
{
    return aside->now_ms == NULL ? rs_clock_ticking_unix_ms() : aside->now_ms(aside->user_data);
}

/* Never the same in two processes, a process and its fork included: it makes leases different. */
uint64_t rs_aside_random(recsys_aside *aside)
{
    struct {
        uint64_t n, aside, process;
    } what;

    if (aside->random != NULL)
        return aside->random(aside->user_data);
    what.n = atomic_fetch_add_explicit(&aside->n_random, 1u, memory_order_relaxed);
    what.aside = (uint64_t)(uintptr_t)aside;
    what.process = (uint64_t)getpid();
    return rs_hash_bytes(&what, sizeof what, aside->seed);
}

double rs_aside_random_unit(recsys_aside *aside)
{
    return (double)((rs_aside_random(aside) >> 11) + 1) * 0x1p-53;
}

uint64_t rs_aside_jitter(recsys_aside *aside, uint64_t ttl_ms)
{
    if (ttl_ms == RECSYS_NEVER)
        return ttl_ms;
    double shortened =
        (double)ttl_ms * (1.0 - rs_aside_random_unit(aside) * aside->jitter_percent / 100.0);

    return shortened < 1.0 ? 1 : (uint64_t)shortened;
}

/* How much of a plain value's time to live is its stale time. */
static uint64_t stale_part(const recsys_aside *aside, uint64_t ttl)
{
    if (ttl == RECSYS_NEVER)
        return 0;
    return ttl / 10 < aside->stale_ms ? ttl / 10 : aside->stale_ms;
}

uint64_t rs_aside_stamp(recsys_aside *aside, recsys_bytes key, unsigned char *bytes,
                        struct rs_envelope *envelope, recsys_bytes text, uint64_t epoch,
                        uint64_t ttl_ms)
{
    struct rs_identity identity = rs_aside_identity(aside, key);
    uint64_t ttl = rs_aside_jitter(aside, ttl_ms == 0 ? aside->ttl_ms : ttl_ms);
    int is_negative = (envelope->flags & RS_ENVELOPE_NEGATIVE) != 0;
    uint64_t fresh = aside->is_plain && !is_negative ? ttl - stale_part(aside, ttl) : ttl;

    envelope->entry = rs_aside_random(aside);
    envelope->epoch = epoch;
    envelope->created_ms = rs_aside_now_ms(aside);
    envelope->fresh_until_ms = sum_of(envelope->created_ms, fresh);
    if (!is_negative && (aside->flags & RECSYS_ASIDE_JSON) != 0)
        envelope->flags |= RS_ENVELOPE_JSON;
    if (aside->is_plain) {
        rs_companion_write(bytes, &identity, envelope, text);
        return ttl;
    }
    rs_envelope_write(bytes, &identity, envelope);
    return is_negative ? ttl : sum_of(ttl, aside->stale_ms);
}
