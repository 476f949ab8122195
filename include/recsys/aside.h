/* recsys/aside.h - cache-aside: read through a store, write around it, never stale for long. */
#ifndef RECSYS_ASIDE_H
#define RECSYS_ASIDE_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "stats.h"
#include "status.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A cache in front of a slow database, kept in a store that many processes may
 * share. docs/caching.md explains it. Its promises:
 *
 *   Never an old value after an invalidation: the right to fill a key is a lease
 *   that is kept under the same key. Removing the key, by whatever program, ends
 *   the lease, so a value that was read before an invalidation is never stored
 *   after it (Nishtala et al., NSDI 2013).
 *   One load for each expiry: single flight within the process, the lease between
 *   processes, early refresh by XFetch (Vattani et al., VLDB 2015) for values
 *   that are read often.
 *   A value contains its key: a value that comes back under another key is an
 *   error.
 *   An error is not a miss: after errors the cache does not ask the store for a
 *   while.
 *   Invalidations that did not reach the store are sent before the cache trusts
 *   the store again; values from before a restart of the store are never used.
 *
 * All of this also holds over the in-process store.
 *
 * In a forked child a cache over the in-process store has a copy of its own, which
 * works if no other thread was inside a call when the process forked. Over any
 * other store every call fails with E_STATE there; a child makes its own caches.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread. Loaders and writers run on the
 * calling thread, without locks.
 * Ownership: one owner; recsys_aside_destroy(). It takes a reference to the store.
 * Values stay valid until they are released, also after the cache was destroyed.
 */
typedef struct recsys_aside recsys_aside;

enum {
    RECSYS_ASIDE_HIT = 1,      /* from the cache, fresh */
    RECSYS_ASIDE_STALE = 2,    /* from the cache, older than its time to live */
    RECSYS_ASIDE_NEGATIVE = 3, /* a cached "does not exist" */
    RECSYS_ASIDE_MISS = 4,     /* not in the cache, or refreshed by this call; loaded, if there was a loader */
    RECSYS_ASIDE_UNKNOWN = 5   /* the store failed; loaded, if there was a loader */
};

enum {
    RECSYS_ASIDE_JSON = 1u << 0, /* values must be JSON text; others are refused with E_FORMAT */
    RECSYS_ASIDE_NO_STALE = 1u << 1,    /* no value is returned after its time to live */
    RECSYS_ASIDE_NO_NEGATIVE = 1u << 2, /* a "does not exist" is not cached */
    RECSYS_ASIDE_NO_JITTER = 1u << 3,   /* times to live are exact */
    RECSYS_ASIDE_NO_REFRESH = 1u << 4,  /* no early refresh */
    /* With RECSYS_ASIDE_FORMAT_PLAIN: return JSON that another program has stored, for as long as
     * that program lets it live. Without, such a value is replaced by a loaded one. */
    RECSYS_ASIDE_TRUST_OTHERS = 1u << 5
};

enum {
    /* A value in an envelope of this library, under its key. */
    RECSYS_ASIDE_FORMAT_ENVELOPE = 1,
    /* The value as it is under its key, for programs that know nothing of this library, and a
     * companion under a key beside it, written in the same step. It expires at its time to live,
     * of which the stale time is the last tenth at most. */
    RECSYS_ASIDE_FORMAT_PLAIN = 2
};

