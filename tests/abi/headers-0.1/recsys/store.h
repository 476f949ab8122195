/* recsys/store.h - a key-value store behind one interface: in-process, Redis, or your own. */
#ifndef RECSYS_STORE_H
#define RECSYS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "cache.h"
#include "export.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One logical database: a flat set of keys with values and times to live.
 *
 * In front of every driver stands a circuit breaker. A store that does not
 * answer (E_TIMEOUT, E_IO, E_BACKEND) several times in a row is left alone:
 * calls then fail at once with E_STATE until a probe has found it well again.
 * So a dead or frozen server costs a few callers one time-out, not everybody.
 *
 * An error is never "not there": E_NOT_FOUND comes from the server alone.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread.
 * Ownership: one owner; recsys_store_destroy(), after everything that uses it.
 */
typedef struct recsys_store recsys_store;

/* Bytes of the caller's. Frozen. */
typedef struct recsys_bytes {
    const void *data;
    size_t size;
} recsys_bytes;

/* A value as it is handed out: BORROWED until recsys_value_release(). Frozen.
 * `data` is NULL if there is none; an empty value has a `data` and size 0. */
typedef struct recsys_value {
    const void *data;
    size_t size;
    void *hold;                  /* whatever keeps the bytes */
    void (*release)(void *hold); /* NULL: nothing to give back */
} recsys_value;

/* Give a value back and make it empty. NULL and an empty value are allowed. Since: 0.1 */
RECSYS_API void recsys_value_release(recsys_value *value);

/* What the limiter is told; see limiter.h. Frozen. */
typedef struct recsys_take {
    uint32_t allowed; /* 0 or 1 */
    uint32_t remaining; /* what could be taken at once now */
    uint64_t retry_us;  /* until this cost could be taken; 0 if it was */
    uint64_t reset_us;  /* until everything could be taken again */
} recsys_take;

enum {
    RECSYS_STORE_ALWAYS = 0,
    RECSYS_STORE_IF_ABSENT = 1 /* E_EXISTS if the key has a value */
};

/* Receives a key, BORROWED for the call. Return 0 to go on. */
typedef int32_t (*recsys_key_callback)(const void *key, size_t key_size, void *user_data);

/*
 * What a driver must be able to do. Keys and values are any bytes; every
 * function is called from any thread. A value of ttl_ms 0 does not expire.
 * `life` names one unbroken life of the data: it must be another number after
 * the server has restarted or another one has taken over, since either may
 * have brought back what was removed. Never 0.
 *
 * A driver fails with E_TIMEOUT, E_IO or E_BACKEND if the store is not well
 * (these move the breaker), with any other status if only this call is wrong.
 */
