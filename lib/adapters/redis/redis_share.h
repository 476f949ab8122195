/* lib/adapters/redis/redis_share.h - the commands of several threads in one write.
 *
 * The first caller who comes leads: it waits until no other write is under way, takes a connection
 * out of the pool, sends what has been gathered until then, reads all answers and wakes the others
 * at once. So n calls cost the system calls of one, and one to wake. Each caller still gets the
 * answer to its own command, or a failure in its own words.
 *
 * SYNCHRONIZED. Not across fork(), as the pool.
 */
#ifndef RS_REDIS_SHARE_H
#define RS_REDIS_SHARE_H

#include "lib/adapters/redis/redis_pool.h"

struct rs_redis_share;

/* settings and pool are BORROWED until it is destroyed. E_NOMEM, E_IO. */
recsys_status rs_redis_share_create(const struct rs_redis_settings *settings,
                                    struct rs_redis_pool *pool, struct rs_redis_share **out,
                                    recsys_error *err);
/* No call may be running. */
void rs_redis_share_destroy(struct rs_redis_share *share);

/* A call begins; 1 if so many are under way now that its command should be shared. */
int rs_redis_share_enter(struct rs_redis_share *share);
void rs_redis_share_leave(struct rs_redis_share *share);

/* As rs_redis_ask(), in a write with others: *status is the result. 0: no write has room, and the
 * caller must take a connection of its own. Of a failure that all callers of a write meet, all but
 * one have an echo (lib/base/error.h). */
int rs_redis_share_ask(struct rs_redis_share *share, const struct rs_buffer *command,
                       const struct rs_redis_question *question, struct rs_redis_reply *reply,
                       uint64_t *incarnation, recsys_status *status, recsys_error *err);

void rs_redis_share_get_stats(struct rs_redis_share *share, recsys_redis_stats *out);

#endif
