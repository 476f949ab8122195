/* recsys/domain.h - ready caches over a database, each defined by one row of a table. */
#ifndef RECSYS_DOMAIN_H
#define RECSYS_DOMAIN_H

#include <stddef.h>
#include <stdint.h>

#include "aside.h"
#include "export.h"
#include "source.h"
#include "stats.h"
#include "status.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A set of domains: what is read from a database and kept in one of up to 16
 * logical databases of a cache. The set comes with the domains of the
 * recycling service (docs/caching.md lists them: users, characters, centres,
 * guides, chats, scans, task results); recsys_domains_add() adds your own.
 *
 * Thread-safety: SYNCHRONIZED once the last domain was added; starts no thread.
 * Ownership: one owner; recsys_domains_destroy(). Stores, source and stats are BORROWED.
 */
typedef struct recsys_domains recsys_domains;

#define RECSYS_DOMAIN_DBS 16u

enum {
    RECSYS_DOMAINS_EMPTY = 1u << 0 /* without the built-in ones */
};

typedef struct recsys_domains_options {
    uint32_t struct_size;
    uint32_t flags;                          /* RECSYS_DOMAINS_* */
    recsys_store *stores[RECSYS_DOMAIN_DBS]; /* by logical db; NULL = an in-process one, made here */
    recsys_source *source;                   /* not NULL */
    recsys_stats *stats;                     /* NULL = none */
    uint64_t memory_bytes;   /* of each in-process store made here; 0 = 16 MiB */
    uint32_t timeout_ms;     /* of each statement; 0 = 2000 */
    uint32_t reserved;
    const recsys_aside_options *aside; /* for all caches, but ttl, label and stats; COPIED; NULL = defaults */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_domains_options;

RECSYS_API void recsys_domains_options_init(recsys_domains_options *options);

/* Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_create(
    const recsys_domains_options *options, recsys_domains **out, recsys_error *err);
/* NULL is allowed. */
RECSYS_API void recsys_domains_destroy(recsys_domains *domains);

enum {
    RECSYS_DOMAIN_PER_USER = 1u << 0, /* the first parameter is a user: goes with recsys_domains_invalidate_user() */
    RECSYS_DOMAIN_WARM = 1u << 1      /* `warm_query` lists what recsys_domains_warm() loads */
};

/*
 * One row of the table. All text is COPIED.
 *
 * The key's {names} are the parameters, and $1, $2 … of the query in that order.
 * With max_rows the query's last parameter is, in addition, how many rows to read.
 */
typedef struct recsys_domain_definition {
    uint32_t struct_size;
    uint32_t flags;          /* RECSYS_DOMAIN_* */
    const char *name;        /* "user.profile": a-z 0-9 . _ */
    uint32_t db;             /* logical db 0..15 */
    uint32_t shape;          /* RECSYS_SHAPE_* */
    uint32_t ttl_s;
    uint32_t negative_ttl_s; /* 0 = as the caches' options say (30); UINT32_MAX = that there is none is not kept */
    uint32_t max_rows;       /* lists: how many rows are kept; a reader asks for any number. 0 = all the query gives */
    uint32_t max_bytes;      /* of the JSON; 0 = 1 MiB; in-process stores made here keep no larger ones */
    const char *key;         /* "user:profile:{user_id}" */
    const char *query;       /* SELECT … WHERE user_id = $1 */
    const char *warm_query;  /* one row a key, its columns are the parameters; or NULL */
    const char *version_column; /* grows with every change of the row; or NULL */
    const char *settled_column; /* BOOL; a row where it is false is handed out, not kept; not shown; or NULL */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_domain_definition;

RECSYS_API void recsys_domain_definition_init(recsys_domain_definition *definition);

/* Before the set is used by several threads. Fails with: E_INVALID, E_EXISTS,
 * E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_add(
    recsys_domains *domains, const recsys_domain_definition *definition, recsys_error *err);

/* The definitions, in the order in which they were added; NULL beyond the end. BORROWED. */
RECSYS_API const recsys_domain_definition *recsys_domains_list(const recsys_domains *domains,
                                                               size_t index);

/*
 * Read one entry as JSON.
 *
 * values   of the key's parameters, as text
 * limit    of lists with max_rows: how many rows, from the first; 0 = max_rows.
 *          More than max_rows come from the database alone.
 * outcome  receives RECSYS_ASIDE_*; or NULL
 *
 * Fails with: E_NOT_FOUND (no such entry, or no such domain: the message says
 *   which), what the database failed with, E_TIMEOUT (the cache is away and too
 *   many are loading), E_INVALID, E_LIMIT, E_FORMAT, E_NOMEM. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_get(recsys_domains *domains,
                                                             const char *name,
                                                             const char *const *values, size_t n,
                                                             uint32_t limit, recsys_value *json,
                                                             uint32_t *outcome,
                                                             recsys_error *err);

/*
 * Change the database by one statement, then forget the entries of `names`
 * with the parameters `values` (each takes as many of them as its key has).
 *
 * rows  what the statement returned, OWNED; or NULL
 *
 * Fails with: what the database failed with, E_INVALID, E_NOT_FOUND (no such
 *   domain). Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_domains_write(recsys_domains *domains, const char *const *names, size_t n_names,
                     const char *const *values, size_t n, const char *statement,
                     const recsys_datum *parameters, size_t n_parameters, recsys_rows **rows,
                     recsys_error *err);

/* Forget an entry after its truth was changed by somebody else. Fails with:
 * E_NOT_FOUND (no such domain), E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_invalidate(recsys_domains *domains,
                                                                    const char *name,
                                                                    const char *const *values,
                                                                    size_t n, recsys_error *err);
/* Forget all entries of a user, in all PER_USER domains. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_invalidate_user(recsys_domains *domains,
                                                                         const char *user_id,
                                                                         recsys_error *err);

typedef struct recsys_warming {
    uint32_t struct_size; /* in: sizeof(recsys_warming) */
    uint32_t skipped;     /* 1: another process is at it */
    uint64_t loaded, present, failed;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_warming;

/*
 * Load what the WARM domains list and is not cached yet (all guides, popular
 * places). One process at a time does it; times to live are spread, so that it
 * does not expire all at once.
 *
 * name        one domain, or NULL for all
 * timeout_ms  for all of it; 0 = 60000
 *
 * Fails with: what the database or the store failed with, E_TIMEOUT, E_NOT_FOUND
 *   (no such domain), E_INVALID (a domain that is not WARM). `out` says how far
 *   it came. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_warm(recsys_domains *domains,
                                                              const char *name,
                                                              uint32_t timeout_ms,
                                                              recsys_warming *out,
                                                              recsys_error *err);

/* The cache behind a logical db, for counts and for use of your own. NULL if no
 * domain uses it. BORROWED from domains. */
RECSYS_API recsys_aside *recsys_domains_get_aside(recsys_domains *domains, uint32_t db);

/* -- what the built-in domains do beyond reading; names and shapes are in docs/caching.md -- */

/*
 * Change the given members of a profile: a JSON object of at most 64 KiB with any
 * of name, email, phone, avatar_url and preferences. json receives the profile
 * as it is now.
 *
 * Fails with: E_NOT_FOUND (no such user), E_FORMAT (no object, an unknown
 *   member, a wrong type: the message names it), E_LIMIT, E_EXISTS (the email is
 *   another user's), E_INVALID, the database's. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_user_update(recsys_domains *domains,
                                                             const char *user_id,
                                                             recsys_bytes members,
                                                             recsys_value *json,
                                                             recsys_error *err);

/*
 * Give a character experience. One statement in the database adds, levels up
 * (several levels at once, too) and returns the row, which the cache takes.
 *
 * amount    1..1000000000
 * award_id  one of this user's; makes a retry harmless: the second time nothing
 *           is added; NULL = none
 * json      receives the character's state and "leveled_up" (levels gained),
 *           "awarded" (false: this award_id was used before)
 *
 * Fails with: E_NOT_FOUND, E_INVALID (a used award_id with another amount),
 *   the database's. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_character_gain(recsys_domains *domains, const char *user_id, int64_t amount,
                      const char *award_id, recsys_value *json, recsys_error *err);

/*
 * The nearest recycling centres, at most 20, with "distance" in metres to the
 * centimetre, nearest first, ties by id. Answers equal PostGIS's for every point
 * (WGS 84 ellipsoid); candidates are cached by geohash cell of 5 characters.
 *
 * latitude   -90..90, longitude -180..180
 * radius_km  1..100
 *
 * Fails with: E_INVALID, the database's. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status
recsys_location_nearby(recsys_domains *domains, double latitude, double longitude,
                       uint32_t radius_km, recsys_value *json, uint32_t *outcome,
                       recsys_error *err);

/* Guides whose title or content contains `keyword` (1..100 characters), whatever
 * the case, at most 50. % and _ mean themselves. Fails with: E_INVALID, the
 * database's. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_info_search(recsys_domains *domains,
                                                             const char *keyword,
                                                             recsys_value *json,
                                                             uint32_t *outcome,
                                                             recsys_error *err);

/* Store a message (1..65536 bytes) and its answer (0..65536); json receives the
 * new row. Fails with: E_INVALID, the database's. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_chat_add(recsys_domains *domains,
                                                          const char *user_id,
                                                          const char *message,
                                                          const char *response,
                                                          recsys_value *json, recsys_error *err);

/*
 * A Celery task's result, as its worker wrote it to celery-task-meta-{id} in
 * logical db 9 (Celery's JSON serialiser). Nothing is cached: it is the store.
 *
 * json  {"task_id","status","ready","successful","result","traceback","date_done"}
 *
 * Fails with: E_NOT_FOUND (no result: pending, unknown or expired), E_FORMAT
 *   (not JSON: pickled results are refused unread), E_LIMIT (the result is too
 *   large), E_INVALID, what the store failed with. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_task_get(recsys_domains *domains,
                                                          const char *task_id, recsys_value *json,
                                                          recsys_error *err);

#ifdef __cplusplus
}
#endif

#endif
