/* lib/domain/domain.h - a set of domains from the inside.
 *
 * One struct rs_domain is one row of the table. Nothing here changes after the last row was added,
 * so reading needs no lock. Rows of one logical db share its recsys_aside.
 */
#ifndef RS_DOMAIN_DOMAIN_H
#define RS_DOMAIN_DOMAIN_H

#include "lib/domain/owed.h"
#include "recsys/domain.h"

#define RS_DOMAIN_MAX_BYTES (64u << 20) /* of one entry, whatever a definition says */

struct rs_domain;

/* The functions of a domain that works otherwise than the engine. */
struct rs_domain_way {
    const char *read_by; /* the function that reads it instead of recsys_domains_get() */
    /* Load what one row of its warm query stands for; NULL if it is not WARM. */
    recsys_status (*warm)(recsys_domains *domains, const struct rs_domain *domain,
                          const recsys_rows *rows, size_t row, double ttl_share, int is_again,
                          uint32_t *outcome, recsys_error *err);
    void *(*make)(void);        /* make its own data; NULL = it has none. May return NULL */
    void (*unmake)(void *made); /* never called with NULL */
};

struct rs_domain {
    recsys_domain_definition definition; /* complete; its texts are OWNED */
    size_t n_parameters;                 /* of the key */
    const struct rs_domain_way *way;     /* NULL = the usual one */
    void *made;                          /* by way->make() */
    recsys_aside *aside;                 /* BORROWED from the set */
    recsys_store *store;
    int is_plain; /* its values are, and so the last parameter in its keys */
};

struct rs_database {
    recsys_store *store; /* the caller's, or made here; NULL until a domain needs it */
    recsys_aside *aside; /* NULL until a domain needs it */
};

struct recsys_domains {
    recsys_source *source;
    recsys_stats *stats; /* one reference, or NULL */
    uint64_t memory_bytes;
    uint32_t timeout_ms;
    uint32_t trusted_dbs;
    recsys_aside_options aside;
    struct rs_database dbs[RECSYS_DOMAIN_DBS];
    struct rs_domain **domains;
    size_t n_domains;
    struct rs_owed owed;
};

/* Add a row. `way` must last as long as the set; NULL for the usual way. */
recsys_status rs_domains_add(recsys_domains *domains, const recsys_domain_definition *definition,
                             const struct rs_domain_way *way, recsys_error *err);
/* Remove the rows that were added last, until `n` are left. */
void rs_domains_shrink(recsys_domains *domains, size_t n);

/* definition.c: check one and make a complete copy of it. */
recsys_status rs_definition_copy(struct rs_domain *domain,
                                 const recsys_domain_definition *definition, recsys_error *err);
void rs_definition_destroy(struct rs_domain *domain);

/* E_UNDEFINED, E_INVALID if an argument is missing. `function` is for the message. */
recsys_status rs_domains_find(const recsys_domains *domains, const char *name, const char *function,
                              const struct rs_domain **out, recsys_error *err);

/* The key of an entry. `key` has room for RECSYS_KEY_MAX + 1. */
recsys_status rs_domain_key(const struct rs_domain *domain, const char *const *values, size_t n,
                            char *key, recsys_bytes *out, recsys_error *err);

/* domain_read.c: read through the cache, the whole list, with times to live
 * multiplied by `ttl_share`. Values must be as many as the key's parameters. */
recsys_status rs_domain_read(recsys_domains *domains, const struct rs_domain *domain,
                             const char *const *values, double ttl_share, int is_again,
                             recsys_value *json, uint32_t *outcome, recsys_error *err);

/* The time to live of one entry. */
uint32_t rs_domain_ttl_ms(const struct rs_domain *domain, double ttl_share);

/* domain_write.c: run a writer around keys of any databases. */
recsys_status rs_domains_around(const struct rs_domain *const *touched, size_t n_touched,
                                const char *const *values, size_t n, recsys_aside_writer writer,
                                void *user_data, recsys_error *err);

/* noted_query.c: recsys_source_query() of the set's source; if the outbox is on, the statement also
 * adds a row for the entry of `domain`. *note receives its id, or 0. */
recsys_status rs_noted_query(recsys_domains *domains, const struct rs_domain *domain,
                             const char *const *values, const char *statement,
                             const recsys_datum *parameters, size_t n, int64_t *note,
                             recsys_rows **rows, recsys_error *err);
/* recsys_domains_write() of one domain, with a row of the outbox. */
recsys_status rs_domains_write_noted(recsys_domains *domains, const char *name,
                                     const char *const *values, size_t n, const char *statement,
                                     const recsys_datum *parameters, size_t n_parameters,
                                     recsys_rows **rows, recsys_error *err);

/* Check text from outside: not NULL, `min`..`max` bytes, UTF-8 without NUL. */
recsys_status rs_domain_check_text(const char *function, const char *what, const char *text,
                                   size_t min, size_t max, recsys_error *err);

/* Make a value of `text`, which comes from rs_alloc(); releasing the value frees it. */
void rs_value_own(recsys_value *value, char *text, size_t size);

#endif
