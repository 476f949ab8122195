/* lib/domain/owed.h - the outbox: invalidations that are committed together with their writes.
 *
 * A row of cache_db.outbox is a key whose value a committed write has made old. The writer removes
 * the value at once, as ever; the row is for the case that it dies before, or cannot reach the
 * store. Every process that syncs removes the values that rows older than GRACE name, and trusts
 * what the store has only for TRUST after the begin of such a sync. So when GRACE and TRUST are
 * over, RECSYS_OUTBOX_SETTLE_MS after the commit, no process reads the old value, even if the
 * writer has never reached the store:
 *
 *     commit       commit + GRACE              commit + GRACE + TRUST
 *        |               |                               |
 *        |               |  a sync that begins here sees the row: it removes the value, or cannot
 *        |               |  reach the store and opens the breaker of its process
 *        |               |                               |
 *        |               |            a read here needs a sync that began in the TRUST before it
 *
 * The exception is a process that cannot reach the database but the store: it goes on to trust the
 * store, or an outage of the database would empty all caches. A time-out counts as "cannot reach",
 * for a sync and for a reader, because nobody can tell a database that hangs from a slow one.
 */
#ifndef RS_DOMAIN_OWED_H
#define RS_DOMAIN_OWED_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/lock.h"

#define RS_OUTBOX_GRACE_MS 1000u
#define RS_OUTBOX_TRUST_MS 2000u
#define RS_OUTBOX_SETTLED 1024u

struct rs_owed {
    atomic_uint is_on;                     /* there is a table, and somebody syncs */
    atomic_uint_fast64_t trusted_until_ns; /* by rs_clock_ns() */
    struct rs_lock lock;
    /* protected by the lock: rows of this process whose removals were sent or are in the journal */
    int64_t settled[RS_OUTBOX_SETTLED];
    size_t n_settled;
    uint32_t n_stuck; /* syncs in a row that found many rows and could not deliver them */
};

/* 0, or an errno. */
int rs_owed_init(struct rs_owed *owed);
void rs_owed_destroy(struct rs_owed *owed);

/* The entry was removed, or its removal is remembered. */
void rs_owed_settle(struct rs_owed *owed, int64_t note);

/* May what the store has be used now? */
int rs_owed_is_trusted(struct rs_owed *owed);

#endif
