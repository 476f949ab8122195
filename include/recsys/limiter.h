/* recsys/limiter.h - a rate limiter shared by processes, with a local one that takes over. Group:
 * guards. */
#ifndef RECSYS_LIMITER_H
#define RECSYS_LIMITER_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "status.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * GCRA (ITU-T I.371): `burst` at once, then `rate` every `period_ms`, exactly,
 * also when many processes ask the same store, whose clock alone counts.
 * Without a store, or while it is away, a local limiter decides. It hears of
 * every request, so that it takes over warm and not with a full bucket.
 *
 * Time is counted in whole microseconds an item, rounded up: 100 a minute are
 * exact; 7 a second are 6.9999, never more than 7.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread.
 * In a forked child, where a lock of its parent's may be held for ever,
 * recsys_limiter_allow() says E_STATE.
 * Ownership: one owner; recsys_limiter_destroy(). It holds a reference to its
 *   store, which may end before it.
 */
typedef struct recsys_limiter recsys_limiter;

enum {
    /* The local limiter knows max_keys keys and all are busy: refuse a new one
     * instead of letting it pass. For routes where guessing is dangerous. */
    RECSYS_LIMITER_STRICT = 1u << 0
};

typedef struct recsys_limiter_options {
    uint32_t struct_size;
    uint32_t flags;     /* RECSYS_LIMITER_* */
    uint32_t rate;      /* per period; 0 = 100 */
    uint32_t period_ms; /* 0 = 60000 */
    uint32_t burst;     /* 0 = rate */
    uint32_t share;     /* how many processes divide the limit while the store is away; 0 = 1 */
    uint32_t max_keys;  /* of the local limiter; 0 = 65536 */
    uint32_t reserved;  /* must be 0 */
    const char *prefix; /* of keys in the store; NULL = "limit:"; COPIED */
    /* Monotonic clock for tests; NULL = the system's. Any thread, several at once: it calls nothing
     * of this library. */
    uint64_t (*now_us)(void *user_data);
    void *user_data;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_limiter_options;

#define RECSYS_LIMITER_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_limiter_options, user_data)
#define RECSYS_LIMITER_OPTIONS_INIT                                                                \
    {                                                                                              \
        (uint32_t)sizeof(recsys_limiter_options), 0u, 0u, 0u, 0u, 0u, 0u, 0u, NULL, NULL, NULL     \
    }

/* store NULL = local only. Fails with: E_INVALID (a rate of more than one a
 * microsecond, a burst that takes more than a hundred years to come back, a prefix
 * of more than 255 bytes), E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_limiter_create(recsys_store *store, const recsys_limiter_options *options,
                      recsys_limiter **out, recsys_error *err);
/* NULL is allowed. */
RECSYS_API void recsys_limiter_destroy(recsys_limiter *limiter);

/* What HTTP's RateLimit fields want to know (draft-ietf-httpapi-ratelimit-headers). */
typedef struct recsys_limit {
    uint32_t struct_size; /* in: sizeof(recsys_limit) */
    uint32_t allowed;     /* 0 or 1; 0 if the call failed */
    uint32_t limit;       /* the burst; this process' share of it if the local limiter decided */
    uint32_t remaining;   /* what could be taken at once now */
    uint32_t local;       /* 1: the local limiter decided */
    uint32_t reserved;
    uint64_t retry_ms; /* rounded up; 0 if allowed */
    uint64_t reset_ms; /* rounded up */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_limit;

#define RECSYS_LIMIT_SIZE_V1 RECSYS_SIZE_TO(recsys_limit, reset_ms)
#define RECSYS_LIMIT_INIT                                                                          \
    {                                                                                              \
        (uint32_t)sizeof(recsys_limit), 0u, 0u, 0u, 0u, 0u, 0u, 0u                                 \
    }

/*
 * May a request of `cost` for `key` pass now? If so it is counted. Waits for a
 * store that does not answer no longer than a command's time-out, and while its
 * breaker is open not at all.
 *
 * key   any bytes, at least one; of more than 200 the store gets a hash
 * cost  1..burst
 *
 * Fails with: E_INVALID, E_STATE. A store that fails is no failure of this call.
 * Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_limiter_allow(recsys_limiter *limiter,
                                                               recsys_bytes key, uint32_t cost,
                                                               recsys_limit *out,
                                                               recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
