/* daemon/backends/stores.h - the stores and the database, and what is made of them. */
#ifndef RECSYSD_STORES_H
#define RECSYSD_STORES_H

#include <stdbool.h>
#include <stddef.h>

#include <recsys/recsys.h>

#include "daemon/backends/redis_dbs.h"
#include "daemon/config/config.h"

enum { RD_DB_TOKENS = 0, RD_DB_ANSWERS = 1, RD_DB_LIMITS = 8, RD_DB_TASKS = 9 };

/* NULL is what is not configured. Set before the server starts, then only read. */
struct rd_stores {
    recsys_store *redis[RD_DBS]; /* NULL: that logical database is in this process, or not used */
    recsys_source *database;
    recsys_source *watch;  /* the same, one connection: to see how it is, whatever the others do */
    recsys_store *memory;  /* of answers, without Redis */
    recsys_store *revoked; /* of revoked tokens, with neither Redis nor database */
    recsys_aside *answers;
    recsys_domains *domains;
    recsys_denylist *denylist;
    recsys_limiter *limiter, *auth_limiter;
};

/* The settings as redis_dbs.h wants them. */
struct rd_redis_settings rd_redis_settings(const struct rd_config *config);

/* Makes what settings can be wrong for; connects to nothing. If not, `err` says what to do. */
bool rd_stores_check(struct rd_stores *stores, const struct rd_config *config, recsys_error *err);
/* Makes the rest, after the metrics. `has_tokens`: JWTs are accepted. What fails is logged. */
bool rd_stores_start(struct rd_stores *stores, const struct rd_config *config, recsys_stats *stats,
                     bool has_tokens);
/* Also after one of these has failed. */
void rd_stores_stop(struct rd_stores *stores);

/* The store of the answers: Redis or in-process; NULL if none are kept. BORROWED. */
recsys_store *rd_stores_answers(const struct rd_stores *stores);

#endif
