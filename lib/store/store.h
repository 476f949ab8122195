/* lib/store/store.h - the store object, for lib/aside, lib/domain, lib/denylist and lib/limiter.
 *
 * While a store's breaker is open, no invalidation reaches it. A part of the library that has one
 * keeps it, and registers a function, a teller, that sends it before the breaker closes. See
 * probe.c for the order of steps.
 */
#ifndef RS_STORE_STORE_H
#define RS_STORE_STORE_H

#include <stdatomic.h>

#include "lib/base/fork.h"
#include "lib/base/lock.h"
#include "lib/store/breaker.h"
#include "recsys/store.h"

struct rs_teller {
    struct rs_teller *next;
    recsys_status (*tell)(void *arg, recsys_error *err);
    void *arg;
};

struct recsys_store {
    struct rs_breaker breaker;
    recsys_store_driver driver;
    void *self;
    char *name;
    atomic_uint refs;
    uint32_t flags;        /* RECSYS_STORE_PROBED */
    uint64_t ttl_ms;       /* for a value stored with none; or RECSYS_NEVER */
    uint32_t forks;        /* rs_fork_count() when it was made */
    uint8_t is_in_process; /* all it has is memory: a forked child has its own */
    /* The figures of the cache that an in-process store is made of; NULL for other stores. */
    void (*count)(void *self, recsys_store_stats *out);
    atomic_uint_fast64_t silent_until_ns; /* of warnings that the store refuses calls */
    struct rs_lock telling;    /* held while tellers run; before the breaker's lock */
    struct rs_teller *tellers; /* protected by telling */
};

/* E_STATE in a forked child, unless the store is in the process: its connections are the
 * parent's, and an invalidation that the child could not send would be lost. */
static inline recsys_status rs_store_check_fork(const recsys_store *store, recsys_error *err)
{
    return store->is_in_process ? RECSYS_OK : rs_fork_check(store->forks, "a store", err);
}

/* Can it change two keys in one step? */
static inline int rs_store_can_exchange(const recsys_store *store)
{
    return store->driver.exchange != NULL;
}

/*
 * Change a value and its companion together. ttl_ms 0 is the store's.
 *
 * Fails with: E_NOT_FOUND (RECSYS_EXCHANGE_IF_SEEN: something else is there), E_UNSUPPORTED (the
 *   driver cannot), and as recsys_store_set() does.
 */
recsys_status rs_store_exchange(recsys_store *store, const recsys_exchange *wanted,
                                recsys_error *err);

/*
 * Have `tell` called when the store has answered a probe, before the breaker closes; a failure
 * keeps it open. It runs on the probing thread, whose calls of the store pass the breaker
 * meanwhile. It may be called several times in a row, until nothing is left.
 *
 * Without RECSYS_STORE_PROBED any call of the store may probe. So a caller must hold no lock that
 * its `tell` takes, and must not register or cancel in `tell`.
 *
 * Fails with: E_NOMEM.
 */
recsys_status rs_store_on_return(recsys_store *store,
                                 recsys_status (*tell)(void *arg, recsys_error *err), void *arg,
                                 recsys_error *err);

/* Remove everything that was registered with `arg`. Waits for a `tell` that is running. */
void rs_store_cancel_return(recsys_store *store, const void *arg);

/*
 * Open the breaker at once, because an invalidation did not reach the store. Before this call it
 * was put where `tell` finds it; until `tell` has sent it, no thread of this process reads from the
 * store. A probe that is running calls the tellers once more before it closes.
 */
void rs_store_trip(recsys_store *store);

#endif
