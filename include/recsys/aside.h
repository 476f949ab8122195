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
 * A cache in front of something slow, kept in a store that many processes may
 * share. docs/caching.md explains it; what it promises:
 *
 *   A value read before an invalidation is never stored after it: the right to
 *   fill a key is a lease under that very key, and removing the key, by whatever
 *   program, ends it (Nishtala et al., NSDI 2013).
 *   One load an expiry: single flight in the process, the lease across processes,
 *   early refresh by XFetch (Vattani et al., VLDB 2015) for values in use.
 *   A value says whose it is: what comes back under another key is an error.
 *   An error is not a miss, and a store that fails is not asked for a while.
 *   Invalidations that the store could not be told are told before it is
 *   trusted again; what lived before it restarted is not trusted at all.
 *
 * The embedded default, an in-process store, goes the same way.
 *
 * In a forked child a cache over the in-process store goes on with a copy of its
 * own, if no other thread was inside a call when the process forked. Over any other
 * store every call fails with E_STATE there; a child makes caches of its own.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread. Loaders and writers run on the
 * calling thread, without locks.
 * Ownership: one owner; recsys_aside_destroy(). It takes a reference to the store.
 * Values stay valid until they are released, also after that.
 */
typedef struct recsys_aside recsys_aside;

enum {
    RECSYS_ASIDE_HIT = 1,      /* from the cache, fresh */
    RECSYS_ASIDE_STALE = 2,    /* from the cache, older than its time to live */
    RECSYS_ASIDE_NEGATIVE = 3, /* the cache knows that there is none */
    RECSYS_ASIDE_MISS = 4,     /* not in the cache, or refreshed by this call; loaded, if there was a loader */
    RECSYS_ASIDE_UNKNOWN = 5   /* the cache could not say; loaded, if there was a loader */
};

enum {
    RECSYS_ASIDE_JSON = 1u << 0, /* values must be JSON text; others are refused with E_FORMAT */
    RECSYS_ASIDE_NO_STALE = 1u << 1,    /* no value is handed out beyond its time to live */
    RECSYS_ASIDE_NO_NEGATIVE = 1u << 2, /* that there is none is not kept */
    RECSYS_ASIDE_NO_JITTER = 1u << 3,   /* times to live are exact */
    RECSYS_ASIDE_NO_REFRESH = 1u << 4   /* no value is loaded anew before its end */
};