typedef struct recsys_store_driver {
    uint32_t struct_size; /* sizeof(recsys_store_driver) */
    uint32_t reserved;
    /* Look n keys up in one round trip. values[i].data stays NULL for an absent one. */
    recsys_status (*get)(void *self, const recsys_bytes *keys, size_t n, recsys_value *values,
                         uint64_t *life, recsys_error *err);
    /* `when` is RECSYS_STORE_*. */
    recsys_status (*set)(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                         uint32_t when, recsys_error *err);
    recsys_status (*remove)(void *self, const recsys_bytes *keys, size_t n, uint64_t *n_removed,
                            recsys_error *err);
    /* Atomically: if the key has a value hand it out, else set this one (then
     * present->data stays NULL). */
    recsys_status (*get_or_set)(void *self, recsys_bytes key, recsys_bytes value, uint64_t ttl_ms,
                                recsys_value *present, uint64_t *life, recsys_error *err);
    /* Atomically: if the value begins with `prefix`, replace it (value.data
     * NULL: remove it); else E_NOT_FOUND. */
    recsys_status (*replace)(void *self, recsys_bytes key, recsys_bytes prefix, recsys_bytes value,
                             uint64_t ttl_ms, recsys_error *err);
    /* Some of the keys that consist of the literals parts[0..n-1] with anything
     * (or nothing) between each two: {"user:", ""} is what a shell calls user:*.
     * `cursor` is 0 at first and 0 again when all have been seen. A key may come
     * twice; one that is there all the time does come. */
    recsys_status (*scan)(void *self, const recsys_bytes *parts, size_t n, uint64_t *cursor,
                          recsys_key_callback callback, void *user_data, recsys_error *err);
    /* GCRA by the store's clock: `emission_us` an item, `burst` items at once,
     * `cost` of them now. NULL: the store cannot. */
    recsys_status (*take)(void *self, recsys_bytes key, uint64_t emission_us, uint32_t burst,
                          uint32_t cost, recsys_take *out, recsys_error *err);
    /* Is it well? On a connection that no request uses. */
    recsys_status (*ping)(void *self, recsys_error *err);
    void (*destroy)(void *self);
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_store_driver;

enum {
    /* Somebody calls recsys_store_probe() now and then, so no request need do it. */
    RECSYS_STORE_PROBED = 1u << 0
};

typedef struct recsys_store_options {
    uint32_t struct_size;
    uint32_t flags;            /* RECSYS_STORE_PROBED */
    uint32_t failures;         /* in a row that open the breaker; 0 = 5 */
    uint32_t rest_ms;          /* first pause, doubled after each failed probe; 0 = 250 */
    uint32_t max_rest_ms;      /* 0 = 1000 */
    uint32_t reserved;
    uint64_t (*now_ms)(void *user_data); /* monotonic clock for tests; NULL = the system's */
    void *user_data;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_store_options;

#define RECSYS_STORE_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_store_options), 0u, 0u, 0u, 0u, 0u, NULL, NULL}

RECSYS_API void recsys_store_options_init(recsys_store_options *options);

/*
 * A store over a driver of your own.
 *
 * name    for messages and metrics; COPIED
 * driver  COPIED; take may be NULL, nothing else
 * self    handed to every function; the store owns it from now on, also if
 *         this call fails (driver->destroy)
 *
 * Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_create(const char *name,
                                                              const recsys_store_driver *driver,
                                                              void *self,
                                                              const recsys_store_options *options,
                                                              recsys_store **out,
                                                              recsys_error *err);

/*
 * The in-process store: bounded in bytes, evicting like recsys_cache, which it
 * is made of. A hit copies and allocates nothing. It behaves as Redis does.
 *
 * cache_options  as for recsys_cache_create(); NULL = defaults. A value may be 1 KiB
 *                larger than max_value_bytes, for what recsys_aside puts around it
 *
 * Fails with: as recsys_cache_create() does. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_store_create_memory(const char *name, const recsys_cache_options *cache_options,
                           recsys_store **out, recsys_error *err);

/* NULL is allowed. Values handed out by the in-process store must have been released. */
RECSYS_API void recsys_store_destroy(recsys_store *store);

/* BORROWED from the store. */
RECSYS_API const char *recsys_store_get_name(const recsys_store *store);

/* For drivers with functions of their own: `self`, if the store's driver has
 * this destroy function; else NULL. */
RECSYS_API void *recsys_store_get_self(const recsys_store *store, void (*destroy)(void *self));

/*
 * The operations, as the driver's contracts above say.
 *
 * All fail with: E_STATE (the breaker is open; nothing was sent), E_TIMEOUT,
 *   E_IO, E_BACKEND (no answer, or an error; a write may have happened),
 *   E_INVALID, E_LIMIT, E_NOMEM.
 * Values handed out are the caller's to release. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_get(recsys_store *store,
                                                           const recsys_bytes *keys, size_t n,
                                                           recsys_value *values, uint64_t *life,
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
                        recsys_value *present, uint64_t *life, recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_store_replace(recsys_store *store, recsys_bytes key, recsys_bytes prefix, recsys_bytes value,
                     uint64_t ttl_ms, recsys_error *err);
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_scan(recsys_store *store,
                                                            const recsys_bytes *parts, size_t n,
                                                            uint64_t *cursor,
                                                            recsys_key_callback callback,
                                                            void *user_data, recsys_error *err);
/* Also: E_UNSUPPORTED (the driver has no take). */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_take(recsys_store *store, recsys_bytes key,
                                                            uint64_t emission_us, uint32_t burst,
                                                            uint32_t cost, recsys_take *out,
                                                            recsys_error *err);

enum {
    RECSYS_STORE_CLOSED = 1, /* in use */
    RECSYS_STORE_OPEN = 2    /* left alone */
};

/*
 * If the breaker is open and its pause is over: ping the store, have those who
 * use it make up for what they could not tell it (lost invalidations), and
 * close the breaker if all of that succeeded. Call it every 100 ms or so from a
 * thread that may wait for a command's time-out, and say RECSYS_STORE_PROBED;
 * otherwise a request does it, one at a time, and waits.
 *
 * Fails with: E_STATE (open still, and its pause not over), what the ping or
 *   the making up failed with. RECSYS_OK: the breaker is closed.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_probe(recsys_store *store,
                                                             recsys_error *err);

typedef struct recsys_store_stats {
    uint32_t struct_size; /* in: sizeof(recsys_store_stats) */
    uint32_t breaker;     /* RECSYS_STORE_CLOSED or _OPEN */
    uint64_t calls, failures, refused; /* refused: while the breaker was open */
    uint64_t opened;      /* how often the breaker has opened */
    uint64_t entries, bytes, max_bytes, evictions; /* of an in-process store; others leave 0 */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_store_stats;

/* Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_store_get_stats(recsys_store *store,
                                                                 recsys_store_stats *out,
                                                                 recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
