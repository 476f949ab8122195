/* recsys/store.h - a key-value store behind one interface: in-process, Redis, or your own. */
#ifndef RECSYS_STORE_H
#define RECSYS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "cache.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One logical db: a flat set of keys with values and times to live.
 *
 * In front of every driver stands a circuit breaker. When calls have failed
 * several times in a row (E_TIMEOUT, E_IO, E_BACKEND), the breaker opens: calls
 * then fail at once with E_UNAVAILABLE, without asking the store, until a probe
 * has found that the store works again. So a dead or frozen server costs only a
 * few callers one time-out each.
 *
 * An error is never reported as "not found": only the server's own answer becomes
 * E_NOT_FOUND.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread.
 * Ownership: SHARED, counted. Objects that use a store (recsys_aside, limiter,
 *   denylist, domains) take a reference, so references may be given back in any
 *   order. Values stay valid until they are released, also after the store's last
 *   reference was given back.
 * fork(): the in-process store of a child is a copy of its own, which works if no
 *   other thread was inside a call when the process forked. All functions of any
 *   other store fail with E_STATE in a child; it can only be given back.
 */
typedef struct recsys_store recsys_store;

/* May this request pass? See limiter.h. Frozen. */
typedef struct recsys_rate_decision {
    uint32_t allowed;   /* 0 or 1 */
    uint32_t remaining; /* how much of the burst is left for the next request */
    uint64_t retry_us;  /* until this cost would be allowed; 0 if it was */
    uint64_t reset_us;  /* until the whole burst is there again */
} recsys_rate_decision;

enum {
    RECSYS_STORE_ALWAYS = 0,
    RECSYS_STORE_IF_ABSENT = 1 /* E_EXISTS if the key has a value */
};

/*
 * Receives a key, BORROWED for the call. Return 0 to go on; any other number stops
 * the scan, which then fails with E_STOPPED.
 *
 * Called on the thread that called recsys_store_scan(), without locks: it may
 * call this store. No exception and no longjmp may leave it.
 */
typedef int32_t (*recsys_key_callback)(recsys_bytes key, void *user_data);

enum {
    RECSYS_EXCHANGE_IF_SEEN = 1u << 0 /* only if `prefix` and `seen` are there */
};

/*
 * Two keys that change in one step: `key`, whose value other programs read, and
 * `companion_key`, which has what this library knows about that value. Frozen.
 */
typedef struct recsys_exchange {
    uint32_t flags;    /* RECSYS_EXCHANGE_* */
    uint32_t reserved; /* 0 */
    recsys_bytes key, companion_key;
    recsys_bytes prefix;    /* what is under companion_key begins with these bytes */
    recsys_bytes seen;      /* these bytes are under key; data NULL: nothing is */
    recsys_bytes value;     /* for key; data NULL: remove it */
    recsys_bytes companion; /* for companion_key; data NULL: remove it */
    uint64_t ttl_ms;        /* of both */
} recsys_exchange;

/*
 * The functions of a driver. Keys and values are any bytes; keys are not empty.
 * ttl_ms is at least 1, or RECSYS_NEVER: the value does not expire.
 * A value that a driver returns must stay valid until its `release` was called, by
 * any thread, also after `destroy`.
 * `incarnation` is a number for one unbroken life of the data. It must change when
 * the server restarts or another server takes over, since both may bring back keys
 * that were removed. Never 0.
 *
 * A driver fails with E_TIMEOUT, E_IO or E_BACKEND if the store does not work
 * (these count for the breaker), and with any other status if only this call
 * fails (E_EXHAUSTED: no connection was free). A number that is no status becomes
 * E_CALLBACK. `err` is zeroed and never NULL; if the driver does not fill it in,
 * the library does.
 *
 * The library calls every function on the thread that called the store, and on
 * several threads at once, without locks. The exception is the end of a probe:
 * when `ping` has succeeded, one thread at a time sends the invalidations that did
 * not reach the store. The functions must not call the store they belong to, nor
 * give its last reference back. No exception and no longjmp may leave them.
 */
