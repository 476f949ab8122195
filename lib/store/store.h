/* lib/store/store.h - for what is built on stores (lib/aside, lib/domain, lib/denylist): coming
 * back.
 *
 * While a store's breaker is open nobody can tell it what has changed. Whoever has
 * something to tell remembers it and registers a function that makes up for it
 * before the breaker closes. See probe.c for the order of things.
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
    struct rs_lock telling;    /* held while tellers run; before the breaker's lock */
    struct rs_teller *tellers; /* protected by telling */
};

/* E_STATE in a forked child, unless the store is in the process: its connections are the
 * parent's, and what the child could not tell it, nobody would ever tell. */
static inline recsys_status rs_store_check_fork(const recsys_store *store, recsys_error *err)
{
    return store->is_in_process ? RECSYS_OK : rs_fork_check(store->forks, "a store", err);
}

/*
 * Have `tell` called when the store has answered a probe, before the breaker
 * closes; a failure keeps it open. It runs on the probing thread, and whatever
 * that thread asks of the store meanwhile by the public functions reaches the
 * driver. It may be called several times in a row, until nothing is left.
 *
 * Without RECSYS_STORE_PROBED any call of the store may probe. So a caller must
 * hold no lock that his `tell` takes, and must not register or cancel in `tell`.
 *
 * Fails with: E_NOMEM.
 */
recsys_status rs_store_on_return(recsys_store *store,
                                 recsys_status (*tell)(void *arg, recsys_error *err), void *arg,
                                 recsys_error *err);

/* Everything registered with `arg`. Waits for a `tell` that is running. */
void rs_store_cancel_return(recsys_store *store, const void *arg);

/*
 * Open the breaker at once: something that it could not be told has been
 * put where `tell` will find it (before this call), and nobody in this process
 * may read from the store until that is done. A probe that is under way tells
 * once more instead of closing over it.
 */
void rs_store_trip(recsys_store *store);

#endif