typedef struct recsys_aside_options {
    uint32_t struct_size;
    uint32_t flags;           /* RECSYS_ASIDE_* */
    uint32_t ttl_ms;          /* 0 = 300000; RECSYS_NEVER_32 */
    uint32_t stale_ms;        /* a stale value is kept this long, to be returned if loading fails;
                                 0 = as ttl_ms but at most 600000; RECSYS_NEVER_32 */
    uint32_t negative_ttl_ms; /* 0 = 30000, at most ttl_ms; RECSYS_NEVER_32 */
    uint32_t jitter_percent;  /* every time to live is shortened by 0 to this much; 0 = 10, at most 50 */
    uint32_t lease_ms;        /* how long a loader may take before another one starts; 0 = 2000 */
    uint32_t wait_ms;         /* how long to wait for another caller's loader; afterwards the caller
                                 loads without storing; 0 = twice lease_ms; RECSYS_NEVER_32 */
    uint32_t max_loads;       /* loaders running at once in this process while the store is away; 0 = 32 */
    uint32_t journal_keys;    /* room for invalidations while the store is away; 0 = 4096 */
    uint64_t max_value_bytes; /* larger values are returned, but not stored; 0 = 1 MiB */
    double beta;              /* XFetch: > 1 refreshes earlier, < 1 later; 0 = 1; not negative */
    recsys_stats *stats;      /* SHARED: a reference is taken; NULL = count only for recsys_aside_get_stats() */
    const char *label;        /* name of the logical db: in stats, and in every value, so that a value
                                 of another logical db is recognised; 1..64 printable characters, the
                                 same in all processes; COPIED; NULL = the store's name */
    /* For tests and simulations; NULL = the system's. The cache calls them from any thread, now_ms
     * and sleep_ms perhaps while it holds a lock; they must not call the library. */
    uint64_t (*now_ms)(void *user_data); /* since 1970 */
    uint64_t (*random)(void *user_data); /* never the same number twice, in any process */
    void (*sleep_ms)(uint32_t ms, void *user_data); /* moves now_ms, which then measures waiting, too */
    void *user_data;
    uint32_t format;   /* RECSYS_ASIDE_FORMAT_*, the same in all processes; 0 = ENVELOPE. Since: 0.2 */
    uint32_t reserved; /* 0 */
    /* -- end of version 2 -- append below, never insert above -- */
} recsys_aside_options;

#define RECSYS_ASIDE_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_aside_options, user_data)
#define RECSYS_ASIDE_OPTIONS_SIZE_V2 RECSYS_SIZE_TO(recsys_aside_options, reserved)
#define RECSYS_ASIDE_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_aside_options), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0.0, NULL, \
     NULL, NULL, NULL, NULL, NULL, 0u, 0u}

/* Fails with: E_INVALID, E_UNSUPPORTED (also: FORMAT_PLAIN, and the store's driver has no
 * `exchange`), E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_create(recsys_store *store,
                                                              const recsys_aside_options *options,
                                                              recsys_aside **out,
                                                              recsys_error *err);
/* No call may be running. Invalidations that are remembered are sent if the store answers at
 * once; else they are lost, which is logged: call recsys_aside_flush() before to wait for it.
 * NULL is allowed. */
RECSYS_API void recsys_aside_destroy(recsys_aside *aside);

/*
 * Look up a key, without loading.
 *
 * key      1..512 bytes; not beginning with '~' and, in an envelope, not ending in "~r"
 * out      receives the value for HIT and STALE
 * outcome  receives RECSYS_ASIDE_*; or NULL
 *
 * Fails with: E_NOT_FOUND (outcome MISS or NEGATIVE), the store's status (outcome
 *   UNKNOWN), E_FORMAT (also UNKNOWN: the value in the store is damaged or belongs
 *   to another key), E_INVALID.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_get(recsys_aside *aside, recsys_bytes key,
                                                           recsys_value *out, uint32_t *outcome,
                                                           recsys_error *err);

/* Receives the value that a loader has read: recsys_aside_load_set(), once. */
typedef struct recsys_aside_load recsys_aside_load;

/*
 * Reads the value from the truth and calls recsys_aside_load_set(), or returns
 * E_NOT_FOUND if it does not exist, which is cached too. If it returns another
 * failure, all callers that wait get the stale value, if there is one, else that
 * failure. RECSYS_OK without a value becomes E_INVALID, a number that is no status
 * becomes E_CALLBACK. `err` is zeroed and never NULL; if the loader does not fill
 * it in, the library does.
 *
 * Runs on the thread that called recsys_aside_get_or_load(), without locks. It may
 * use this cache and its store, but not destroy them. If it calls
 * recsys_aside_get_or_load() for the key that it is loading, it gets the cached
 * value, or E_STATE if there is none. Two loaders that wait for each other's keys
 * wait until their time-outs. No exception and no longjmp may leave it.
 */
typedef recsys_status (*recsys_aside_loader)(recsys_aside_load *load, void *user_data,
                                             recsys_error *err);

