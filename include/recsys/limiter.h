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
 * GCRA (ITU-T I.371): `burst` requests at once, then `rate` every `period_ms`. The
 * limit is exact, also when many processes share one store, because only the
 * store's clock counts. Without a store, or while it is away, a local limiter
 * decides. It counts every request all the time, so that a client does not get a
 * full burst when the local limiter takes over, nor when the store comes back
 * without its data.
 *
 * The time between two requests is a whole number of microseconds, rounded up: a
 * rate of 100 a minute is exact; 7 a second become 6.9999, never more than 7.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread.
 * In a forked child recsys_limiter_allow() fails with E_STATE, because a thread of
 * the parent may have held a lock.
 * Ownership: one owner; recsys_limiter_destroy(). It holds a reference to its
 *   store, which may end before it.
 */
typedef struct recsys_limiter recsys_limiter;

enum {
    /* If the local limiter has no room for another key, because all max_keys keys are
     * in use: refuse the request instead of letting it pass. For routes where guessing
     * passwords or tokens must be slow. */
    RECSYS_LIMITER_STRICT = 1u << 0
};

typedef struct recsys_limiter_options {
    uint32_t struct_size;
    uint32_t flags;     /* RECSYS_LIMITER_* */
    uint32_t rate;      /* per period; 0 = 100 */
    uint32_t period_ms; /* 0 = 60000 */
    uint32_t burst;     /* 0 = rate */
    uint32_t share;     /* among how many processes the limit is divided while the store is away;
                           0 = 1 */
    uint32_t max_keys;  /* of the local limiter; 0 = 65536 */
    uint32_t reserved;  /* must be 0 */
    const char *prefix; /* of keys in the store; NULL = "limit:"; COPIED */
    /* Monotonic clock for tests; NULL = the system's. The limiter calls it from any thread, several
     * at once; it must not call the library. */
    uint64_t (*now_us)(void *user_data);
    void *user_data;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_limiter_options;

#define RECSYS_LIMITER_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_limiter_options, user_data)
#define RECSYS_LIMITER_OPTIONS_INIT                                                                \
    {                                                                                              \
        (uint32_t)sizeof(recsys_limiter_options), 0u, 0u, 0u, 0u, 0u, 0u, 0u, NULL, NULL, NULL     \
    }

/* store NULL = the local limiter alone. Fails with: E_INVALID (a rate of more than one
 * a microsecond, a burst that needs more than a hundred years to be available again,
 * a prefix of more than 255 bytes), E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_limiter_create(recsys_store *store, const recsys_limiter_options *options,
                      recsys_limiter **out, recsys_error *err);
/* NULL is allowed. */
RECSYS_API void recsys_limiter_destroy(recsys_limiter *limiter);

/* The decision, with the numbers for HTTP's RateLimit fields
 * (draft-ietf-httpapi-ratelimit-headers). */
typedef struct recsys_limit {
    uint32_t struct_size; /* in: sizeof(recsys_limit) */
    uint32_t allowed;     /* 0 or 1; 0 if the call failed */
    uint32_t limit;       /* the burst; this process' share of it if the local limiter decided */
    uint32_t remaining;   /* how many requests could pass at once now */
    uint32_t local;       /* 1: the local limiter decided: without a store, or because this process
                             alone has used the limit up */
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
 * May a request of `cost` for `key` pass now? If it may, it is counted. If the store
 * does not answer, the call waits for a command's time-out at most; while the
 * store's breaker is open it does not wait at all.
 *
 * key   any bytes, at least one; the store gets a hash of a key of more than 200
 * cost  1..burst
 *
 * Fails with: E_INVALID, E_STATE. If the store fails, the local limiter decides.
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
