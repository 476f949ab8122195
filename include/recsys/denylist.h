/* recsys/denylist.h - revoked tokens: reports CLEAR only when that is proven. Group: guards. */
#ifndef RECSYS_DENYLIST_H
#define RECSYS_DENYLIST_H

#include <stddef.h>
#include <stdint.h>

#include "export.h"
#include "source.h"
#include "stats.h"
#include "status.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The JWTs (RFC 7519, named by their jti) that were revoked before they expire.
 *
 * The database is the truth and is written first. Every process keeps the
 * complete list of revoked tokens (32 to 64 bytes a token) and the revision up to
 * which it is complete. The store holds the newest revision, and `blacklist:{jti}`
 * for other services. A token is CLEAR only if this process' list is complete up
 * to the newest revision, or if the database says so. When the store evicts keys,
 * is flushed or restarts, the only cost is one query to the database.
 * (docs/decisions/0007-revoked-means-revoked.md says why that is right.)
 *
 * A token stays on the list for eleven minutes after it has expired, for validators
 * that allow some leeway and for clocks that differ.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread.
 * In a forked child every function but recsys_denylist_destroy() fails with
 * E_STATE, because a thread of the parent may have held a lock.
 *
 * Ownership: one owner; recsys_denylist_destroy(). It holds references to its
 *   store, its source and its stats, which may end before it.
 */
typedef struct recsys_denylist recsys_denylist;

enum {
    RECSYS_TOKEN_CLEAR = 1, /* certainly not revoked */
    RECSYS_TOKEN_REVOKED = 2,
    RECSYS_TOKEN_UNKNOWN = 3,    /* neither the store nor the database answered: not CLEAR */
    RECSYS_TOKEN_UNCONFIRMED = 4 /* neither this process' list nor the store has the token, but the
                                    database does not answer, so the list may be incomplete: not
                                    CLEAR. See confirmed_ms */
};

