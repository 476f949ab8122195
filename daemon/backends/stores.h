/* daemon/backends/stores.h - the stores, the database, and the caches and guards over them. */
#ifndef RECSYSD_STORES_H
#define RECSYSD_STORES_H

#include <stdbool.h>
#include <stddef.h>

#include <recsys/recsys.h>

#include "daemon/backends/redis_dbs.h"
#include "daemon/config/config.h"

enum { RD_DB_TOKENS = 0, RD_DB_ANSWERS = 1, RD_DB_LIMITS = 8, RD_DB_TASKS = 9 };

/* Set before the server starts, then only read. NULL: the settings do not ask for it. */
struct rd_stores {
    recsys_store *redis[RD_DBS]; /* NULL: that logical db is in this process, or not used */
    recsys_source *database;
    recsys_source *watch;  /* the same with one connection, for the thread that checks the server */
    recsys_store *memory;  /* of answers, without Redis */
    recsys_store *revoked; /* of revoked tokens, with neither Redis nor database */
    recsys_aside *answers;
    recsys_domains *domains;
    recsys_denylist *denylist;
    recsys_limiter *limiter, *auth_limiter;
};

/* The settings as redis_dbs.h wants them. */
struct rd_redis_settings rd_redis_settings(const struct rd_config *config);

/* Checks the settings and makes the objects that can fail because of them; does not connect.
 * False: `err` says what to do. */
bool rd_stores_check(struct rd_stores *stores, const struct rd_config *config, recsys_error *err);
/* Makes the other objects; after the metrics. `has_tokens`: JWTs are accepted. False: logged. */
bool rd_stores_start(struct rd_stores *stores, const struct rd_config *config, recsys_stats *stats,
                     bool has_tokens);
/* No request is running any more: send the invalidations that have not reached Redis, for at most
 * two seconds. It logs how many it could not send. */
void rd_stores_flush(struct rd_stores *stores);
/* Also after one of these functions has failed. */
void rd_stores_stop(struct rd_stores *stores);

/* The store of the answers: Redis or in-process; NULL if none are kept. BORROWED. */
recsys_store *rd_stores_answers(const struct rd_stores *stores);

#endif
