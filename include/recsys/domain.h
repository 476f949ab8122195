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
 * A set of domains: what is read from a database and kept in one of up to 16
 * logical databases of a cache. A new set is empty; recsys_domains_add() adds a
 * domain of yours, recycling.h the ready ones of one service.
 *
 * Thread-safety: SYNCHRONIZED once the last domain was added; starts no thread.
 * In a forked child it can do what its stores and its source can do there.
 * Ownership: one owner; recsys_domains_destroy(). It holds references to its
 *   stores, its source and its stats, which may end before it.
 */
typedef struct recsys_domains recsys_domains;

/* Logical dbs that this library knows; a later one may know more. */
#define RECSYS_DOMAIN_DBS 16u

typedef struct recsys_domains_options {
    uint32_t struct_size;
    uint32_t flags; /* must be 0 */
    /* stores[db] for the logical dbs 0..n_stores-1. One that is NULL, or beyond, is an
     * in-process store, made here. The array is COPIED. */
    recsys_store *const *stores;
    uint32_t n_stores;     /* 0..16 */
    uint32_t timeout_ms;   /* of each statement; 0 = 2000; RECSYS_NEVER_32 */
    recsys_source *source; /* not NULL */
    recsys_stats *stats;   /* NULL = none */
    uint64_t memory_bytes; /* of each in-process store made here; 0 = 16 MiB */
    /* For all caches, but ttl_ms, label and stats; COPIED; NULL = defaults. */
    const recsys_aside_options *aside;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_domains_options;

#define RECSYS_DOMAINS_OPTIONS_SIZE_V1 RECSYS_SIZE_TO(recsys_domains_options, aside)
#define RECSYS_DOMAINS_OPTIONS_INIT                                                                \
    {                                                                                              \
        (uint32_t)sizeof(recsys_domains_options), 0u, NULL, 0u, 0u, NULL, NULL, 0u, NULL           \
    }

/* Fails with: E_INVALID, E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_create(
    const recsys_domains_options *options, recsys_domains **out, recsys_error *err);
/* NULL is allowed. */
RECSYS_API void recsys_domains_destroy(recsys_domains *domains);

enum {
    /* The first parameter is a user: goes with recsys_domains_invalidate_user(). */
    RECSYS_DOMAIN_PER_USER = 1u << 0,
    /* `warm_query` lists what recsys_domains_warm() loads. */
    RECSYS_DOMAIN_WARM = 1u << 1,
    /* That there is no such row is not kept: it is about to come. */
    RECSYS_DOMAIN_NO_NEGATIVE = 1u << 2
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
    uint32_t ttl_s;          /* 0 = 300; at most 4294967: every entry expires */
    uint32_t negative_ttl_s; /* of "there is none"; 0 = as the caches' options say (30) */
    /* Lists: how many rows are kept; a reader asks for any number. 0 = all the query gives. */
    uint32_t max_rows;
    uint32_t max_bytes;         /* of the JSON, larger ones are not kept; 0 = 1 MiB */
    const char *key;            /* "user:profile:{user_id}" */
    const char *query;          /* SELECT … WHERE user_id = $1 */
    const char *warm_query;     /* one row a key, its columns are the parameters; or NULL */
    const char *version_column; /* grows with every change of the row; or NULL */
    /* BOOL; a row where it is false is handed out, not kept; not shown; or NULL. */
    const char *settled_column;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_domain_definition;

#define RECSYS_DOMAIN_DEFINITION_SIZE_V1 RECSYS_SIZE_TO(recsys_domain_definition, settled_column)
#define RECSYS_DOMAIN_DEFINITION_INIT                                                              \
    {                                                                                              \
        (uint32_t)sizeof(recsys_domain_definition), 0u, NULL, 0u, 0u, 0u, 0u, 0u, 0u, NULL, NULL,  \
            NULL, NULL, NULL                                                                       \
    }

/* Before the set is used by several threads. Fails with: E_INVALID, E_EXISTS,
 * E_UNSUPPORTED, E_NOMEM. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_add(
    recsys_domains *domains, const recsys_domain_definition *definition, recsys_error *err);

/* The definitions, in the order in which they were added, complete: defaults are
 * filled in. NULL beyond the end. BORROWED from domains. A sized struct of the
 * library's: its struct_size says which fields it has, which may be fewer than the
 * caller's header knows. */
RECSYS_API const recsys_domain_definition *recsys_domains_list(const recsys_domains *domains,
                                                               size_t index);

/*
 * Read one entry as JSON.
 *
 * values   of the key's parameters, as text
 * limit    of lists with max_rows: how many rows, from the first; 0 = max_rows.
 *          More than max_rows come from the database alone.
 * outcome  receives RECSYS_ASIDE_*, with a failure, too, if it got that far: a
 *          NEGATIVE or a MISS is E_NOT_FOUND; or NULL
 *
 * Fails with: E_NOT_FOUND (no such entry), E_UNDEFINED (no such domain), what the
 *   database failed with, E_EXHAUSTED (the cache is away and too many are loading),
 *   E_INVALID, E_LIMIT, E_FORMAT, E_NOMEM. Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_get(recsys_domains *domains,
                                                             const char *name,
                                                             const char *const *values, size_t n,
                                                             uint32_t limit, recsys_value *json,
                                                             uint32_t *outcome, recsys_error *err);

/*
 * Change the database by one statement, then invalidate the entries of `names`
 * with the parameters `values` (each takes as many of them as its key has).
 *
 * rows  what the statement returned, OWNED; or NULL
 *
 * Fails with: what the database failed with, E_INVALID, E_UNDEFINED (no such
 *   domain). Since: 0.1
 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_write(
    recsys_domains *domains, const char *const *names, size_t n_names, const char *const *values,
    size_t n, const char *statement, const recsys_datum *parameters, size_t n_parameters,
    recsys_rows **rows, recsys_error *err);

/* For an entry whose truth was changed by somebody else. Fails with: E_UNDEFINED
 * (no such domain), E_INVALID. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_invalidate(recsys_domains *domains,
                                                                    const char *name,
                                                                    const char *const *values,
                                                                    size_t n, recsys_error *err);
/* All entries of a user, in all PER_USER domains. Since: 0.1 */
RECSYS_API RECSYS_NODISCARD recsys_status recsys_domains_invalidate_user(recsys_domains *domains,
                                                                         const char *user_id,
                                                                         recsys_error *err);

typedef struct recsys_warming {
    uint32_t struct_size; /* in: sizeof(recsys_warming) */
    uint32_t skipped;     /* 1: another process is at it */
    uint64_t loaded, present, failed;
    /* -- end of version 1 -- append below, never insert above -- */
} recsys_warming;

#define RECSYS_WARMING_SIZE_V1 RECSYS_SIZE_TO(recsys_warming, failed)
#define RECSYS_WARMING_INIT                                                                        \
    {                                                                                              \
        (uint32_t)sizeof(recsys_warming), 0u, 0u, 0u, 0u                                           \
    }

/*
 * Load what the WARM domains list and is not cached yet (all guides, popular
 * places). One process at a time does it; times to live are spread, so that it
 * does not expire all at once.
 *
 * name        one domain, or NULL for all
 * timeout_ms  for all of it; 0 = 60000; RECSYS_NEVER_32 = as long as it takes
 * out         how far it came, with a failure, too; or NULL
 *
 * Fails with: what the database or the store failed with, E_TIMEOUT, E_UNDEFINED
 *   (no such domain), E_INVALID (a domain that is not WARM). Since: 0.1
 */
RECSYS_API recsys_status recsys_domains_warm(recsys_domains *domains, const char *name,
                                             uint32_t timeout_ms, recsys_warming *out,
                                             recsys_error *err);

/* The cache behind a logical db, for counts and for use of your own. NULL if no
 * domain uses it. BORROWED from domains. */
RECSYS_API recsys_aside *recsys_domains_get_aside(recsys_domains *domains, uint32_t db);

#ifdef __cplusplus
}
#endif

#endif
