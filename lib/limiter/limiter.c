/* lib/limiter/limiter.c - one rate limit for many keys: the store decides, or else this process.
 *
 * While the store answers it decides, by its clock. Each answer has the time until the key's
 * bucket is full (reset), with the requests of all processes, and the local table is raised to it.
 * So when the store stops answering, the local table knows the store's last state, and no key gets
 * a second burst.
 *
 * The local table only rises. A request that it counted while the store was away stays counted
 * until its time is over, and what the table refuses, the store is not asked for. So a store that
 * comes and goes, or comes back empty, does not refill a bucket here. As long as the store loses
 * nothing it has at least what the table has, so this refuses nothing that it would allow.
 *
 * When n processes divide the limit, an item comes back n times as slowly and the burst is an n-th:
 * the time to fill the bucket is the same, so the store's reset has the same meaning here. A cost
 * above the n-th of the burst passes when the bucket is full, and is paid back in full.
 *
 * Keys come from clients. A key of more than 200 bytes is replaced by its beginning and a hash, so
 * that no client can store megabytes. The replacement is longer than any other key, so the two
 * kinds never collide.
 */
#include "recsys/limiter.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/fork.h"
#include "lib/base/gcra.h"
#include "lib/base/hash.h"
#include "lib/base/structs.h"
#include "lib/limiter/limiter.h"

#define MAX_PREFIX 255u
#define MAX_KEY 200u
#define KEPT_OF_KEY 168u
/* About 143 years. A TAT stays below 2^53 with it, which a double in Lua holds exactly. */
#define MAX_ROOM_US ((uint64_t)1 << 52)

struct recsys_limiter {
    recsys_store *store;
    uint32_t forks; /* rs_fork_count() of the process that uses it */
    struct rs_limiter_table *table;
    uint64_t emission_us, local_emission_us;
    uint32_t burst, local_burst;
    int is_strict;
    atomic_int has_answered; /* the store, when it was asked last */
    char *prefix;
    size_t prefix_size;
    uint64_t seed;
    uint64_t (*now_us)(void *user_data);
    void *user_data;
};

static uint64_t system_now_us(void *user_data)
{
    (void)user_data;
    return rs_clock_ns() / 1000u;
}

static recsys_status set_rate(recsys_limiter *limiter, const recsys_limiter_options *given,
                              recsys_error *err)
{
    uint32_t rate = given->rate == 0 ? 100 : given->rate;
    uint32_t period_ms = given->period_ms == 0 ? 60000 : given->period_ms;
    uint32_t share = given->share == 0 ? 1 : given->share;

    limiter->burst = given->burst == 0 ? rate : given->burst;
    limiter->emission_us = rs_gcra_emission(rate, period_ms);
    if (limiter->emission_us == 0)
        return rs_error(
            err, RECSYS_E_INVALID,
            "recsys_limiter_create: %" PRIu32 " in %" PRIu32
            " ms are more than one a microsecond, the smallest step of the limiter's clock",
            rate, period_ms);
    if (rs_gcra_multiply(limiter->emission_us, limiter->burst) > MAX_ROOM_US)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_limiter_create: a burst of %" PRIu32 " at %" PRIu32 " in %" PRIu32
                        " ms takes more than a hundred years to come back",
                        limiter->burst, rate, period_ms);
    limiter->local_burst = limiter->burst / share > 0 ? limiter->burst / share : 1;
    limiter->local_emission_us = rs_gcra_multiply(limiter->emission_us, share);
    return RECSYS_OK;
}

