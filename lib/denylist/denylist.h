/* lib/denylist/denylist.h - private to lib/denylist: the parts of a denylist.
 *
 *   denylist.c        is a token revoked? And creating, syncing, counting
 *   denylist_revoke.c revoking, and the entry of a revoked token
 *   denylist_users.c  revoking all tokens of a user that were issued before a time
 *   denylist_sync.c   reading what is new from the database, one reader at a time
 *   denylist_entries.c  the entries in the store for other services
 *   denylist_time.c   the times in the entries of other services
 *   denylist_proof.c  the revision in the store, and why it is safe to trust it
 *   denylist_set.c    the tokens a process knows, and the users
 *   denylist_arguments.c  the arguments of the public functions, checked
 */
#ifndef RS_DENYLIST_DENYLIST_H
#define RS_DENYLIST_DENYLIST_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "recsys/denylist.h"

/* A revoked token stays on the list this long after it has expired: validators
 * allow some leeway, recsysd up to ten minutes, and clocks differ. The statements say
 * '11 minutes'. */
#define RS_DENYLIST_GRACE_MS 660000u
#define RS_DENYLIST_LAST_S 253402300799 /* the end of the year 9999 */

/* -- set; ONE THREAD AT A TIME -- */

struct rs_jti { /* as the set knows it */
    uint64_t hash[2];
};

struct rs_denylist_slot {
    struct rs_jti jti;
    uint64_t expires_ms; /* since 1970; 0 = free. Of a user: issued_before */
};

struct rs_denylist_set {
    struct rs_denylist_slot *slots; /* open addressing; NULL while empty */
    size_t n_slots, n;              /* n_slots is a power of two; n counts the expired, too */
    uint64_t max;
    size_t hand; /* the slot swept next */
};

struct rs_jti rs_jti_make(recsys_bytes jti);

void rs_denylist_set_init(struct rs_denylist_set *set, uint64_t max);
void rs_denylist_set_destroy(struct rs_denylist_set *set);
/* 1 if it is there and has not expired. */
int rs_denylist_set_has(const struct rs_denylist_set *set, struct rs_jti jti, uint64_t now_ms);
/* The time that was added with this hash; 0: the set does not have it. */
uint64_t rs_denylist_set_get(const struct rs_denylist_set *set, struct rs_jti jti);
/* The later expiry counts. E_LIMIT (`max` are there), E_NOMEM. */
recsys_status rs_denylist_set_add(struct rs_denylist_set *set, struct rs_jti jti,
                                  uint64_t expires_ms, uint64_t now_ms);
/* Remove expired tokens from the next `n_slots` slots. */
void rs_denylist_set_sweep(struct rs_denylist_set *set, size_t n_slots, uint64_t now_ms);

/* -- the denylist -- */

/* A moment of the database. Revisions of another history cannot be compared: after a
 * failover that lost the last commits, or after a restore, they count on from the end
 * of that history. */
struct rs_point {
    uint64_t revision;
    uint64_t history; /* a hash; 0 = none is known yet */
};

/* Where the last sync of the entries has ended. */
struct rs_entries {
    char jti[260]; /* the last one that was looked for in the store; size 0: from the start. A user
                      is user:{id} here */
    size_t jti_size;
    uint64_t incarnation; /* of the store then; 0 = not known yet */
    uint64_t cursor;      /* of the scan for entries of others */
    int is_writing_all;
};

struct recsys_denylist {
    recsys_store *store;
    recsys_source *source;
    uint32_t forks; /* rs_fork_count() of the process it works in */
    uint32_t timeout_ms;
    uint64_t (*now_ms)(void *user_data);
    void *user_data;

    struct rs_lock lock;
    struct rs_signal done; /* a reading has ended */
    /* protected by lock */
    struct rs_denylist_set set;
    struct rs_denylist_set users; /* by their ids; nothing in it expires: its `now_ms` is 0 */
    struct rs_point complete_to;  /* the set has all up to here; only a reading changes it */
    uint64_t n_started, n_done;   /* readings, the last one of each kind by its number */
    int is_reading;
    struct rs_entries entries;
    int is_at_entries;  /* a thread syncs them */
    uint64_t forgot_ns; /* when expired rows were last deleted from the database; 0 = never */
    recsys_status last_status; /* of reading n_done; so are the next two */
    int last_complete;
    recsys_error last_error;

    _Atomic uint64_t confirmed_ms; /* when complete_to was the newest revision; 0 = never */
    _Atomic uint64_t checks, revoked, unknown, syncs, sync_failures; /* relaxed: only counted */
    _Atomic uint64_t n_proofs;                                       /* makes each one's name */
    recsys_stats *stats; /* one reference; NULL = no metrics */
    recsys_metric *clear_metric, *revoked_metric, *unknown_metric, *unconfirmed_metric,
        *unknown_total, *revocations;
    recsys_metric *syncs_metric, *sync_failures_metric, *tokens_metric;
};

