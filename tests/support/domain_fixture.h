/* tests/support/domain_fixture.h - the ready domains over a real PostgreSQL and a real Redis.
 *
 * A fresh database with the migration and, if wanted, the demo rows, and a Redis
 * server of its own. Processes that are forked each connect for themselves.
 * Failures end the program. Needs RECSYS_SOURCE_DIR, where sql/ is.
 */
#ifndef TESTS_SUPPORT_DOMAIN_FIXTURE_H
#define TESTS_SUPPORT_DOMAIN_FIXTURE_H

#include "recsys/recycling.h"
#include "tests/support/servers.h"

struct domain_fixture {
    char *conninfo;
    struct redis_server redis;
    recsys_source *source;
    recsys_store *stores[RECSYS_DOMAIN_DBS];
    recsys_domains *domains;
    recsys_error err;
};

void domain_fixture_open(struct domain_fixture *fixture, int with_demo_rows);
void domain_fixture_close(struct domain_fixture *fixture);

void domain_fixture_connect(struct domain_fixture *fixture);
void domain_fixture_disconnect(struct domain_fixture *fixture);

/* Run a file of sql/ as an operator would. */
void domain_fixture_apply(struct domain_fixture *fixture, const char *file);

/* A Redis command on a logical db, as Lua writes it: "'GET','user:profile:1'".
 * Returns the answer without its framing, for free(); "(nil)" if there is none. */
char *domain_fixture_redis(const struct domain_fixture *fixture, unsigned db, const char *command);
long long domain_fixture_redis_number(const struct domain_fixture *fixture, unsigned db,
                                      const char *command);

/* The value's bytes as text, for free(). */
char *domain_fixture_text(recsys_value *value);

/* For cmocka: one with the demo rows for all tests of a program. */
extern struct domain_fixture domain_fixture;
int domain_fixture_set_up(void **state);
int domain_fixture_tear_down(void **state);

#endif
