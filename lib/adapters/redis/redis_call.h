/* lib/adapters/redis/redis_call.h - one call: over a connection of its own, or in a write with
 * others.
 *
 * ONE THREAD AT A TIME; on the stack of the caller.
 */
#ifndef RS_REDIS_CALL_H
#define RS_REDIS_CALL_H

#include "lib/adapters/redis/redis_share.h"
#include "lib/adapters/redis/redis_sizes.h"

#define RS_REDIS_SMALL 4096u /* bytes of a command; only small ones are shared */

/* Which way commands go to a server. */
struct rs_redis_ways {
    struct rs_redis_settings *settings;
    struct rs_redis_pool *pool;
    struct rs_redis_share *share;
    struct rs_redis_sizes sizes;
};

struct rs_redis_call {
    struct rs_redis_ways *ways;
    struct rs_redis_command *command; /* to be written to */
    uint64_t incarnation;             /* of the server that answered */
    /* private */
    struct rs_redis_connection *connection; /* NULL: none yet, or a shared write */
    const recsys_bytes *keys;
    size_t n_keys;
    int may_share, was_large;
    recsys_status status;
    struct rs_redis_command small;
    char room[RS_REDIS_SMALL];
};

/* A call about these keys (BORROWED until its end), whose command has at most `n_more` arguments
 * besides them with `n_bytes` bytes. A failure shows in ask. */
void rs_redis_call_begin(struct rs_redis_call *call, struct rs_redis_ways *ways,
                         const recsys_bytes *keys, size_t n_keys, size_t n_more, size_t n_bytes,
                         recsys_error *err);
/* Send what was written to call->command and get the answer. May be called again. As
 * rs_redis_ask(), and as rs_redis_pool_acquire(). */
recsys_status rs_redis_call_ask(struct rs_redis_call *call,
                                const struct rs_redis_question *question,
                                struct rs_redis_reply *reply, recsys_error *err);
/* Always, also after a failure. */
void rs_redis_call_end(struct rs_redis_call *call);

#endif