typedef struct recsys_denylist_options {
    uint32_t struct_size;
    uint32_t timeout_ms; /* for a query to the database while a request waits; 0 = 50;
                            RECSYS_NEVER_32 = as long as it takes */
    uint64_t max_tokens; /* with more, checks ask the database for each token; 0 = 4194304 */
    recsys_stats *stats; /* SHARED: a reference is taken; NULL = none */
    /* Clock, since 1970; NULL = the system's. The denylist calls it from any thread, several at
     * once, while it holds a lock; it must not call the library. */
    uint64_t (*now_ms)(void *user_data);
    void *user_data;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_denylist_options;

#define RECSYS_DENYLIST_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_denylist_options, user_data)
#define RECSYS_DENYLIST_OPTIONS_INIT                                                               \
    {                                                                                              \
        (uint32_t)sizeof(recsys_denylist_options), 0u, 0u, NULL, NULL, NULL                        \
    }

/*
 * store   NULL = none: every check asks the database for its revision
 * source  a database with the tables of the migration (schema auth_db). It must be
 *         the primary, since a replica may not have the newest revocations.
 *         NULL = revocations are kept in this process and in the store alone, and
 *         are lost with them (then store must not be NULL)
 *
 * Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_denylist_create(
    recsys_store *store, recsys_source *source, const recsys_denylist_options *options,
    recsys_denylist **out, recsys_error *err);
/* NULL is allowed. */
RECSYS_API void recsys_denylist_destroy(recsys_denylist *denylist);

/*
 * Revoke a token until it expires. When this returns RECSYS_OK, every process
 * refuses the token. Revoking twice is harmless; the first reason stays, and the
 * later expiry counts.
 *
 * If this process cannot reach the store, other processes may still read an old
 * revision there. Then the call waits until that revision is too old for them to
 * trust: at most two seconds longer than the database takes.
 *
 * jti         1..255 bytes of UTF-8
 * user_id     or NULL, as reason may be
 * expires_s   since 1970, the token's exp
 *
 * Fails with: the database's status (then the token may or may not be revoked),
 *   E_INVALID, E_NOMEM. Never because the store fails, unless there is no
 *   database.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_denylist_revoke(recsys_denylist *denylist, recsys_bytes jti, const char *user_id,
                       const char *reason, uint64_t expires_s, recsys_error *err);

/*
 * Revoke all tokens of a user that were issued before a time, known or not. When this returns
 * RECSYS_OK, recsys_denylist_check_user() of every process refuses them; recsys_denylist_check(),
 * which is not told whose token it is, does not. The later time counts, and is kept for good: one
 * row of auth_db.revoked_users a user, and `blacklist:user:{id}` in the store for other services.
 * It waits as recsys_denylist_revoke() does.
 *
 * user_id          1..255 bytes of UTF-8, the token's sub
 * reason           or NULL; the last one stays
 * issued_before_s  since 1970, 1 to the end of the year 9999. Tokens have their iat mostly in whole
 *                  seconds, so "until now" is now + 1
 *
 * Fails with: as recsys_denylist_revoke(). Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_denylist_revoke_user(recsys_denylist *denylist,
                                                                      const char *user_id,
                                                                      const char *reason,
                                                                      uint64_t issued_before_s,
                                                                      recsys_error *err);

typedef struct recsys_denylist_verdict {
    uint32_t struct_size; /* in: sizeof(recsys_denylist_verdict) */
    uint32_t verdict;     /* RECSYS_TOKEN_*; 0 if the call failed, which is not CLEAR */
    recsys_error problem; /* for UNKNOWN and UNCONFIRMED: the failure of the store or the
                             database; else all zero */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_denylist_verdict;

#define RECSYS_DENYLIST_VERDICT_SIZE_V1 RECSYS_SIZE_TO(recsys_denylist_verdict, problem)
#define RECSYS_DENYLIST_VERDICT_INIT                                                               \
    {                                                                                              \
        (uint32_t)sizeof(recsys_denylist_verdict), 0u,                                             \
        {                                                                                          \
            0, 0,                                                                                  \
            {                                                                                      \
                0                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

/*
 * Is the token revoked? If the store or the database fails, this call succeeds
 * anyway: the verdict is UNKNOWN or UNCONFIRMED, and `problem` says why.
 *
 * Fails with: E_INVALID, E_STATE. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_denylist_check(recsys_denylist *denylist,
                                                                recsys_bytes jti,
                                                                recsys_denylist_verdict *out,
                                                                recsys_error *err);

/*
 * The same, and: were all tokens of its user revoked that were issued before a time later than
 * this one's? Still one round trip.
 *
 * user_id   1..255 bytes of UTF-8, the token's sub
 * issued_s  since 1970, the token's iat, a fraction cut off; 0 = it has none, and counts as issued
 *           before any time
 *
 * Fails with: E_INVALID, E_STATE. Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_denylist_check_user(recsys_denylist *denylist, recsys_bytes jti, const char *user_id,
                           uint64_t issued_s, recsys_denylist_verdict *out, recsys_error *err);

/* The entry of a revoked token: {"jti","user_id","reason","blacklisted_at","expires_at"}.
 * Fails with: E_NOT_FOUND (not revoked), the status of store or database. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_denylist_get(recsys_denylist *denylist,
                                                              recsys_bytes jti, recsys_value *json,
                                                              recsys_error *err);

/* Read new revocations from the database, drop expired ones, and write the revision
 * to the store. A service calls it at its start and then every second or so from a
 * thread of its own; then requests do not have to. Once a minute it also deletes
 * rows from the database that expired more than a day ago. Fails with: the
 * database's status, E_LIMIT (more than max_tokens), E_NOMEM. Since: 0.1 */
RECSYS_API recsys_status recsys_denylist_sync(recsys_denylist *denylist, recsys_error *err);

typedef struct recsys_denylist_stats {
    uint32_t struct_size; /* in: sizeof(recsys_denylist_stats) */
    uint32_t reserved;
    uint64_t tokens;                                         /* in this process' list */
    uint64_t checks, revoked, unknown, syncs, sync_failures; /* unknown: UNCONFIRMED, too */
    uint64_t confirmed_ms; /* when this process' list was last known to be complete: ms since 1970;
                              0 = never */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_denylist_stats;

#define RECSYS_DENYLIST_STATS_SIZE_V1 RECSYS_SIZE_TO(recsys_denylist_stats, confirmed_ms)
#define RECSYS_DENYLIST_STATS_INIT                                                                 \
    {                                                                                              \
        (uint32_t)sizeof(recsys_denylist_stats), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u                    \
    }

/* Fails with: E_INVALID. Since: 0.1 */
RECSYS_API recsys_status recsys_denylist_get_stats(recsys_denylist *denylist,
                                                   recsys_denylist_stats *out, recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
