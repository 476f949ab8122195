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
 * Which JWTs (RFC 7519, by their jti) have been revoked before they expire.
 *
 * The database is written first and is the truth. Every process keeps the
 * complete list of what is revoked (32 to 64 bytes a token) with the revision up to
 * which it is complete; the store holds `blacklist:{jti}` for the services
 * around and the newest revision. A token is CLEAR only if the own list is
 * complete up to that revision, or the database said so. Eviction, a flush or a
 * restart of the store cost a question to the database and nothing else.
 * (docs/decisions/0007-revoked-means-revoked.md says why that is right.)
 *
 * A token stays on the list for a minute after it has expired, for validators
 * that allow some leeway and for clocks that differ.
 *
 * Thread-safety: SYNCHRONIZED; starts no thread.
 * In a forked child, where a lock of its parent's may be held for ever, every
 * function but recsys_denylist_destroy() says E_STATE.
 *
 * Ownership: one owner; recsys_denylist_destroy(). It holds references to its
 *   store, its source and its stats, which may end before it.
 */
typedef struct recsys_denylist recsys_denylist;

enum {
    RECSYS_TOKEN_CLEAR = 1, /* certainly not revoked */
    RECSYS_TOKEN_REVOKED = 2,
    RECSYS_TOKEN_UNKNOWN = 3,    /* neither store nor database could say: not CLEAR */
    RECSYS_TOKEN_UNCONFIRMED = 4 /* not on the own list, and the store answered that it knows
                                    nothing of it; but the database cannot be asked whether
                                    that is all: not CLEAR. See confirmed_ms */
};

typedef struct recsys_denylist_options {
    uint32_t struct_size;
    uint32_t timeout_ms; /* for a question to the database while a request waits; 0 = 50;
                            RECSYS_NEVER_32 = as long as it takes */
    uint64_t max_tokens; /* with more, checks ask the database for each token; 0 = 4194304 */
    recsys_stats *stats; /* SHARED: a reference is taken; NULL = none */
    /* Since 1970; NULL = the system's. Any thread, several at once, a lock held: it calls nothing
     * of this library. */
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
 * source  with the tables of the migration (schema auth_db), and the primary: a
 *         replica may not know yet what was revoked; NULL = the list is
 *         this process' and the store's alone, which is only as safe as they are
 *         (then store must not be NULL)
 *
 * Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_denylist_create(
    recsys_store *store, recsys_source *source, const recsys_denylist_options *options,
    recsys_denylist **out, recsys_error *err);
/* NULL is allowed. */
RECSYS_API void recsys_denylist_destroy(recsys_denylist *denylist);

/*
 * Revoke a token until it expires. When this returns RECSYS_OK every process
 * refuses it. Revoking twice is harmless; the first reason stays, and the later
 * expiry counts.
 *
 * A store that is away cannot be told, and others may reach it all the same: then
 * this waits until what they find there is too old to be believed, two seconds
 * at most beyond the database's own time.
 *
 * jti         1..255 bytes of UTF-8
 * user_id     or NULL, as reason may be
 * expires_s   since 1970, the token's exp
 *
 * Fails with: what the database failed with: then it is not known, and not
 *   promised, that it is revoked; E_INVALID, E_NOMEM. Never because of the store,
 *   unless there is no database.
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_denylist_revoke(recsys_denylist *denylist, recsys_bytes jti, const char *user_id,
                       const char *reason, uint64_t expires_s, recsys_error *err);

typedef struct recsys_denylist_verdict {
    uint32_t struct_size; /* in: sizeof(recsys_denylist_verdict) */
    uint32_t verdict;     /* RECSYS_TOKEN_*; 0 if the call failed, which is not CLEAR */
    recsys_error problem; /* of UNKNOWN and UNCONFIRMED: what store or database failed with;
                             else all zero */
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
 * Is the token revoked? A store or a database that fails is no failure of this
 * call: then the verdict is UNKNOWN or UNCONFIRMED, and `problem` says why.
 *
 * Fails with: E_INVALID, E_STATE. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_denylist_check(recsys_denylist *denylist,
                                                                recsys_bytes jti,
                                                                recsys_denylist_verdict *out,
                                                                recsys_error *err);

/* All there is to know: {"jti","user_id","reason","blacklisted_at","expires_at"}.
 * Fails with: E_NOT_FOUND (not revoked), what store and database failed with. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_denylist_get(recsys_denylist *denylist,
                                                              recsys_bytes jti, recsys_value *json,
                                                              recsys_error *err);

/* Read what is new from the database, drop what has expired, tell the store.
 * A service calls it at its start and every second or so from a thread of its
 * own; then requests need not. Once a minute it also deletes what expired more than
 * a day ago from the database. Fails with: what the database failed with,
 * E_LIMIT (more than max_tokens), E_NOMEM. Since: 0.1 */
RECSYS_API recsys_status recsys_denylist_sync(recsys_denylist *denylist, recsys_error *err);

typedef struct recsys_denylist_stats {
    uint32_t struct_size; /* in: sizeof(recsys_denylist_stats) */
    uint32_t reserved;
    uint64_t tokens;                                         /* in the own list */
    uint64_t checks, revoked, unknown, syncs, sync_failures; /* unknown: UNCONFIRMED, too */
    uint64_t confirmed_ms; /* when the own list was last known to be complete: ms since 1970; 0 =
                              never */
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