static recsys_status read_options(recsys_limiter *limiter, const recsys_limiter_options *options,
                                  recsys_error *err)
{
    recsys_limiter_options given;
    recsys_status status =
        rs_struct_read(&given, sizeof given, options, RECSYS_LIMITER_OPTIONS_SIZE_V1,
                       "recsys_limiter_create: options", err);
    const char *prefix;

    if (status != RECSYS_OK)
        return status;
    status = rs_reserved(given.flags & ~(uint32_t)RECSYS_LIMITER_STRICT,
                         "recsys_limiter_create: options.flags", err);
    if (status == RECSYS_OK)
        status = rs_reserved(given.reserved, "recsys_limiter_create: options.reserved", err);
    if (status == RECSYS_OK)
        status = set_rate(limiter, &given, err);
    if (status != RECSYS_OK)
        return status;
    prefix = given.prefix == NULL ? "limit:" : given.prefix;
    limiter->prefix_size = strlen(prefix);
    if (limiter->prefix_size > MAX_PREFIX)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_limiter_create: the prefix has %zu bytes, %u are allowed",
                        limiter->prefix_size, MAX_PREFIX);
    limiter->is_strict = (given.flags & RECSYS_LIMITER_STRICT) != 0;
    limiter->now_us = given.now_us == NULL ? system_now_us : given.now_us;
    limiter->user_data = given.user_data;
    limiter->prefix = rs_copy_text(prefix);
    limiter->table = rs_limiter_table_create(given.max_keys == 0 ? 65536 : given.max_keys);
    if (limiter->prefix == NULL || limiter->table == NULL)
        return rs_error_nomem(err, "limiter");
    return RECSYS_OK;
}

recsys_status recsys_limiter_create(recsys_store *store, const recsys_limiter_options *options,
                                    recsys_limiter **out, recsys_error *err)
{
    if (out == NULL)
        return rs_error(err, RECSYS_E_INVALID, "recsys_limiter_create: out is NULL");
    *out = NULL;
    recsys_limiter *limiter = rs_alloc_array(1, sizeof *limiter);
    if (limiter == NULL)
        return rs_error_nomem(err, "limiter");
    limiter->forks = rs_fork_count();
    atomic_init(&limiter->has_answered, 1);
    recsys_status status = read_options(limiter, options, err);
    if (status != RECSYS_OK) {
        recsys_limiter_destroy(limiter);
        return status;
    }
    limiter->store = recsys_store_ref(store);
    limiter->seed = rs_hash_seed();
    *out = limiter;
    return RECSYS_OK;
}

void recsys_limiter_destroy(recsys_limiter *limiter)
{
    if (limiter == NULL)
        return;
    recsys_store_unref(limiter->store);
    rs_limiter_table_destroy(limiter->table, limiter->forks == rs_fork_count());
    rs_free(limiter->prefix);
    rs_free(limiter);
}

/* The key in the store, which is the same in every process. */
static recsys_bytes store_key(const recsys_limiter *limiter, recsys_bytes key,
                              char room[MAX_PREFIX + MAX_KEY + 2])
{
    char *end = room + limiter->prefix_size;

    memcpy(room, limiter->prefix, limiter->prefix_size);
    if (key.size <= MAX_KEY) {
        memcpy(end, key.data, key.size);
        return (recsys_bytes){room, limiter->prefix_size + key.size};
    }
    memcpy(end, key.data, KEPT_OF_KEY);
    snprintf(end + KEPT_OF_KEY, MAX_KEY + 2 - KEPT_OF_KEY, "~%016" PRIx64 "%016" PRIx64,
             rs_hash_bytes(key.data, key.size, 1), rs_hash_bytes(key.data, key.size, 2));
    return (recsys_bytes){room, limiter->prefix_size + MAX_KEY + 1};
}

static uint64_t to_ms(uint64_t us)
{
    return us / 1000u + (us % 1000u != 0);
}

static void describe(recsys_limit *out, const recsys_rate_decision *decision, uint32_t limit,
                     uint32_t local)
{
    *out = (recsys_limit){.struct_size = (uint32_t)sizeof *out,
                          .allowed = decision->allowed,
                          .limit = limit,
                          .remaining = decision->remaining < limit ? decision->remaining : limit,
                          .local = local,
                          .retry_ms = decision->allowed ? 0 : to_ms(decision->retry_us),
                          .reset_ms = to_ms(decision->reset_us)};
}