typedef struct recsys_aside_options {
    uint32_t struct_size;
    uint32_t flags;           /* RECSYS_ASIDE_* */
    uint32_t ttl_ms;          /* 0 = 300000; RECSYS_NEVER_32 */
    uint32_t stale_ms;        /* kept that long beyond, for when loading fails; 0 = as ttl_ms but at
                                 most 600000; RECSYS_NEVER_32 */
    uint32_t negative_ttl_ms; /* 0 = 30000, at most ttl_ms; RECSYS_NEVER_32 */
    uint32_t jitter_percent;  /* every time to live is shortened by 0 to this much; 0 = 10, at most 50 */
    uint32_t lease_ms;        /* how long a loader may take before another one starts; 0 = 2000 */
    uint32_t wait_ms;         /* for another one's loader, before loading all the same without
                                 storing; 0 = twice lease_ms; RECSYS_NEVER_32 */
    uint32_t max_loads;       /* loaders running at once in this process while the store is away; 0 = 32 */
    uint32_t journal_keys;    /* invalidations remembered while the store is away; 0 = 4096 */
    uint64_t max_value_bytes; /* larger ones are handed out, not stored; 0 = 1 MiB */
    double beta;              /* XFetch: > 1 refreshes earlier, < 1 later; 0 = 1; not negative */
    recsys_stats *stats;      /* SHARED: a reference is taken; NULL = count only for recsys_aside_get_stats() */
    const char *label;        /* name of the logical db: in stats, and in every value, so that no other
                                 db's is taken for one of this; 1..64 printable characters, the same
                                 in all processes; COPIED; NULL = the store's name */
    /* For tests and simulations; NULL = the system's. Called from any thread, now_ms and sleep_ms
     * perhaps with a lock of this cache held; must call nothing of the library. */
    uint64_t (*now_ms)(void *user_data); /* since 1970 */
    uint64_t (*random)(void *user_data); /* never the same number twice, in no process */
    void (*sleep_ms)(uint32_t ms, void *user_data); /* moves now_ms, which then measures waiting, too */
    void *user_data;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_aside_options;

#define RECSYS_ASIDE_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_aside_options, user_data)
#define RECSYS_ASIDE_OPTIONS_INIT \
    {(uint32_t)sizeof(recsys_aside_options), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0.0, NULL, \
     NULL, NULL, NULL, NULL, NULL}

/* Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_create(recsys_store *store,
                                                              const recsys_aside_options *options,
                                                              recsys_aside **out,
                                                              recsys_error *err);
/* No call may be running. NULL is allowed. */
RECSYS_API void recsys_aside_destroy(recsys_aside *aside);

/*
 * Look up, and no more.
 *
 * key      1..512 bytes; not ending in "~r" or beginning with '~'
 * out      receives the value for HIT and STALE
 * outcome  receives RECSYS_ASIDE_*; or NULL
 *
 * Fails with: E_NOT_FOUND (outcome MISS or NEGATIVE), what the store failed with
 *   (outcome UNKNOWN), E_FORMAT (UNKNOWN, too: what the store gave is damaged or
 *   another key's), E_INVALID.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_get(recsys_aside *aside, recsys_bytes key,
                                                           recsys_value *out, uint32_t *outcome,
                                                           recsys_error *err);

/* What a loader fills in, once. */
typedef struct recsys_aside_load recsys_aside_load;

/*
 * Read the value from where it is true and call recsys_aside_load_set(); return
 * E_NOT_FOUND if there is none, which is kept as well. Any other failure is
 * handed to all who wait, unless a stale value can be. RECSYS_OK without a value
 * is E_INVALID, a number that is no status E_CALLBACK. `err` is never NULL and
 * empty; what is left empty is filled in.
 *
 * Runs on the thread that called recsys_aside_get_or_load(), without locks. It may
 * use this cache and its store, but not end them. For the key that it is loading
 * recsys_aside_get_or_load() hands out what there is, else fails with E_STATE; two
 * loaders that wait for each other's keys wait until their time-outs.
 * No exception and no longjmp may leave it.
 */
typedef recsys_status (*recsys_aside_loader)(recsys_aside_load *load, void *user_data,
                                             recsys_error *err);

enum {
    RECSYS_ASIDE_UNCACHED = 1u << 0 /* hand it out, do not store it */
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
 * Look up, or load and store.
 *
 * timeout_ms  for waiting on another one's loader; 0 = the cache's wait_ms;
 *             RECSYS_NEVER_32 = as long as it takes. The loader must mind its own
 *             deadline.
 *
 * Fails with: E_NOT_FOUND (outcome NEGATIVE, or MISS if it was just found out),
 *   what the loader failed with, E_CALLBACK, E_EXHAUSTED (too many loaders are running),
 *   E_STATE (asked by the key's own loader), E_INVALID, E_NOMEM. Never because of the
 *   store.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_aside_get_or_load(recsys_aside *aside, recsys_bytes key, recsys_aside_loader loader,
                         void *user_data, uint32_t timeout_ms, recsys_value *out,
                         uint32_t *outcome, recsys_error *err);

/*
 * Store a value that the caller knows to be true now. It replaces whatever is
 * there; for what can change meanwhile use recsys_aside_write().
 *
 * ttl_ms  0 = the cache's; RECSYS_NEVER = does not expire
 *
 * Fails with: E_LIMIT, E_FORMAT (not JSON), what the store failed with (then the
 *   key is as good as removed), E_INVALID, E_NOMEM. Since: 0.1
 */
RECSYS_API recsys_status recsys_aside_set(recsys_aside *aside, recsys_bytes key, recsys_bytes value,
                                          uint64_t version, uint64_t ttl_ms, recsys_error *err);

/*
 * Changes the truth (and commits). May call recsys_aside_changes_set().
 *
 * Runs on the thread that called recsys_aside_write(), without locks. It may use
 * this cache and its store, but not end them. What it returns, and `err`: as for
 * recsys_aside_loader. No exception and no longjmp may leave it.
 */
typedef struct recsys_aside_changes recsys_aside_changes;
typedef recsys_status (*recsys_aside_writer)(recsys_aside_changes *changes, void *user_data,
                                             recsys_error *err);

/*
 * Write-through: the value that keys[index] has by this write. It takes the
 * place of a cached value of a lower version and of nothing else: where nothing
 * is cached nothing is stored, and a load that runs is fenced off.
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
 * Run `writer`, then invalidate (or write through) the keys. The order cannot
 * be got wrong: there is no way to invalidate before the commit. If the writer
 * fails, the keys are invalidated all the same, since the write may have
 * happened.
 *
 * Fails with: what the writer returned, E_CALLBACK, E_INVALID. Never because of the store:
 *   what it could not be told is remembered and told later.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_write(recsys_aside *aside,
                                                             const recsys_bytes *keys, size_t n,
                                                             recsys_aside_writer writer,
                                                             void *user_data, recsys_error *err);

/*
 * Invalidate keys whose truth has changed, after that change was committed. Loads
 * that are running will not be stored.
 *
 * Fails with: E_INVALID. What the store could not be told is remembered.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_invalidate(recsys_aside *aside,
                                                                  const recsys_bytes *keys,
                                                                  size_t n, recsys_error *err);

/*
 * Invalidate every key made of the literals parts[0..n-1] with anything between
 * each two: {"user:", ""} is all that begins with "user:". Literals are
 * taken as they are, whatever characters are in them. Walks through the whole
 * store in small steps; {""}{""} alone is refused, see _invalidate_all.
 *
 * n          2..8; all parts together at most 256 bytes, not all empty
 * n_removed  or NULL
 *
 * Fails with: E_INVALID; what the store failed with: then everything is
 *   invalidated as soon as it is back. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_aside_invalidate_matching(recsys_aside *aside, const recsys_bytes *parts, size_t n,
                                 uint64_t *n_removed, recsys_error *err);

/* Invalidate everything in this cache at once, in all processes: a new epoch. What
 * was there is overwritten or expires. Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_invalidate_all(recsys_aside *aside,
                                                                      recsys_error *err);

typedef struct recsys_aside_stats {
    uint32_t struct_size; /* in: sizeof(recsys_aside_stats) */
    uint32_t journal;     /* invalidations that the store has yet to be told */
    uint64_t hits, stale, negative, misses, unknown;
    uint64_t loads, load_failures, shared; /* shared: waited for a loader of this process */
    uint64_t waited;            /* for a loader of another process */
    uint64_t early;             /* refreshes before the expiry */
    uint64_t fills, fills_refused;      /* refused: invalidated meanwhile, or the lease ran out */
    uint64_t identity_mismatches, damaged;
    uint64_t invalidations, replayed, epochs;
    uint64_t too_large;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_aside_stats;

#define RECSYS_ASIDE_STATS_SIZE_V1 RECSYS_SIZE_TO(recsys_aside_stats, too_large)
#define RECSYS_ASIDE_STATS_INIT \
    {(uint32_t)sizeof(recsys_aside_stats), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, \
     0u, 0u, 0u, 0u, 0u, 0u}

/* Fails with: E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_aside_get_stats(recsys_aside *aside,
                                                                 recsys_aside_stats *out,
                                                                 recsys_error *err);

/*
 * A key of fixed text and parameters: "chat:history:{id}" with one value.
 * Everything in a value but A-Z a-z 0-9 . _ - is percent-encoded, so no value
 * can reach into another part of the key.
 *
 * pattern  fixed text with {name} for each value; of printable ASCII
 * out      receives the key, NUL-terminated
 * size     in: of the buffer; out: of the key without the NUL
 *
 * Fails with: E_INVALID (as many values as names are needed; a value must not
 *   be empty), E_LIMIT (longer than 512 bytes or than the buffer). Since: 0.2
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