static inline uint64_t rs_denylist_now(const struct recsys_denylist *denylist)
{
    return denylist->now_ms(denylist->user_data);
}

/* -- arguments -- */

/* E_INVALID without a denylist, E_STATE in a forked child. */
recsys_status rs_denylist_is_usable(const struct recsys_denylist *denylist, const char *function,
                                    recsys_error *err);

/* Must be 1..255 bytes of UTF-8: a database keeps it as text. */
recsys_status rs_denylist_check_jti(recsys_bytes jti, const char *function, recsys_error *err);

/* The same of a user's id, which ends in a NUL. */
recsys_status rs_denylist_check_user_id(const char *user_id, const char *function,
                                        recsys_error *err);

#define RS_DENYLIST_KEY_SIZE (10 + 5 + 255)
/* `blacklist:{jti}`, in `room`. */
recsys_bytes rs_denylist_key(recsys_bytes jti, char room[RS_DENYLIST_KEY_SIZE]);
/* `blacklist:user:{id}`, in `room`. */
recsys_bytes rs_denylist_user_key(recsys_bytes user, char room[RS_DENYLIST_KEY_SIZE]);

/* A parameter that need not end in a NUL. BORROWED. */
recsys_datum rs_denylist_text(recsys_bytes text);

/* -- sync -- */

/* The set was complete at `now_ms`. */
void rs_denylist_confirm(struct recsys_denylist *denylist, uint64_t now_ms);

/*
 * Read from the database what is new since the last time: one batch, by a
 * reading that starts after this call. Callers that come while a reading runs
 * wait for the next one and share it.
 *
 * use_store  the store has just answered: write a proof to it, too
 * complete   receives 1 if the set now has everything that was revoked when
 *            this was called
 *
 * E_LIMIT or E_NOMEM: the set has no room for all; else the database's status.
 */
recsys_status rs_denylist_read(struct recsys_denylist *denylist, uint32_t timeout_ms, int use_store,
                               int *complete, recsys_error *err);

/* -- users -- */

/* Of a name in the store, without `blacklist:`: the user's id in it, or no data. BORROWED */
recsys_bytes rs_denylist_user_of(recsys_bytes name);
/* Tokens issued before this time (s since 1970) are refused by what lies at the user's key. 0: none
 * (no entry, or one of a token with such a jti); UINT64_MAX: all, since it cannot be read. */
uint64_t rs_denylist_user_entry(const recsys_value *entry);
/* Into the set, the lock held. */
recsys_status rs_denylist_add_user(struct recsys_denylist *denylist, recsys_bytes user,
                                   uint64_t issued_before_s);
/* The entry of a user for other services. */
recsys_status rs_denylist_make_user_entry(const char *user_id, const char *reason,
                                          uint64_t began_ms, uint64_t issued_before_s,
                                          recsys_value *json, recsys_error *err);
/* As rs_denylist_adopt(), for a user. */
recsys_status rs_denylist_adopt_user(struct recsys_denylist *denylist, const char *user_id,
                                     const char *reason, uint64_t issued_before_s);

/* -- entries -- */

/* Bring a part of the entries in the store and of the rows together. Failures are left to the next
 * time. */
void rs_denylist_sync_entries(struct recsys_denylist *denylist);
/* Seconds since 1970 of an ISO 8601 time, in UTC if it does not say where; -1 if it is none. */
int64_t rs_denylist_read_time(const char *text);
/* The entry of a token, as other services write it. */
recsys_status rs_denylist_make_entry(const char *user_id, const char *reason, uint64_t began_ms,
                                     uint64_t expires_ms, recsys_value *json, recsys_error *err);
/* A row for a token that another service has revoked in the store. Afterwards, once for all of
 * them, rs_denylist_proof_withdraw(). */
recsys_status rs_denylist_adopt(struct recsys_denylist *denylist, recsys_bytes jti,
                                const char *user_id, const char *reason, uint64_t expires_s);

/* -- proof -- */

#define RS_PROOF_SIZE 96u

struct rs_proof {
    char seen[RS_PROOF_SIZE]; /* the value in the store before the database was read */
    size_t size;              /* 0: no proof will be written */
    uint64_t incarnation;
};

extern const recsys_bytes rs_denylist_proof_key;

/* Before the database is read, and after. `at` is where it was. */
void rs_denylist_proof_begin(struct recsys_denylist *denylist, struct rs_proof *proof);
void rs_denylist_proof_end(struct recsys_denylist *denylist, const struct rs_proof *proof,
                           struct rs_point at);
/* Does `value`, read in this incarnation of the store, prove that nothing was revoked after `at`?
 */
int rs_denylist_proof_holds(const recsys_value *value, uint64_t incarnation, struct rs_point at);
/* After a commit at `committed_ns` (rs_clock_ns()): returns when no process can
 * find a proof of an older revision. */
void rs_denylist_proof_withdraw(struct recsys_denylist *denylist, uint64_t committed_ns);

#endif