static void decide_here(recsys_limiter *limiter, uint64_t hash, uint64_t now_us, uint32_t cost,
                        recsys_limit *out)
{
    uint32_t burst = cost > limiter->local_burst ? cost : limiter->local_burst;
    uint64_t emission_us = limiter->local_emission_us;
    recsys_rate_decision decision;

    if (!rs_limiter_table_decide(limiter->table, hash, now_us, emission_us, burst, cost,
                                 &decision)) {
        /* It is unknown when a place will be free: the client may retry after the time of one
         * item. */
        decision = (recsys_rate_decision){
            .allowed = !limiter->is_strict, .retry_us = emission_us, .reset_us = emission_us};
    }
    describe(out, &decision, limiter->local_burst, 1);
}

static int charge(recsys_limiter *limiter, uint64_t hash, uint64_t now_us, uint32_t cost,
                  recsys_rate_decision *here)
{
    return rs_limiter_table_decide(limiter->table, hash, now_us, limiter->emission_us,
                                   limiter->burst, cost, here);
}

/* By the store, unless the local table knows that the bucket has not enough: then the store would
 * say so, too, or it has lost what it knew. 0: the store failed.
 *
 * The table is charged before the store is asked, so that no other thread takes the same items. It
 * takes the store's answer as of the time before the question: what it keeps is never more than
 * what the store has, while the store loses nothing. */
static int decide_there(recsys_limiter *limiter, uint64_t hash, recsys_bytes key, uint32_t cost,
                        recsys_limit *out)
{
    uint64_t now_us = limiter->now_us(limiter->user_data), emission_us = limiter->emission_us;
    int has_answered = atomic_load_explicit(&limiter->has_answered, memory_order_relaxed);
    recsys_rate_decision here, decision;
    int is_charged = has_answered && charge(limiter, hash, now_us, cost, &here);

    if (is_charged && !here.allowed) {
        describe(out, &here, limiter->burst, 1);
        return 1;
    }
    recsys_status status = recsys_store_rate_limit(limiter->store, key, emission_us, limiter->burst,
                                                   cost, &decision, NULL);
    if (has_answered != (status == RECSYS_OK))
        atomic_store_explicit(&limiter->has_answered, status == RECSYS_OK, memory_order_relaxed);
    if (is_charged && (status != RECSYS_OK || !decision.allowed))
        rs_limiter_table_lower(limiter->table, hash, rs_gcra_multiply(emission_us, cost));
    if (status != RECSYS_OK)
        return 0;
    if (!has_answered && decision.allowed) /* the first answer after an outage */
        is_charged = charge(limiter, hash, now_us, cost, &here);
    rs_limiter_table_raise(limiter->table, hash, now_us, rs_gcra_add(now_us, decision.reset_us));
    uint32_t is_less = is_charged && decision.allowed && here.remaining < decision.remaining;
    if (is_less)
        decision = here;
    describe(out, &decision, limiter->burst, is_less && !here.allowed);
    return 1;
}

recsys_status recsys_limiter_allow(recsys_limiter *limiter, recsys_bytes key, uint32_t cost,
                                   recsys_limit *out, recsys_error *err)
{
    char room[MAX_PREFIX + MAX_KEY + 2];
    recsys_limit limit;
    recsys_status status =
        rs_struct_begin(out, RECSYS_LIMIT_SIZE_V1, "recsys_limiter_allow: out", err);

    if (status != RECSYS_OK)
        return status;
    if (limiter == NULL || key.data == NULL || key.size == 0)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_limiter_allow: the limiter is missing, or the key is empty");
    status = rs_fork_check(limiter->forks, "a limiter", err);
    if (status != RECSYS_OK)
        return status;
    if (cost == 0 || cost > limiter->burst)
        return rs_error(err, RECSYS_E_INVALID,
                        "recsys_limiter_allow: the cost is %" PRIu32 ", must be 1..%" PRIu32
                        ", the burst",
                        cost, limiter->burst);
    uint64_t hash = rs_hash_bytes(key.data, key.size, limiter->seed);
    if (limiter->store == NULL ||
        !decide_there(limiter, hash, store_key(limiter, key, room), cost, &limit))
        decide_here(limiter, hash, limiter->now_us(limiter->user_data), cost, &limit);
    rs_struct_write(out, &limit, sizeof limit);
    return RECSYS_OK;
}
