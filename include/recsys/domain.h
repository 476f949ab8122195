/* recsys/domain.h - caches over a database, each defined by one row of a table. Group: domains. */
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
 * A set of domains. A domain is data that is read from a database by one key
 * pattern and kept in one of up to 16 logical dbs of a cache. A new set is
 * empty; recsys_domains_add() adds a domain of yours, recycling.h adds the ready
 * ones of one service.
 *
 * Thread-safety: SYNCHRONIZED once the last domain was added; starts no thread.
 * In a forked child a call works if its store and its source work there.
 * Ownership: one owner; recsys_domains_destroy(). It holds references to its
 *   stores, its source and its stats, which may end before it.
 */
typedef struct recsys_domains recsys_domains;

/* Logical dbs that this library knows; a later one may know more. */
#define RECSYS_DOMAIN_DBS 16u

typedef struct recsys_domains_options {
    uint32_t struct_size;
    uint32_t flags; /* must be 0 */
    /* stores[db] for the logical dbs 0..n_stores-1. For an entry that is NULL, and for the
     * dbs from n_stores on, the set makes an in-process store. The array is COPIED. */
    recsys_store *const *stores;
    uint32_t n_stores;     /* 0..16 */
    uint32_t timeout_ms;   /* of each statement; 0 = 2000; RECSYS_NEVER_32 */
    recsys_source *source; /* not NULL */
    recsys_stats *stats;   /* NULL = none */
    uint64_t memory_bytes; /* of each in-process store that the set makes; 0 = 16 MiB */
    /* For all caches, except ttl_ms, label and stats; COPIED; NULL = defaults. With format 0 values
     * are plain JSON where other programs can read them, in every store that can keep them so
     * except the in-process ones. In the key of a plain value the last parameter is as it is. */
    const recsys_aside_options *aside;
    /* Bit n: with plain values, what other programs have stored in logical db n is returned for as
     * long as it lives there (RECSYS_ASIDE_TRUST_OTHERS). Since: 0.2 */
    uint32_t trusted_dbs;
    uint32_t reserved; /* 0 */
    /* -- end of version 2 -- append below, never insert above -- */
} recsys_domains_options;

#define RECSYS_DOMAINS_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_domains_options, aside)
#define RECSYS_DOMAINS_OPTIONS_SIZE_V2 RECSYS_SIZE_TO(recsys_domains_options, reserved)
#define RECSYS_DOMAINS_OPTIONS_INIT                                                                \
    {                                                                                              \
        (uint32_t)sizeof(recsys_domains_options), 0u, NULL, 0u, 0u, NULL, NULL, 0u, NULL, 0u, 0u   \
    }

/* Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_create(
    const recsys_domains_options *options, recsys_domains **out, recsys_error *err);
/* NULL is allowed. */
RECSYS_API void recsys_domains_destroy(recsys_domains *domains);

enum {
    /* The first parameter is a user: recsys_domains_invalidate_user() invalidates the entry. */
    RECSYS_DOMAIN_PER_USER = 1u << 0,
    /* `warm_query` lists what recsys_domains_warm() loads. */
    RECSYS_DOMAIN_WARM = 1u << 1,
    /* Do not cache that a row does not exist, since it will soon exist. */
    RECSYS_DOMAIN_NO_NEGATIVE = 1u << 2
};

/*
 * The definition of one domain: one row of the table. All text is COPIED.
 *
 * The key's {names} are the parameters; the query has them as $1, $2 … in that
 * order. With max_rows the query has one more parameter, the last: how many rows
 * to read.
 */