enum {
    RECSYS_ASIDE_UNCACHED = 1u << 0 /* return the value, but do not store it */
};

/*
 * value    COPIED
 * version  of the row, if it has one that grows with every change; else 0
 * ttl_ms   0 = the cache's; RECSYS_NEVER = does not expire
 *
 * Fails with: E_NOMEM, E_INVALID, E_UNSUPPORTED (unknown flags), E_STATE (called
 *   twice), E_FORMAT (not JSON, with RECSYS_ASIDE_JSON). Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_load_set(recsys_aside_load *load,
                                                                recsys_bytes value,
                                                                uint64_t version, uint64_t ttl_ms,
                                                                uint32_t flags,
                                                                recsys_error *err);

/*
 * Look up a key, or load and store its value.
 *
 * A value that is past its time to live but kept still (stale_ms) is loaded again by one caller, and
 * returned to all others at once. After a failure no process tries again for lease_ms, or for ten
 * times as long as the attempt took, at most 30 s (or lease_ms, if that is more): meanwhile everybody
 * gets the stale value at once.
 *
 * timeout_ms  how long to wait for another caller's loader; 0 = the cache's
 *             wait_ms; RECSYS_NEVER_32 = as long as it takes. It does not bound
 *             the loader itself, which must have a deadline of its own.
 *
 * Fails with: E_NOT_FOUND (outcome NEGATIVE, or MISS if this call's load said so),
 *   the loader's status, E_CALLBACK, E_EXHAUSTED (too many loaders are running),
 *   E_STATE (called by the key's own loader), E_INVALID, E_NOMEM. Never because the
 *   store fails.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_aside_get_or_load(recsys_aside *aside, recsys_bytes key, recsys_aside_loader loader,
                         void *user_data, uint32_t timeout_ms, recsys_value *out,
                         uint32_t *outcome, recsys_error *err);

/*
 * Store a value that the caller knows to be true now. It replaces any cached
 * value. If the truth can change meanwhile, use recsys_aside_write().
 *
 * ttl_ms  0 = the cache's; RECSYS_NEVER = does not expire
 *
 * Fails with: E_LIMIT, E_FORMAT (not JSON), the store's status (then the key is
 *   invalidated), E_INVALID, E_NOMEM. Since: 0.1
 */
RECSYS_API recsys_status recsys_aside_set(recsys_aside *aside, recsys_bytes key, recsys_bytes value,
                                          uint64_t version, uint64_t ttl_ms, recsys_error *err);

/*
 * Changes the truth and commits. May call recsys_aside_changes_set().
 *
 * Runs on the thread that called recsys_aside_write(), without locks. It may use
 * this cache and its store, but not destroy them. Its return value and `err` are
 * treated as a loader's. No exception and no longjmp may leave it.
 */
typedef struct recsys_aside_changes recsys_aside_changes;
typedef recsys_status (*recsys_aside_writer)(recsys_aside_changes *changes, void *user_data,
                                             recsys_error *err);

/*
 * Write-through: give the value that keys[index] has after this write. It replaces
 * a cached value of a lower version. If no value is cached, none is stored, and a
 * load that is running cannot fill the key.
 *
 * value    COPIED
 * version  of the row after the write, not 0
 *
 * Fails with: E_INVALID, E_NOMEM, E_FORMAT; then the key is removed. Since: 0.2
 */
RECSYS_API recsys_status recsys_aside_changes_set(recsys_aside_changes *changes, size_t index,
                                                  recsys_bytes value, uint64_t version,
                                                  recsys_error *err);