typedef struct recsys_store_driver {
    uint32_t struct_size; /* sizeof(recsys_store_driver) */
    uint32_t reserved;    /* 0 */
    /* Called once, when the last reference is given back, on that thread; or by
     * recsys_store_create() when it fails. */
    void (*destroy)(void *self);
    /* Look n keys up in one round trip. values[i].data stays NULL for an absent one. */
    recsys_status (*get)(void *self, const recsys_bytes *keys, size_t n, recsys_value *values,
                         uint64_t *incarnation, recsys_error *err);
    /* `when` is RECSYS_STORE_*. */
    recsys_status (*set)(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                         uint32_t when, recsys_error *err);
    recsys_status (*remove)(void *self, const recsys_bytes *keys, size_t n, uint64_t *n_removed,
                            recsys_error *err);
    /* Atomically: if the key has a value return it, else set this one (then
     * present->data stays NULL). */
    recsys_status (*get_or_set)(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                                recsys_value *present, uint64_t *incarnation, recsys_error *err);
    /* Atomically: if the value begins with `prefix`, replace it (value.data
     * NULL: remove it); else E_NOT_FOUND. */
    recsys_status (*replace)(void *self, recsys_bytes key, recsys_bytes prefix, recsys_bytes value,
                             uint64_t ttl_ms, recsys_error *err);
    /* Some of the keys that consist of the literals parts[0..n-1] with any text
     * (or none) between each two: {"user:", ""} is what a shell calls user:*.
     * `cursor` is 0 at first and 0 again when all keys have been visited. A key may
     * come twice; a key that exists during the whole scan comes at least once. If
     * the callback does not return 0, stop and set `cursor` to where to go on. */
    recsys_status (*scan)(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                          recsys_key_callback callback, void *user_data, recsys_error *err);
    /* GCRA by the store's clock: `emission_us` an item, `burst` items at once,
     * `cost` of them now. NULL: the store cannot. */
    recsys_status (*rate_limit)(void *self, recsys_bytes key, uint64_t emission_us, uint32_t burst,
                                uint32_t cost, recsys_rate_decision *out, recsys_error *err);
    /* Does the store work? Asked on a connection that no request uses. */
    recsys_status (*ping)(void *self, recsys_error *err);
    /* Atomically, for other programs and for `remove` of both keys: if the conditions hold, change
     * both keys; else E_NOT_FOUND. A key whose value is of a kind that `get` does not return has
     * nothing. NULL: the store cannot, and values cannot be kept as plain JSON there
     * (RECSYS_ASIDE_FORMAT_PLAIN). Since: 0.2 */
    recsys_status (*exchange)(void *self, const recsys_exchange *exchange, recsys_error *err);
    /* -- end of version 2 -- append below, never insert above -- */
} recsys_store_driver;

#define RECSYS_STORE_DRIVER_SIZE_V1 RECSYS_SIZE_TO(recsys_store_driver, ping)
#define RECSYS_STORE_DRIVER_SIZE_V2 RECSYS_SIZE_TO(recsys_store_driver, exchange)
#define RECSYS_STORE_DRIVER_INIT \
    {(uint32_t)sizeof(recsys_store_driver), 0u, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
     NULL, NULL}

enum {
    /* The host calls recsys_store_probe() regularly, so no request probes. Without such
     * calls the breaker, once open, never closes. */
    RECSYS_STORE_PROBED = 1u << 0
};

