/* lib/adapters/redis/redis_refusal.h - the meaning of an error reply. */
#ifndef RS_REDIS_REFUSAL_H
#define RS_REDIS_REFUSAL_H

#include "lib/adapters/redis/redis_reply.h"

/* Write a message about an error reply: the server's text and a hint. `secret` (NULL =
 * none) never appears, even if the server repeats it. Returns E_BACKEND, or
 * E_FORMAT if the server is well and only this key is not for this command. */
recsys_status rs_redis_refusal(const struct rs_redis_reply *reply, const char *where,
                               const char *command, const char *secret, recsys_error *err);

/* 1 if an error reply begins with these words; if they occur in it. */
int rs_redis_refusal_is(const struct rs_redis_reply *reply, const char *words);
int rs_redis_refusal_has(const struct rs_redis_reply *reply, const char *words);

#endif