typedef struct recsys_domain_definition {
    uint32_t struct_size;
    uint32_t flags;          /* RECSYS_DOMAIN_* */
    const char *name;        /* "user.profile": a-z 0-9 . _ */
    uint32_t db;             /* logical db 0..15 */
    uint32_t shape;          /* RECSYS_SHAPE_* */
    uint32_t ttl_s;          /* 0 = 300; at most 4294967: every entry expires */
    uint32_t negative_ttl_s; /* of negative entries; 0 = as the caches' options say (30) */
    /* For lists: how many rows are cached; a reader may ask for any number. 0 = all rows. */
    uint32_t max_rows;
    uint32_t max_bytes;         /* of the JSON; larger ones are not cached; 0 = 1 MiB */
    const char *key;            /* "user:profile:{user_id}" */
    const char *query;          /* SELECT … WHERE user_id = $1 */
    const char *warm_query;     /* one row for each key; its columns are the parameters; or NULL */
    const char *version_column; /* grows with every change of the row; or NULL */
    /* A BOOL column that the JSON does not show: a row where it is false is returned, but not
     * cached; or NULL. */
    const char *settled_column;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_domain_definition;

#define RECSYS_DOMAIN_DEFINITION_SIZE_V1 RECSYS_SIZE_TO(recsys_domain_definition, settled_column)
#define RECSYS_DOMAIN_DEFINITION_INIT                                                              \
    {                                                                                              \
        (uint32_t)sizeof(recsys_domain_definition), 0u, NULL, 0u, 0u, 0u, 0u, 0u, 0u, NULL, NULL,  \
            NULL, NULL, NULL                                                                       \
    }

/* Add a domain, before several threads use the set. Fails with: E_INVALID,
 * E_EXISTS, E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_add(
    recsys_domains *domains, const recsys_domain_definition *definition, recsys_error *err);

/* The definitions, in the order in which they were added, with all defaults filled
 * in. NULL beyond the end. BORROWED from domains. The library sets struct_size,
 * which says what fields the struct has: perhaps fewer than the caller's header
 * knows. */
RECSYS_API const recsys_domain_definition *recsys_domains_list(const recsys_domains *domains,
                                                               size_t index);

/*
 * Read one entry as JSON.
 *
 * values   the key's parameters, as text
 * limit    for lists with max_rows: how many rows, from the first; 0 = max_rows.
 *          If it is more than max_rows, the rows come from the database.
 * outcome  receives RECSYS_ASIDE_*, also with a failure, if the cache was asked: a
 *          NEGATIVE or a MISS is E_NOT_FOUND; or NULL
 *
 * Fails with: E_NOT_FOUND (no such entry), E_UNDEFINED (no such domain), the
 *   database's status, E_EXHAUSTED (the store is away and too many loaders are
 *   running), E_INVALID, E_LIMIT, E_FORMAT, E_NOMEM. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_get(recsys_domains *domains,
                                                             const char *name,
                                                             const char *const *values, size_t n,
                                                             uint32_t limit, recsys_value *json,
                                                             uint32_t *outcome, recsys_error *err);

/*
 * Change the database with one statement, then invalidate the entries of the
 * domains `names` for the parameters `values` (each domain takes as many of them as
 * its key has).
 *
 * rows  receives the statement's rows, OWNED; or NULL
 *
 * Fails with: the database's status, E_INVALID, E_UNDEFINED (no such domain).
 * Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_write(
    recsys_domains *domains, const char *const *names, size_t n_names, const char *const *values,
    size_t n, const char *statement, const recsys_datum *parameters, size_t n_parameters,
    recsys_rows **rows, recsys_error *err);

/* Invalidate an entry whose truth another program has changed. Fails with:
 * E_UNDEFINED (no such domain), E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_invalidate(recsys_domains *domains,
                                                                    const char *name,
                                                                    const char *const *values,
                                                                    size_t n, recsys_error *err);
/* Invalidate all entries of a user, in all PER_USER domains. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_invalidate_user(recsys_domains *domains,
                                                                         const char *user_id,
                                                                         recsys_error *err);

/*
 * recsys_aside_flush() for all caches of the set, in this time together.
 *
 * timeout_ms  0 = 2000; RECSYS_NEVER_32 = as long as it takes
 *
 * Fails with: E_TIMEOUT, E_INVALID, E_STATE. Since: 0.2
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_flush(recsys_domains *domains,
                                                               uint32_t timeout_ms,
                                                               recsys_error *err);

/* So long after the commit of a write of a ready domain, no process that syncs returns the old
 * value, even if the writing process has died or cannot reach the store. */
#define RECSYS_OUTBOX_SETTLE_MS 3000u

typedef struct recsys_outbox {
    uint32_t struct_size; /* in: sizeof(recsys_outbox) */
    uint32_t is_on;       /* 1: the database has the table, so writes add to it */
    uint64_t delivered;   /* by this call: removals that another process owed, or this one late */
    uint64_t waiting;     /* could not be delivered now */
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_outbox;

#define RECSYS_OUTBOX_SIZE_V1 RECSYS_SIZE_TO(recsys_outbox, waiting)
#define RECSYS_OUTBOX_INIT                                                                         \
    {                                                                                              \
        (uint32_t)sizeof(recsys_outbox), 0u, 0u, 0u                                                \
    }

/*
 * Deliver the invalidations that writers owe: the ready domains of recycling.h add them to the
 * table cache_db.outbox (sql/0004_outbox.sql) in the same statement as the write. Call it about
 * twice a second, from one thread. From the first call that finds the table on, writes add to it,
 * and reads trust the store for two seconds after each call; when nobody calls any more, they read
 * the database instead. While the database does not answer they trust the store nevertheless.
 * All processes that use the table must use the same stores.
 *
 * source  another source of the same database, so that the call does not wait for a
 *         connection behind requests; NULL = the set's
 * out     or NULL
 *
 * Fails with: the database's status, E_INVALID, E_NOMEM. Not because a store fails. Since: 0.2
 */
RECSYS_API recsys_status recsys_domains_sync(recsys_domains *domains, recsys_source *source,
                                             recsys_outbox *out, recsys_error *err);

typedef struct recsys_warming {
    uint32_t struct_size; /* in: sizeof(recsys_warming) */
    uint32_t skipped;     /* 1: another process is warming */
    uint64_t loaded, present, failed;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_warming;

#define RECSYS_WARMING_SIZE_V1 RECSYS_SIZE_TO(recsys_warming, failed)
#define RECSYS_WARMING_INIT                                                                        \
    {                                                                                              \
        (uint32_t)sizeof(recsys_warming), 0u, 0u, 0u, 0u                                           \
    }

/*
 * Load the entries that the warm queries of the WARM domains list (all guides,
 * popular places) and that are not cached yet. Only one process at a time warms; if
 * one dies meanwhile, another can begin some seconds (and a statement's time) later.
 * Times to live are spread, so that the entries do not all expire at once.
 *
 * name        one domain, or NULL for all
 * timeout_ms  for the whole call; 0 = 60000; RECSYS_NEVER_32 = as long as it takes
 * out         receives the counts so far, also with a failure; or NULL
 *
 * Fails with: the status of the database or the store, E_TIMEOUT, E_UNDEFINED
 *   (no such domain), E_INVALID (a domain that is not WARM). Since: 0.1
 */
RECSYS_API recsys_status recsys_domains_warm(recsys_domains *domains, const char *name,
                                             uint32_t timeout_ms, recsys_warming *out,
                                             recsys_error *err);

/* The same, and entries that are cached are loaded again: for a nightly job. They stay readable
 * meanwhile, and stay if loading fails. `present` counts those that another caller refreshes, or
 * failed to just now. Fails with: as recsys_domains_warm(). Since: 0.2 */
RECSYS_API recsys_status recsys_domains_refresh(recsys_domains *domains, const char *name,
                                                uint32_t timeout_ms, recsys_warming *out,
                                                recsys_error *err);

/* The cache of a logical db, for its counts and for entries of your own. NULL if no
 * domain uses it. BORROWED from domains. */
RECSYS_API recsys_aside *recsys_domains_get_aside(recsys_domains *domains, uint32_t db);

#ifdef __cplusplus
}
#endif

#endif