typedef struct recsys_store_options {
    uint32_t struct_size;
    uint32_t flags;            /* RECSYS_STORE_PROBED */
    uint32_t failures;         /* how many in a row open the breaker; 0 = 5 */
    uint32_t rest_ms;          /* pause before the first probe, doubled after each that fails;
                                  0 = 250 */
    uint32_t max_rest_ms;      /* longest pause; 0 = 1000 */
    uint32_t ttl_ms;           /* for a value stored with ttl_ms 0; 0 = 300000; RECSYS_NEVER_32 */
    /* Monotonic clock for tests; NULL = the system's. The store calls it from any thread, without
     * locks; it must not call the library. */
    uint64_t (*now_ms)(void *user_data);
    void *user_data;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_store_options;

#define RECSYS_STORE_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_store_options, user_data)
#define RECSYS_STORE_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_store_options), 0u, 0u, 0u, 0u, 0u, NULL, NULL}

/*
 * A store over a driver of your own.
 *
 * name    for messages and metrics; COPIED
 * driver  COPIED; rate_limit and exchange may be NULL, nothing else
 * self    given to every function; the store owns it from now on. If this call
 *         fails, for whatever reason, it has called driver->destroy (unless
 *         `driver` or its `destroy` is NULL).
 *
 * Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM.
 * Ownership: the caller gets one reference; recsys_store_unref(). Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_create(const char *name,
                                                              const recsys_store_driver *driver,
                                                              void *self,
                                                              const recsys_store_options *options,
                                                              recsys_store **out,
                                                              recsys_error *err);

/*
 * The in-process store: a recsys_cache, bounded in bytes, that behaves as Redis
 * does. A hit copies nothing and allocates nothing.
 *
 * cache_options  as for recsys_cache_create(), ttl_ms too; NULL = defaults. A value may
 *                be 1 KiB larger than max_value_bytes, for the envelope of recsys_aside
 *
 * Fails with: as recsys_cache_create() does. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_store_create_memory(const char *name, const recsys_cache_options *cache_options,
                           recsys_store **out, recsys_error *err);

/* Take one more reference. Returns its argument. NULL is allowed. Since: 0.2 */
RECSYS_API recsys_store *recsys_store_ref(recsys_store *store);

/* Give one reference back; the last one destroys the store. No call of the store may
 * be running then. NULL is allowed. Since: 0.2 */
RECSYS_API void recsys_store_unref(recsys_store *store);

/* BORROWED from the store. "" for NULL. */
RECSYS_API const char *recsys_store_get_name(const recsys_store *store);

/* For drivers with functions of their own: `self`, if the store's driver has
 * this destroy function; else NULL. */
RECSYS_API void *recsys_store_get_self(const recsys_store *store, void (*destroy)(void *self));

/*
 * The operations, with the contracts of the driver's functions above. ttl_ms: 0 =
 * the store's, RECSYS_NEVER = does not expire. n_removed and incarnation may be NULL.
 *
 * All fail with: E_UNAVAILABLE (the breaker is open; nothing was sent), E_TIMEOUT,
 *   E_IO, E_BACKEND (no answer, or an error; a write may have happened),
 *   E_EXHAUSTED (no connection was free), E_INVALID, E_LIMIT, E_NOMEM, E_CALLBACK.
 * The caller releases the values it gets. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_get(recsys_store *store,
                                                           const recsys_bytes *keys, size_t n,
                                                           recsys_value *values,
                                                           uint64_t *incarnation,
                                                           recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_set(recsys_store *store, recsys_bytes key,
                                                           recsys_bytes value, uint64_t ttl_ms,
                                                           uint32_t when, recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_remove(recsys_store *store,
                                                              const recsys_bytes *keys, size_t n,
                                                              uint64_t *n_removed,
                                                              recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_store_get_or_set(recsys_store *store, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                        recsys_value *present, uint64_t *incarnation, recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_store_replace(recsys_store *store, recsys_bytes key, recsys_bytes prefix, recsys_bytes value,
                     uint64_t ttl_ms, recsys_error *err);
/* Also: E_STOPPED (the callback did not return 0). `cursor` then says where to go
 * on; some keys may come again. */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_scan(recsys_store *store,
                                                            const recsys_bytes *parts, size_t n,
                                                            uint64_t *cursor,
                                                            recsys_key_callback callback,
                                                            void *user_data, recsys_error *err);
/* Also: E_UNSUPPORTED (the driver has no rate_limit). Since: 0.2 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_store_rate_limit(recsys_store *store, recsys_bytes key, uint64_t emission_us, uint32_t burst,
                        uint32_t cost, recsys_rate_decision *out, recsys_error *err);

enum {
    RECSYS_BREAKER_CLOSED = 1, /* calls reach the store */
    RECSYS_BREAKER_OPEN = 2    /* calls fail at once */
};

/*
 * If the breaker is open and its pause is over: ping the store, send it the
 * invalidations that did not reach it, and close the breaker if all of that
 * succeeded. Call it every 100 ms or so from a thread that may wait for a
 * command's time-out, and set RECSYS_STORE_PROBED; without that flag requests
 * probe, one at a time, and wait for the answer.
 *
 * Fails with: E_UNAVAILABLE (the breaker is open and its pause is not over), the
 *   status of the ping or of sending. RECSYS_OK: the breaker is closed.
 * Since: 0.1
 */
RECSYS_API recsys_status recsys_store_probe(recsys_store *store, recsys_error *err);

typedef struct recsys_store_stats {
    uint32_t struct_size; /* in: sizeof(recsys_store_stats) */
    uint32_t breaker;     /* RECSYS_BREAKER_* */
    uint64_t calls, failures, refused; /* refused: while the breaker was open */
    uint64_t opened;      /* how often the breaker has opened */
    uint64_t entries, bytes, max_bytes, evictions; /* of an in-process store; 0 for others */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_store_stats;

#define RECSYS_STORE_STATS_SIZE_V1 RECSYS_SIZE_TO(recsys_store_stats, evictions)
#define RECSYS_STORE_STATS_INIT \
    {(uint32_t)sizeof(recsys_store_stats), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u}

/* Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_get_stats(recsys_store *store,
                                                                 recsys_store_stats *out,
                                                                 recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
