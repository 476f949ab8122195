/* tests/support/denylist_fixture.h - two processes with a denylist each, one store and one
 * database.
 *
 * A link of its own to the store lets each process be cut off alone; the database
 * does as it is told (auth_fakes.h). One fixture a program, made for each test.
 */
#ifndef TESTS_SUPPORT_DENYLIST_FIXTURE_H
#define TESTS_SUPPORT_DENYLIST_FIXTURE_H

#include <stdint.h>

#include "recsys/denylist.h"
#include "tests/support/auth_fakes.h"

#define PROOF ((recsys_bytes){"blacklist~revision", 18})
#define FAR_S ((uint64_t)4102444800u) /* 2100 */

#define CLEAR RECSYS_TOKEN_CLEAR
#define REVOKED RECSYS_TOKEN_REVOKED
#define UNKNOWN RECSYS_TOKEN_UNKNOWN

/* One database, one store, two processes. */
struct denylist_fixture {
    struct auth_database database;
    recsys_source *source;
    recsys_store *memory;
    struct auth_link link_a, link_b;
    recsys_store *store_a, *store_b;
    recsys_denylist *a, *b;
};

extern struct denylist_fixture denylist_fixture;
extern recsys_error err;     /* of the last call that failed, or check() that could not tell */
extern uint64_t fake_now_ms; /* for options.now_ms of a test's own */

/* For cmocka. In most tests no time passes in the store, so that nothing in it
 * expires however slow we are. */
int setup(void **state);
int setup_timed(void **state);
int teardown(void **state);

recsys_bytes bytes(const char *text);
recsys_denylist *create(recsys_store *store, recsys_source *source,
                        const recsys_denylist_options *options);
uint32_t check(recsys_denylist *denylist, const char *jti);
void revoke(recsys_denylist *denylist, const char *jti);
/* Whatever the store has of the denylist is gone. */
void flush(void);
/* The store's value of `key`; "" if there is none. */
const char *stored(recsys_bytes key);
unsigned long n_reads(void); /* of the database */

#endif
