/* tests/support/auth_fakes.h - a database of revoked tokens and a connection to a store, both of
 * which do what a test tells them.
 *
 * The database answers the statements of lib/denylist/denylist*.c, known by their
 * first words, from memory. A link is a driver over another store: several
 * links to one in-process store are several processes with one Redis, and each
 * can be cut by itself.
 */
#ifndef TESTS_SUPPORT_AUTH_FAKES_H
#define TESTS_SUPPORT_AUTH_FAKES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "recsys/source.h"
#include "recsys/store.h"

struct auth_token { /* or a user: before_s is not 0, and jti is user:{id} */
    char jti[264], user_id[256], reason[64];
    int64_t expires_s, revision, before_s;
};

struct auth_database {
    pthread_mutex_t lock;
    /* protected by lock */
    struct auth_token *tokens;
    size_t n_tokens, room;
    int64_t revision;
    unsigned timeline; /* of its history */
    int is_replica;
    uint64_t (*now_ms)(void); /* of the database; NULL = the system's */
    atomic_int fail;          /* a status: every statement fails with it */
    atomic_int fail_next;     /* that many statements fail with `fail`, then it is well */
    atomic_uint slow_ms;      /* a reading with less time fails: E_TIMEOUT, after a moment */
    atomic_ulong n_reads, n_asks, n_deletes;
    /* After a reading has seen the database, before it comes back; called once. */
    void (*after_read)(void *arg);
    void *after_read_arg;
};

void auth_database_init(struct auth_database *database);
void auth_database_destroy(struct auth_database *database);
recsys_source *auth_database_open(struct auth_database *database);
/* As another program would: the row and nothing else. */
void auth_database_add(struct auth_database *database, const char *jti, int64_t expires_s);

struct auth_link {
    recsys_store *to;
    atomic_int fail;          /* a status: every call fails with it */
    atomic_int fail_next;     /* that many calls fail with `fail`, then it is well */
    atomic_int drop_sets;     /* set() says it has and has not */
    void (*before_get)(void); /* called once */
    atomic_ulong incarnation; /* added to the incarnation of the store behind */
    atomic_ulong n_calls;
};

/* A store whose breaker never opens by itself, so that every call reaches the link. */
recsys_store *auth_link_open(struct auth_link *link, recsys_store *to);

#endif