/*
 * Run `writer`, then invalidate (or write through) the keys. The order is always
 * right, since the writer commits before the cache invalidates. If the writer
 * fails, the keys are invalidated too, because the write may have happened.
 *
 * Fails with: the writer's status, E_CALLBACK, E_INVALID. Never because the store
 *   fails: invalidations that did not reach it are kept in the journal and sent later;
 *   recsys_aside_flush() waits for that. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_write(recsys_aside *aside,
                                                             const recsys_bytes *keys, size_t n,
                                                             recsys_aside_writer writer,
                                                             void *user_data, recsys_error *err);

/*
 * Invalidate keys whose truth has changed. Call it after the change was committed.
 * The values of loads that are running will not be stored.
 *
 * Fails with: E_INVALID. Invalidations that did not reach the store are kept in
 *   the journal and sent later; recsys_aside_flush() waits for that. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_invalidate(recsys_aside *aside,
                                                                  const recsys_bytes *keys,
                                                                  size_t n, recsys_error *err);

/*
 * Invalidate every key that consists of the literals parts[0..n-1] with any text
 * between each two: {"user:", ""} means all keys that begin with "user:". No
 * character of a literal has a special meaning. The call goes through the whole
 * store in small steps. Empty literals alone are refused: use _invalidate_all.
 *
 * n          2..8; all parts together at most 256 bytes, not all empty
 * n_removed  or NULL
 *
 * Fails with: E_INVALID, the store's status (then the whole cache is invalidated
 *   as soon as the store is back). Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_aside_invalidate_matching(recsys_aside *aside, const recsys_bytes *parts, size_t n,
                                 uint64_t *n_removed, recsys_error *err);

/* Invalidate everything in this cache at once, in all processes: a new epoch. The
 * old values stay in the store, unused, until they are overwritten or expire.
 * Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_invalidate_all(recsys_aside *aside,
                                                                      recsys_error *err);

/*
 * Wait until every invalidation that did not reach the store (by recsys_aside_write(), by
 * _invalidate() and its variants, of any thread of this process) has reached it. A call that
 * finds none returns at once. After a write it says whether the old value may still be read
 * elsewhere; before the end of a program it delivers what would be lost.
 *
 * timeout_ms  0 = 2000; RECSYS_NEVER_32 = as long as it takes. The call also waits for the end
 *             of a command that is under way, which has the store's time-outs.
 *
 * Fails with: E_TIMEOUT (some have not reached it; they stay remembered, and are sent before
 *   this process reads the store again), E_INVALID, E_STATE (in a forked child). Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_flush(recsys_aside *aside,
                                                             uint32_t timeout_ms,
                                                             recsys_error *err);

typedef struct recsys_aside_stats {
    uint32_t struct_size; /* in: sizeof(recsys_aside_stats) */
    uint32_t journal;     /* invalidations that have not reached the store yet */
    uint64_t hits, stale, negative, misses, unknown;
    uint64_t loads, load_failures, shared; /* shared: waited for a loader of this process */
    uint64_t waited;            /* waited for a loader of another process */
    uint64_t early;             /* early refreshes */
    uint64_t fills, fills_refused;      /* refused: invalidated meanwhile, or the lease ended */
    uint64_t identity_mismatches, damaged;
    uint64_t invalidations, replayed, epochs;
    uint64_t too_large;
    uint64_t foreign; /* values of other programs that were found. Since: 0.2 */
    /* -- end of version 2 -- append below, never insert above -- */
} recsys_aside_stats;

#define RECSYS_ASIDE_STATS_SIZE_V1 RECSYS_SIZE_TO(recsys_aside_stats, too_large)
#define RECSYS_ASIDE_STATS_SIZE_V2 RECSYS_SIZE_TO(recsys_aside_stats, foreign)
#define RECSYS_ASIDE_STATS_INIT \
    {(uint32_t)sizeof(recsys_aside_stats), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, \
     0u, 0u, 0u, 0u, 0u, 0u, 0u}

/* Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_get_stats(recsys_aside *aside,
                                                                 recsys_aside_stats *out,
                                                                 recsys_error *err);

/*
 * Make a key of a fixed text and values: "chat:history:{id}" with one value.
 * All characters of a value except A-Z a-z 0-9 . _ - are percent-encoded, so a
 * value cannot change another part of the key.
 *
 * pattern  fixed text with {name} for each value; of printable ASCII
 * out      receives the key, NUL-terminated
 * size     in: of the buffer; out: of the key without the NUL
 *
 * Fails with: E_INVALID (not as many values as names, or an empty value), E_LIMIT
 *   (the key is longer than 512 bytes or than the buffer). Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_key_format(const char *pattern,
                                                            const recsys_bytes *values, size_t n,
                                                            char *out, size_t *size,
                                                            recsys_error *err);

#define RECSYS_KEY_MAX 512u

#ifdef __cplusplus
}
#endif

#endif
