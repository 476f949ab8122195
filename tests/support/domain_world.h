/* tests/support/domain_world.h - the ready domains over a real PostgreSQL and a real Redis.
 *
 * A fresh database with the migration and, if wanted, the demo rows, and a Redis
 * server of its own. Processes that are forked each connect for themselves.
 * Failures end the program. Needs RECSYS_SOURCE_DIR, where sql/ is.
 */
#ifndef TESTS_SUPPORT_DOMAIN_WORLD_H
#define TESTS_SUPPORT_DOMAIN_WORLD_H

#include "recsys/recycling.h"
#include "tests/support/servers.h"

struct domain_world {
    char *conninfo;
    struct redis_server redis;
    recsys_source *source;
    recsys_store *stores[RECSYS_DOMAIN_DBS];
    recsys_domains *domains;
    recsys_error err;
};

void domain_world_open(struct domain_world *world, int with_demo_rows);
void domain_world_close(struct domain_world *world);

void domain_world_connect(struct domain_world *world);
void domain_world_disconnect(struct domain_world *world);

/* Run a file of sql/ as an operator would. */
void domain_world_apply(struct domain_world *world, const char *file);

/* A Redis command on a logical db, as Lua writes it: "'GET','user:profile:1'".
 * Returns the answer without its framing, for free(); "(nil)" if there is none. */
char *domain_world_redis(const struct domain_world *world, unsigned db, const char *command);
long long domain_world_redis_number(const struct domain_world *world, unsigned db,
                                    const char *command);

/* The value's bytes as text, for free(). */
char *domain_world_text(recsys_value *value);

#endif
